package conformance

import (
	"encoding/json"
	"maps"
	"slices"
)

// distortions are copies of a document, each with one member of another type.
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

// maxDistorted bounds the tried members, and their depth.
const (
	maxDistorted      = 12
	maxDistortedDepth = 7 // what GraphQL says of a page stands six deep
)

// pointers lists the members of a document, as the tokens of JSON Pointers.
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
