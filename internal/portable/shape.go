package portable

import (
	"cmp"
	"slices"
)

// kinds is a set of the types of JSON Schema. A number may be an integer, so a set with
// aNumber has anInteger too.
type kinds uint8

const (
	aString kinds = 1 << iota
	anInteger
	aNumber
	aBoolean
	anObject
	anArray
	aNull

	anyKind = aString | anInteger | aNumber | aBoolean | anObject | anArray | aNull
)

// kindNames are the names of the types, in the order in which alternatives are written.
var kindNames = []struct {
	kind kinds
	name string
}{
	{anObject, "object"}, {aString, "string"}, {aNumber, "number"}, {anInteger, "integer"},
	{aBoolean, "boolean"}, {anArray, "array"}, {aNull, "null"},
}

// kindOf returns the set for the name of a type.
func kindOf(name string) kinds {
	for _, k := range kindNames {
		if k.name == name {
			if k.kind == aNumber {
				return aNumber | anInteger
			}
			return k.kind
		}
	}
	return 0
}

// shape is what a schema says of a value, as far as portable schemas can say it. A shape
// accepts at least what its schema accepts.
type shape struct {
	kinds       kinds
	title       string
	description string
	notes       []string // what only the description can say
	header      string   // the extension x-mcp-header

	// choices are the texts of an enum; nil permits all.
	choices []string
	// bounds are keywords with numbers and texts that portable schemas have.
	bounds bounds

	properties []property
	values     *shape // of other members; nil permits all
	closed     bool   // there are no other members
	items      *shape // nil permits all

	// branches are alternatives of a shape that says nothing else.
	branches []*shape
}

type property struct {
	name     string
	required bool
	*shape
}

// bounds are the keywords that are copied as they are, empty if there is none.
type bounds struct {
	format, pattern, minLength, maxLength string // of a string
	minimum, maximum                      string // of a number
	minItems, maxItems                    string // of an array
}

// anything is the shape of all values.
func anything() *shape { return &shape{kinds: anyKind} }

// plain reports whether a shape says nothing of the value.
func (s *shape) plain() bool {
	return s.kinds == anyKind && s.choices == nil && s.bounds == (bounds{}) && s.properties == nil && s.values == nil && !s.closed && s.items == nil && s.branches == nil
}

func (s *shape) property(name string) *property {
	for i := range s.properties {
		if s.properties[i].name == name {
			return &s.properties[i]
		}
	}
	return nil
}

// both returns a shape for values that two shapes accept. It may accept more. What the first
// says of itself comes first.
func both(a, b *shape) *shape {
	switch {
	case b.plain():
		return a.annotated(b)
	case a.plain():
		out := *b
		out.title, out.description, out.header = first(a.title, b.title), first(a.description, b.description), first(a.header, b.header)
		out.notes = union(a.notes, b.notes)
		return &out
	}
	a, b = a.single(), b.single()
	out := a.annotated(b)
	out.kinds &= b.kinds
	out.choices = a.choices
	if b.choices != nil {
		out.choices = b.choices
		if a.choices != nil {
			out.choices = slices.DeleteFunc(slices.Clone(a.choices), func(c string) bool { return !slices.Contains(b.choices, c) })
		}
		if len(out.choices) == 0 {
			out.choices, out.kinds = nil, out.kinds&^aString
		}
	}
	out.bounds = a.bounds.or(b.bounds)
	out.properties = slices.Clone(a.properties)
	for _, p := range b.properties {
		if known := out.property(p.name); known != nil {
			known.shape, known.required = both(known.shape, p.shape), known.required || p.required
		} else {
			out.properties = append(out.properties, p)
		}
	}
	out.values, out.items = bothOrOne(a.values, b.values), bothOrOne(a.items, b.items)
	out.closed = a.closed || b.closed
	return out
}

func bothOrOne(a, b *shape) *shape {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return both(a, b)
}

// annotated is a with what b says of itself.
func (s *shape) annotated(b *shape) *shape {
	out := *s
	out.title, out.description, out.header = first(s.title, b.title), first(s.description, b.description), first(s.header, b.header)
	out.notes = union(s.notes, b.notes)
	return &out
}

// or takes the bounds of b if there are none.
func (k bounds) or(b bounds) bounds {
	return bounds{
		first(k.format, b.format), first(k.pattern, b.pattern), first(k.minLength, b.minLength), first(k.maxLength, b.maxLength),
		first(k.minimum, b.minimum), first(k.maximum, b.maximum), first(k.minItems, b.minItems), first(k.maxItems, b.maxItems),
	}
}

