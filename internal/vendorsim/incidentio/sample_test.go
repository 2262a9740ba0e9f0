package incidentio

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
	"github.com/agenthost/agenthost/internal/vendorsim/contract/contracttest"
)

// send calls an operation with a sample.
func send(t *testing.T, v *Vendor, op Operation, s Sample) reply {
	t.Helper()
	target := contracttest.Target(op.Path, s.Path, EncodeQuery(s.Query))
	headers := []string{}
	if s.AlertSourceToken != "" {
		headers = []string{"Authorization", "Bearer " + s.AlertSourceToken}
	}
	if op.ContentType == "" {
		return do(t, v, op.Method, target, nil, headers...)
	}
	return do(t, v, op.Method, target, s.Body, headers...)
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
				want := op.Status
				if want == 0 {
					want = 200
				}
				if rep.status != want {
					t.Fatalf("%s %v: %d %s", op.Route(), sample, rep.status, rep.raw)
				}
				if (rep.body["pagination_meta"] != nil) != op.Paginated {
					t.Errorf("pagination_meta in the answer: %v, want %v", rep.body["pagination_meta"] != nil, op.Paginated)
				}
				if op.Record != "" && rep.body[op.Record] == nil {
					t.Errorf("no %s in the answer: %s", op.Record, rep.raw)
				}
			})
		}
	}
}

// Leaving out any required parameter must be refused, and so must a parameter that the operation does not have.
func TestEveryOperationIsStrict(t *testing.T) {
	t.Parallel()
	v := small(t)
	refused := func(op Operation, rep reply, code, field string) {
		t.Helper()
		if rep.status != 422 || rep.fault.Type != kindValidation || rep.fault.Errors[0].Code != code || !strings.Contains(rep.fault.Errors[0].Source.Field, field) {
			t.Errorf("%s, %s: %d %s", op.ID, field, rep.status, rep.raw)
		}
	}
	for _, op := range Operations() {
		for _, p := range op.Query {
			if p.Required {
				s := v.Sample(op, true)
				delete(s.Query, p.Name)
				refused(op, send(t, v, op, s), codeRequired, p.Name)
			}
		}
		strictFields(op.Body, nil, func(path []string, p Param) {
			s := v.Sample(op, true)
			parent := s.Body
			for _, name := range path {
				switch inner := parent[name].(type) {
				case map[string]any:
					parent = inner
				case []any:
					parent = inner[0].(map[string]any)
				}
			}
			if p.Required {
				delete(parent, p.Name)
				refused(op, send(t, v, op, s), codeRequired, p.Name)
			}
			if _, sent := parent[p.Name]; sent || p.Required {
				parent[p.Name] = nil
				refused(op, send(t, v, op, s), codeInvalid, p.Name)
			}
		})
		s := v.Sample(op, false)
		s.Query["surprise"] = "1"
		refused(op, send(t, v, op, s), codeInvalid, "surprise")
		if op.ContentType != "" {
			s := v.Sample(op, false)
			s.Body["surprise"] = "1"
			refused(op, send(t, v, op, s), codeInvalid, "surprise")
		} else if rep := do(t, v, op.Method, op.Path, "{}"); rep.status != 400 && rep.status != 422 {
			t.Errorf("%s with a body: %d", op.ID, rep.status)
		}
	}
}

// strictFields visits every declared field, however deep.
func strictFields(params []Param, path []string, visit func(path []string, p Param)) {
	for _, p := range params {
		visit(path, p)
		strictFields(p.Fields, append(path[:len(path):len(path)], p.Name), visit)
	}
}

func TestSampleDoesNotTouchRecords(t *testing.T) {
	t.Parallel()
	v := small(t)
	read := func() string {
		return string(do(t, v, "GET", "/v2/incidents?page_size=250", nil).raw) + string(do(t, v, "GET", "/v3/catalog_types", nil).raw)
	}
	before := read()
	for _, op := range Operations() {
		v.Sample(op, true)
	}
	if read() != before {
		t.Error("making samples changed records")
	}
}

// The declarations must be such that the checks can understand them.
func TestDeclarations(t *testing.T) {
	t.Parallel()
	for _, op := range Operations() {
		strictFields(append(op.Query[:len(op.Query):len(op.Query)], op.Body...), nil, func(path []string, p Param) {
			if p.Type == "array" && p.Items == "" || !slices.Contains([]string{"string", "integer", "boolean", "object", "array"}, p.Type) {
				t.Errorf("%s %v.%s: type %q of %q", op.ID, path, p.Name, p.Type, p.Items)
			}
			if p.Type == "integer" && p.Name == "page_size" && (p.Min != 1 || p.Max == 0 || p.Default != 25) {
				t.Errorf("%s: page_size %+v", op.ID, p)
			}
		})
		if op.Paginated != (contract.ParamNamed(op.Query, "page_size") != nil) {
			t.Errorf("%s: paginated %v", op.ID, op.Paginated)
		}
		if op.Deprecated != (op.Successor != "") {
			t.Errorf("%s: deprecated without successor", op.ID)
		}
	}
}
