package hostile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/hostfunc"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestDeclarations reads connectors that lie about themselves. All of them are refused as
// a whole.
// threat: A1, A6, A13
func TestDeclarations(t *testing.T) {
	// edited changes a declaration that is valid otherwise.
	edited := func(edit func(d declaration)) []byte {
		d := valid()
		edit(d)
		return d.module(t, nil)
	}
	manifest := func(key string, value any) []byte {
		return edited(func(d declaration) { d.manifest[key] = value })
	}
	operation := func(key string, value any) []byte {
		return edited(func(d declaration) { d.operation()[key] = value })
	}
	scheme := func(key string, value any) []byte {
		return edited(func(d declaration) { d.auth["schemes"].([]any)[0].(map[string]any)[key] = value })
	}
	params := func(schema string) []byte { return operation("params", json.RawMessage(schema)) }
	many := func(n int) []any {
		list := make([]any, n)
		for i := range list {
			list[i] = map[string]any{"entity": "e", "action": fmt.Sprintf("a%d", i)}
		}
		return list
	}
	for _, tt := range []struct {
		name   string
		module []byte
		says   string
	}{
		{"a manifest of 5 MB", manifest("description", strings.Repeat("x", 5<<20)), "the limit is 4194304"},
		{"an auth schema of 5 MB", edited(func(d declaration) { d.auth["x"] = strings.Repeat("x", 5<<20) }), "the limit is 4194304"},
		{"100,000 operations", manifest("operations", many(100_000)), "the limit is 1000"},
		{"one operation twice", edited(func(d declaration) { d.manifest["operations"] = []any{d.operation(), d.operation()} }), "two operations"},
		{"no operations", manifest("operations", []any{}), "operations is empty"},
		{"another ABI", manifest("abi", 2), "supports version 1"},
		{"a manifest that is a list", declaring("[]", "{}", nil), "not a JSON object"},
		{"a manifest of another type", manifest("operations", map[string]any{}), "is a JSON object"},
		{"a name that is a path", manifest("name", "../../evil"), "name is"},
		{"a version that is none", manifest("version", "latest"), "semantic version"},
		{"a server without TLS", manifest("servers", []any{map[string]any{"id": "main", "url": "http://api.evil.example"}}), "https://"},
		{"a server that is a file", manifest("servers", []any{map[string]any{"id": "main", "url": "file:///etc/passwd"}}), "https://"},
		{"a server with a password", manifest("servers", []any{map[string]any{"id": "main", "url": "https://a:b@api.evil.example"}}), "only a host and a path"},
		{"a path with a query", operation("requests", []any{map[string]any{"method": "GET", "path": "/things?admin=1"}}), "path is"},
		{"a path that is a URL", operation("requests", []any{map[string]any{"method": "GET", "path": "https://other.example/"}}), "path is"},
		{"a path that climbs", operation("requests", []any{map[string]any{"method": "GET", "path": "/things/../admin"}}), "path is"},
		{"a method of its own", operation("requests", []any{map[string]any{"method": "CONNECT", "path": "/"}}), "method is"},
		{"reading that deletes", operation("requests", []any{map[string]any{"method": "DELETE", "path": "/things/{id}"}}), "effect is read"},
		{"a credential for another origin", scheme("origins", []any{"https://collector.example"}), "origins"},
		{"a credential in a header of the host's", scheme("inject", []any{map[string]any{"in": "header", "name": "X\r\nHost", "value": "{token}"}}), "inject"},
		{"a credential of no field", scheme("inject", []any{map[string]any{"in": "header", "name": "X", "value": "{password}"}}), "password"},
		{"a pattern that is too large", scheme("fields", []any{map[string]any{"name": "token", "pattern": strings.Repeat("(", 2000)}}), "pattern"},

		{"text that runs backwards", manifest("description", "safe\u202eevil"), "invisible character U+202E"},
		{"a space of no width", operation("description", "del\u200bete"), "invisible character U+200B"},
		{"an escape sequence", manifest("title", "\x1b[2J"), "invisible character U+001B"},
		{"text in tag characters", operation("description", "One thing.\U000E0049\U000E0067\U000E006E"), "invisible character U+E0049"},

		{"hidden text in a parameter's description", params(`{"type":"object","properties":{"id":{"type":"string","description":"An id.` + "\U000E0049\U000E0067" + `"}}}`), "invisible character U+E0049"},
		{"hidden text in a parameter's name", params(`{"type":"object","properties":{"id` + "\u200b" + `":{"type":"string"}}}`), "invisible character U+200B"},
		{"hidden text in a result's description", operation("result", json.RawMessage(`{"type":"object","description":"`+"\u202e"+`"}`)), "invisible character U+202E"},
		{"hidden text in a permission", operation("permission", "read\u200b"), "invisible character U+200B"},
		{"hidden text in a credential's description", scheme("description", "a\u202eb"), "invisible character U+202E"},
		{"hidden text in a credential's field", scheme("fields", []any{map[string]any{"name": "token", "required": true, "secret": true, "description": "a\u202eb"}}), "invisible character U+202E"},
		{"hidden text in a server's title", manifest("servers", []any{map[string]any{"id": "main", "url": "https://api.evil.example", "title": "a\u202eb"}}), "invisible character U+202E"},
		{"hidden text in an example", operation("examples", []any{map[string]any{"id": "a\U000E0049"}}), "invisible character U+E0049"},

		{"a schema of 70 kB", params(`{"type":"object","description":"` + strings.Repeat("x", 70_000) + `"}`), "the limit is 65536"},
		{"a schema that is a list", params(`[]`), "params"},
		{"a schema of no object", params(`{"type":"array"}`), "type object"},
		{"a schema that refers to a file", params(`{"type":"object","$ref":"file:///etc/passwd"}`), "outside itself"},
		{"a schema that refers to the network", params(`{"type":"object","$ref":"https://other.example/x.json"}`), "outside itself"},
		{"a schema of a schema of its own", params(`{"$schema":"https://other.example/x.json","type":"object"}`), "outside itself"},
		{"a schema that names a file itself", params(`{"$id":"file:///etc/","$ref":"passwd","type":"object"}`), "outside itself"},
		{"a reference to nothing", params(`{"type":"object","$ref":"#/$defs/none"}`), "params"},
		{"a schema nested 9,000 deep", params(strings.Repeat(`{"not":`, 9000) + `{}` + strings.Repeat(`}`, 9000)), "nested too deeply"},
		{"an expression of a million states", params(`{"type":"object","properties":{"id":{"pattern":"((a{1000}){1000}){1000}"}}}`), "params"},
		// A validator that follows these took minutes for a call, before any deadline.
		{"a schema of 4 million paths through anyOf", params(doubling("anyOf")), "paths"},
		{"a schema of 4 million paths through oneOf", params(doubling("oneOf")), "paths"},
		{"a schema of 4 million paths through allOf", params(doubling("allOf")), "paths"},
		{"a result of 4 million paths", operation("result", json.RawMessage(doubling("anyOf"))), "paths"},
		{"an example that does not fit", operation("examples", []any{map[string]any{"id": 7}}), "examples[0]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := open(t, host.Options{}, map[string][]byte{"evil": tt.module})
			infos, err := h.Connectors(t.Context())
			if err != nil || len(infos) != 1 {
				t.Fatalf("%d connectors, %v", len(infos), err)
			}
			err = infos[0].Err
			if kindOf(t, err) != abi.KindConnectorFault || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "evil.wasm") {
				t.Errorf("%v, want one that names the file and says %q", err, tt.says)
			}
			if _, err := h.Execute(t.Context(), "evil", host.Call{Entity: "things", Action: "get"}); err == nil {
				t.Error("it can be used")
			}
		})
	}
}

