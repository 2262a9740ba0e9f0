package pdktest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// recorder is a T that keeps what a failing test would say.
type recorder struct {
	said    []string
	cleanup []func()
}

func (r *recorder) Helper()           {}
func (r *recorder) Log(...any)        {}
func (r *recorder) Error(args ...any) { r.said = append(r.said, fmt.Sprint(args...)) }
func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}
func (r *recorder) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (r *recorder) Cleanup(f func())                  { r.cleanup = append(r.cleanup, f) }

// said runs f with a recorder and returns all that it was told, the fatal last.
func said(f func(t T)) (out string) {
	r := &recorder{}
	defer func() {
		if fatal := recover(); fatal != nil {
			r.said = append(r.said, fmt.Sprint(fatal))
		}
		out = strings.Join(r.said, "\n")
	}()
	f(r)
	return ""
}

func thing(change func(*pdk.Connector)) *pdk.Connector {
	c := &pdk.Connector{
		Name: "thing", Title: "Thing", Version: "1.0.0", Description: "Things.",
		Servers: []abi.Server{{ID: "main", URL: "https://api.thing.example"}, {ID: "eu", URL: "https://eu.thing.example"}},
		Auth: abi.AuthSchema{Schemes: []abi.AuthScheme{
			{ID: "key", Type: abi.AuthBearer, Inject: []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {key}"}}},
			{ID: "app", Type: abi.AuthAPIKey, Inject: []abi.Injection{{In: abi.InHeader, Name: "X-App-Key", Value: "{key}"}, {In: abi.InQuery, Name: "app_key", Value: "{key}"}}},
		}},
		Operations: []pdk.Operation{{
			Entity: "things", Action: "get", Description: "One thing.", Effect: pdk.Read,
			Method: "GET", Path: "/things/{id}", Params: []pdk.Param{pdk.Path("id", pdk.String("Its id.").Min(1).Max(9))},
		}},
	}
	if change != nil {
		change(c)
	}
	return c
}

func TestCheckFindsMistakes(t *testing.T) {
	if problems := Check(thing(nil)); len(problems) != 0 {
		t.Fatalf("a good connector has problems: %v", problems)
	}
	tests := map[string]func(*pdk.Connector){
		"name":             func(c *pdk.Connector) { c.Name = "My Thing" },
		"semantic version": func(c *pdk.Connector) { c.Version = "one" },
		"https":            func(c *pdk.Connector) { c.Servers[0].URL = "http://thing.example" },
		"double":           func(c *pdk.Connector) { c.Operations = append(c.Operations, c.Operations[0]) },
		"effect":           func(c *pdk.Connector) { c.Operations[0].Effect = "" },
		"no parameter for": func(c *pdk.Connector) { c.Operations[0].Path = "/things/{id}/{part}" },
		"which is not in":  func(c *pdk.Connector) { c.Operations[0].Path = "/things" },
		"body of a GET": func(c *pdk.Connector) {
			c.Operations[0].Params = append(c.Operations[0].Params, pdk.Body("x", pdk.String("")))
		},
		"twice": func(c *pdk.Connector) {
			c.Operations[0].Params = append(c.Operations[0].Params, c.Operations[0].Params[0])
		},
		"JSON Pointer":              func(c *pdk.Connector) { c.Operations[0].Data = "data" },
		"unknown operation":         func(c *pdk.Connector) { c.Check = abi.OperationRef{Entity: "no", Action: "thing"} },
		"unknown server":            func(c *pdk.Connector) { c.Operations[0].Server = "other" },
		"example 1 of":              func(c *pdk.Connector) { c.Operations[0].Examples = []string{`{"id":"longer than nine"}`} },
		"the manifest is not JSON":  func(c *pdk.Connector) { c.Operations[0].Examples = []string{`{`} },
		"points to the definition":  func(c *pdk.Connector) { c.Operations[0].Params[0] = pdk.Path("id", pdk.Ref("nowhere", "")) },
		"neither a method nor":      func(c *pdk.Connector) { c.Operations[0].Method = "" },
		"where the next cursor is":  func(c *pdk.Connector) { c.Operations[0].Page = &pdk.Page{In: pdk.InQuery} },
		"has the pattern":           func(c *pdk.Connector) { c.Operations[0].Params[0] = pdk.Path("id", pdk.String("").Pattern("(")) },
		"has no description":        func(c *pdk.Connector) { c.Operations[0].Description = "" },
		"has no authentication":     func(c *pdk.Connector) { c.Auth.Schemes = nil },
		"has the path \"things\"":   func(c *pdk.Connector) { c.Operations[0].Path, c.Operations[0].Params = "things", nil },
		"has the method \"FETCH\"":  func(c *pdk.Connector) { c.Operations[0].Method = "FETCH" },
		"is not two names in lower": func(c *pdk.Connector) { c.Operations[0].Entity = "Things" },
	}
	for want, change := range tests {
		problems := strings.Join(Check(thing(change)), "\n")
		if !strings.Contains(problems, want) {
			t.Errorf("no problem says %q: %s", want, problems)
		}
	}
}

func TestScriptFailsTheTest(t *testing.T) {
	tests := map[string][]Exchange{
		"one request too many":   nil,
		"want GET /things/2":     {{Method: "GET", URL: "/things/2"}},
		"has the body":           {{Method: "GET", URL: "/things/1", Body: `{"a":1}`}},
		"did not send DELETE /x": {{Method: "GET", URL: "/things/1"}, {Method: "DELETE", URL: "/x"}},
	}
	for want, exchanges := range tests {
		var rec recorder
		_, _, err := Run(&rec, thing(nil), Script(&rec, exchanges...)).Execute("things", "get", map[string]any{"id": "1"})
		for _, f := range rec.cleanup {
			f()
		}
		if said := strings.Join(rec.said, "\n"); !strings.Contains(said, want) {
			t.Errorf("the test says %q, not %q; error %v", said, want, err)
		}
	}
}

// TestNoHostSends: a request that every host refuses fails the author's own test, even where
// the connector goes on without it.
func TestNoHostSends(t *testing.T) {
	get := func(change func(*pdk.Request)) *pdk.Request {
		r := &pdk.Request{Method: "GET", Path: "/things/{id}", PathParams: [][2]string{{"id", "1"}}}
		change(r)
		return r
	}
	header := func(name, value string) *pdk.Request {
		return get(func(r *pdk.Request) { r.Headers = append(r.Headers, [2]string{name, value}) })
	}
	path := func(params ...[2]string) *pdk.Request { return get(func(r *pdk.Request) { r.PathParams = params }) }
	for name, tt := range map[string]struct {
		send *pdk.Request
		kind abi.Kind
		says string
	}{
		"undeclared path":        {get(func(r *pdk.Request) { r.Path = "/secrets" }), abi.KindDenied, "does not declare"},
		"undeclared method":      {get(func(r *pdk.Request) { r.Method = "DELETE" }), abi.KindDenied, "does not declare"},
		"method in lower case":   {get(func(r *pdk.Request) { r.Method = "get" }), abi.KindDenied, "does not declare"},
		"undeclared server":      {get(func(r *pdk.Request) { r.Server = "other" }), abi.KindDenied, "does not declare"},
		"absolute URL":           {get(func(r *pdk.Request) { r.Path = "https://api.thing.example/things/1" }), abi.KindDenied, "does not declare"},
		"expanded path":          {get(func(r *pdk.Request) { r.Path = "/things/1" }), abi.KindDenied, "use the template /things/{id}"},
		"no path parameter":      {path(), abi.KindConnectorFault, `"id" is missing`},
		"mistyped parameter":     {path([2]string{"di", "1"}), abi.KindConnectorFault, `"id" is missing`},
		"one parameter too many": {path([2]string{"id", "1"}, [2]string{"x", "1"}), abi.KindConnectorFault, `"x" is not in the template`},
		"empty path parameter":   {path([2]string{"id", ""}), abi.KindConnectorFault, "is empty"},
		"dots in the path":       {path([2]string{"id", ".."}), abi.KindConnectorFault, `"." or ".."`},
		"header of a credential": {header("authorization", "x"), abi.KindConnectorFault, "carries the credential"},
		"header of another":      {header("x_app_key", "x"), abi.KindConnectorFault, "carries the credential"},
		"query of a credential":  {get(func(r *pdk.Request) { r.SetQuery("App_Key", "x") }), abi.KindConnectorFault, "carries the credential"},
		"query for the method":   {get(func(r *pdk.Request) { r.SetQuery("_method", "DELETE") }), abi.KindDenied, "overrides the method"},
		"header of a proxy":      {header("X-Forwarded-For", "127.0.0.1"), abi.KindConnectorFault, "claims another sender"},
		"header of the host":     {header("User-Agent", "mine"), abi.KindConnectorFault, "is set by the host"},
		"header with line break": {header("X-Note", "a\r\nHost: x"), abi.KindConnectorFault, "line break"},
		"name with a space":      {header("X Note", "a"), abi.KindConnectorFault, "not a header name"},
		"header twice":           {get(func(r *pdk.Request) { r.Headers = [][2]string{{"X-Note", "1"}, {"x-note", "1"}} }), abi.KindConnectorFault, "duplicate header"},
		"long query":             {get(func(r *pdk.Request) { r.SetQuery("q", strings.Repeat("x", 20_000)) }), abi.KindConnectorFault, "path and query have"},
	} {
		for _, ignored := range []bool{false, true} {
			c := thing(func(c *pdk.Connector) {
				c.Operations[0].Handle = func(c *pdk.Call) error {
					if _, err := c.Do(tt.send); !ignored {
						return err
					}
					return nil
				}
			})
			rec := &recorder{}
			_, _, err := Run(rec, c, http.NotFoundHandler()).Execute("things", "get", map[string]any{"id": "1"})
			if said := strings.Join(rec.said, "\n"); !strings.Contains(said, tt.says) {
				t.Errorf("%s: the test says %q, error %v", name, said, err)
			}
			var e *abi.Error
			if !ignored && (!errors.As(err, &e) || e.Kind != tt.kind || e.RequestSent) || ignored && err != nil {
				t.Errorf("%s, ignored %v: error %+v", name, ignored, err)
			}
		}
	}
}

// TestCallersValue: a value that cannot be sent is the caller's where the caller gave it.
func TestCallersValue(t *testing.T) {
	_, _, err := Run(t, thing(nil), Script(t)).Execute("things", "get", map[string]any{"id": ".."})
	var e *abi.Error
	if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != "id" {
		t.Errorf("error %+v", err)
	}
}

func TestServers(t *testing.T) {
	r := Run(t, thing(nil), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }))
	eu := r.On("eu")
	for _, r := range []*Runner{r, eu} {
		if _, _, err := r.Execute("things", "get", map[string]any{"id": "1"}); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := r.Requests()[0].Server, eu.Requests()[0].Server; a != "main" || b != "eu" {
		t.Errorf("servers are %s and %s", a, b)
	}
}

