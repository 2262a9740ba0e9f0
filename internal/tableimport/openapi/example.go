package openapi

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/internal/pattern"
	"github.com/agenthost/agenthost/internal/tableimport"
)

// maxExampleDepth bounds the values of examples.
const maxExampleDepth = 5

// exampler makes values of the schemas that were written.
type exampler struct{ full, base64 bool }

// value makes a value that fits a schema, as far as its keywords say it.
func (e *exampler) value(m tableimport.Map, depth int) any {
	if list := m.List("enum"); len(list) > 0 {
		return list[0]
	}
	if m.Has("default") && m.Get("default") != nil {
		return m.Get("default")
	}
	if list := m.List("anyOf"); len(list) > 0 {
		one, _ := list[0].(tableimport.Map)
		value := e.value(one, depth)
		own, isObject := value.(tableimport.Map)
		if props := m.Map("properties"); props != nil && isObject {
			both, _ := e.object(m, depth).(tableimport.Map)
			for _, member := range own {
				both.Set(member.Key, member.Value)
			}
			return both
		}
		return value
	}
	switch kindOf(m) {
	case "object":
		return e.object(m, depth)
	case "array":
		n := 1
		if least := bound(m, "minItems", 0); least > 1 {
			n = int(min(least, 100))
		} else if most := bound(m, "maxItems", 1); most == 0 {
			n = 0
		}
		list := []any{}
		for i := range n {
			value := e.value(m.Map("items"), depth+1)
			if s, ok := value.(string); ok && i > 0 && m.Bool("uniqueItems") {
				value = s + strconv.Itoa(i)
			}
			list = append(list, value)
		}
		return list
	case "integer", "number":
		return amount(m)
	case "boolean":
		return true
	case "string":
		return e.text(m)
	}
	return "value"
}

// kindOf is the first type of a schema that is not null.
func kindOf(m tableimport.Map) string {
	switch t := m.Get("type").(type) {
	case string:
		return t
	case []any:
		for _, one := range t {
			if s, ok := one.(string); ok && s != "null" {
				return s
			}
		}
	}
	if m.Has("properties") {
		return "object"
	}
	return ""
}

func (e *exampler) object(m tableimport.Map, depth int) any {
	value := tableimport.Map{}
	required := m.List("required")
	for _, p := range m.Map("properties") {
		inner, _ := p.Value.(tableimport.Map)
		needed := false
		for _, name := range required {
			needed = needed || name == p.Key
		}
		if needed || e.full && depth < maxExampleDepth {
			value.Set(p.Key, e.value(inner, depth+1))
		}
	}
	for _, name := range required {
		if s, ok := name.(string); ok && !value.Has(s) {
			value.Set(s, "value")
		}
	}
	if least := int(min(bound(m, "minProperties", 0), 20)); len(value) < least {
		others := m.Map("additionalProperties")
		for i := len(value); i < least; i++ {
			value.Set("key"+strconv.Itoa(i+1), e.value(others, depth+1))
		}
	}
	return value
}

// bound is a number of a schema.
func bound(m tableimport.Map, key string, otherwise float64) float64 {
	if n, ok := m.Get(key).(json.Number); ok {
		if f, err := n.Float64(); err == nil {
			return f
		}
	}
	return otherwise
}

// amount is a number within the bounds of a schema.
func amount(m tableimport.Map) any {
	n := max(1, bound(m, "minimum", 1), bound(m, "exclusiveMinimum", 0)+1)
	if m.Has("minimum") {
		n = max(bound(m, "minimum", 1), bound(m, "exclusiveMinimum", bound(m, "minimum", 1)-1)+1)
	}
	if most := min(bound(m, "maximum", n), bound(m, "exclusiveMaximum", n+1)-1); n > most {
		n = max(most, bound(m, "minimum", most))
	}
	return number(n)
}

func (e *exampler) text(m tableimport.Map) string {
	switch m.Text("format") {
	case "date-time":
		return "2026-01-31T09:00:00Z"
	case "date":
		return "2026-01-31"
	case "email":
		return "ada@example.com"
	case "uuid":
		return "7f3c1a52-9d1e-4b6e-8a43-5d2b60c1f0aa"
	case "uri":
		return "https://example.com/x"
	case "ipv4":
		return "192.0.2.1"
	case "ipv6":
		return "2001:db8::1"
	}
	text := "value"
	if e.base64 {
		text = "aGVsbG8="
	}
	if p := m.Text("pattern"); p != "" {
		text = cmp.Or(pattern.Sample(p, "value"), text)
	}
	if least := int(min(bound(m, "minLength", 0), 10_000)); len(text) < least {
		text += strings.Repeat("v", least-len(text))
	}
	if most := int(bound(m, "maxLength", 1e6)); len(text) > most {
		text = text[:max(most, 0)]
	}
	return text
}
