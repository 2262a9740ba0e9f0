package connector

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// checkFlat validates params in both ways. The quick one must say yes to nothing else.
func checkFlat(t *testing.T, schema *Schema, text, params string) (quick bool) {
	t.Helper()
	quick = schema.flat.accepts([]byte(params))
	if err := schema.validate(t.Context(), []byte(params)); quick && err != nil {
		t.Errorf("%s is good for %s, and the validator says: %v", params, text, err)
	}
	return quick
}

// Each schema is what the quick check knows, with one member of each kind and one keyword more.
func TestFlat(t *testing.T) {
	t.Parallel()
	const get = `{"type":"object","properties":{"id":{"type":"string","minLength":1,"maxLength":4,"description":"x"}},"required":["id"],"additionalProperties":false}`
	const list = `{"type":"object","properties":{"limit":{"type":"integer","minimum":1,"maximum":100,"default":20},"all":{"type":"boolean"},
		"state":{"type":"string","enum":["open","shut"]},"day":{"type":"string","pattern":"^[0-9]+$"}},"additionalProperties":false}`
	for _, tt := range []struct {
		schema, params string
		quick          bool
	}{
		{get, `{"id":"iss"}`, true},
		{get, ` { "id" : "é鍵🔑x" } `, true},
		{get, `{"id":""}`, false},
		{get, `{"id":"12345"}`, false},
		{get, `{"id":"éé鍵🔑x"}`, false},
		{get, `{}`, false},
		{get, `{"id":1}`, false},
		{get, `{"id":null}`, false},
		{get, `{"id":"a","id":"b"}`, false},
		{get, `{"id":"a","\u0069d":"b"}`, false},
		{get, `{"\u0069d":"b"}`, false}, // good, and not for the quick check to know
		{get, `{"id":"\u0061"}`, false},
		{get, "{\"id\":\"\xff\"}", false},
		{get, "{\"id\":\"a\",\"\xff\":1,\"\xfe\":1}", false},
		{get, `{"id":"a","other":1}`, false},
		{get, `{"id":"a"}x`, false},
		{get, `{"id":"a",}`, false},
		{get, "{\"id\":\"a\n\"}", false},
		{list, `{}`, true},
		{list, `{"limit":1,"all":true,"state":"shut","day":"31"}`, true},
		{list, `{"limit":100}`, true},
		{list, `{"limit":0}`, false},
		{list, `{"limit":101}`, false},
		{list, `{"limit":-0}`, false},
		{list, `{"limit":1.0}`, false},
		{list, `{"limit":1e1}`, false},
		{list, `{"limit":99999999999999999999}`, false},
		{list, `{"limit":"1"}`, false},
		{list, `{"all":1}`, false},
		{list, `{"state":"ajar"}`, false},
		{list, `{"day":"31st"}`, false},
		{`{"type":"object","properties":{"a":{"type":"string","minLength":2}}}`, `{"a":"\n"}`, false},
		{`{"type":"object","properties":{"a":{"type":"boolean","const":true}}}`, `{"a":false}`, false},
		{`{"type":"object","properties":{"a":{"type":"boolean"}}}`, `{"a":false}`, true},
		{`{"type":"object"}`, `{}`, true},
		{`{"type":"object"}`, `{"a":1}`, false},
		{`{"type":["object","null"]}`, `{}`, false},
		{`{}`, `{}`, false},
		{`true`, `{}`, false},
		{`{"type":"object","minProperties":0}`, `{}`, false},
		{`{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}`, `{}`, false},
		{`{"type":"object","required":["a"]}`, `{"a":1}`, false},
		{`{"type":"object","properties":{"a":{"type":"integer","minimum":0.5}}}`, `{"a":1}`, false},
		{`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"array"}}}`, `{"a":"x"}`, true},
		{`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"array"}}}`, `{"b":[]}`, false},
	} {
		schema, err := CompileSchema(json.RawMessage(tt.schema))
		if err != nil {
			t.Fatal(err)
		}
		if quick := checkFlat(t, schema, tt.schema, tt.params); quick != tt.quick {
			t.Errorf("the quick check of %s for %s says %v", tt.params, tt.schema, quick)
		}
	}
}

// made makes schemas and params of what is in them, by chance.
type made struct{ *rand.Rand }

func (m made) of(choices ...string) string { return choices[m.IntN(len(choices))] }

// members writes an object of some of the given members.
func (m made) members(most int, all ...string) string {
	var some []string
	for range m.IntN(most + 1) {
		some = append(some, m.of(all...))
	}
	return strings.Join(some, ",")
}

