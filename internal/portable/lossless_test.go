package portable_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/firstparty"
	"github.com/agenthost/agenthost/internal/portable"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// params makes the schema of an object with some members.
func params(members string) string { return `{"type":"object",` + members + `}` }

// corpus are schemas that clients have trouble with.
var corpus = map[string]string{
	"empty":             `{"type":"object"}`,
	"references":        params(`"properties":{"a":{"$ref":"#/$defs/x"},"b":{"$ref":"#named","description":"B."},"c":{"$ref":"#/properties/a"}},"$defs":{"x":{"type":"object","required":["n"],"properties":{"n":{"type":"integer"}}},"y":{"$anchor":"named","type":"array","items":{"$ref":"#/$defs/x"}}}`),
	"a tree":            params(`"properties":{"root":{"$ref":"#/$defs/n"}},"$defs":{"n":{"type":"object","properties":{"v[0]":{"type":"string"},"next":{"$ref":"#/$defs/n"},"all":{"type":"array","items":{"$ref":"#/$defs/n"}}},"additionalProperties":false}}`),
	"two that refer":    params(`"properties":{"p":{"$ref":"#/$defs/a"}},"$defs":{"a":{"anyOf":[{"type":"string"},{"type":"object","properties":{"b":{"$ref":"#/$defs/b"}}}]},"b":{"type":"array","items":{"$ref":"#/$defs/a"}}}`),
	"the root":          params(`"properties":{"sub":{"$ref":"#"},"n":{"type":"integer"}}`),
	"reference at top":  `{"type":"object","$ref":"#/$defs/x","$defs":{"x":{"anyOf":[{"properties":{"a":{"type":"string"}},"required":["a"]},{"properties":{"b":{"type":"integer"}},"required":["b"],"additionalProperties":false}]}}}`,
	"escaped pointer":   params(`"properties":{"a":{"$ref":"#/$defs/x~1y%20z"}},"$defs":{"x/y z":{"type":"string","maxLength":3}}`),
	"needs one":         params(`"properties":{"phone":{"type":"string"},"email":{"type":"string"}},"anyOf":[{"required":["phone"]},{"required":["email"]}]`),
	"union of open":     params(`"anyOf":[{"properties":{"path":{"type":"string"}},"required":["path"]},{"properties":{"url":{"type":"string"},"retries":{"type":"integer"}},"required":["url"]}]`),
	"union of closed":   params(`"oneOf":[{"properties":{"kind":{"const":"a"},"x":{"type":"string"}},"required":["kind","x"],"additionalProperties":false},{"properties":{"kind":{"const":"b"},"x":{"type":"integer"}},"required":["kind"],"additionalProperties":false}]`),
	"union and base":    params(`"properties":{"id":{"type":"string"}},"required":["id"],"oneOf":[{"properties":{"a":{"type":"boolean"}},"required":["a"]},{"not":{"required":["a"]}}]`),
	"unevaluated":       params(`"properties":{"id":{"type":"string"}},"anyOf":[{"properties":{"a":{"type":"boolean"}},"required":["a"]},{"properties":{"b":{"type":"integer"}}}],"unevaluatedProperties":false`),
	"union of a map":    params(`"anyOf":[{"additionalProperties":{"type":"integer"}},{"properties":{"a":{"type":"string"}},"additionalProperties":false}]`),
	"all of":            params(`"allOf":[{"properties":{"a":{"type":"string","maxLength":9}},"required":["a"]},{"properties":{"a":{"minLength":2},"b":{"enum":["x","y"]}}},{"properties":{"b":{"enum":["y","z"]}}}]`),
	"conditions":        params(`"properties":{"way":{"enum":["phone","email"]},"phone":{"type":"string"},"email":{"type":"string"}},"if":{"properties":{"way":{"const":"phone"}},"required":["way"]},"then":{"required":["phone"]},"else":{"required":["email"]}`),
	"dependent":         params(`"properties":{"a":{"type":"string"},"b":{"type":"string"}},"dependentRequired":{"a":["b"]},"dependentSchemas":{"b":{"properties":{"c":{"type":"integer"}}}}`),
	"patterns of names": params(`"patternProperties":{"^x-":{"type":"integer"}},"additionalProperties":{"type":"string"}`),
	"names":             params(`"properties":{"filter[id]":{"type":"string"},"filter_id":{"type":"integer"},"Filter.id":{"type":"string"},"$top":{"type":"integer"},"@x":{"type":"string"},"名":{"type":"string"},"with space":{"type":"object","properties":{"in side":{"type":"string"}},"required":["in side"]},"":{"type":"string"},"` + strings.Repeat("long", 30) + `":{"type":"string"},"` + strings.Repeat("long", 29) + `er":{"type":"string"}},"required":["$top"]`),
	"names in branches": params(`"properties":{"q":{"anyOf":[{"type":"object","properties":{"a b":{"type":"string"}},"required":["a b"]},{"type":"object","properties":{"a b":{"type":"integer"},"a_b":{"type":"string"}}},{"type":"array","items":{"type":"object","properties":{"a b":{"type":"boolean"}}}}]}}`),
	"names in a map":    params(`"properties":{"m":{"type":"object","properties":{"own":{"type":"object"}},"additionalProperties":{"type":"object","properties":{"a b":{"type":"string"}}}}}`),
	"names of extras":   params(`"properties":{"select[fields]":{"type":"string"},"cursor[]":{"type":"string"}}`),
	"types":             params(`"properties":{"a":{"type":["string","null"],"maxLength":3},"b":{"type":["integer","string","array"],"items":{"type":"string"},"minimum":3},"c":{"type":["number","integer"]},"d":{"type":"null"},"e":{"type":["object","boolean"],"properties":{"x":{"type":"string"}},"required":["x"]}}`),
	"anything":          params(`"properties":{"a":true,"b":{},"c":{"description":"C."},"d":{"not":{"type":"string"}},"e":{"properties":{"x":{"type":"string"}}},"f":{"minLength":3},"g":false}`),
	"enums":             params(`"properties":{"a":{"enum":["x",""]},"b":{"enum":["x",null]},"c":{"enum":[1,2.5,"x",true,null,[1],{"k":1}]},"d":{"type":"string","enum":["x",3]},"e":{"const":{"k":[1]}},"f":{"const":null},"g":{"type":["string","null"],"enum":["a","b",null]},"h":{"enum":[1.0,2]},"i":{"enum":[false]},"j":{"enum":[" padded","x"]}}`),
	"a long enum":       params(`"properties":{"a":{"enum":["` + strings.Repeat(`a","`, 0) + strings.Join(numbered(400), `","`) + `"]},"b":{"enum":["` + strings.Repeat("y", 2000) + `"]}}`),
	"numbers":           params(`"properties":{"a":{"type":"integer","minimum":-1e30,"maximum":9007199254740993},"b":{"type":"number","exclusiveMinimum":0.5,"exclusiveMaximum":10},"c":{"type":"integer","exclusiveMinimum":1,"exclusiveMaximum":9},"d":{"type":"number","multipleOf":0.25,"minimum":1.5},"e":{"type":"integer","exclusiveMinimum":1.5}}`),
	"sizes":             params(`"properties":{"a":{"type":"string","minLength":1.0,"maxLength":4e1},"b":{"type":"array","items":{"type":"string"},"minItems":1,"maxItems":99999999999,"uniqueItems":true},"c":{"type":"object","minProperties":1,"maxProperties":2},"d":{"type":"array","contains":{"const":1},"minContains":1}}`),
	"arrays":            params(`"properties":{"a":{"type":"array"},"b":{"type":"array","items":true},"c":{"type":"array","items":false},"d":{"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}]},"e":{"type":"array","prefixItems":[{"type":"string"}],"items":{"type":"boolean"}},"f":{"type":"array","prefixItems":[{"type":"string"}],"items":false},"g":{"type":"array","items":{"type":"array","items":{"type":"array"}}}}`),
	"texts":             params(`"properties":{"a":{"type":"string","format":"uri"},"b":{"type":"string","format":"date-time"},"c":{"type":"string","pattern":"^.+$"},"d":{"type":"string","pattern":"^[a-z]+$"},"e":{"type":"string","pattern":"\\p{L}"},"f":{"type":"string","pattern":"(?i)ab"},"g":{"type":"string","pattern":"[^a]"},"h":{"type":"string","contentEncoding":"base64"},"i":{"type":"string","pattern":"^\\d{2,4}$"},"j":{"type":"string","pattern":"(?P<n>a)"}}`),
	"defaults":          params(`"properties":{"a":{"type":"integer","default":5,"examples":[1,2],"deprecated":true},"b":{"type":"string","default":null,"readOnly":true}}`),
	"descriptions":      params(`"description":"` + strings.Repeat("Long. ", 300) + `","properties":{"a":{"type":"string","title":"` + strings.Repeat("t", 500) + `","description":"` + strings.Repeat("𝄞", 1500) + `","format":"uri"}}`),
	"maps":              params(`"properties":{"a":{"type":"object","additionalProperties":{"type":"string"}},"b":{"type":"object","additionalProperties":true},"c":{"type":"object","additionalProperties":{"anyOf":[{"type":"string"},{"type":"null"}]},"propertyNames":{"pattern":"^a"}}},"additionalProperties":false`),
	"deep":              params(`"properties":{"a":` + strings.Repeat(`{"type":"object","required":["a"],"properties":{"a":`, 14) + `{"type":"integer"}` + strings.Repeat(`}}`, 14) + `}`),
	"deep in arrays":    params(`"properties":{"a":` + strings.Repeat(`{"type":"array","items":`, 14) + `{"type":"integer"}` + strings.Repeat(`}`, 14) + `}`),
	"branching":         params(`"properties":{"a":{"$ref":"#/$defs/n"}},"$defs":{"n":{"type":"object","properties":{"a":{"$ref":"#/$defs/n"},"b":{"$ref":"#/$defs/n"},"c":{"$ref":"#/$defs/n"},"d":{"$ref":"#/$defs/n"},"e":{"$ref":"#/$defs/n"},"f":{"$ref":"#/$defs/n"},"g":{"$ref":"#/$defs/n"}}}}`),
	"wide":              params(`"properties":{` + strings.Join(wide(400), ",") + `}`),
	"required only":     params(`"properties":{"a":{"type":"string"}},"required":["a","b","c d"]`),
	"impossible":        params(`"properties":{"a":{"type":"string","allOf":[{"type":"integer"}]},"b":{"anyOf":[false,{"type":"string"}]},"c":{"enum":["x"],"allOf":[{"enum":["y"]}]}}`),
	"unions in unions":  params(`"properties":{"a":{"anyOf":[{"anyOf":[{"type":"string"},{"type":"null"}]},{"oneOf":[{"type":"integer"},{"type":"array","items":{"anyOf":[{"type":"string"},{"type":"object","additionalProperties":false}]}}]}]},"b":{"type":"string","anyOf":[{"format":"email"},{"format":"uri"}]},"c":{"anyOf":[{"type":"string","enum":["x"]},{"type":"string","enum":["y"]}]},"d":{"anyOf":[true,{"type":"string"}]}}`),
	"draft 7":           `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"a":{"$ref":"#/definitions/x","type":"integer"},"b":{"type":"array","items":[{"type":"string"}],"additionalItems":{"type":"integer"}}},"dependencies":{"a":["b"]},"definitions":{"x":{"type":"string"}}}`,
	"draft 4":           `{"$schema":"http://json-schema.org/draft-04/schema#","type":"object","properties":{"a":{"type":"integer","minimum":3,"exclusiveMinimum":true},"b":{"type":"number","maximum":3,"exclusiveMaximum":true}}}`,
	"dynamic":           params(`"properties":{"a":{"$dynamicRef":"#node"}},"$defs":{"n":{"$dynamicAnchor":"node","type":"object","properties":{"kids":{"type":"array","items":{"$dynamicRef":"#node"}}}}}`),
	"embedded":          params(`"properties":{"a":{"$ref":"https://x.example/o"}},"$defs":{"o":{"$id":"https://x.example/o","type":"object","properties":{"x":{"$ref":"#/$defs/i"}},"$defs":{"i":{"type":"integer"}}},"i":{"type":"string"}}`),
}

