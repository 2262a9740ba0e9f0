package openapi

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/agenthost/agenthost/internal/tableimport"
)

// plainJSON makes a value of a document one of a table: members in order, numbers as written.
func plainJSON(v any) any {
	switch v := v.(type) {
	case float64:
		return number(v)
	case int:
		return number(float64(v))
	case int64:
		return number(float64(v))
	case uint64:
		return number(float64(v))
	case tableimport.Map, json.Number, string, bool, nil:
		return v
	case map[string]any:
		m := make(tableimport.Map, 0, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			m.Set(key, plainJSON(v[key]))
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plainJSON(v[i])
		}
		return list
	}
	return v
}

// maxValue is how long a default or a value of an enum may be, as JSON.
const maxValue = 300

func short(v any) bool { return len(text(v)) <= maxValue }

// text is a value as JSON.
func text(v any) string { return string(appendJSON(nil, plainJSON(v))) }

func compare(a, b any) int { return cmp.Compare(text(a), text(b)) }

// tokens is how many tokens of YAML a value has, about.
func tokens(v any) int {
	n := 2
	switch v := v.(type) {
	case tableimport.Map:
		for _, m := range v {
			n += 3 + tokens(m.Value)
		}
		return n
	case []any:
		for _, element := range v {
			n += 1 + tokens(element)
		}
		return n
	}
	return 1
}
