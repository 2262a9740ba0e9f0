package connector

import "github.com/santhosh-tekuri/jsonschema/v6"

// maxPaths bounds a schema. A validator follows every path, and a few hundred bytes of
// references, each used twice by the one before, have more paths than it can follow.
const maxPaths = 10_000

// paths is how many paths lead from a schema to its parts. A way back to a schema that
// contains it counts once: it is taken only as often as the value is deep. It stops
// counting above maxPaths.
func paths(s *jsonschema.Schema, known map[*jsonschema.Schema]int) int {
	if s == nil {
		return 0
	}
	if n, ok := known[s]; ok {
		return n
	}
	known[s] = 1
	n := 1
	add := func(parts ...*jsonschema.Schema) {
		for _, part := range parts {
			n = min(n+paths(part, known), maxPaths+1)
		}
	}
	either := func(part any) { // where a schema may be a bool, or a list
		switch part := part.(type) {
		case *jsonschema.Schema:
			add(part)
		case []*jsonschema.Schema:
			add(part...)
		}
	}
	add(s.Ref, s.RecursiveRef, s.Not, s.If, s.Then, s.Else)
	if s.DynamicRef != nil {
		add(s.DynamicRef.Ref)
	}
	add(s.AllOf...)
	add(s.AnyOf...)
	add(s.OneOf...)
	add(s.PropertyNames, s.UnevaluatedProperties, s.Contains, s.Items2020, s.UnevaluatedItems, s.ContentSchema)
	add(s.PrefixItems...)
	either(s.AdditionalProperties)
	either(s.Items)
	either(s.AdditionalItems)
	for _, part := range s.Properties {
		add(part)
	}
	for _, part := range s.PatternProperties {
		add(part)
	}
	for _, part := range s.DependentSchemas {
		add(part)
	}
	for _, part := range s.Dependencies {
		either(part)
	}
	known[s] = n
	return n
}