// single returns a shape without branches that accepts all that the branches accept.
func (s *shape) single() *shape {
	if s.branches == nil {
		return s
	}
	out := either(s.branches)
	out.title, out.description, out.header = s.title, s.description, s.header
	out.notes = union(s.notes, out.notes)
	return out
}

// either returns one shape for the values that some of several shapes accept. It may accept
// more.
func either(shapes []*shape) *shape {
	out := &shape{closed: true}
	var objects, arrays, strings, numbers []*shape
	for _, s := range shapes {
		s = s.single()
		out.kinds |= s.kinds
		for kind, of := range map[kinds]*[]*shape{anObject: &objects, anArray: &arrays, aString: &strings, aNumber | anInteger: &numbers} {
			if s.kinds&kind != 0 {
				*of = append(*of, s)
			}
		}
	}
	out.ofStrings(strings)
	for i, s := range numbers {
		if i == 0 {
			out.bounds.minimum, out.bounds.maximum = s.bounds.minimum, s.bounds.maximum
		}
		out.bounds.minimum, out.bounds.maximum = same(out.bounds.minimum, s.bounds.minimum), same(out.bounds.maximum, s.bounds.maximum)
	}
	items := make([]*shape, len(arrays))
	for i, s := range arrays {
		if i == 0 {
			out.bounds.minItems, out.bounds.maxItems = s.bounds.minItems, s.bounds.maxItems
		}
		out.bounds.minItems, out.bounds.maxItems = same(out.bounds.minItems, s.bounds.minItems), same(out.bounds.maxItems, s.bounds.maxItems)
		items[i] = s.items
	}
	out.items = alternatives(items)
	out.ofObjects(objects)
	return out
}

func (s *shape) ofStrings(from []*shape) {
	limited := len(from) > 0
	for i, f := range from {
		if i == 0 {
			s.bounds.format, s.bounds.pattern, s.bounds.minLength, s.bounds.maxLength = f.bounds.format, f.bounds.pattern, f.bounds.minLength, f.bounds.maxLength
		}
		s.bounds.format, s.bounds.pattern = same(s.bounds.format, f.bounds.format), same(s.bounds.pattern, f.bounds.pattern)
		s.bounds.minLength, s.bounds.maxLength = same(s.bounds.minLength, f.bounds.minLength), same(s.bounds.maxLength, f.bounds.maxLength)
		limited = limited && f.choices != nil
	}
	if limited {
		for _, f := range from {
			s.choices = union(s.choices, f.choices)
		}
	}
}

// ofObjects gives the shape the properties of all objects. A property that some of them do
// not declare may have any value there.
func (s *shape) ofObjects(from []*shape) {
	s.closed = len(from) > 0
	var values []*shape
	for _, f := range from {
		for _, p := range f.properties {
			if s.property(p.name) != nil {
				continue
			}
			required := true
			var of []*shape
			for _, other := range from {
				switch declared := other.property(p.name); {
				case declared != nil:
					of, required = append(of, declared.shape), required && declared.required
				case other.closed:
					required = false
				default:
					of, required = append(of, other.others()), false
				}
			}
			s.properties = append(s.properties, property{p.name, required, alternatives(of)})
		}
		s.closed = s.closed && f.closed
		if !f.closed {
			values = append(values, f.values)
		}
	}
	s.values = alternatives(values)
}

// others is the shape of members that are not declared.
func (s *shape) others() *shape {
	if s.values == nil {
		return anything()
	}
	return s.values
}

// alternatives returns a shape of branches, or nil if one of them is nil or none is given.
func alternatives(of []*shape) *shape {
	if len(of) == 0 || slices.Contains(of, nil) {
		return nil
	}
	out := &shape{kinds: anyKind}
	for _, s := range of {
		if s.branches == nil {
			out.branches = append(out.branches, s)
			continue
		}
		for _, b := range s.branches { // the branches of an alternative keep what it says of them
			out.branches = append(out.branches, b.annotated(&shape{description: s.description, notes: s.notes}))
		}
	}
	return out
}

// same returns what two keywords have in common.
func same(a, b string) string {
	if a == b {
		return a
	}
	return ""
}

func first(a, b string) string {
	return cmp.Or(a, b)
}

// union returns the texts of both lists, each once.
func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, text := range b {
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}
