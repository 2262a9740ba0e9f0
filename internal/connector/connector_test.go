package connector

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/agenthost/agenthost/pdk/abi"
)

// valid is a declaration with one of everything.
func valid() (*abi.Manifest, *abi.AuthSchema) {
	return &abi.Manifest{
			ABI: 1, Name: "acme", Title: "Acme", Version: "1.2.3", Description: "Widgets.",
			Servers: []abi.Server{{ID: "us", URL: "https://api.acme.example"}, {ID: "eu", URL: "https://api.eu.acme.example/v1"}},
			Check:   &abi.OperationRef{Entity: "widgets", Action: "list"},
			Operations: []abi.Operation{
				{
					Entity: "widgets", Action: "list", Description: "All widgets.", Effect: abi.EffectRead, Paginated: true,
					Params: json.RawMessage(`{"type":"object","additionalProperties":false,"properties":{
						"cursor":{"type":"string"},"limit":{"type":"integer","minimum":1,"maximum":999},
						"colour":{"type":"string","enum":["red","green"]},"since":{"type":"string","format":"date-time"},
						"filter":{"$ref":"#/$defs/filter"}},
						"$defs":{"filter":{"type":"object","additionalProperties":false,"properties":{"field":{"type":"string"},"subfilters":{"type":"array","items":{"$ref":"#/$defs/filter"}}}}}}`),
					Requests: []abi.RequestTemplate{{Method: "GET", Path: "/widgets"}},
					Examples: []json.RawMessage{[]byte(`{"limit":10}`)},
				},
				{
					Entity: "widgets", Action: "update", Description: "Changes a widget.", Effect: abi.EffectWrite,
					Params:   json.RawMessage(`{"type":"object","additionalProperties":false,"required":["id"],"properties":{"id":{"type":"string"},"name":{"type":"string"}}}`),
					Requests: []abi.RequestTemplate{{Server: "eu", Method: "PATCH", Path: "/widgets/{id}"}},
				},
			},
		}, &abi.AuthSchema{
			Schemes: []abi.AuthScheme{{
				ID: "token", Type: abi.AuthBearer,
				Fields:  []abi.AuthField{{Name: "api_token", Secret: true, Required: true}},
				Inject:  []abi.Injection{{In: "header", Name: "Authorization", Value: "Bearer {api_token}"}},
				Origins: []string{"https://api.acme.example"},
			}},
		}
}

func parse(m *abi.Manifest, a *abi.AuthSchema) (*Connector, error) {
	manifest, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	auth, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	return Parse(context.Background(), "digest", manifest, auth)
}

