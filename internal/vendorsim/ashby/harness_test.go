package ashby

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract/contracttest"
)

const (
	fullToken = "ashby_full"
	readToken = "ashby_read"
)

var testNow = time.Date(2026, 7, 26, 12, 0, 0, 0, time.UTC)

type m = map[string]any

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
		Success   bool            `json:"success"`
		Results   json.RawMessage `json:"results"`
		More      *bool           `json:"moreDataAvailable"`
		Next      string          `json:"nextCursor"`
		SyncToken string          `json:"syncToken"`
		Warnings  []string        `json:"warnings"`
		Errors    []string        `json:"errors"`
		ErrorInfo struct {
			Code      string `json:"code"`
			Message   string `json:"message"`
			RequestID string `json:"requestId"`
		} `json:"errorInfo"`
	}
}

// do posts to a path with the full token; body may be nil, a string sent as it is, or anything to marshal. Headers set to
// "" are left out.
func do(t testing.TB, v http.Handler, path string, body any, headers ...string) reply {
	t.Helper()
	return send(t, v, "POST", path, body, headers...)
}

func send(t testing.TB, v http.Handler, method, target string, body any, headers ...string) reply {
	t.Helper()
	w := contracttest.Send(t, v, method, target, body, append([]string{"Authorization", basic(fullToken + ":")}, headers...)...)
	out := reply{status: w.Code, header: w.Header(), raw: w.Body.Bytes()}
	if err := json.Unmarshal(out.raw, &out.body); err != nil {
		t.Fatalf("%s: answer is not JSON: %v\n%s", target, err, out.raw)
	}
	if out.body.Success == (out.body.ErrorInfo.Code != "") || !out.body.Success && (len(out.body.Errors) != 1 || out.body.ErrorInfo.Message == "" || out.body.Results != nil) {
		t.Errorf("%s: neither a success nor a failure: %.300s", target, out.raw)
	}
	id := map[string][]string(out.header)["x-ashby-request-id"] // as the vendor writes it, not in Go's canonical form
	if len(id) != 1 || len(id[0]) != 26 || !out.body.Success && out.body.ErrorInfo.RequestID != id[0] {
		t.Errorf("%s: request id %q, in the body %q", target, id, out.body.ErrorInfo.RequestID)
	}
	return out
}

// ok is do for requests that must succeed; it returns results as an object.
func ok(t testing.TB, v http.Handler, path string, body any) m {
	t.Helper()
	rep := do(t, v, path, body)
	var out m
	if rep.status != http.StatusOK || !rep.body.Success || json.Unmarshal(rep.body.Results, &out) != nil {
		t.Fatalf("%s: %d %.600s", path, rep.status, rep.raw)
	}
	return out
}

// list is ok for lists.
func list(t testing.TB, v http.Handler, path string, body any) []m {
	t.Helper()
	rep := do(t, v, path, body)
	if rep.status != http.StatusOK || !rep.body.Success {
		t.Fatalf("%s: %d %.600s", path, rep.status, rep.raw)
	}
	return rep.records(t)
}

// refused is do for requests that must fail with a code, and with 200.
func refused(t testing.TB, v http.Handler, path string, body any, code string) {
	t.Helper()
	if rep := do(t, v, path, body); rep.status != 200 || rep.body.ErrorInfo.Code != code {
		t.Errorf("%s %v: %d %.300s, want %s", path, body, rep.status, rep.raw, code)
	}
}

// records decodes results as a list.
func (r reply) records(t testing.TB) []m {
	t.Helper()
	var out []m
	if err := json.Unmarshal(r.body.Results, &out); err != nil || out == nil {
		t.Fatalf("results is not a list: %v\n%.300s", err, r.raw)
	}
	return out
}

func ids(records []m) []string { return contracttest.IDs(records) }

// at follows a dotted path of keys and writes what is there as text; "" when there is nothing.
func at(v any, path string) string {
	for key := range strings.SplitSeq(path, ".") {
		o, _ := v.(m)
		v = o[key]
	}
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
