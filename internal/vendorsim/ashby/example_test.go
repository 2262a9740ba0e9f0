package ashby_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/ashby"
)

func call(v http.Handler, key, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.SetBasicAuth(key, "")
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	v.ServeHTTP(w, r)
	return w
}

// State is real, and a syncToken finds what changed.
func ExampleNew() {
	v := ashby.New(ashby.Options{Token: "key", Scale: ashby.SmallScale()})
	var page struct{ SyncToken string }
	_ = json.Unmarshal(call(v, "key", "/candidate.list", `{"limit":100}`).Body.Bytes(), &page)
	call(v, "key", "/candidate.create", `{"name":"Ada Lovelace"}`)
	var changed struct {
		Results []struct{ Name string }
	}
	_ = json.Unmarshal(call(v, "key", "/candidate.list", `{"syncToken":"`+page.SyncToken+`"}`).Body.Bytes(), &changed)
	fmt.Println(changed.Results)
	// Output: [{Ada Lovelace}]
}

// A key without the permission is refused with 403; nearly everything else that goes wrong is a 200.
func ExampleOptions_keys() {
	v := ashby.New(ashby.Options{
		Keys:  []ashby.Key{{Token: "jobs", Permissions: []string{"jobsRead"}}},
		Scale: ashby.SmallScale(), Now: func() time.Time { return time.UnixMilli(0) },
	})
	w := call(v, "jobs", "/user.list", `{}`)
	fmt.Println(w.Code, w.Body)
	w = call(v, "jobs", "/job.info", `{"id":"17"}`)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 403 {"success":false,"errors":["missing_endpoint_permission"],"errorInfo":{"code":"missing_endpoint_permission","message":"This API key does not have the organizationRead permission, which user.list needs","requestId":"00000000000000000000000001"}}
	// 200 {"success":false,"errors":["invalid_input"],"errorInfo":{"code":"invalid_input","message":"id must be a UUID","requestId":"00000000000000000000000002"}}
}