func TestParseNamesTheCulprit(t *testing.T) {
	if _, err := parse(valid()); err != nil {
		t.Fatalf("the valid declaration is refused: %v", err)
	}
	for _, tt := range []struct {
		field  string
		change func(*abi.Manifest, *abi.AuthSchema)
	}{
		{"abi", func(m *abi.Manifest, _ *abi.AuthSchema) { m.ABI = 2 }},
		{"name", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Name = "Acme Inc" }},
		{"version", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Version = "1.2" }},
		{"description", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Description = "" }},
		{"description", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Description = "Widgets\u200b." }},
		{"title", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Title = "Acme\x1b[31m" }},
		{"servers", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Servers = nil }},
		{"servers[0].url", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Servers[0].URL = "http://api.acme.example" }},
		{"servers[0].url", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Servers[0].URL = "https://u:p@api.acme.example" }},
		{"servers[1].id", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Servers[1].ID = "us" }},
		{"operations", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Operations = nil }},
		{"operations", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Operations[1] = m.Operations[0] }},
		{"operations[0].entity", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Operations[0].Entity = "Widgets" }},
		{"operations[0] (widgets.list).effect", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Operations[0].Effect = "" }},
		{"operations[0] (widgets.list).params", func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Operations[0].Params = json.RawMessage(`{"type":"object","properties":{"limit":{"type":"integer"}}}`)
		}},
		{"operations[widgets.list].params", func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Operations[0].Params = json.RawMessage(`{"type":"objekt"}`)
		}},
		{"operations[widgets.list].params", func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Operations[0].Params = json.RawMessage(`{"type":"object","$ref":"file:///etc/passwd"}`)
		}},
		{"operations[0] (widgets.list).params", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Operations[0].Params = json.RawMessage(`{"type":"array"}`) }},
		{"operations[0] (widgets.list).host_limit", func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Operations[0].Paginated, m.Operations[0].HostLimit = false, true
		}},
		{"operations[0] (widgets.list).aliases", func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Operations[0].Aliases = map[string]string{"after": "cursor"}
		}},
		{"operations[0] (widgets.list).aliases", func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Operations[0].Aliases = map[string]string{"colour": "color"}
		}},
		{"operations[0] (widgets.list).examples[0]", func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Operations[0].Examples[0] = json.RawMessage(`{"limit":0}`)
		}},
		{"operations[0] (widgets.list).requests[0].method", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Operations[0].Requests[0].Method = "DELETE" }},
		{"operations[1] (widgets.update).requests[0].method", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Operations[1].Requests[0].Method = "CONNECT" }},
		{"operations[1] (widgets.update).requests[0].server", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Operations[1].Requests[0].Server = "ue" }},
		{"operations[1] (widgets.update).requests[0].path", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Operations[1].Requests[0].Path = "widgets/../{id}" }},
		{"check", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Check.Entity = "gadgets" }},
		{"check", func(m *abi.Manifest, _ *abi.AuthSchema) { m.Check.Action = "update" }},
		{"schemes", func(_ *abi.Manifest, a *abi.AuthSchema) { a.Schemes = nil }},
		{"schemes[0].type", func(_ *abi.Manifest, a *abi.AuthSchema) { a.Schemes[0].Type = "magic" }},
		{"schemes[0].inject", func(_ *abi.Manifest, a *abi.AuthSchema) { a.Schemes[0].Inject = nil }},
		{"schemes[0].inject[0].value", func(_ *abi.Manifest, a *abi.AuthSchema) { a.Schemes[0].Inject[0].Value = "Bearer {token}" }},
		{"schemes[0].inject[0].name", func(_ *abi.Manifest, a *abi.AuthSchema) { a.Schemes[0].Inject[0].Name = "X Y" }},
		{"schemes[0].origins[0]", func(_ *abi.Manifest, a *abi.AuthSchema) { a.Schemes[0].Origins[0] = "https://api.acme.example.evil" }},
		{"schemes[0].fields[0].pattern", func(_ *abi.Manifest, a *abi.AuthSchema) { a.Schemes[0].Fields[0].Pattern = "(" }},
	} {
		m, a := valid()
		tt.change(m, a)
		_, err := parse(m, a)
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindConnectorFault || e.Field != tt.field {
			t.Errorf("want a fault in %s, got %v", tt.field, err)
		}
	}
}

// threat: A6
func TestParseRefusesOtherText(t *testing.T) {
	_, auth := valid()
	rawAuth, _ := json.Marshal(auth)
	for _, text := range []string{``, `nonsense`, `[]`, `{"abi":"1"}`, strings.Repeat(" ", MaxDeclaration+1)} {
		if _, err := Parse(t.Context(), "d", []byte(text), rawAuth); err == nil {
			t.Errorf("%.20q is accepted as a manifest", text)
		}
	}
	// Fields from the future are none of our business.
	m, _ := valid()
	raw, _ := json.Marshal(m)
	if _, err := Parse(t.Context(), "d", []byte(strings.Replace(string(raw), `{"abi"`, `{"future":[1],"abi"`, 1)), rawAuth); err != nil {
		t.Errorf("an unknown field is refused: %v", err)
	}
}

func TestOperation(t *testing.T) {
	c, err := parse(valid())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Operation("widgets", "list"); err != nil {
		t.Error(err)
	}
	for _, tt := range []struct{ entity, action, field, hint string }{
		{"widget", "list", "entity", "did you mean widgets?"},
		{"widgets", "lst", "action", "did you mean list?"},
		{"widgets", "explode", "action", "choose one of list, update"},
	} {
		_, err := c.Operation(tt.entity, tt.action)
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindUnknownOperation || e.Field != tt.field || e.Hint != tt.hint {
			t.Errorf("Operation(%q, %q) = %+v", tt.entity, tt.action, err)
		}
	}
}

