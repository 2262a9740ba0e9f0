package pylon

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/vendorsim/contract/contracttest"
)

// send calls an operation with a sample.
func send(t *testing.T, v *Vendor, op Operation, s Sample) reply {
	t.Helper()
	q := url.Values{}
	for name, value := range s.Query {
		q.Set(name, fmt.Sprint(value))
	}
	target := contracttest.Target(op.Path, s.Path, q)
	switch op.ContentType {
	case "":
		return do(t, v, op.Method, target, nil)
	case "multipart/form-data":
		var buf bytes.Buffer
		w := multipart.NewWriter(&buf)
		for name, value := range s.Body {
			_ = w.WriteField(name, value.(string))
		}
		_ = w.Close()
		return do(t, v, op.Method, target, buf.String(), "Content-Type", w.FormDataContentType())
	}
	return do(t, v, op.Method, target, s.Body)
}

// Every operation must answer a request with just what is required, and one with everything it takes.
func TestEveryOperationAnswers(t *testing.T) {
	t.Parallel()
	for _, full := range []bool{false, true} {
		v := small(t)
		for _, op := range Operations() {
			t.Run(fmt.Sprintf("%s full=%v", op.ID, full), func(t *testing.T) {
				sample := v.Sample(op, full)
				rep := send(t, v, op, sample)
				if rep.status != 200 {
					t.Fatalf("%s %v: %d %s", op.Route(), sample, rep.status, rep.raw)
				}
				if (rep.body.Pagination != nil) != op.Paginated {
					t.Errorf("pagination in the answer: %v, want %v", rep.body.Pagination != nil, op.Paginated)
				}
				if op.Method == "DELETE" {
					return
				}
				if rep.body.Data == nil {
					t.Error("no data")
				}
			})
		}
	}
}

// Leaving out any required parameter must be refused, and so must a parameter that the operation does not have.
func TestEveryOperationIsStrict(t *testing.T) {
	t.Parallel()
	v := small(t)
	routes := mergedRoutes()
	for _, op := range Operations() {
		for _, p := range op.Query {
			if p.Required {
				s := v.Sample(op, true)
				delete(s.Query, p.Name)
				if rep := send(t, v, op, s); rep.status != 400 || !strings.Contains(rep.body.Errors[0], p.Name) {
					t.Errorf("%s without %s: %d %s", op.ID, p.Name, rep.status, rep.raw)
				}
			}
		}
		for _, p := range routes[op.Route()].Body {
			if p.Required {
				s := v.Sample(op, true)
				delete(s.Body, p.Name)
				if rep := send(t, v, op, s); rep.status != 400 || !strings.Contains(rep.body.Errors[0], p.Name) {
					t.Errorf("%s without %s: %d %s", op.ID, p.Name, rep.status, rep.raw)
				}
			}
		}
		s := v.Sample(op, false)
		s.Query["surprise"] = "1"
		if rep := send(t, v, op, s); rep.status != 400 || !strings.Contains(rep.body.Errors[0], "surprise") {
			t.Errorf("%s with an unknown query parameter: %d %s", op.ID, rep.status, rep.raw)
		}
		if op.ContentType != "" {
			s := v.Sample(op, false)
			s.Body["surprise"] = "1"
			if rep := send(t, v, op, s); rep.status != 400 || !strings.Contains(rep.body.Errors[0], "surprise") {
				t.Errorf("%s with an unknown field: %d %s", op.ID, rep.status, rep.raw)
			}
		}
	}
}

func TestSampleDoesNotTouchOtherRecords(t *testing.T) {
	t.Parallel()
	v := small(t)
	before := string(do(t, v, "GET", "/accounts?limit=999", nil).body.Data)
	for _, op := range Operations() {
		v.Sample(op, true)
	}
	if after := string(do(t, v, "GET", "/accounts?limit=999", nil).body.Data); after != before {
		t.Error("making samples changed the accounts")
	}
}
