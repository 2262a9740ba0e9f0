package wire

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

func rules() *Rules {
	return NewRules([]abi.Server{{ID: "main", URL: "https://api.things.example/v1"}}, "main", &abi.AuthScheme{
		Inject: []abi.Injection{{In: abi.InHeader, Name: "X-Api-Key", Value: "{key}"}, {In: abi.InQuery, Name: "key", Value: "{key}"}},
	})
}

func declared(method, path string) []abi.RequestTemplate {
	return []abi.RequestTemplate{{Method: method, Path: path}}
}

// TestCheckBlames: who can do something about a refusal depends on where the value is from.
func TestCheckBlames(t *testing.T) {
	t.Parallel()
	get := declared("GET", "/things/{id}")
	one := func(r abi.Request) abi.Request {
		r.Method, r.Path = "GET", "/things/{id}"
		if r.PathParams == nil {
			r.PathParams = map[string]string{"id": "t1"}
		}
		return r
	}
	id := func(id string) abi.Request { return one(abi.Request{PathParams: map[string]string{"id": id}}) }
	header := func(name, value string) abi.Request {
		return one(abi.Request{Headers: [][2]string{{name, value}}})
	}
	query := func(name, value string) abi.Request { return one(abi.Request{Query: [][2]string{{name, value}}}) }
	const connector, caller = true, false
	for _, test := range []struct {
		name      string
		declared  []abi.RequestTemplate
		request   abi.Request
		params    string
		kind      abi.Kind
		says      string
		connector bool
	}{
		{"undeclared path", get, abi.Request{Method: "GET", Path: "/thing/{id}"}, `{}`, abi.KindDenied, "does not declare", connector},
		{"undeclared method", get, abi.Request{Method: "get", Path: "/things/{id}"}, `{}`, abi.KindDenied, "does not declare", connector},
		{"unknown server", []abi.RequestTemplate{{Server: "eu", Method: "GET", Path: "/things"}}, abi.Request{Server: "eu", Method: "GET", Path: "/things"}, `{}`, abi.KindDenied, "not in the manifest", connector},
		{"mistyped parameter of the path", declared("GET", "/things/{nmae}"), abi.Request{Method: "GET", Path: "/things/{nmae}", PathParams: map[string]string{"name": "x"}}, `{"name":"x"}`, abi.KindInvalidParams, `"nmae" is missing`, connector},
		{"extra parameter of the path", get, one(abi.Request{PathParams: map[string]string{"id": "t1", "name": ".."}}), `{"name":".."}`, abi.KindInvalidParams, `"name" is not in the template`, connector},
		{"dots of the caller", get, id(".."), `{"id":".."}`, abi.KindInvalidParams, `"."`, caller},
		{"dots of the caller, escaped", get, id(".."), `{"id":"\u002e."}`, abi.KindInvalidParams, `"."`, caller},
		{"dots of the caller, deep inside", get, id(".."), `{"a":[{"b":".."}]}`, abi.KindInvalidParams, `"."`, caller},
		{"dots of the connector", get, id(".."), `{"id":"t1"}`, abi.KindInvalidParams, `"."`, connector},
		{"nothing of the connector", get, id(""), `{"id":"t1"}`, abi.KindInvalidParams, "is empty", connector},
		{"a line break of the caller, in more text", get, id("x a\nb"), `{"id":"a\nb"}`, abi.KindInvalidParams, "control character", caller},
		{"a line break in a query", get, query("q", "a\nb"), `{"q":"a\nb"}`, abi.KindInvalidParams, "control character", caller},
		{"a line break in a query, of the connector", get, query("q", "a\nb"), `{"q":"ab"}`, abi.KindInvalidParams, "control character", connector},
		{"a line break in a name, of the caller", get, query("f[a\nb]", "x"), `{"f":{"a\nb":"x"}}`, abi.KindInvalidParams, "control character", caller},
		{"a query without a name", get, query("", "x"), `{}`, abi.KindInvalidParams, "has no name", connector},
		{"query of the credential", get, query("KEY", "x"), `{}`, abi.KindDenied, "carries the credential", connector},
		{"query that overrides the method", get, query("_method", "DELETE"), `{}`, abi.KindDenied, "overrides the method", connector},
		{"header of the credential", get, header("x_api_key", "x"), `{}`, abi.KindDenied, "carries the credential", connector},
		{"header of a proxy", get, header("X-Forwarded-For", "127.0.0.1"), `{}`, abi.KindDenied, "claims another sender", connector},
		{"no name of a header", get, header("X Y", "1"), `{}`, abi.KindDenied, "not a header name", connector},
		{"a line break in a header", get, header("X-Note", "a\r\nHost: x"), `{}`, abi.KindDenied, "line break", connector},
		{"a line break in a header, of the caller", get, header("X-Note", "a\r\nHost: x"), `{"note":"a\r\nHost: x"}`, abi.KindDenied, "line break", caller},
		{"a header twice", get, one(abi.Request{Headers: [][2]string{{"X-Note", "1"}, {"x-note", "2"}}}), `{}`, abi.KindDenied, "duplicate header", connector},
		{"65 headers", get, one(abi.Request{Headers: make([][2]string, 65)}), `{}`, abi.KindLimitExceeded, "the limit is 64", connector},
		{"a long query", get, query("q", strings.Repeat("x", 20_000)), `{"q":"x"}`, abi.KindLimitExceeded, "path and query have", connector},
		{"a long query of the caller", get, query("q", strings.Repeat("x", 20_000)), `{"q":"` + strings.Repeat("x", 20_000) + `"}`, abi.KindLimitExceeded, "path and query have", caller},
		{"long headers", get, header("X-Note", strings.Repeat("x", 20_000)), `{}`, abi.KindLimitExceeded, "the headers have", connector},
	} {
		_, err := rules().Check(Scope{Requests: test.declared, Given: &Given{Params: []byte(test.params)}}, &test.request, nil)
		if err == nil || err.Kind != test.kind || !strings.Contains(err.Message, test.says) || errors.Is(err, ErrConnector) != test.connector {
			t.Errorf("%s: %v, blames the connector: %v", test.name, err, errors.Is(err, ErrConnector))
			continue
		}
		if blamed := Blame(err); test.connector && (blamed.Kind == abi.KindDenied) != (err.Rule == RuleRequest) || blamed.Message != err.Message || !strings.Contains(blamed.Hint, err.Hint) {
			t.Errorf("%s: blamed %v", test.name, blamed)
		}
	}
	_, err := rules().Check(Scope{Requests: declared("POST", "/things")}, &abi.Request{Method: "POST", Path: "/things"}, make([]byte, 17<<20))
	if err == nil || err.Kind != abi.KindLimitExceeded || errors.Is(err, ErrConnector) {
		t.Errorf("without parameters to compare with, a large body is %v", err)
	}
}

