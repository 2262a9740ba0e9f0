package hostile_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/connector"
)

func sorted(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// declared is a declaration that is accepted, with a schema that has some of everything.
func declared() (manifest, auth map[string]any) {
	const text = `{
	"abi": 1, "name": "evil", "title": "Evil", "version": "1.0.0", "description": "Attacks its host.", "docs_url": "https://evil.example/docs",
	"servers": [{"id": "main", "url": "https://api.evil.example"}],
	"rate_limits": [{"requests": 10, "window_ms": 1000}],
	"operations": [
		{"entity": "things", "action": "get", "effect": "read", "description": "One thing.",
		 "params": {"type": "object", "required": ["id"], "additionalProperties": false, "properties": {
			"id": {"type": "string", "pattern": "^[a-z0-9_-]{1,40}$", "maxLength": 100},
			"limit": {"type": "integer", "minimum": 1, "maximum": 1000, "multipleOf": 1},
			"tags": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "maxItems": 1000, "uniqueItems": true},
			"where": {"type": "object", "patternProperties": {"^x_": {"type": "number"}}, "propertyNames": {"maxLength": 50}},
			"any": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "array", "items": {"$ref": "#/$defs/n"}}]}},
			"$defs": {"n": {"type": ["number", "object"], "additionalProperties": {"$ref": "#/$defs/n"}}}},
		 "result": {"type": "object"}, "examples": [{"id": "a", "limit": 1}],
		 "requests": [{"method": "GET", "path": "/things/{id}"}]}]}`
	manifest, auth = make(map[string]any), make(map[string]any)
	for from, into := range map[string]*map[string]any{
		text: &manifest,
		`{"schemes": [{"id": "token", "type": "bearer", "origins": ["https://api.evil.example"],
			"fields": [{"name": "token", "secret": true, "required": true, "pattern": "^[a-z]+$"}],
			"inject": [{"in": "header", "name": "Authorization", "value": "Bearer {token}"}]}]}`: &auth,
	} {
		if err := json.Unmarshal([]byte(from), into); err != nil {
			panic(err) // it is written above
		}
	}
	return manifest, auth
}

// schema is a schema that costs more than it says.
func (s *source) schema(most int) string {
	n := 1 + s.size(min(most, 2000))
	pattern := one(s, "a{1000}", "(a{100}){10}", "(((a{10}){10}){10}){10}", `\\pL{1000}`, "(a|b|c){0,900}", "(a*)*b", "[^a]{500}[^b]{500}", strings.Repeat("a?", n), strings.Repeat("(", n), "(?=a)", "")
	list := func(part string) string { return strings.Repeat(part+",", n) + part }
	schema := one(s,
		`"pattern":"`+pattern+`"`, `"patternProperties":{"`+pattern+`":{}}`, `"propertyNames":{"pattern":"`+pattern+`"}`,
		`"format":"regex"`, `"format":"`+pattern+`"`,
		`"minimum":`+s.number(500), `"multipleOf":`+s.number(500), `"maxLength":`+s.number(20), `"minItems":`+s.number(20), `"maxItems":`+s.number(20),
		`"const":`+s.value(most), `"enum":[`+list("1")+`]`, `"enum":[`+list(s.number(300))+`]`, `"enum":`+s.value(most),
		`"uniqueItems":true,"items":{"uniqueItems":true}`, `"contains":{},"minContains":`+s.number(10),
		`"allOf":[`+list(`{"$ref":"#"}`)+`]`, `"anyOf":[`+list(`{"pattern":"`+pattern+`"}`)+`]`, `"oneOf":[`+list(`{"type":"object"}`)+`]`,
		`"$ref":"#"`, `"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}`, `"$ref":"https://evil.example/schema"`, `"$ref":"file:///etc/passwd"`, `"$dynamicRef":"#a","$dynamicAnchor":"a"`, `"$id":"`+pattern+`"`, `"$schema":"http://json-schema.org/draft-04/schema#"`,
		`"$defs":{`+s.doubling()+`},"$ref":"#/$defs/d0"`,
		`"properties":{`+s.names(most, `{"type":"string"}`)+`}`, `"required":[`+list(`"a"`)+`]`, `"dependentRequired":{"a":[`+list(`"b"`)+`]}`,
		`"properties":`+s.value(most), `"items":`+s.value(most), `"not":`+s.value(most), `"type":`+s.value(100), `"description":`+s.text(most),
		`"unevaluatedProperties":false,"allOf":[`+list(`{"properties":{"a":{}}}`)+`]`, `"if":{"$ref":"#"},"then":{"$ref":"#"},"else":{"$ref":"#"}`,
	)
	return `{"type":` + one(s, `"object"`, `["object","array"]`, `"string"`) + `,` + schema + `}`
}

// doubling are definitions each of which leads twice to the next.
func (s *source) doubling() string {
	var b strings.Builder
	depth := 1 + s.IntN(60)
	for i := range depth {
		fmt.Fprintf(&b, `"d%d":{"%s":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]},`, i, one(s, "allOf", "anyOf", "oneOf", "prefixItems"), i+1, i+1)
	}
	fmt.Fprintf(&b, `"d%d":{}`, depth)
	return b.String()
}

// manifest is a declaration with one part that no honest author writes.
func manifest(_ *testing.T, _ *lab, s *source) attack {
	m, a := declared()
	most := one(s, 200, 5000, 60_000, 4<<20)
	var manifest, auth []byte
	name := ""
	kind := s.IntN(3)
	if s.IntN(40) == 0 {
		kind = 3 // they take seconds
	}
	switch kind {
	case 0:
		name, manifest = "a value", []byte(s.marked(m, s.value(most)))
	case 1:
		schema := s.schema(min(most, 60_000))
		name = "a schema: " + schema[:min(len(schema), 100)]
		properties := m["operations"].([]any)[0].(map[string]any)["params"].(map[string]any)["properties"].(map[string]any)
		manifest = []byte(s.marked(properties, schema))
		m["operations"].([]any)[0].(map[string]any)["params"].(map[string]any)["properties"] = json.RawMessage(manifest)
		whole, err := json.Marshal(m)
		if err != nil { // the schema is no JSON
			whole = manifest
		}
		manifest = whole
	case 2:
		name, auth = "an auth schema", []byte(s.marked(a, s.value(most)))
	case 3:
		name = "many operations"
		op, _ := json.Marshal(m["operations"].([]any)[0])
		count := 1 + s.IntN(1200)
		m["operations"] = "@@"
		whole, _ := json.Marshal(m)
		var list strings.Builder
		for i := range count {
			list.WriteString(strings.Replace(string(op), `"get"`, fmt.Sprintf(`"get%d"`, i), 1) + ",")
		}
		manifest = []byte(strings.Replace(string(whole), `"@@"`, "["+strings.TrimSuffix(list.String(), ",")+"]", 1))
	}
	if manifest == nil {
		manifest, _ = json.Marshal(m)
	}
	if auth == nil {
		auth, _ = json.Marshal(a)
	}
	return attack{"manifest, " + name, func(ctx context.Context) error {
		_, err := connector.Parse(ctx, "digest", manifest, auth)
		return err
	}, string(manifest)}
}
