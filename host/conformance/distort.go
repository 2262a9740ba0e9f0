package conformance

import (
	"encoding/json"
	"maps"
	"slices"
)

// distortions are documents like one, each with another member of another type.
func distortions(body []byte) [][]byte {
	var whole any
	if json.Unmarshal(body, &whole) != nil {
		return nil
	}
	var made [][]byte
	for _, pointer := range pointers(whole) {
		for _, wrong := range []any{nil, 7, "text", []any{}, map[string]any{}} {
			made = append(made, marshal(put(whole, pointer, wrong)))
		}
	}
	return made
}

// maxDistorted bounds the members that are tried, and how deep they lie.
const (
	maxDistorted      = 12
	maxDistortedDepth = 3
)

// pointers lists where the members of a document are, as the tokens of JSON Pointers.
func pointers(whole any) [][]string {
	var found [][]string
	var walk func(at any, path []string)
	walk = func(at any, path []string) {
		object, ok := at.(map[string]any)
		if !ok || len(path) == maxDistortedDepth {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if len(found) == maxDistorted {
				return
			}
			inner := append(slices.Clone(path), name)
			found = append(found, inner)
			walk(object[name], inner)
		}
	}
	walk(whole, nil)
	return found
}
