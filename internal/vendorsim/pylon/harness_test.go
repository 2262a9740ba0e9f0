package pylon

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract/contracttest"
)

const (
	fullToken = "pylon_us_full"
	readToken = "pylon_us_read"
)

var testNow = time.Date(2026, 7, 26, 12, 0, 0, 0, time.UTC)

func small(t testing.TB, change ...func(*Options)) *Vendor {
	t.Helper()
	o := Options{Token: fullToken, ReadToken: readToken, Seed: 7, Now: func() time.Time { return testNow }, Scale: SmallScale()}
	for _, c := range change {
		c(&o)
	}
	return New(o)
}

// reply is an answer, decoded.
type reply struct {
	status int
	header http.Header
	raw    []byte
	body   struct {
		Data       json.RawMessage `json:"data"`
		Pagination *struct {
			Cursor  *string `json:"cursor"`
			HasNext bool    `json:"has_next_page"`
		} `json:"pagination"`
		RequestID string   `json:"request_id"`
		Errors    []string `json:"errors"`
		Code      string   `json:"code"`
		ExistsID  string   `json:"exists_id"`
	}
}

// do sends a request with the full token; body may be nil, a string sent as it is, or anything to marshal.
func do(t testing.TB, v http.Handler, method, target string, body any, headers ...string) reply {
	t.Helper()
	w := contracttest.Send(t, v, method, target, body, append([]string{"Authorization", "Bearer " + fullToken}, headers...)...)
	out := reply{status: w.Code, header: w.Header(), raw: w.Body.Bytes()}
	if err := json.Unmarshal(out.raw, &out.body); err != nil {
		t.Fatalf("%s %s: answer is not JSON: %v\n%s", method, target, err, out.raw)
	}
	if out.body.RequestID == "" {
		t.Errorf("%s %s: no request_id", method, target)
	}
	if ct := w.Header().Get("Content-Type"); ct != "application/json" {
		t.Errorf("%s %s: Content-Type %q", method, target, ct)
	}
	return out
}

// ok is do for requests that must succeed; it returns data as an object.
func ok(t testing.TB, v http.Handler, method, target string, body any) map[string]any {
	t.Helper()
	rep := do(t, v, method, target, body)
	if rep.status != http.StatusOK {
		t.Fatalf("%s %s: status %d: %s", method, target, rep.status, rep.raw)
	}
	if rep.body.Data == nil {
		return nil
	}
	var out map[string]any
	if err := json.Unmarshal(rep.body.Data, &out); err != nil {
		t.Fatalf("%s %s: data is not an object: %s", method, target, rep.body.Data)
	}
	return out
}

// records decodes data as a list.
func (r reply) records(t testing.TB) []map[string]any {
	t.Helper()
	var out []map[string]any
	if err := json.Unmarshal(r.body.Data, &out); err != nil {
		t.Fatalf("data is not a list: %v\n%.300s", err, r.raw)
	}
	return out
}

// list is ok for lists.
func list(t testing.TB, v http.Handler, target string) []map[string]any {
	t.Helper()
	rep := do(t, v, "GET", target, nil)
	if rep.status != http.StatusOK {
		t.Fatalf("GET %s: status %d: %s", target, rep.status, rep.raw)
	}
	return rep.records(t)
}

// last30Days is the query of the 30 days before now.
func last30Days() string {
	return url.Values{
		"start_time": {testNow.Add(-30 * day).Format(time.RFC3339)}, "end_time": {testNow.Format(time.RFC3339)},
	}.Encode()
}

func ids(records []map[string]any) []string { return contracttest.IDs(records) }
