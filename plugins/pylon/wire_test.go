package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/pdktest"
)

// wireCase is an operation with every parameter that it has, and the request that
// must come of it. The cases in testdata/wire.json were made from the vendor's
// OpenAPI file and from Airbyte's list of operations, not from the tables here.
type wireCase struct {
	pdktest.WireCase
	Method, URL string
	Body        json.RawMessage
}

func wireCases(t *testing.T) []wireCase {
	t.Helper()
	return pdktest.ReadCases[wireCase](t, "testdata/wire.json")
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
	runner := pdktest.Run(t, &connector, nil)
	for _, c := range wireCases(t) {
		t.Run(c.Name(), func(t *testing.T) {
			body := string(c.Body)
			if body == "null" {
				body = ""
			}
			list := isList(c.Entity, c.Action)
			r := runner.With(t, pdktest.Script(t, pdktest.Exchange{Method: c.Method, URL: c.URL, Body: body, Answer: answer(list)}))
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
			if got := r.Requests()[0].Header.Get("Content-Type"); got != wantType {
				t.Errorf("Content-Type is %q, want %q", got, wantType)
			}
		})
	}
}

func TestOnlyRequiredParameters(t *testing.T) {
	runner := pdktest.Run(t, &connector, nil)
	for _, c := range wireCases(t) {
		t.Run(c.Name(), func(t *testing.T) {
			r := runner.With(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				for name := range q.URL.Query() {
					if !slices.Contains(c.Required, name) {
						t.Errorf("sent %s, which was not given", name)
					}
				}
				if _, err := w.Write([]byte(answer(isList(c.Entity, c.Action)))); err != nil {
					t.Error(err)
				}
			}))
			r.CheckLeast(c.WireCase)
			if body := r.Requests()[0].Body; string(c.Body) != "null" && !strings.HasPrefix(body, "{") {
				t.Errorf("the body is %q", body)
			}
		})
	}
}

func TestOperationsAreExactlyThese(t *testing.T) {
	want := []string{"attachments.create"}
	for _, c := range wireCases(t) {
		want = append(want, c.Name())
	}
	if len(want) != 95 {
		t.Errorf("%d operations are wanted", len(want))
	}
	pdktest.Run(t, &connector, nil).CheckOperations(want...)
}

// TestNoOtherParameters keeps the tables from growing parameters that the facts
// do not have; null in a case stands for an operation without a body.
func TestNoOtherParameters(t *testing.T) {
	r := pdktest.Run(t, &connector, nil)
	for _, c := range wireCases(t) {
		r.CheckParameters(c.WireCase)
	}
}
