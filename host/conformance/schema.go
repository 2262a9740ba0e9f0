package conformance

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// schema is a JSON Schema as a document, because a compiled one does not show how it is written.
type schema map[string]any

func parseSchema(raw json.RawMessage) schema {
	var s schema
	// The check of the declaration refused what does not parse.
	_ = json.Unmarshal(raw, &s)
	if s == nil {
		s = schema{}
	}
	left := maxReferences
	s.resolve(s, 0, &left)
	return s
}

// maxDepth bounds the depth of references, since filters refer to themselves, and maxReferences
// their number, with long ones counted as several.
const (
	maxDepth      = 4
	maxReferences = 1000
)

// resolve replaces references with their definitions.
func (s schema) resolve(root schema, depth int, left *int) {
	if ref, ok := s["$ref"].(string); ok {
		delete(s, "$ref")
		if target := root.lookup(ref); target != nil && depth < maxDepth && *left > 0 {
			copied, size := clone(target)
			*left -= 1 + size/maxReferences
			for key, value := range copied {
				if _, own := s[key]; !own {
					s[key] = value
				}
			}
			s.resolve(root, depth+1, left)
			return
		}
		s["truncated"] = true
		return
	}
	for _, child := range s.children() {
		child.resolve(root, depth, left)
	}
}

// lookup finds #/$defs/name.
func (s schema) lookup(ref string) schema {
	at := s
	for token := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		next, ok := at[token].(map[string]any)
		if !ok {
			return nil
		}
		at = next
	}
	return at
}

// clone copies a schema and returns its length as text.
func clone(s schema) (schema, int) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, 0
	}
	var c schema
	if json.Unmarshal(data, &c) != nil {
		return nil, 0
	}
	return c, len(data)
}

// children are the schemas of properties and items, and the alternatives.
func (s schema) children() map[string]schema {
	found := make(map[string]schema)
	for name, property := range s.properties() {
		found["."+name] = property
	}
	if items, ok := s["items"].(map[string]any); ok {
		found["[]"] = items
	}
	for _, key := range []string{"anyOf", "oneOf", "allOf"} {
		list, _ := s[key].([]any)
		for i, item := range list {
			if alternative, ok := item.(map[string]any); ok {
				found["/"+key+string(rune('0'+i%10))] = alternative
			}
		}
	}
	return found
}

func (s schema) properties() map[string]schema {
	found := make(map[string]schema)
	properties, _ := s["properties"].(map[string]any)
	for name, property := range properties {
		if p, ok := property.(map[string]any); ok {
			found[name] = p
		}
	}
	return found
}

func (s schema) required() []string {
	list, _ := s["required"].([]any)
	var names []string
	for _, item := range list {
		if name, ok := item.(string); ok {
			names = append(names, name)
		}
	}
	return names
}

func (s schema) describes() string {
	text, _ := s["description"].(string)
	return text
}

// types are the types of the values, empty if the schema has none.
func (s schema) types() []string {
	switch t := s["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var names []string
		for _, item := range t {
			if name, ok := item.(string); ok {
				names = append(names, name)
			}
		}
		return names
	}
	return nil
}

func (s schema) kind() string {
	if types := s.types(); len(types) > 0 {
		return types[0]
	}
	return ""
}

// number is a bound of numbers, in the range of exact integers of a float64.
func (s schema) number(key string, otherwise int) int {
	if n, ok := s[key].(float64); ok {
		return int(max(-1<<52, min(1<<52, n)))
	}
	return otherwise
}

// length is a bound of texts and lists.
func (s schema) length(key string, otherwise int) int {
	return max(0, min(maxLength, s.number(key, otherwise)))
}

// maxLength bounds lengths; larger ones make no difference here.
const maxLength = 1 << 20

// walk calls f with a schema and all schemas in it.
func (s schema) walk(at string, f func(at string, s schema)) {
	if s["truncated"] == true {
		return
	}
	f(at, s)
	children := s.children()
	for _, name := range slices.Sorted(maps.Keys(children)) {
		children[name].walk(at+name, f)
	}
}
