package pylon_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/agenthost/agenthost/internal/vendorsim/contract/contracttest"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
)

func call(v http.Handler, token, method, target, body string) *httptest.ResponseRecorder {
	return contracttest.Call(v, method, target, body, "Authorization", "Bearer "+token)
}

// State is real: what is created can be fetched, by number too.
func ExampleNew() {
	v := pylon.New(pylon.Options{Token: "pylon_us_full", Scale: pylon.SmallScale()})
	call(v, "pylon_us_full", "POST", "/issues", `{"title":"Printer on fire","body_html":"<p>Help</p>"}`)
	w := call(v, "pylon_us_full", "GET", "/issues/1121", "")
	fmt.Println(w.Code, strings.Contains(w.Body.String(), "Printer on fire"))
	// Output: 200 true
}

// A token without write permission gets Pylon's own error body.
func ExampleOptions_readToken() {
	v := pylon.New(pylon.Options{ReadToken: "pylon_us_read", Scale: pylon.SmallScale(), Seed: 1})
	fmt.Println(call(v, "pylon_us_read", "DELETE", "/issues/1001", "").Body)
	// Output: {"errors":["this token may not write"],"request_id":"9e3779b8-0000000000000001","code":"permission_denied"}
}
