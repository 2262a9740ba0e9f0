package pdk_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// followed runs an operation without a cursor, and then with the one of the answer. It returns both
// requests, as method, path and query, and the last error.
func followed(t *testing.T, op pdk.Operation, params map[string]any, next string) (first, second string, err error) {
	t.Helper()
	r := pdktest.Run(t, with(op), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer, _ := json.Marshal(map[string]any{"rows": []any{}, "next": next})
		_, _ = w.Write(answer)
	}))
	run := func() json.RawMessage {
		encoded, _ := json.Marshal(params)
		input := json.RawMessage(encoded)
		var meta json.RawMessage
		if _, meta, err = r.Execute("things", "do", input); err != nil {
			return nil
		}
		var m struct {
			Next json.RawMessage `json:"next_cursor"`
		}
		_ = json.Unmarshal(meta, &m)
		return m.Next
	}
	if cursor := run(); err == nil && string(cursor) != "null" {
		params["cursor"] = cursor
		run()
	}
	line := func(i int) string {
		if len(r.Requests()) <= i {
			return ""
		}
		q := r.Requests()[i]
		return strings.TrimSuffix(q.Method+" "+q.Path+"?"+q.Query, "?")
	}
	return line(0), line(1), err
}

func TestPagesThatAURLLeadsTo(t *testing.T) {
	t.Parallel()
	several := pdk.Page{In: pdk.InQuery, By: pdk.ByURL, Cursor: "/next", LimitName: "PageSize", CursorNames: []string{"Page", "PageToken"}}
	path := pdk.Page{In: pdk.InQuery, By: pdk.ByURL, Cursor: "/next", Path: "/v1/{org}/query/{cursor}/rows"}
	alone := pdk.Page{In: pdk.InQuery, By: pdk.ByURL, Cursor: "/next", CursorName: "page_info", Alone: true}
	op := func(page pdk.Page) pdk.Operation {
		return pdk.Operation{Effect: pdk.Read, Method: "GET", Path: "/v1/{org}/query", Data: "/rows", Page: &page, Params: []pdk.Param{
			pdk.Path("org", pdk.String("")), pdk.Query("q", pdk.String("")), pdk.Query("v", nil).Const("2"), pdk.Query("sort", pdk.String("")).Send(`"asc"`),
		}}
	}
	for name, tt := range map[string]struct {
		page   pdk.Page
		next   string
		second string // or a part of the error
	}{
		"several parameters":    {several, "/2010/x.json?PageSize=50&Page=1&PageToken=PA%26%3Dq%C3%BC&q=evil", "GET /v1/o/query?q=a&v=2&sort=asc&PageSize=5&Page=1&PageToken=PA%26%3Dq%C3%BC"},
		"one of several":        {several, "https://elsewhere.example/?PageToken=t", "GET /v1/o/query?q=a&v=2&sort=asc&PageSize=5&PageToken=t"},
		"none of several":       {several, "https://elsewhere.example/?page=1", "has no parameter Page, PageToken"},
		"no next page":          {several, "", ""},
		"a path":                {path, "/services/data/v1/other/query/01g%20x-2000/rows?x=1", "GET /v1/o/query/01g%20x-2000/rows"},
		"a path of a whole URL": {path, "https://elsewhere.example/query/a/rows#f", "GET /v1/o/query/a/rows"},
		"another path":          {path, "/services/rows/a", "has another path than /v1/{org}/query/{cursor}/rows"},
		"a deeper path":         {path, "/query/a/b/rows", "has another path than"},
		"a path without an end": {path, "/query/rows", "has another path than"},
		"alone":                 {alone, "https://x.example/?page_info=abc&limit=5", "GET /v1/o/query?v=2&page_info=abc&limit=5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second, err := followed(t, op(tt.page), map[string]any{"org": "o", "q": "a", "limit": 5}, tt.next)
			limit := "limit"
			if tt.page.LimitName != "" {
				limit = tt.page.LimitName
			}
			if want := "GET /v1/o/query?q=a&v=2&sort=asc&" + limit + "=5"; first != want {
				t.Errorf("the first request is %s, want %s", first, want)
			}
			if ok := tt.second == "" || strings.HasPrefix(tt.second, "GET "); ok && (err != nil || second != tt.second) || !ok && (err == nil || !strings.Contains(err.Error(), tt.second)) {
				t.Errorf("%v: the second request is %s, want %s", err, second, tt.second)
			}
		})
	}
	// A caller cannot smuggle other parameters in, or make none of it.
	r := pdktest.Run(t, with(op(several)), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"rows":[]}`)) }))
	if _, _, err := r.Execute("things", "do", json.RawMessage(`{"org":"o","cursor":"Page=2&q=evil&v=9&admin=1"}`)); err != nil || r.Requests()[0].Query != "v=2&sort=asc&Page=2" {
		t.Errorf("%v: %s", err, r.Requests()[0].Query)
	}
	if _, _, err := r.Execute("things", "do", json.RawMessage(`{"org":"o","cursor":"q=evil"}`)); err == nil || !strings.Contains(err.Error(), "not one of this operation") {
		t.Errorf("%v", err)
	}
	if _, _, err := r.Execute("things", "do", json.RawMessage(`{"org":"o","Page":"2"}`)); err == nil {
		t.Error("a caller can give a part of the cursor")
	}
	if m := string(with(op(path)).Manifest()); !strings.Contains(m, `{"method":"GET","path":"/v1/{org}/query/{cursor}/rows"}`) {
		t.Errorf("the manifest does not declare the path of later pages: %s", m)
	}
}

func TestPlacesInsideABody(t *testing.T) {
	t.Parallel()
	free, text := pdk.Map(""), pdk.String("")
	params := []pdk.Param{
		pdk.Body("filter", free), pdk.Body("status", text).At("/filter/status"), pdk.Body("kind", nil).Const(`"note"`).At("/filter/kind"),
		pdk.Body("size", pdk.Integer("")).Send("25").At("/filter/page/size"), pdk.Body("a/b", text).At("/x~1y/z~0"),
	}
	whole := []pdk.Param{pdk.Body("all", free).Whole(), pdk.Body("kind", nil).Const(`1`).At("/a/kind"), pdk.Body("b", text)}
	for name, tt := range map[string]struct {
		op           pdk.Operation
		params, body string
	}{
		"defaults and constants":    {pdk.Operation{Params: params}, `{}`, `{"filter":{"kind":"note","page":{"size":25}}}`},
		"into what is there":        {pdk.Operation{Params: params}, `{"filter":{"a":1.0,"kind":"other"},"status":"open","a/b":"c"}`, `{"filter":{"a":1.0,"kind":"note","status":"open","page":{"size":25}},"x/y":{"z~":"c"}}`},
		"a default yields":          {pdk.Operation{Params: params}, `{"filter":{"page":{"size":3}}}`, `{"filter":{"page":{"size":3},"kind":"note"}}`},
		"a default yields to null":  {pdk.Operation{Params: params}, `{"filter":{"page":7}}`, `{"filter":{"page":7,"kind":"note"}}`},
		"given beats what is there": {pdk.Operation{Params: params}, `{"size":4,"filter":{"page":{"size":3}}}`, `{"filter":{"page":{"size":4},"kind":"note"}}`},
		"of a whole body":           {pdk.Operation{Params: whole}, `{"all":{"a":{"c":2},"b":"x"},"b":"y"}`, `{"b":"y","a":{"c":2,"kind":1}}`},
		"of variables":              {pdk.Operation{GraphQL: "{a}", Params: params[1:3]}, `{"status":"s"}`, `{"query":"{a}","variables":{"filter":{"status":"s","kind":"note"}}}`},
		"long":                      {pdk.Operation{Params: params}, `{"status":"` + strings.Repeat("x", 2000) + `"}`, `{"filter":{"status":"` + strings.Repeat("x", 2000) + `","kind":"note","page":{"size":25}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.op.Method, tt.op.Path = "POST", "/things"
			if r, err := sent(t, tt.op, tt.params); err != nil || r.Body != tt.body {
				t.Errorf("%v\ngot  %.300s\nwant %.300s", err, r.Body, tt.body)
			}
		})
	}
}
