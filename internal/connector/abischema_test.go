package connector

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/agenthost/agenthost/internal/abischema"
	"github.com/agenthost/agenthost/pdk/abi"
)

// The published schemas and the host's own checks judge alike, wherever a schema can
// say what the host checks.
func TestPublishedSchemas(t *testing.T) {
	manifest := compile(t, abischema.Manifest())
	auth := compile(t, abischema.Auth())
	judge := func(m *abi.Manifest, a *abi.AuthSchema) (byManifest, byAuth error) {
		rawManifest, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		rawAuth, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		return manifest.Validate(t.Context(), rawManifest), auth.Validate(t.Context(), rawAuth)
	}
	if byManifest, byAuth := judge(valid()); byManifest != nil || byAuth != nil {
		t.Fatalf("the valid declaration is refused: %v, %v", byManifest, byAuth)
	}
	if byManifest, byAuth := judge(copied()); byManifest != nil || byAuth != nil {
		t.Fatalf("the declaration with syncs is refused: %v, %v", byManifest, byAuth)
	}
	for name, change := range map[string]func(*abi.Manifest, *abi.AuthSchema){
		"abi":           func(m *abi.Manifest, _ *abi.AuthSchema) { m.ABI = 2 },
		"name":          func(m *abi.Manifest, _ *abi.AuthSchema) { m.Name = "Acme Inc" },
		"version":       func(m *abi.Manifest, _ *abi.AuthSchema) { m.Version = "1.2" },
		"servers":       func(m *abi.Manifest, _ *abi.AuthSchema) { m.Servers = nil },
		"http":          func(m *abi.Manifest, _ *abi.AuthSchema) { m.Servers[0].URL = "http://api.acme.example" },
		"user":          func(m *abi.Manifest, _ *abi.AuthSchema) { m.Servers[0].URL = "https://u:p@api.acme.example" },
		"definition_id": func(m *abi.Manifest, _ *abi.AuthSchema) { m.Airbyte = &abi.Airbyte{DefinitionID: "../x"} },
		"envelope": func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Airbyte = &abi.Airbyte{Envelope: &abi.Envelope{Record: "data"}}
		},
		"airbyte operation": func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Airbyte = &abi.Airbyte{Operations: []abi.AirbyteOperation{{Entity: "A B", Action: "list"}}}
		},
		"airbyte parameter": func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Airbyte = &abi.Airbyte{Operations: []abi.AirbyteOperation{{Entity: m.Operations[0].Entity, Action: m.Operations[0].Action, Params: []string{""}}}}
		},
		"store entity": func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Airbyte = &abi.Airbyte{ContextStore: []abi.SearchEntity{{Entity: "A B", Fields: []string{"id"}}}}
		},
		"store field": func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Airbyte = &abi.Airbyte{ContextStore: []abi.SearchEntity{{Entity: "things", Fields: []string{"a|b"}}}}
		},
		"store without fields": func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Airbyte = &abi.Airbyte{ContextStore: []abi.SearchEntity{{Entity: "things"}}}
		},
		"entity of a sync": func(m *abi.Manifest, _ *abi.AuthSchema) { m.Sync = []abi.Sync{{Entity: "A B"}} },
		"list of a sync":   func(m *abi.Manifest, _ *abi.AuthSchema) { m.Sync = []abi.Sync{{Entity: "widgets", List: "A"}} },
		"key of a sync":    func(m *abi.Manifest, _ *abi.AuthSchema) { m.Sync = []abi.Sync{{Entity: "widgets", Key: "id"}} },
		"params of a sync": func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Sync = []abi.Sync{{Entity: "widgets", Params: []byte("[]")}}
		},
		"interval of a sync": func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Sync = []abi.Sync{{Entity: "widgets", IntervalSeconds: -1}}
		},
		"text of a sync": func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Sync = []abi.Sync{{Entity: "widgets", Text: []string{"a|b"}}}
		},
		"field of a sync": func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Sync = []abi.Sync{{Entity: "widgets", Fields: map[string]string{"a": "text", "b": "date"}}}
		},
		"each of a sync": func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Sync = []abi.Sync{{Entity: "widgets", Each: &abi.SyncEach{Param: "colour", Values: []string{"red"}}}}
		},
		"changes of a sync": func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Sync = []abi.Sync{{Entity: "widgets", Changes: &abi.SyncChanges{Param: "/since", Field: "/at", Format: "unix"}}}
		},
		"deletions of a sync": func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Sync = []abi.Sync{{Entity: "widgets", Deletions: &abi.SyncDeletions{Field: "/a", Values: []abi.RawMessage{[]byte("{}")}}}}
		},
		"writes of a sync": func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Sync = []abi.Sync{{Entity: "widgets", Writes: map[string]string{"widgets.update": "/id"}}}
		},
		"syncs":  func(m *abi.Manifest, _ *abi.AuthSchema) { m.Sync = make([]abi.Sync, 201) },
		"effect": func(m *abi.Manifest, _ *abi.AuthSchema) { m.Operations[0].Effect = "" },
		"method": func(m *abi.Manifest, _ *abi.AuthSchema) { m.Operations[0].Requests[0].Method = "CONNECT" },
		"a unit of a rate header": func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.RateHeaders = []abi.RateHeaders{{Remaining: "X-Left", Reset: "X-Reset", Unit: "minutes"}}
		},
		"no rate header": func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.RateHeaders = []abi.RateHeaders{{Remaining: "X-Left", Unit: "epoch"}}
		},
		"a rate header": func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.RateHeaders = []abi.RateHeaders{{Remaining: "X: Left", Reset: "X-Reset", Unit: "epoch"}}
		},
		"rate headers": func(m *abi.Manifest, _ *abi.AuthSchema) { m.RateHeaders = make([]abi.RateHeaders, 11) },
		"answers": func(m *abi.Manifest, _ *abi.AuthSchema) {
			m.Operations[0].Answers = slices.Repeat([]json.RawMessage{json.RawMessage(`{}`)}, 21)
		},
		"content":              func(m *abi.Manifest, _ *abi.AuthSchema) { m.Operations[0].Content = "xml" },
		"content of a request": func(m *abi.Manifest, _ *abi.AuthSchema) { m.Operations[0].Requests[0].Content = "xml" },
		"params":               func(m *abi.Manifest, _ *abi.AuthSchema) { m.Operations[0].Params = []byte(`{"type":"array"}`) },
		"scheme":               func(_ *abi.Manifest, a *abi.AuthSchema) { a.Schemes = nil },
		"type":                 func(_ *abi.Manifest, a *abi.AuthSchema) { a.Schemes[0].Type = "magic" },
		"inject":               func(_ *abi.Manifest, a *abi.AuthSchema) { a.Schemes[0].Inject = nil },
		"basic":                func(_ *abi.Manifest, a *abi.AuthSchema) { a.Schemes[0].Type = abi.AuthBasic },
		"origins":              func(_ *abi.Manifest, a *abi.AuthSchema) { a.Schemes[0].Origins = nil },
	} {
		m, a := valid()
		change(m, a)
		byManifest, byAuth := judge(m, a)
		if byManifest == nil && byAuth == nil {
			t.Errorf("%s: the schemas accept what the host refuses", name)
		}
		if _, err := parse(m, a); err == nil {
			t.Errorf("%s: the host accepts what the schemas refuse", name)
		}
	}
}

func compile(t *testing.T, text string) *Schema {
	t.Helper()
	schema, err := CompileSchema(json.RawMessage(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
