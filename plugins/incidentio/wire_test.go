package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/pdktest"
)

// wireCase is an operation with every parameter that it has, and the request that
// must come of it. The cases in testdata/wire.json were made from the vendor's
// OpenAPI file and from Airbyte's list of operations, not from the tables here.
type wireCase struct {
	pdktest.WireCase
	Method, Path string
	Query        url.Values
	// Always is the query even where the caller gives none of it.
	Always url.Values
	Body   json.RawMessage
	// Record is where the answer has its records, empty where it is one.
	Record    string
	Paginated bool
}

func wireCases(t *testing.T) []wireCase {
	t.Helper()
	return pdktest.ReadCases[wireCase](t, "testdata/wire.json")
}

func (c *wireCase) list() bool {
	return strings.HasPrefix(c.Action, "list") && c.Entity != "schedule_entries"
}

// data is what the records of the answer are.
func (c *wireCase) data() string {
	if c.list() {
		return `[{"id":"x"}]`
	}
	return `{"id":"x"}`
}

func (c *wireCase) answer() string {
	if c.Record == "" {
		return c.data()
	}
	return `{"` + c.Record + `":` + c.data() + `,"pagination_meta":{"after":"next","page_size":12,"total_record_count":99}}`
}

// answering is a vendor that answers everything alike.
func answering(t *testing.T, answer string) http.Handler {
	t.Helper()
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if _, err := w.Write([]byte(answer)); err != nil {
			t.Error(err)
		}
	})
}

func TestEveryOperationOnTheWire(t *testing.T) {
	runner := pdktest.Run(t, &connector, nil)
	for _, c := range wireCases(t) {
		t.Run(c.Name(), func(t *testing.T) {
			r := runner.With(t, answering(t, c.answer()))
			data, meta, err := r.Execute(c.Entity, c.Action, c.Params)
			if err != nil {
				t.Fatal(err)
			}
			if string(data) != c.data() {
				t.Errorf("data is %s, want %s", data, c.data())
			}
			wantMeta := `{}`
			if c.Paginated {
				wantMeta = `{"after":"next","page_size":12,"total_record_count":99,"next_cursor":"next","has_more":true}`
			}
			if len(meta) == 0 && !c.Paginated {
				meta = json.RawMessage(`{}`)
			}
			if string(meta) != wantMeta {
				t.Errorf("meta is %s, want %s", meta, wantMeta)
			}
			sent := r.Requests()[0]
			checkRequest(t, sent, c.Method, c.Path, c.Query)
			if want := string(c.Body); want == "null" {
				if sent.Body != "" || sent.Header.Get("Content-Type") != "" {
					t.Errorf("sent the body %s", sent.Body)
				}
			} else if !sameJSON(t, sent.Body, want) || sent.Header.Get("Content-Type") != "application/json" {
				t.Errorf("sent the body\n%s\nwant\n%s", sent.Body, want)
			}
		})
	}
}

func checkRequest(t *testing.T, sent pdktest.Request, method, path string, query url.Values) {
	t.Helper()
	if sent.Method != method || unescaped(t, sent.Path) != unescaped(t, path) {
		t.Errorf("sent %s %s, want %s %s", sent.Method, sent.Path, method, path)
	}
	got, err := url.ParseQuery(sent.Query)
	if err != nil || !maps.EqualFunc(got, query, slices.Equal) {
		t.Errorf("sent the query\n%v, want\n%v", got, query)
	}
}

// unescaped is a path whose segments show every byte, since some need an escape and others
// may have one.
func unescaped(t *testing.T, path string) string {
	t.Helper()
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		text, err := url.PathUnescape(segment)
		if err != nil {
			t.Fatal(err)
		}
		segments[i] = strconv.Quote(text)
	}
	return strings.Join(segments, "/")
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	return reflect.DeepEqual(x, y)
}

func TestOnlyRequiredParameters(t *testing.T) {
	runner := pdktest.Run(t, &connector, nil)
	for _, c := range wireCases(t) {
		t.Run(c.Name(), func(t *testing.T) {
			query := maps.Clone(c.Always)
			if query == nil {
				query = url.Values{}
			}
			for _, name := range c.Required {
				if values := c.Query[name]; values != nil {
					query[name] = values
				}
			}
			r := runner.With(t, answering(t, c.answer()))
			r.CheckLeast(c.WireCase)
			sent := r.Requests()[0]
			checkRequest(t, sent, c.Method, c.Path, query)
			if string(c.Body) != "null" && !strings.HasPrefix(sent.Body, "{") {
				t.Errorf("the body is %q", sent.Body)
			}
		})
	}
}

func TestOperationsAreExactlyThese(t *testing.T) {
	var want []string
	for _, c := range wireCases(t) {
		want = append(want, c.Name())
	}
	if len(want) != 78 {
		t.Errorf("%d operations are wanted", len(want))
	}
	pdktest.Run(t, &connector, nil).CheckOperations(want...)
}

// TestNoOtherParameters keeps the tables from growing parameters that the facts do
// not have.
func TestNoOtherParameters(t *testing.T) {
	r := pdktest.Run(t, &connector, nil)
	for _, c := range wireCases(t) {
		paginated := r.Operation(c.Entity, c.Action).Page != nil
		if paginated != c.Paginated {
			t.Errorf("%s is paginated: %v", c.Name(), paginated)
		}
		if c.Paginated {
			r.CheckParameters(c.WireCase, "cursor", "limit")
		} else {
			r.CheckParameters(c.WireCase)
		}
	}
}

func TestUniformPagination(t *testing.T) {
	runner := pdktest.Run(t, &connector, nil)
	for _, c := range wireCases(t) {
		if !c.Paginated {
			continue
		}
		params := map[string]any{"cursor": "c/1", "limit": 7}
		query := url.Values{"after": {"c/1"}, "page_size": {"7"}}
		for _, name := range c.Required {
			params[name], query[name] = c.Params[name], c.Query[name]
		}
		for end, meta := range map[string]string{
			`{}`:             `{"after":null,"next_cursor":null,"has_more":false}`,
			`{"after":null}`: `{"after":null,"next_cursor":null,"has_more":false}`,
			`{"after":"d"}`:  `{"after":"d","next_cursor":"d","has_more":true}`,
		} {
			r := runner.With(t, answering(t, `{"`+c.Record+`":[],"pagination_meta":`+end+`}`))
			_, got, err := r.Execute(c.Entity, c.Action, params)
			if err != nil || string(got) != meta {
				t.Errorf("%s, %s: %s, %v", c.Name(), end, got, err)
			}
			checkRequest(t, r.Requests()[0], c.Method, c.Path, query)
		}
	}
}