func TestValidateParams(t *testing.T) {
	c := thing(func(c *pdk.Connector) {
		c.Definitions = []pdk.Definition{{Name: "tree", Schema: pdk.Object("", pdk.Prop("kids", pdk.Array("", pdk.Ref("tree", "")).Max(2)))}}
		c.Operations[0].Params = append(c.Operations[0].Params,
			pdk.Query("n", pdk.Integer("").Min(1).Max(5)), pdk.Query("f", pdk.Number("").Max(1)), pdk.Query("b", pdk.Boolean("")),
			pdk.Query("e", pdk.Enum("", "x", "y")), pdk.Query("t", pdk.DateTime("")), pdk.Query("p", pdk.String("").Pattern("^a+$")),
			pdk.Input("tree", pdk.Ref("tree", "")), pdk.Input("any", pdk.Map("")), pdk.Input("list", pdk.Array("", pdk.String("")).Min(1)))
	})
	params := Run(t, c, nil).manifest.Operations[0].Params
	for text, field := range map[string]string{
		`{"id":"1","n":5,"f":0.5,"b":true,"e":"x","t":"2026-01-01T00:00:00Z","p":"aa","tree":{"kids":[{"kids":[]}]},"any":{"x":[1]},"list":["a"]}`: "",
		`{}`:                         "id",
		`{"id":1}`:                   "id",
		`{"id":""}`:                  "id",
		`{"id":"0123456789"}`:        "id",
		`{"id":null}`:                "id",
		`{"id":"1","x":1}`:           "x",
		`{"id":"1","n":0}`:           "n",
		`{"id":"1","n":6}`:           "n",
		`{"id":"1","n":1.5}`:         "n",
		`{"id":"1","n":"1"}`:         "n",
		`{"id":"1","f":1.5}`:         "f",
		`{"id":"1","b":"true"}`:      "b",
		`{"id":"1","e":"z"}`:         "e",
		`{"id":"1","t":"yesterday"}`: "t",
		`{"id":"1","p":"aab"}`:       "p",
		`{"id":"1","list":[]}`:       "list",
		`{"id":"1","list":["a",1]}`:  "list[1]",
		`{"id":"1","tree":{"kids":[{"kids":[{},{},{}]}]}}`: "tree.kids[0].kids",
	} {
		err := validateParams(params, []byte(text))
		if (err == nil) != (field == "") || err != nil && err.Field != field {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A test does not wait where the connector sleeps, and sees how long it would have.
func TestSleepDoesNotWait(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		times int
		d     time.Duration
		slept []time.Duration
		kind  abi.Kind
	}{
		{"twice", 2, 90 * time.Millisecond, []time.Duration{90 * time.Millisecond, 90 * time.Millisecond}, ""},
		{"a part of a millisecond", 1, 1, []time.Duration{time.Millisecond}, ""},
		{"a negative time", 1, -time.Second, []time.Duration{0}, ""},
		{"too long", 1, 31 * time.Second, nil, abi.KindConnectorFault},
		{"far too long", 1, 1 << 62, nil, abi.KindConnectorFault},
		{"too often", 101, time.Second, slices.Repeat([]time.Duration{time.Second}, 100), abi.KindLimitExceeded},
	}
	for _, tt := range tests {
		r := Run(t, thing(func(c *pdk.Connector) {
			c.Operations[0].Handle = func(c *pdk.Call) error {
				for range tt.times {
					if err := c.Sleep(tt.d); err != nil {
						return err
					}
				}
				return c.Run()
			}
		}), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) }))
		_, _, err := r.Execute("things", "get", map[string]any{"id": "1"})
		var e *abi.Error
		if tt.kind == "" && err != nil || tt.kind != "" && (!errors.As(err, &e) || e.Kind != tt.kind) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if !slices.Equal(r.Slept(), tt.slept) {
			t.Errorf("%s: it slept %v, want %v", tt.name, r.Slept(), tt.slept)
		}
	}
}