func numbered(n int) (texts []string) {
	for i := range n {
		texts = append(texts, fmt.Sprintf("value %d", i))
	}
	return texts
}

func wide(n int) (members []string) {
	for i := range n {
		members = append(members, fmt.Sprintf(`"p%d":{"type":"string","description":"The parameter of the number %d, of which there are many."}`, i, i))
	}
	return members
}

// operations are those of the three connectors.
func operations(t *testing.T) []*abi.Operation {
	t.Helper()
	folder := wasmtest.Folder(t, "plugins/pylon", "plugins/ashby", "plugins/incidentio")
	files, err := filepath.Glob(filepath.Join(folder, "*.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := firstparty.Make(t.Context(), wasmtest.Cache(t), files...)
	if err != nil {
		t.Fatal(err)
	}
	var all []*abi.Operation
	for _, digest := range list.Digests() {
		declaration, _ := list.Declared(digest)
		var manifest abi.Manifest
		if err := json.Unmarshal(declaration.Manifest, &manifest); err != nil {
			t.Fatal(err)
		}
		for i := range manifest.Operations {
			all = append(all, &manifest.Operations[i])
		}
	}
	if len(all) < 180 {
		t.Fatalf("%d operations", len(all))
	}
	return all
}

// want is how many arguments are tried.
const want = 10_000

// TestNoCallIsLost generates arguments that the schemas of connectors take, and looks that the
// portable schemas take them too, and that they come back byte for byte.
func TestNoCallIsLost(t *testing.T) {
	t.Parallel()
	schemas := maps.Clone(corpus)
	for _, op := range operations(t) {
		schemas[op.Entity+"."+op.Action+" "+op.Description] = string(op.Params)
	}
	tried := 0
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		own := []byte(schemas[name])
		of, err := connector.CompileSchema(own)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		advertised := portable.Params(own, "cursor", "select_fields")
		for _, problem := range portable.Check(advertised.JSON, true) {
			t.Errorf("%s: %s\n%s", name, problem, advertised.JSON)
		}
		taken := compile(t, advertised.JSON)
		g := newGenerator(own, uint64(len(name)))
		for range want/len(schemas) + 1 {
			args := g.valid(t.Context(), of)
			if args == nil {
				t.Errorf("%s: no arguments are valid", name)
				break
			}
			tried++
			sent := advertised.Names.Aliased(args)
			value, err := jsonschema.UnmarshalJSON(bytes.NewReader(sent))
			if err != nil {
				t.Fatal(err)
			}
			if err := taken.Validate(value); err != nil {
				t.Errorf("%s: lost %s:\n%v\n%s", name, args, err, advertised.JSON)
				break
			}
			back, err := advertised.Names.Restore(sent)
			if err != nil || !bytes.Equal(back, args) {
				t.Errorf("%s: %s came back as %s, %v", name, args, back, err)
				break
			}
		}
	}
	if tried < want {
		t.Errorf("%d arguments were tried, want %d", tried, want)
	}
}

func compile(t *testing.T, schema []byte) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatalf("%v: %s", err, schema)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := errors.Join(c.AddResource("schema:portable", document)); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("schema:portable")
	if err != nil {
		t.Fatalf("%v: %s", err, schema)
	}
	return compiled
}

