package main

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// wireCase is an operation with every parameter that it has, and the request that
// must come of it. The cases in testdata/wire.json were made from the vendor's
// OpenAPI file and from Airbyte's list of operations, not from the tables here.
type wireCase struct {
	Entity, Action string
	Required       []string
	Params         map[string]json.RawMessage
	Method, URL    string
	Body           json.RawMessage
}

func wireCases(t *testing.T) []wireCase {
	t.Helper()
	text, err := os.ReadFile("testdata/wire.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []wireCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// answer fits every operation: its data is an array for lists.
func answer(list bool) string {
	data := `{"id":"x"}`
	if list {
		data = `[{"id":"x"}]`
	}
	return `{"data":` + data + `,"request_id":"req_1","pagination":{"cursor":"next","has_next_page":true}}`
}

func isList(entity, action string) bool {
	return action == "list" || action == "search" || entity+"."+action == "issue_followers.update"
}

func TestEveryOperationOnTheWire(t *testing.T) {
	var vendor http.Handler
	r := pdktest.Run(t, &connector, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { vendor.ServeHTTP(w, q) }))
	for _, c := range wireCases(t) {
		t.Run(c.Entity+"."+c.Action, func(t *testing.T) {
			body := string(c.Body)
			if body == "null" {
				body = ""
			}
			list := isList(c.Entity, c.Action)
			vendor = pdktest.Script(t, pdktest.Exchange{Method: c.Method, URL: c.URL, Body: body, Answer: answer(list)})
			data, meta, err := r.Execute(c.Entity, c.Action, c.Params)
			if err != nil {
				t.Fatal(err)
			}
			want := `{"id":"x"}`
			if list {
				want = `[{"id":"x"}]`
			}
			if string(data) != want {
				t.Errorf("data is %s, want %s", data, want)
			}
			var m map[string]any
			if err := json.Unmarshal(meta, &m); err != nil {
				t.Fatal(err)
			}
			if m["request_id"] != "req_1" {
				t.Errorf("meta has no request_id: %s", meta)
			}
			if _, paginated := c.Params["cursor"]; paginated && (m["next_cursor"] != "next" || m["has_more"] != true || m["has_next_page"] != true) {
				t.Errorf("meta of a page is %s", meta)
			}
			wantType := ""
			if body != "" {
				wantType = "application/json"
			}
			if got := r.Requests()[len(r.Requests())-1].Header.Get("Content-Type"); got != wantType {
				t.Errorf("Content-Type is %q, want %q", got, wantType)
			}
		})
	}
}

func TestOnlyRequiredParameters(t *testing.T) {
	var vendor http.Handler
	r := pdktest.Run(t, &connector, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { vendor.ServeHTTP(w, q) }))
	for _, c := range wireCases(t) {
		t.Run(c.Entity+"."+c.Action, func(t *testing.T) {
			params := map[string]json.RawMessage{}
			for _, name := range c.Required {
				params[name] = c.Params[name]
			}
			vendor = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				if q.URL.RawQuery != "" {
					for name := range q.URL.Query() {
						if !slices.Contains(c.Required, name) {
							t.Errorf("sent %s, which was not given", name)
						}
					}
				}
				if _, err := w.Write([]byte(answer(isList(c.Entity, c.Action)))); err != nil {
					t.Error(err)
				}
			})
			if _, _, err := r.Execute(c.Entity, c.Action, params); err != nil {
				t.Fatal(err)
			}
			if body := r.Requests()[len(r.Requests())-1].Body; string(c.Body) != "null" && !strings.HasPrefix(body, "{") {
				t.Errorf("the body is %q", body)
			}
			for _, name := range c.Required {
				delete(params, name)
				if _, _, err := r.Execute(c.Entity, c.Action, params); err == nil || !strings.Contains(err.Error(), name) {
					t.Errorf("without %s: %v", name, err)
				}
				params[name] = c.Params[name]
			}
		})
	}
}

func TestOperationsAreExactlyThese(t *testing.T) {
	want := []string{"attachments.create"}
	for _, c := range wireCases(t) {
		want = append(want, c.Entity+"."+c.Action)
	}
	var got []string
	for _, op := range connector.Operations {
		got = append(got, op.Entity+"."+op.Action)
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(got) != 76 || !slices.Equal(got, want) {
		t.Errorf("%d operations:\n%v\nwant\n%v", len(got), got, want)
	}
}

// TestNoOtherParameters keeps the tables from growing parameters that the facts
// do not have; null in a case stands for an operation without a body.
func TestNoOtherParameters(t *testing.T) {
	for _, c := range wireCases(t) {
		op := connector.Operations[slices.IndexFunc(connector.Operations, func(op pdk.Operation) bool {
			return op.Entity == c.Entity && op.Action == c.Action
		})]
		for _, p := range op.Parameters() {
			if _, ok := c.Params[p.Name]; !ok {
				t.Errorf("%s.%s has the parameter %s", c.Entity, c.Action, p.Name)
			}
			if p.Required != slices.Contains(c.Required, p.Name) {
				t.Errorf("%s.%s: %s is required: %v", c.Entity, c.Action, p.Name, p.Required)
			}
		}
	}
}
