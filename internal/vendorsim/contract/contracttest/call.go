// Package contracttest holds what the tests of simulated vendors have in common: sending a request to one without a
// network, and measuring how long it takes to answer.
package contracttest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Call sends a request and returns the answer. A body that is not empty is called application/json. Headers are names
// and values in turn; the last value of a name wins, and an empty one leaves the header out.
func Call(v http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, target, strings.NewReader(body))
	if body != "" {
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
	return w
}

// Send is [Call] with a body that may be nil, a string sent as it is, or anything to marshal; what is not nil is called
// application/json even where it is empty.
func Send(t testing.TB, v http.Handler, method, target string, body any, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	if body == nil {
		return Call(v, method, target, "", headers...)
	}
	text, ok := body.(string)
	if !ok {
		encoded, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		text = string(encoded)
	}
	return Call(v, method, target, text, append([]string{"Content-Type", "application/json"}, headers...)...)
}

// Target fills a path template such as "/issues/{id}", a segment for each variable, and puts the query behind it.
func Target(template string, vars map[string]string, query url.Values) string {
	for name, value := range vars {
		template = strings.ReplaceAll(template, "{"+name+"}", url.PathEscape(value))
	}
	if len(query) > 0 {
		template += "?" + query.Encode()
	}
	return template
}

// IDs is the "id" of each record; "" for a record without one.
func IDs(records []map[string]any) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i], _ = r["id"].(string)
	}
	return out
}

// Measure serves r over and over and throws the answers away. The benchmark fails for an answer that is not 200.
func Measure(b *testing.B, v http.Handler, r *http.Request) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		w := &discard{header: http.Header{}}
		v.ServeHTTP(w, r)
		if w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	}
}

type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