// generator makes values, many of which fit a schema.
type generator struct {
	*rand.Rand
	root  map[string]any
	names []string
}

func newGenerator(own []byte, seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 7))}
	if err := json.Unmarshal(own, &g.root); err != nil {
		panic(err)
	}
	g.collect(g.root)
	g.names = append(g.names, "x-1", "else", "a")
	return g
}

// collect gathers the names of all properties.
func (g *generator) collect(node any) {
	switch node := node.(type) {
	case map[string]any:
		properties, _ := node["properties"].(map[string]any)
		g.names = append(g.names, slices.Sorted(maps.Keys(properties))...)
		for _, key := range slices.Sorted(maps.Keys(node)) {
			g.collect(node[key])
		}
	case []any:
		for _, element := range node {
			g.collect(element)
		}
	}
}

// valid returns arguments that the connector's schema takes.
func (g *generator) valid(ctx context.Context, of *connector.Schema) []byte {
	for attempt := range 400 {
		value, _ := g.value(g.root, 0).(map[string]any)
		if value == nil {
			continue
		}
		if attempt%2 == 1 {
			value = g.changed(value)
		}
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(value); err != nil {
			panic(err)
		}
		if args := bytes.TrimSpace(text.Bytes()); of.Validate(ctx, args) == nil {
			return args
		}
	}
	return nil
}

