package incidentio

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract/contracttest"
)

const (
	fullToken = "inc_full"
	readToken = "inc_read"
)

var testNow = time.Date(2026, 8, 20, 12, 0, 0, 0, time.UTC)

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
	body   map[string]json.RawMessage
	fault  struct {
		Type      string `json:"type"`
		Status    int    `json:"status"`
		RequestID string `json:"request_id"`
		RateLimit *struct {
			Name       string    `json:"name"`
			Limit      int       `json:"limit"`
			Remaining  int       `json:"remaining"`
			RetryAfter time.Time `json:"retry_after"`
		} `json:"rate_limit"`
		Errors []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
			Source  struct {
				Field string `json:"field"`
			} `json:"source"`
		} `json:"errors"`
	}
	page struct {
		After    *string `json:"after"`
		PageSize int     `json:"page_size"`
		Total    *int    `json:"total_record_count"`
	}
}

// do sends a request with the full key; body may be nil, a string sent as it is, or anything to marshal.
func do(t testing.TB, v http.Handler, method, target string, body any, headers ...string) reply {
	t.Helper()
	w := contracttest.Send(t, v, method, target, body, append([]string{"Authorization", "Bearer " + fullToken}, headers...)...)
	out := reply{status: w.Code, header: w.Header(), raw: w.Body.Bytes()}
	if out.status < 300 && len(out.raw) == 0 || out.status == http.StatusNoContent {
		if len(out.raw) > 0 || w.Header().Get("Content-Type") != "" {
			t.Errorf("%s %s: 204 with a body", method, target)
		}
		return out
	}
	if ct := w.Header().Get("Content-Type"); ct != "application/json" {
		t.Errorf("%s %s: Content-Type %q", method, target, ct)
	}
	if err := json.Unmarshal(out.raw, &out.body); err != nil {
		t.Fatalf("%s %s: answer is not JSON: %v\n%s", method, target, err, out.raw)
	}
	if out.status < 300 {
		if meta := out.body["pagination_meta"]; meta != nil {
			if err := json.Unmarshal(meta, &out.page); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	if err := json.Unmarshal(out.raw, &out.fault); err != nil {
		t.Fatal(err)
	}
	if f := out.fault; f.Type == "" || f.Status != out.status || f.RequestID == "" || len(f.Errors) == 0 || f.Errors[0].Code == "" || f.Errors[0].Message == "" {
		t.Errorf("%s %s: not the vendor's error body: %s", method, target, out.raw)
	}
	return out
}

// ok is do for requests that must succeed; it returns the record.
func ok(t testing.TB, v http.Handler, method, target string, body any) map[string]any {
	t.Helper()
	rep := do(t, v, method, target, body)
	if rep.status >= 300 {
		t.Fatalf("%s %s: status %d: %s", method, target, rep.status, rep.raw)
	}
	for key, raw := range rep.body {
		if key == "pagination_meta" {
			continue
		}
		var out map[string]any
		if err := json.Unmarshal(raw, &out); err != nil {
			t.Fatalf("%s %s: %s is not an object: %s", method, target, key, raw)
		}
		return out
	}
	return nil
}

// records is the list in the answer.
func (r reply) records(t testing.TB) []map[string]any {
	t.Helper()
	for key, raw := range r.body {
		if key == "pagination_meta" {
			continue
		}
		var out []map[string]any
		if err := json.Unmarshal(raw, &out); err != nil {
			t.Fatalf("%s is not a list: %v\n%.300s", key, err, r.raw)
		}
		return out
	}
	t.Fatalf("no list: %s", r.raw)
	return nil
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

func ids(records []map[string]any) []string { return contracttest.IDs(records) }

// rowIDs is the ids of what is stored and matches.
func rowIDs[T any](t *table[T], match func(*T) bool) []string {
	out := []string{}
	for _, r := range t.Rows {
		if match == nil || match(&r.Val) {
			out = append(out, r.ID)
		}
	}
	return out
}