func TestValidate(t *testing.T) {
	c, err := parse(valid())
	if err != nil {
		t.Fatal(err)
	}
	list, _ := c.Operation("widgets", "list")
	update, _ := c.Operation("widgets", "update")
	for _, tt := range []struct {
		op             *Operation
		params         string
		field, message string // empty: valid
		hint           string
	}{
		{list, `{}`, "", "", ""},
		{list, `{"limit":10,"colour":"red","since":"2026-01-31T09:00:00Z","filter":{"subfilters":[{"field":"x"}]}}`, "", "", ""},
		{list, `{"limitt":10}`, "limitt", `unknown parameter "limitt"`, "did you mean limit?"},
		{list, `{"limit":"10"}`, "limit", `parameter "limit" is of type string, want integer`, "give a value of type integer"},
		{list, `{"limit":0}`, "limit", `parameter "limit" is 0, must be at least 1`, ""},
		{list, `{"limit":1e30}`, "limit", `parameter "limit" is 1e+30, must be at most 999`, ""},
		{list, `{"colour":"gren"}`, "colour", `parameter "colour" has the unknown value "gren"`, "did you mean green?"},
		{list, `{"since":"yesterday"}`, "since", `parameter "since" is no date-time`, "write an RFC 3339 time such as 2026-01-31T09:00:00Z"},
		{list, `{"filter":{"subfilters":[{"feild":"x"}]}}`, "filter.subfilters.0.feild", `unknown parameter "feild" in filter.subfilters.0`, "did you mean field?"},
		{update, `{}`, "id", `missing parameter "id"`, "give id"},
		{update, `{"di":"a"}`, "di", `unknown parameter "di"; missing parameter "id"`, "did you mean id?"},
		{update, `{"id":"a","id":"b"}`, "id", `parameter "id" occurs twice`, "remove one of them"},
		{update, `{"ID":"a"}`, "", "", ""},
		{update, `[]`, "params", "params are not a JSON object", `write a JSON object such as {"id": "..."}`},
		{update, `{"id":`, "params", "params are not JSON: unexpected end at byte 6", ""},
		{update, `id=3`, "params", "params are not JSON: no value starts like this at byte 0", `write a JSON object such as {"id": "..."}`},
	} {
		err := tt.op.Validate(t.Context(), []byte(tt.params))
		if tt.message == "" {
			if tt.params == `{"ID":"a"}` {
				// Names are compared by case: a folded one is unknown and the
				// right one missing.
				if err == nil {
					t.Error("a name in other case is accepted")
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", tt.params, err)
			}
			continue
		}
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != tt.field || e.Message != tt.message || e.Hint != tt.hint {
			t.Errorf("%s: got %+v", tt.params, e)
		}
	}
}

func TestValidateListsEveryProblem(t *testing.T) {
	c, _ := parse(valid())
	list, _ := c.Operation("widgets", "list")
	err := list.Validate(t.Context(), []byte(`{"limit":0,"colour":"blue","x":1}`))
	for _, want := range []string{"limit", "colour", `"x"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func TestServerHint(t *testing.T) {
	t.Parallel()
	c, err := parse(valid())
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		"127.0.0.1:9917":   "write http://127.0.0.1:9917: the URL of your own server begins with http:// or https://",
		"localhost:80":     "write http://localhost:80: the URL of your own server begins with http:// or https://",
		"[::1]:80":         "write http://[::1]:80: the URL of your own server begins with http:// or https://",
		"api.example:8443": "write https://api.example:8443: the URL of your own server begins with http:// or https://",
		"euu":              "did you mean eu? The URL of your own server works, too",
		"elsewhere":        "choose one of eu, us, or write the URL of your own server",
	} {
		_, err := c.Server(id)
		if e, ok := errors.AsType[*abi.Error](err); !ok || e.Hint != want {
			t.Errorf("%s: %v: %q, want %q", id, err, e.Hint, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	m, a := valid()
	manifest, _ := json.Marshal(m)
	auth, _ := json.Marshal(a)
	f.Add(manifest, auth)
	f.Fuzz(func(t *testing.T, manifest, auth []byte) {
		c, err := Parse(t.Context(), "d", manifest, auth)
		if err != nil {
			var e *abi.Error
			if !errors.As(err, &e) {
				t.Fatalf("%T is no *abi.Error", err)
			}
			return
		}
		for i := range c.Manifest.Operations {
			op, err := c.Operation(c.Manifest.Operations[i].Entity, c.Manifest.Operations[i].Action)
			if err != nil {
				t.Fatal(err)
			}
			_ = op.Validate(t.Context(), []byte(`{"id":"x","limit":5}`))
		}
	})
}

// A fault quotes what is wrong, and not all of it: one of a manifest of 4 MB was 16 MB long.
func TestFaultsAreShort(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"x", "é", "\xff", "{id}"} {
		e := malformed("name", "is %q, want less", strings.Repeat(part, 1<<20))
		if len(e.Message) > maxFault+len("...") || !utf8.ValidString(e.Message) || !strings.HasPrefix(e.Message, `name is "`) {
			t.Errorf("%q: a message of %d bytes", part, len(e.Message))
		}
	}
}
