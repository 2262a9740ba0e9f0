package connector

import (
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// maxPaths bounds the paths in a schema. A validator follows every path, and a few hundred bytes
// of references, each used twice by the one before, have more than it can follow.
const maxPaths = 10_000

// paths counts the paths from a schema to its parts, up to maxPaths. A reference back to a schema
// that contains it counts once: the value's depth, which deepest bounds, limits its use.
func paths(s *jsonschema.Schema, known map[*jsonschema.Schema]int) int {
	if n, ok := known[s]; ok {
		return n
	}
	known[s] = 1
	n := 1
	add := func(part *jsonschema.Schema) { n = min(n+paths(part, known), maxPaths+1) }
	parts(s, add, add, add)
	known[s] = n
	return n
}

// maxDepth bounds how deep parameters nest. Names that occur twice are not searched for deeper,
// so deeper values are refused.
const maxDepth = rawjson.MaxDuplicateDepth

// extent is how deep a value nests, 1 for an object of numbers, and how many values and names it
// has.
func extent(value any) (levels, parts int) {
	inner := func(v any) {
		l, p := extent(v)
		levels, parts = max(levels, l), parts+p
	}
	switch value := value.(type) {
	case map[string]any:
		parts = len(value)
		for _, v := range value {
			inner(v)
		}
	case []any:
		for _, v := range value {
			inner(v)
		}
	default:
		return 0, 1
	}
	return levels + 1, parts + 1
}

// deepest is how deep a value may nest, up to maxDepth, so that no part of it is checked on more
// than maxPaths paths: a schema that refers back to itself twice doubles them with each level. It
// also returns the most that a part costs.
func deepest(root *jsonschema.Schema) (levels int, most cost) {
	c := checks{known: make(map[place]cost)}
	for depth := range maxDepth + 1 {
		at := c.of(place{root, depth})
		if at.paths > maxPaths {
			return depth - 1, most
		}
		if at.paths == 0 {
			break // no part applies here, and so none below
		}
		most = most.or(at)
	}
	return maxDepth, most
}

// checks counts how often a schema, or a part of it, applies to one part of a value.
type checks struct{ known map[place]cost }

// place is a schema, and the depth of a part below the value that the schema applies to.
type place struct {
	schema *jsonschema.Schema
	below  int
}

func (c checks) of(at place) cost {
	if n, ok := c.known[at]; ok {
		return n
	}
	c.known[at] = cost{maxPaths + 1, maxCost, maxCost} // a way back here has no end
	var n, named cost
	add := func(part *jsonschema.Schema) { n = n.plus(c.of(place{part, at.below})) }
	if at.below == 0 {
		n = costOf(at.schema)
		parts(at.schema, add, func(*jsonschema.Schema) {}, func(*jsonschema.Schema) {})
	} else {
		inner := place{nil, at.below - 1}
		parts(at.schema, add,
			// A part has one name, so at most one property applies to it.
			func(part *jsonschema.Schema) { inner.schema = part; named = named.or(c.of(inner)) },
			func(part *jsonschema.Schema) { inner.schema = part; n = n.plus(c.of(inner)) })
	}
	n = n.plus(named)
	c.known[at] = n
	return n
}

// each visits a schema and all its parts once.
func each(root *jsonschema.Schema, visit func(*jsonschema.Schema)) {
	seen := make(map[*jsonschema.Schema]bool)
	var walk func(*jsonschema.Schema)
	walk = func(s *jsonschema.Schema) {
		if !seen[s] {
			seen[s] = true
			visit(s)
			parts(s, walk, walk, walk)
		}
	}
	walk(root)
}

// parts passes the schemas in s to same if they apply to the value itself, to named if they are
// properties, and to inner if they apply to other values in it.
func parts(s *jsonschema.Schema, same, named, inner func(*jsonschema.Schema)) {
	all := func(to func(*jsonschema.Schema), list ...*jsonschema.Schema) {
		for _, part := range list {
			if part != nil {
				to(part)
			}
		}
	}
	either := func(to func(*jsonschema.Schema), part any) { // where a schema may be a bool, or a list
		switch part := part.(type) {
		case *jsonschema.Schema:
			all(to, part)
		case []*jsonschema.Schema:
			all(to, part...)
		}
	}
	all(same, s.Ref, s.RecursiveRef, s.Not, s.If, s.Then, s.Else)
	if s.DynamicRef != nil {
		all(same, s.DynamicRef.Ref)
	}
	all(same, s.AllOf...)
	all(same, s.AnyOf...)
	all(same, s.OneOf...)
	for _, part := range s.DependentSchemas {
		all(same, part)
	}
	for _, part := range s.Dependencies {
		either(same, part)
	}
	all(inner, s.PropertyNames, s.UnevaluatedProperties, s.Contains, s.Items2020, s.UnevaluatedItems, s.ContentSchema)
	all(inner, s.PrefixItems...)
	either(inner, s.AdditionalProperties)
	either(inner, s.Items)
	either(inner, s.AdditionalItems)
	for _, part := range s.Properties {
		all(named, part)
	}
	for _, part := range s.PatternProperties {
		all(inner, part)
	}
}
