package pdk_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// sent runs an operation and returns its only request.
func sent(t *testing.T, op pdk.Operation, params string) (pdktest.Request, error) {
	t.Helper()
	r := pdktest.Run(t, with(op), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) }))
	_, _, err := r.Execute("things", "do", json.RawMessage(params))
	if len(r.Requests()) == 0 {
		return pdktest.Request{}, err
	}
	return r.Requests()[0], err
}

func TestBodies(t *testing.T) {
	t.Parallel()
	const form, related = "application/x-www-form-urlencoded", "multipart/related"
	text, list, free := pdk.String(""), pdk.Array("", pdk.String("")), pdk.Map("")
	for name, tt := range map[string]struct {
		op                      pdk.Operation
		params, body, mediaType string
	}{
		"nothing":          {pdk.Operation{}, `{}`, "", ""},
		"an empty object":  {pdk.Operation{ContentType: "application/json"}, `{}`, `{}`, "application/json"},
		"a vendor's JSON":  {pdk.Operation{ContentType: "application/vnd.api+json", Params: []pdk.Param{pdk.Body("a", text)}}, `{"a":"x"}`, `{"a":"x"}`, "application/vnd.api+json"},
		"a default":        {pdk.Operation{Params: []pdk.Param{pdk.Body("n", pdk.Integer("")).Send("25"), pdk.Body("a", text)}}, `{"a":"x"}`, `{"n":25,"a":"x"}`, "application/json"},
		"a default beaten": {pdk.Operation{Params: []pdk.Param{pdk.Body("n", pdk.Integer("")).Send("25")}}, `{"n":3}`, `{"n":3}`, "application/json"},
		"a constant":       {pdk.Operation{Params: []pdk.Param{pdk.Body("type", nil).Const(`"note"`), pdk.Body("a", text)}}, `{"a":"x"}`, `{"type":"note","a":"x"}`, "application/json"},
		"an array":         {pdk.Operation{Params: []pdk.Param{pdk.Body("all", list).Whole()}}, `{"all":["a","b"]}`, `["a","b"]`, "application/json"},
		"a free object":    {pdk.Operation{Params: []pdk.Param{pdk.Body("fields", free).Whole()}}, `{"fields":{"Name":"x","n":1.0}}`, `{"Name":"x","n":1.0}`, "application/json"},
		"a free object beside members": {
			pdk.Operation{Params: []pdk.Param{pdk.Body("fields", free).Whole(), pdk.Body("a", text)}},
			`{"a":"x","fields":{"a":"y","b":[1]}}`, `{"a":"x","b":[1]}`, "application/json",
		},
		"a form": {
			pdk.Operation{ContentType: form, Params: []pdk.Param{
				pdk.Body("email", text), pdk.Body("meta", free), pdk.Body("tags", list), pdk.Body("ids", list).Style(pdk.StyleBrackets),
				pdk.Body("csv", list).Style(pdk.StyleComma), pdk.Body("items", pdk.Array("", free)).Style(pdk.StyleIndices), pdk.Body("mode", nil).Const(`"live"`),
			}},
			`{"email":"ü +@x.example","meta":{"k":true},"tags":["a","b"],"ids":["1","2"],"csv":["c","d"],"items":[{"price":"p1"},{"n":2}]}`,
			"email=%C3%BC+%2B%40x.example&meta%5Bk%5D=true&tags=a&tags=b&ids%5B%5D=1&ids%5B%5D=2&csv=c%2Cd&items%5B0%5D%5Bprice%5D=p1&items%5B1%5D%5Bn%5D=2&mode=live", form,
		},
		"text":  {pdk.Operation{ContentType: "text/csv", Params: []pdk.Param{pdk.Body("rows", text).Whole()}}, `{"rows":"a,b\n1,2"}`, "a,b\n1,2", "text/csv"},
		"bytes": {pdk.Operation{ContentType: "image/png", Params: []pdk.Param{pdk.Body("image", text).Whole().Base64("")}}, `{"image":"/wABYQ=="}`, "\xff\x00\x01a", "image/png"},
		"JSON and a file": {
			pdk.Operation{ContentType: related, Params: []pdk.Param{pdk.Body("name", text), pdk.Body("file", text).Base64("media"), pdk.Input("media", text)}},
			`{"name":"agenthost-boundary-00000000","file":"YQ==","media":"text/plain"}`,
			"--agenthost-boundary-00000001\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{\"name\":\"agenthost-boundary-00000000\"}\r\n" +
				"--agenthost-boundary-00000001\r\nContent-Type: text/plain\r\n\r\na\r\n--agenthost-boundary-00000001--\r\n", "multipart/related; boundary=agenthost-boundary-00000001",
		},
		"GraphQL": {
			pdk.Operation{GraphQL: `query($id: ID!) { thing(id: $id) { {{fields}} } }`, Params: []pdk.Param{
				pdk.Selection("fields", list).Send(`["id"]`), pdk.Body("id", text), pdk.Body("first", pdk.Integer("")).Send("10"),
			}},
			`{"id":"x","fields":["id","owner.team.name"]}`, `{"query":"query($id: ID!) { thing(id: $id) { id owner { team { name } } } }","variables":{"id":"x","first":10}}`, "application/json",
		},
		"GraphQL with a selection of the table's": {
			pdk.Operation{GraphQL: `{ things { {{fields}} } }`, Params: []pdk.Param{pdk.Selection("fields", list).Send(`"id tags(first: 2) { name }"`)}},
			`{}`, `{"query":"{ things { id tags(first: 2) { name } } }"}`, "application/json",
		},
		"GraphQL with a text for a selection": {
			pdk.Operation{GraphQL: `{ things { {{fields}} } }`, Params: []pdk.Param{pdk.Selection("fields", text).Send(`"id"`)}},
			`{"fields":"x } } mutation { y"}`, `{"query":"{ things {  } }"}`, "application/json",
		},
		"GraphQL with a text of parameters": {
			pdk.Operation{GraphQL: `query($ref: String!) { a }`, Params: []pdk.Param{
				pdk.Input("branch", text), pdk.Input("path", text).Send(`"README.md"`), pdk.Body("ref", nil).Text("refs/heads/{{ branch }}"), pdk.Body("at", nil).Text("{{branch}}:{{ path }}"),
			}},
			`{"branch":"a\"/b"}`, `{"query":"query($ref: String!) { a }","variables":{"ref":"refs/heads/a\"/b","at":"a\"/b:README.md"}}`, "application/json",
		},
		"a text of an absent parameter": {
			pdk.Operation{Params: []pdk.Param{pdk.Input("branch", text), pdk.Body("ref", nil).Text("refs/heads/{{ branch }}")}}, `{}`, `{}`, "application/json",
		},
		"a long text of parameters": {
			pdk.Operation{Params: []pdk.Param{pdk.Body("a", text), pdk.Body("ref", nil).Text("x{{ a }}")}},
			`{"a":"` + strings.Repeat("y", 2000) + `"}`, `{"a":"` + strings.Repeat("y", 2000) + `","ref":"x` + strings.Repeat("y", 2000) + `"}`, "application/json",
		},
		"GraphQL without variables": {pdk.Operation{GraphQL: `{ viewer { id } }`}, `{}`, `{"query":"{ viewer { id } }"}`, "application/json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.op.Method, tt.op.Path = "POST", "/things"
			r, err := sent(t, tt.op, tt.params)
			if err != nil || r.Body != tt.body || r.Header.Get("Content-Type") != tt.mediaType {
				t.Errorf("%v\nthe body is %q\nwant        %q\nof the type %q, want %q", err, r.Body, tt.body, r.Header.Get("Content-Type"), tt.mediaType)
			}
		})
	}
}