// changed has more or fewer members.
func (g *generator) changed(value map[string]any) map[string]any {
	for range 1 + g.IntN(3) {
		name := g.names[g.IntN(len(g.names))]
		if g.IntN(2) == 0 {
			delete(value, name)
		} else {
			value[name] = g.any(0)
		}
	}
	return value
}

// any makes a value of any type.
func (g *generator) any(depth int) any {
	switch n := g.IntN(9); {
	case n == 0 && depth < 4:
		return []any{g.any(depth + 1), g.any(depth + 1)}
	case n == 1 && depth < 4:
		return map[string]any{g.names[g.IntN(len(g.names))]: g.any(depth + 1)}
	case n == 2:
		return nil
	case n == 3:
		return g.IntN(2) == 0
	case n == 4:
		return g.IntN(100) - 50
	case n == 5:
		return g.Float64() * 1e20
	}
	return g.text(6)
}

func (g *generator) text(most int) string {
	var b strings.Builder
	for range g.IntN(most + 1) {
		b.WriteString([]string{"a", "B", "0", " ", "é", "𝄞", "\r", "\n", "-", "_", "ab", "12"}[g.IntN(12)])
	}
	return b.String()
}

func (g *generator) resolve(pointer string) any {
	var at any = g.root
	for part := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(pointer, "#"), "/"), "/") {
		if part != "" {
			node, _ := at.(map[string]any)
			at = node[strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "%20", " ")]
		}
	}
	return at
}