// doubling is a schema whose parts each refer to the next one twice.
func doubling(keyword string) string {
	const depth = 22
	var defs []string
	for i := range depth {
		next := fmt.Sprintf(`{"$ref":"#/$defs/d%d"}`, i+1)
		defs = append(defs, fmt.Sprintf(`"d%d":{%q:[%s,%s]}`, i, keyword, next, next))
	}
	defs = append(defs, fmt.Sprintf(`"d%d":{"type":"null"}`, depth))
	return `{"type":"object","properties":{"id":{"$ref":"#/$defs/d0"}},"$defs":{` + strings.Join(defs, ",") + `}}`
}

// Schemas that refer to themselves, without taking a step into the value or with one,
// are refused or end.
// threat: A16
func TestCircularSchemas(t *testing.T) {
	for name, schema := range map[string]string{
		"a reference to itself":           `{"type":"object","$ref":"#"}`,
		"references in a circle":          `{"type":"object","$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}`,
		"a circle in a property":          `{"type":"object","properties":{"id":{"$ref":"#/$defs/a"}},"$defs":{"a":{"allOf":[{"$ref":"#/$defs/a"}]}}}`,
		"a circle of a dynamic reference": `{"type":"object","$dynamicAnchor":"x","properties":{"id":{"$dynamicRef":"#x"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			d := valid()
			d.operation()["params"] = json.RawMessage(schema)
			h := open(t, host.Options{Connections: connections("https://api.evil.example")}, map[string][]byte{"evil": d.module(t, nil)})
			for _, params := range []string{`{"id":{"id":{}}}`, `{"none":1}`, `{"id":7}`} {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				_, err := h.Execute(ctx, "evil", host.Call{Entity: "things", Action: "get", Params: json.RawMessage(params)})
				cancel()
				if kind := kindOf(t, err); kind != "" && kind != abi.KindInvalidParams && kind != abi.KindConnectorFault {
					t.Errorf("%s: %v", params, err)
				}
			}
		})
	}
}

// What a connector declares is asked once, and is the same for every host that has the
// same cache, although describe could answer something else every time.
func TestDeclarationIsAskedOnce(t *testing.T) {
	text, err := json.Marshal(valid().manifest)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := json.Marshal(valid().auth)
	if err != nil {
		t.Fatal(err)
	}
	g := newGuest()
	random := g.Import(wasi, "random_get", "ii:i")
	g.Data(8192, string(text))
	g.Data(32768, string(auth))
	at := 8192 + bytes.Index(text, []byte("Attacks"))
	g.Func(hostfunc.ExportDescribe, ":i", "i",
		Call(random, I32(1024), I32(8)), Drop,
		// Eight letters of the description are drawn by lot.
		Loop(I32(at), Get(0), Add, I32(1024), Get(0), Add, Load8(0), I32(15), 0x71, I32('a'), Add, 0x3a, 0, 0,
			Get(0), I32(1), Add, Tee(0), I32(8), LtS, BrIf(0)),
		Call(g.write, I32(8192), I32(len(text))))
	g.Func(hostfunc.ExportAuthSchema, ":i", "", Call(g.write, I32(32768), I32(len(auth))))
	g.Func(hostfunc.ExportExecute, ":i", "", g.answers(), I32(0))
	modules, cache := map[string][]byte{"evil": g.Bytes()}, t.TempDir()
	descriptions := make(map[string]bool)
	for range 3 {
		h := open(t, host.Options{Cache: cache}, modules)
		for range 3 {
			info, err := h.Connector(t.Context(), "evil")
			if err != nil {
				t.Fatal(err)
			}
			descriptions[info.Manifest.Description] = true
		}
	}
	if len(descriptions) != 1 {
		t.Errorf("%d descriptions of one connector", len(descriptions))
	}
}

// Two files cannot be one connector, and one bad file does not take the others along.
// threat: A3
func TestFolderWithHostileFiles(t *testing.T) {
	good := valid().module(t, nil)
	modules := map[string][]byte{
		"evil": good, "twin": append(append([]byte{}, good...), 0, 2, 1, 'x'),
		"text": []byte("hello"), "empty": nil, "endless": newGuest().in("_initialize", "", Unreachable),
	}
	h := open(t, host.Options{}, modules)
	infos, err := h.Connectors(t.Context())
	if err != nil || len(infos) != len(modules) {
		t.Fatalf("%d connectors, %v", len(infos), err)
	}
	usable := 0
	for _, info := range infos {
		if info.Err == nil {
			usable++
			continue
		}
		var e *host.Error
		if !errors.As(info.Err, &e) || e.Kind != abi.KindConnectorFault {
			t.Errorf("%s: %v", filepath.Base(info.File), info.Err)
		}
	}
	if usable != 1 {
		t.Errorf("%d connectors can be used, want the first of the twins", usable)
	}
}
