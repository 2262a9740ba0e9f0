package conformance

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/pdk/abi"
)

// everything has what schemas of parameters have: formats, bounds, references to
// themselves, several types.
const everything = `{
	"type": "object", "additionalProperties": false, "required": ["start", "end", "id"],
	"properties": {
		"id": {"type": "string", "minLength": 3, "maxLength": 5},
		"start": {"type": "string", "format": "date-time"}, "end": {"type": "string", "format": "date-time"}, "day": {"type": "string", "format": "date"},
		"n": {"type": "integer", "minimum": 5, "maximum": 7}, "mail": {"type": "string", "format": "email"},
		"color": {"type": "string", "enum": ["red", "green"]}, "any": {"type": ["string", "number"], "maxLength": 4},
		"list": {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "boolean"}},
		"filter": {"$ref": "#/$defs/filter"}
	},
	"$defs": {"filter": {
		"type": "object", "required": ["op"], "additionalProperties": false,
		"properties": {"op": {"type": "string", "maxLength": 9}, "all": {"type": "array", "maxItems": 3, "items": {"$ref": "#/$defs/filter"}}}
	}}
}`

func operation(params string, examples ...json.RawMessage) *connector.Operation {
	return &connector.Operation{Operation: &abi.Operation{Entity: "things", Action: "do", Params: json.RawMessage(params), Examples: examples}}
}

func TestValidParameters(t *testing.T) {
	made := valid(t.Context(), operation(everything, json.RawMessage(`{"id":"abc","start":"2026-01-01T00:00:00Z","end":"2026-02-01T00:00:00Z"}`)))
	if len(made) != 6 {
		t.Fatalf("%d sets of parameters: %s", len(made), made)
	}
	if !strings.Contains(string(made[0]), `"2026-02-01T00:00:00Z"`) {
		t.Errorf("the first is not the example: %s", made[0])
	}
	ascending, descending := false, false
	for _, params := range made[1:] {
		var p struct{ Start, End string }
		if err := json.Unmarshal(params, &p); err != nil {
			t.Fatal(err)
		}
		ascending = ascending || p.Start < p.End
		descending = descending || p.Start > p.End
	}
	if !ascending || !descending {
		t.Errorf("the times are always in the same order: %s", made)
	}
}

func TestParametersThatNoneFit(t *testing.T) {
	const impossible = `{"type":"object","required":["a"],"additionalProperties":false,"properties":{"a":{"type":"string","pattern":"^[0-9]{7}$"}}}`
	if made := valid(t.Context(), operation(impossible)); len(made) != 0 {
		t.Errorf("%s", made)
	}
	if made := valid(t.Context(), operation(impossible, json.RawMessage(`{"a":"1234567"}`))); len(made) != 1 {
		t.Errorf("%s", made)
	}
}

func TestInvalidParameters(t *testing.T) {
	op := operation(everything)
	made := invalid(op)
	for what, params := range made {
		if op.Validate(t.Context(), params) == nil {
			t.Errorf("%s is valid: %s", what, params)
		}
	}
	for _, what := range []string{"no id", "id too long", "id too short", "n too large", "color of no known value", "any of a wrong type", "an unknown parameter"} {
		if made[what] == nil {
			t.Errorf("%s is not tried", what)
		}
	}
	if _, ok := wrongType(schema{}); ok {
		t.Error("a schema without a type has a wrong one")
	}
}

func TestMatching(t *testing.T) {
	for _, pattern := range []string{
		"^pylon_(us|eu)_[0-9a-f]{32,64}$", "[A-Za-z0-9_-]+", "^thing_[A-Za-z0-9]{16,}$", `^\S+$`, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, "^(a|b)c.{20}$",
	} {
		text, err := matching(pattern, "canary07f3a9c5e1b")
		if err != nil || !regexp.MustCompile(`\A(?:`+pattern+`)\z`).MatchString(text) || len(text) < minCanary {
			t.Errorf("%s: %q, %v", pattern, text, err)
		}
	}
	for _, pattern := range []string{"^x{3}$", `^x.*\by$`, "("} {
		if text, err := matching(pattern, "canary07f3a9c5e1b"); err == nil {
			t.Errorf("%s: %q", pattern, text)
		}
	}
}

func TestDocument(t *testing.T) {
	for _, tt := range []struct {
		values map[string]any
		want   string
	}{
		{nil, `{}`},
		{map[string]any{"/a/b": 1, "/c": "x"}, `{"a":{"b":1},"c":"x"}`},
		{map[string]any{"/a": map[string]any{"id": "a"}, "/a/b": 1}, `{"a":{"b":1,"id":"a"}}`},
		{map[string]any{"/a": []any{map[string]any{"id": "a"}}, "/a/0/b": 1}, `{"a":[{"b":1,"id":"a"}]}`},
		{map[string]any{"/a": "x", "/a/b": 1}, `{"a":{"b":1}}`},
		{map[string]any{"/a~1b/c~0d": 1}, `{"a/b":{"c~d":1}}`},
	} {
		if got := string(document(tt.values)); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.values, got, tt.want)
		}
	}
	shared := []any{map[string]any{"id": "a"}}
	document(map[string]any{"/a": shared, "/a/0/b": 1})
	if got := string(marshal(shared)); got != `[{"id":"a"}]` {
		t.Errorf("a shape that others use became %s", got)
	}
}

// FuzzSchema: a manifest is not trusted, and what is read of its schemas must end.
func FuzzSchema(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte(`{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}`))
	f.Add([]byte(`{"type":["array",7],"items":{"minItems":1e300},"minLength":-1,"enum":[]}`))
	f.Add([]byte(`{"type":"array","minItems":1000,"items":{"type":"array","minItems":1000,"items":{"type":"array","minItems":1000}}}`))
	f.Add([]byte(`{"properties":{"a":{"$ref":"#"},"b":{"$ref":"#"},"c":{"$ref":"#"},"d":{"$ref":"#"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := parseSchema(text)
		unbounded(s)
		op := operation(string(text))
		for _, f := range []filling{{least: true}, {}, {largest: true}, {odd: true}} {
			if n := len(marshal(f.value(s, 0))); n > 64<<20 {
				t.Errorf("a value of %d bytes", n)
			}
		}
		invalid(op)
	})
}