func TestCheckAccepts(t *testing.T) {
	t.Parallel()
	w, err := rules().Check(Scope{Requests: declared("POST", "/things/{id}")}, &abi.Request{
		Method: "POST", Path: "/things/{id}", PathParams: map[string]string{"id": "a/b"},
		Query: [][2]string{{"q", "x y"}, {"q", "&"}}, Headers: [][2]string{{"accept", "text/csv"}},
	}, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	if w.Base+w.Path != "/v1/things/a%2Fb" || w.RawQuery != "q=x+y&q=%26" || w.Origin.String() != "https://api.things.example" {
		t.Errorf("%+v", w)
	}
	if w.Header["Accept"][0] != "text/csv" || w.Header["Content-Type"][0] != "application/json" || w.Header["User-Agent"][0] != "agenthost" {
		t.Errorf("headers %v", w.Header)
	}
}

// threat: N7, N8
//
// A value that the connector has escaped itself cannot become two parameters, or a line.
func TestRawQuery(t *testing.T) {
	t.Parallel()
	const restli = "(),:"
	for name, tt := range map[string]struct{ raw, value, want string }{ // want is the query, or what the refusal says
		"a list":                          {restli, "List(urn%3Ali%3Aaccount%3A1,urn%3Ali%3Aaccount%3A2)", "q=List(urn%3Ali%3Aaccount%3A1,urn%3Ali%3Aaccount%3A2)"},
		"a record":                        {restli, "(start:(year:2026,month:1))", "q=(start:(year:2026,month:1))"},
		"escapes of what would end it":    {restli, "(a:%26admin%3D1%23)", "q=(a:%26admin%3D1%23)"},
		"an escaped percent":              {restli, "(a:%2526)", "q=(a:%2526)"},
		"small letters":                   {restli, "%c3%bc", "q=%c3%bc"},
		"nothing":                         {restli, "", "q="},
		"a second parameter":              {restli, "(a)&admin=1", `has '&', which is not escaped`},
		"another value":                   {restli, "(a)=1", `has '=', which is not escaped`},
		"a fragment":                      {restli, "(a)#b", `has '#', which is not escaped`},
		"a plus":                          {restli, "a+b", `has '+', which is not escaped`},
		"a semicolon":                     {restli, "a;b=1", `has ';', which is not escaped`},
		"a space":                         {restli, "a b", `has ' ', which is not escaped`},
		"a line":                          {restli, "a\r\nHost: x", `has '\r', which is not escaped`},
		"an escaped line":                 {restli, "(a%0d%0aHost:x)", "has a control character"},
		"an escaped zero":                 {restli, "%00", "has a control character"},
		"no UTF-8":                        {restli, "%ff", "is not UTF-8"},
		"no escape":                       {restli, "100%", `has '%', which is not escaped`},
		"half an escape":                  {restli, "%2", `has '%', which is not escaped`},
		"no hexadecimal":                  {restli, "%zz", `has '%', which is not escaped`},
		"a slash that is not declared":    {restli, "a/b", `has '/', which is not escaped`},
		"a slash":                         {"/", "a/b", "q=a/b"},
		"a letter that is not ASCII":      {restli, "\u00fc", "which is not escaped"},
		"a manifest that was not checked": {"&=#% \r\n", "a&b", `has '&', which is not escaped`},
	} {
		request := abi.Request{Method: "GET", Path: "/things", Query: [][2]string{{"q", tt.value}, {"a b", "x"}}}
		w, err := rules().Check(Scope{Requests: []abi.RequestTemplate{{Method: "GET", Path: "/things", RawQuery: tt.raw}}, Given: &Given{Params: []byte(`{}`)}}, &request, nil)
		switch {
		case strings.HasPrefix(tt.want, "q="):
			values, queryErr := url.ParseQuery(w.RawQuery)
			if err != nil || w.RawQuery != tt.want+"&a+b=x" || queryErr != nil || len(values) != 2 {
				t.Errorf("%s: %q, %v", name, w.RawQuery, err)
			}
		case err == nil || !strings.Contains(err.Message, tt.want) || !errors.Is(err, ErrConnector):
			t.Errorf("%s: %q, %v", name, w.RawQuery, err)
		}
	}
	for name, query := range map[string][2]string{
		"of the credential": {"KEY", "x"}, "that overrides the method": {"_method", "DELETE"}, "without a name": {"", "x"},
	} {
		request := abi.Request{Method: "GET", Path: "/things", Query: [][2]string{query}}
		if w, err := rules().Check(Scope{Requests: []abi.RequestTemplate{{Method: "GET", Path: "/things", RawQuery: restli}}}, &request, nil); err == nil {
			t.Errorf("a parameter %s: %q", name, w.RawQuery)
		}
	}
}

// threat: N7, N8
//
// What passes unescaped is the same number of parameters, of the same names, for whoever reads it.
func FuzzRawQuery(f *testing.F) {
	f.Add("q", "List(a,b%3A1)", "(),:")
	f.Add("a&b", "(x)&y=1", "&=#%")
	f.Fuzz(func(t *testing.T, name, value, raw string) {
		request := abi.Request{Method: "GET", Path: "/things", Query: [][2]string{{name, value}, {"last", "x"}}}
		w, err := rules().Check(Scope{Requests: []abi.RequestTemplate{{Method: "GET", Path: "/things", RawQuery: raw}}}, &request, nil)
		if err != nil {
			return
		}
		pairs := strings.Split(w.RawQuery, "&")
		if len(pairs) != 2 || strings.Count(pairs[0], "=") != 1 || pairs[1] != "last=x" || strings.ContainsAny(w.RawQuery, "#;+ \r\n\x00") && raw != "" && name == url.QueryEscape(name) {
			t.Fatalf("%q passes", w.RawQuery)
		}
		values, parseErr := url.ParseQuery(w.RawQuery)
		if parseErr != nil || !values.Has(name) {
			t.Fatalf("%q passes: %v", w.RawQuery, parseErr)
		}
	})
}

// FuzzCheck: what passes is one line of plain bytes, whatever was asked for.
// threat: N7, N8
func FuzzCheck(f *testing.F) {
	f.Add("t1", "q", "v", "X-Ok", "v", `{"id":"t1"}`)
	f.Add("..", "", "\r\n", "x_api-key", "a\r\nb", `{"id":"..","q":"\r\n"}`)
	f.Fuzz(func(t *testing.T, id, name, value, header, headerValue, params string) {
		r := rules()
		w, err := r.Check(Scope{Requests: declared("GET", "/things/{id}"), Given: &Given{Params: []byte(params)}}, &abi.Request{
			Method: "GET", Path: "/things/{id}", PathParams: map[string]string{"id": id},
			Query: [][2]string{{name, value}}, Headers: [][2]string{{header, headerValue}},
		}, nil)
		if err != nil {
			if Blame(err).Message == "" {
				t.Fatal("a refusal without a reason")
			}
			return
		}
		line := w.Path + "?" + w.RawQuery
		if strings.ContainsAny(line, " \r\n\x00") || strings.Count(w.Path, "/") != 2 || len(line) > r.Limits.URL+1 {
			t.Fatalf("%q passes", line)
		}
		if r.Owned.Query(name) || r.Owned.Reserves(header) != "" {
			t.Fatalf("%q and %q pass", name, header)
		}
	})
}
