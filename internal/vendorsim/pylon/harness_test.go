package pylon

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
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
	var rd io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		rd = strings.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		rd = bytes.NewReader(j)
	}
	r := httptest.NewRequest(method, target, rd)
	r.Header.Set("Authorization", "Bearer "+fullToken)
	if rd != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	v.ServeHTTP(w, r)
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

func ids(records []map[string]any) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i], _ = r["id"].(string)
	}
	return out
}