// value makes a value that mostly fits a schema.
func (g *generator) value(schema any, depth int) any {
	s, _ := schema.(map[string]any)
	if s == nil || depth > 20 {
		return g.any(depth)
	}
	if reference, ok := s["$ref"].(string); ok && depth > 0 {
		return g.value(g.resolve(reference), depth+1)
	}
	if value, ok := s["const"]; ok {
		return value
	}
	if values, ok := s["enum"].([]any); ok {
		return values[g.IntN(len(values))]
	}
	merged := map[string]any{}
	for _, key := range []string{"anyOf", "oneOf"} {
		if of, ok := s[key].([]any); ok {
			chosen := g.value(of[g.IntN(len(of))], depth+1)
			more, object := chosen.(map[string]any)
			if s["type"] == nil || !object {
				return chosen
			}
			maps.Copy(merged, more)
		}
	}
	for _, part := range parts(s["allOf"]) {
		if more, ok := g.value(part, depth+1).(map[string]any); ok {
			maps.Copy(merged, more)
		}
	}
	kind, _ := s["type"].(string)
	if kinds, ok := s["type"].([]any); ok {
		kind, _ = kinds[g.IntN(len(kinds))].(string)
	}
	switch kind {
	case "object":
		return g.object(s, depth, merged)
	case "array":
		return g.array(s, depth)
	case "string":
		return g.string(s)
	case "integer":
		return g.integer(s)
	case "number":
		return []any{g.integer(s), g.Float64() * 10, 2.25}[g.IntN(3)]
	case "boolean":
		return g.IntN(2) == 0
	case "null":
		return nil
	}
	if properties := s["properties"]; properties != nil || s["required"] != nil {
		return g.object(s, depth, merged)
	}
	return g.any(depth)
}

func parts(of any) []any {
	list, _ := of.([]any)
	return list
}

func (g *generator) object(s map[string]any, depth int, value map[string]any) any {
	properties, _ := s["properties"].(map[string]any)
	required := parts(s["required"])
	for _, name := range required {
		name, _ := name.(string)
		value[name] = g.value(properties[name], depth+1)
	}
	odds := 1 + len(properties)/4
	if depth > 3 {
		odds += depth
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if g.IntN(odds+1) == 0 || odds == 1 && g.IntN(2) == 0 {
			value[name] = g.value(properties[name], depth+1)
		}
	}
	if additional, ok := s["additionalProperties"].(map[string]any); ok {
		for range g.IntN(3) {
			value[g.names[g.IntN(len(g.names))]] = g.value(additional, depth+1)
		}
	} else if s["additionalProperties"] != false && g.IntN(3) == 0 {
		value[g.names[g.IntN(len(g.names))]+"+"] = g.any(depth)
	}
	return value
}

func (g *generator) array(s map[string]any, depth int) any {
	list := []any{}
	for _, part := range parts(s["prefixItems"]) {
		list = append(list, g.value(part, depth+1))
	}
	if least, _ := s["minItems"].(float64); s["items"] != false {
		for range max(g.IntN(3), int(least)) {
			list = append(list, g.value(s["items"], depth+1))
		}
	}
	return list
}

func (g *generator) string(s map[string]any) any {
	if s["format"] == "date-time" {
		return "2026-01-31T09:00:00Z"
	}
	if s["format"] != nil {
		return "https://example.com/x"
	}
	least, _ := s["minLength"].(float64)
	text := g.text(8)
	if pattern, ok := s["pattern"].(string); ok && g.IntN(3) > 0 {
		text = map[bool]string{true: "12", false: "ab"}[strings.Contains(pattern, "d") || strings.Contains(pattern, "0-9")]
	}
	for len(text) < int(least) {
		text += "a"
	}
	return text
}

func (g *generator) integer(s map[string]any) any {
	low, given := s["minimum"].(float64)
	if !given {
		low = 0
	}
	if low < -1e15 {
		return -9007199254740993
	}
	return int64(low) + g.Int64N(6)
}