// What a table says may be null arrives as null.
func TestNullableVariables(t *testing.T) {
	t.Parallel()
	c, err := readTable([]byte(`{"operations":[{"entity":"things","action":"do","description":"x","effect":"write","method":"POST","path":"/things","graphql":"mutation { a }","params":{
		"who":{"in":"body","schema":{"type":["string","null"]}},"b":{"in":"body","schema":{"type":"string"}},
		"branch":{"in":"none","schema":{"type":["string","null"]}},"ref":{"in":"body","text":"refs/heads/{{ branch }}"}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for params, want := range map[string]string{
		`{"who":null,"branch":null}`: `{"query":"mutation { a }","variables":{"who":null,"ref":null}}`,
		`{"branch":"b"}`:             `{"query":"mutation { a }","variables":{"ref":"refs/heads/b"}}`,
	} {
		r, err := sent(t, c.Operations[0], params)
		if err != nil || r.Body != want {
			t.Errorf("%v: %s, want %s", err, r.Body, want)
		}
	}
}

// A body as large as this one stays in the host until its place in the request is known.
func TestLargeWholeBody(t *testing.T) {
	t.Parallel()
	long := `["` + strings.Repeat("x", 5000) + `"]`
	r, err := sent(t, pdk.Operation{Method: "POST", Path: "/things", Params: []pdk.Param{pdk.Body("all", pdk.Array("", pdk.String(""))).Whole(), pdk.Header("X-Mode", nil).Const(`"fast"`)}}, `{"all":`+long+`}`)
	if err != nil || r.Body != long || r.Header.Get("X-Mode") != "fast" {
		t.Errorf("%v: %d bytes, %v", err, len(r.Body), r.Header)
	}
}

func TestHeadersAndStyles(t *testing.T) {
	t.Parallel()
	list := pdk.Array("", pdk.String(""))
	r, err := sent(t, pdk.Operation{Effect: pdk.Read, Method: "GET", Path: "/things", Accept: "application/vnd.thing+json", Params: []pdk.Param{
		pdk.Header("version", pdk.String("")).As("Thing-Version").Send(`"2026-01-01"`), pdk.Header("Api-Mode", nil).Const("7"),
		pdk.Header("scopes", list).As("X-Scopes"), pdk.Header("X-Absent", pdk.String("")), pdk.Query("ids", list).Style(pdk.StyleComma),
		pdk.Query("tags", list).Style(pdk.StyleBrackets), pdk.Query("rows", list).Style(pdk.StyleIndices), pdk.Query("kind", nil).Const(`"a b"`),
		pdk.Query("limit", pdk.Integer("")).Send("50").Required(),
	}}, `{"limit":2,"scopes":["a","b"],"ids":["1","2"],"tags":["x"],"rows":["y","z"]}`)
	if want := "ids=1%2C2&tags%5B%5D=x&rows%5B0%5D=y&rows%5B1%5D=z&kind=a+b&limit=2"; err != nil || r.Query != want {
		t.Errorf("%v: the query is %s, want %s", err, r.Query, want)
	}
	for name, want := range map[string]string{"Accept": "application/vnd.thing+json", "Thing-Version": "2026-01-01", "Api-Mode": "7", "X-Scopes": "a,b", "X-Absent": ""} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestRawQuery(t *testing.T) {
	t.Parallel()
	text, list := pdk.String(""), pdk.Array("", pdk.String(""))
	op := pdk.Operation{Effect: pdk.Read, Method: "GET", Path: "/things/{id}", RawQuery: "(),:", Params: []pdk.Param{
		pdk.Path("id", text), pdk.Query("q", text), pdk.Query("l", list).Style(pdk.StyleComma), pdk.Header("X-A", text), pdk.Query("n", nil).Const("7"),
	}}
	for value, want := range map[string]string{
		"List(urn%3Ali%3A1,2)": "List(urn%3Ali%3A1,2)",
		"(a:(b:1),c:é)":        "(a:(b:1),c:%C3%A9)",
		"(a&b=c#d+e f;g/h)":    "(a%26b%3Dc%23d%2Be%20f%3Bg%2Fh)",
		"(100%)":               "(100%25)",
		"(100%2":               "(100%252",
		"a,b(c):d%20":          "a,b%28c%29%3Ad%2520",
		"NotList(a:b)":         "NotList%28a%3Ab%29",
		"":                     "",
	} {
		params, err := json.Marshal(map[string]any{"id": "x", "q": value, "l": []string{"1", "(2:3)"}, "X-A": "h"})
		if err != nil {
			t.Fatal(err)
		}
		r, err := sent(t, op, string(params))
		if err != nil || r.Query != "q="+want+"&l=1,%282%3A3%29&n=7" || r.Header.Get("X-A") != "h" {
			t.Errorf("%v: %s is sent as %s", err, value, r.Query)
		}
	}
}

func TestParametersThatNoSchemaRefuses(t *testing.T) {
	t.Parallel()
	text, list := pdk.String(""), pdk.Array("", pdk.String(""))
	for name, tt := range map[string]struct {
		op            pdk.Operation
		params, field string
	}{
		"bad base64":          {pdk.Operation{ContentType: "image/png", Params: []pdk.Param{pdk.Body("image", text).Whole().Base64("")}}, `{"image":"a=bc"}`, "image"},
		"short base64":        {pdk.Operation{ContentType: "image/png", Params: []pdk.Param{pdk.Body("image", text).Whole().Base64("")}}, `{"image":"abc"}`, "image"},
		"only padding":        {pdk.Operation{ContentType: "image/png", Params: []pdk.Param{pdk.Body("image", text).Whole().Base64("")}}, `{"image":"a==="}`, "image"},
		"a line in a type":    {pdk.Operation{ContentType: "multipart/related", Params: []pdk.Param{pdk.Body("f", text).Base64("m"), pdk.Input("m", text)}}, `{"f":"","m":"a\r\nb"}`, "m"},
		"a field that closes": {pdk.Operation{GraphQL: "{ a { {{fields}} } }", Params: []pdk.Param{pdk.Selection("fields", list)}}, `{"fields":["id } } mutation { x"]}`, "fields"},
		"an empty field":      {pdk.Operation{GraphQL: "{ a { {{fields}} } }", Params: []pdk.Param{pdk.Selection("fields", list)}}, `{"fields":["a..b"]}`, "fields"},
		"none of several":     {pdk.Operation{Params: []pdk.Param{pdk.Body("a", text), pdk.Body("b", text)}, AnyOf: []string{"a", "b"}}, `{"a":""}`, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.op.Method, tt.op.Path = "POST", "/things"
			r, err := sent(t, tt.op, tt.params)
			var e *abi.Error
			if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || tt.field != "" && e.Field != tt.field || r.Method != "" {
				t.Errorf("%v, sent %+v", err, r)
			}
		})
	}
}

func TestConstantsAreNoParameters(t *testing.T) {
	t.Parallel()
	c := with(pdk.Operation{Method: "POST", Path: "/things", Params: []pdk.Param{pdk.Body("type", nil).Const(`"note"`), pdk.Body("a", pdk.String(""))}})
	if m := string(c.Manifest()); strings.Contains(m, "note") || strings.Contains(m, `"type":{`) {
		t.Error(m)
	}
	if p := c.Operations[0].Parameters(); len(p) != 2 || !p[0].Hidden || p[1].Hidden {
		t.Error(p)
	}
}
