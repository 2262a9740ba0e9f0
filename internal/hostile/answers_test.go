package hostile_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/budget"
)

// script is an answer that a server was told to give.
type script struct {
	mu     sync.Mutex
	status int
	header http.Header
	body   string
}

func (s *script) answer(status int, header http.Header, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.header, s.body = status, header, body
}

func (s *script) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	for name, values := range s.header {
		w.Header()[name] = values
	}
	w.WriteHeader(s.status)
	_, _ = w.Write([]byte(s.body)) // who does not read on has had enough
}

// vendor answers every request with what it was last given.
type vendor struct {
	*httptest.Server
	script
}

func newVendor(t *testing.T) *vendor {
	v := &vendor{}
	v.Server = httptest.NewServer(&v.script)
	t.Cleanup(v.Close)
	return v
}

// answer is an answer of a vendor to a read, whose fields are selected and which is made to
// fit as for a model.
func answer(_ *testing.T, l *lab, s *source) attack {
	most := one(s, 200, 5000, 100_000, 1<<20)
	if s.IntN(20) == 0 {
		most = 8 << 20
	}
	record := map[string]any{"id": "iss_1", "title": "x", "state": "new", "tags": []any{"a"}, "custom_fields": map[string]any{"a": map[string]any{"value": "x"}}, "account": map[string]any{"id": "a"}}
	list := s.IntN(2) == 0
	document := map[string]any{"data": record, "request_id": "r"}
	if list {
		document["data"], document["pagination"] = []any{record}, map[string]any{"cursor": "c", "has_next_page": true}
	}
	body := s.marked(document, s.value(most))
	switch s.IntN(12) {
	case 0:
		body = s.value(most)
	case 1: // levels on the way of a path
		depth := 1 + s.IntN(31)
		body = `{"data":` + strings.Repeat(`{"a":`+strings.Repeat("[", 7), depth) + strings.Repeat("1,", s.size(most)) + "1" + strings.Repeat(strings.Repeat("]", 7)+"}", depth) + "}"
	}
	status := one(s, 200, 200, 200, 200, 201, 204, 206, 301, 304, 400, 401, 404, 422, 429, 500, 503)
	header := make(http.Header)
	odd := one(s, "Retry-After", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "Ratelimit", "Content-Type", "Content-Encoding", "Location", "X-Request-Id")
	header[odd] = []string{one(s, s.number(400), "-1", "1e99999999", "Fri, 31 Dec 9999 23:59:59 GMT", "99999999999999999999", strings.Repeat("9", 2000), "gzip", `"q";r=`+s.number(300)+";t=1", "//evil.example", token)}
	if s.IntN(3) > 0 {
		header = nil
	}
	fields := one(s, nil, nil, []string{strings.Repeat("a.", 31) + "a", "id"}, []string{"custom_fields.a.value"})
	action := one(s, "get", "list")
	if list {
		action = "list"
	}
	return attack{fmt.Sprintf("answer %d to %s: %.100s", status, action, body), func(ctx context.Context) error {
		l.vendor.answer(status, header, body)
		result, err := l.host.Execute(ctx, "lab", host.Call{Entity: "issues", Action: action, Params: good(action), Select: fields})
		if err != nil {
			return err
		}
		short, _ := budget.Fit(budget.Escape(result.Data), 20_000)
		if !json.Valid(short) || strings.Contains(string(result.Data), token) {
			return fmt.Errorf("INVALID: the answer is shown as %.200s", short)
		}
		return nil
	}, body}
}

// good are parameters of issues that nothing is wrong with.
func good(action string) host.Params {
	if action == "list" {
		return host.Params{"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-02T00:00:00Z"}
	}
	return host.Params{"id": "iss_1"}
}