// keyword is one that the quick check does not know, or knows for another type.
func (m made) keyword() string {
	return m.of(`"const":"a"`, `"not":{"maxLength":1}`, `"not":{}`, `"allOf":[{"minLength":2}]`, `"anyOf":[{"maxLength":1},{"type":"integer"}]`, `"oneOf":[{},{"maxLength":1}]`,
		`"if":{"maxLength":1},"then":false`, `"format":"date"`, `"format":"email"`, `"contentEncoding":"base64"`, `"exclusiveMinimum":1`, `"exclusiveMaximum":2`, `"multipleOf":2`,
		`"$ref":"#/$defs/short"`, `"$dynamicRef":"#/$defs/short"`, `"minProperties":2`, `"maxProperties":1`, `"propertyNames":{"maxLength":1}`, `"patternProperties":{"^b":false}`,
		`"dependentRequired":{"a":["b"]}`, `"dependentSchemas":{"a":{"required":["c"]}}`, `"unevaluatedProperties":false`, `"required":["c"]`, `"properties":{"a":false}`,
		`"minItems":1`, `"enum":["a"]`, `"enum":[{},{"a":"a"}]`, `"enum":[1,"b"]`, `"type":["object","string"]`, `"type":"null"`, `"x-note":"a"`)
}

// bounds are the keywords of a type that the quick check knows, and one that asks for nothing.
var bounds = map[string][]string{
	"string":  {`"minLength":2`, `"maxLength":1`, `"maxLength":3`, `"pattern":"a"`, `"pattern":"^.$"`, `"enum":["a","é",1]`, `"default":1`},
	"integer": {`"minimum":1`, `"maximum":1`, `"maximum":1.5`, `"default":1`},
	"boolean": {`"default":1`},
	"number":  {`"minimum":1`},
}

func (m made) schema() string {
	properties, required := []string{}, []string{}
	for _, name := range []string{"a", "b", "bc", "é"} {
		if m.IntN(2) == 0 {
			continue
		}
		kind := m.of("string", "string", "string", "integer", "boolean", "number")
		property := fmt.Sprintf(`"type":%q`, kind)
		if more := m.members(2, bounds[kind]...); more != "" {
			property += "," + more
		}
		if m.IntN(5) == 0 {
			property += "," + m.keyword()
		}
		properties = append(properties, fmt.Sprintf("%q:{%s}", name, property))
		if m.IntN(4) == 0 {
			required = append(required, fmt.Sprintf("%q", name))
		}
	}
	schema := `"$defs":{"short":{"maxLength":1}},"type":"object","properties":{` + strings.Join(properties, ",") + `},"required":[` + strings.Join(required, ",") + `]`
	if m.IntN(2) == 0 {
		schema += `,"additionalProperties":` + m.of("false", "true", `{"type":"string"}`)
	}
	if m.IntN(6) == 0 {
		schema += "," + m.keyword()
	}
	return "{" + schema + "}"
}

func (m made) params() string {
	var members []string
	add := func(name string) {
		members = append(members, name+m.of(":", " : ")+m.of(`"a"`, `"a"`, `"é"`, `"bc"`, `"abcd"`, `""`, `"\n"`, `1`, `2`, `-1`, `true`, `false`))
	}
	for _, name := range []string{`"a"`, `"b"`, `"bc"`, `"é"`} {
		if m.IntN(2) == 0 {
			add(name)
		}
	}
	if m.IntN(8) == 0 {
		add(m.of(`"a"`, `"c"`, `"\u0061"`, "\"\xff\""))
	}
	if m.IntN(8) == 0 {
		members = append(members, `"bc":`+m.of("\"\xff\"", `"\u0061"`, `1.0`, `1e0`, `null`, `[]`, `{"a":1,"a":2}`))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// The quick check is as strict as the validator, for schemas with every keyword.
func TestFlatIsStrict(t *testing.T) {
	t.Parallel()
	m := made{rand.New(rand.NewPCG(1, 2))}
	yes, all := 0, 0
	for range 600 {
		text := m.schema()
		schema, err := CompileSchema(json.RawMessage(text))
		if err != nil {
			continue // a keyword stands there twice, in vain
		}
		for range 8 {
			all++
			if checkFlat(t, schema, text, m.params()) {
				yes++
			}
		}
	}
	if yes < all/40 {
		t.Errorf("the quick check said yes to %d of %d: this proves little", yes, all)
	}
}

// FuzzFlat compares the quick check of params with the validator's.
// threat: A6
func FuzzFlat(f *testing.F) {
	m := made{rand.New(rand.NewPCG(3, 4))}
	for range 100 {
		f.Add(m.schema(), m.params())
	}
	f.Fuzz(func(t *testing.T, text, params string) {
		schema, err := CompileSchema(json.RawMessage(text))
		if err != nil || !strings.HasPrefix(params, "{") {
			return
		}
		checkFlat(t, schema, text, params)
	})
}

func BenchmarkValidate(b *testing.B) {
	schema, err := CompileSchema(json.RawMessage(`{"type":"object","properties":{"id":{"type":"string","minLength":1,"maxLength":255},"limit":{"type":"integer","minimum":1}},"required":["id"],"additionalProperties":false}`))
	if err != nil {
		b.Fatal(err)
	}
	params := []byte(`{"id":"iss_1","limit":50}`)
	for name, validate := range map[string]func(context.Context, []byte) error{"quick": schema.Validate, "whole": schema.validate} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := validate(b.Context(), params); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
