package pdk

import (
	"iter"
	"strconv"
	"strings"
)

// Schema is the JSON Schema (2020-12) of a parameter or of a part of one. Start with [String],
// [Integer] and so on; the methods return changed copies, so that a schema can be kept in a
// variable and refined. The host validates every call against the schemas before the connector
// runs.
//
// The functions that make schemas and parameters are not inlined: a table of operations calls
// hundreds of them, and hosts refuse huge functions.
type Schema struct {
	typ         string
	description string
	format      string
	pattern     string
	def         string
	ref         string
	enum        []string
	items       *Schema
	properties  []Property
	choices     []*Schema
	values      *Schema
	open        bool
	record      string // see recordOf
	lo, hi      bound
	raw         Raw // of a table, instead of all the rest
}

// bound is one end of a range: of a number's value, a string's length in
// characters, or the number of an array's elements.
type bound struct {
	set bool
	n   int64
}

// Property is a member of an object. Make one with [Prop].
type Property struct {
	name     string
	schema   *Schema
	required bool
}

// Definition is a named schema for [Ref], by which a schema can refer to itself.
type Definition struct {
	Name   string
	Schema *Schema
}

// String describes a string.
//
//go:noinline
func String(description string) *Schema { return &Schema{typ: "string", description: description} }

// Integer describes a whole number.
//
//go:noinline
func Integer(description string) *Schema { return &Schema{typ: "integer", description: description} }

// Number describes a number.
//
//go:noinline
func Number(description string) *Schema { return &Schema{typ: "number", description: description} }

// Boolean describes true or false.
//
//go:noinline
func Boolean(description string) *Schema { return &Schema{typ: "boolean", description: description} }

// Enum describes a string that is one of values.
//
//go:noinline
func Enum(description string, values ...string) *Schema {
	return &Schema{typ: "string", description: description, enum: values}
}

// DateTime describes a time in the form of RFC 3339.
//
//go:noinline
func DateTime(description string) *Schema { return String(description).Format("date-time") }

// Array describes an array with elements like items.
//
//go:noinline
func Array(description string, items *Schema) *Schema {
	return &Schema{typ: "array", description: description, items: items}
}

// Object describes an object that has these properties and no others.
//
//go:noinline
func Object(description string, properties ...Property) *Schema {
	return &Schema{typ: "object", description: description, properties: properties}
}

// Map describes an object with members that the vendor does not specify.
//
//go:noinline
func Map(description string) *Schema {
	return &Schema{typ: "object", description: description, open: true}
}

// MapOf describes an object with any names, such as ids, and values that are all like values.
//
//go:noinline
func MapOf(description string, values *Schema) *Schema {
	return &Schema{typ: "object", description: description, open: true, values: values}
}

// AnyOf describes a value that fits one of several schemas, each of another type and not an
// [Enum], a [Ref] or an AnyOf. It drops their own descriptions; description says when to use
// which.
//
//go:noinline
func AnyOf(description string, choices ...*Schema) *Schema {
	return &Schema{description: description, choices: choices}
}

// Ref describes a value that fits one of [Connector.Definitions].
//
//go:noinline
func Ref(name, description string) *Schema { return &Schema{ref: name, description: description} }

// Prop is a property of an [Object].
//
//go:noinline
func Prop(name string, schema *Schema) Property { return Property{name: name, schema: schema} }

// Required returns a copy of p that must be present.
func (p Property) Required() Property {
	p.required = true
	return p
}

// Describe returns a copy of s with another description.
//
//go:noinline
func (s *Schema) Describe(description string) *Schema {
	c := *s
	c.description = description
	return &c
}

// Format returns a copy of s with a format of JSON Schema, such as email.
//
//go:noinline
func (s *Schema) Format(format string) *Schema {
	c := *s
	c.format = format
	return &c
}

// Pattern returns a copy of s that a regular expression (ECMA-262, in the part of
// it that RE2 shares) must match somewhere; anchor it with ^ and $.
//
//go:noinline
func (s *Schema) Pattern(expression string) *Schema {
	c := *s
	c.pattern = expression
	return &c
}

// Default returns a copy of s with the value, as JSON text, that the vendor assumes if it is
// absent. It is not sent.
//
//go:noinline
func (s *Schema) Default(json string) *Schema {
	c := *s
	c.def = json
	return &c
}

// Min returns a copy of s with a lower bound for a number, or for the length of a string in
// characters, of an array in elements, or of an object in members.
//
//go:noinline
func (s *Schema) Min(n int64) *Schema {
	c := *s
	c.lo = bound{true, n}
	return &c
}

// Max returns a copy of s with an upper bound, like [Schema.Min].
//
//go:noinline
func (s *Schema) Max(n int64) *Schema {
	c := *s
	c.hi = bound{true, n}
	return &c
}

// write appends the members of the schema to o.
func (s *Schema) write(o *object) {
	for name, value := range s.raw.Members() {
		o.key(name)
		o.b = append(o.b, value...)
	}
	if s.ref != "" {
		o.str("$ref", "#/$defs/"+s.ref)
	}
	o.str("type", s.typ)
	o.strs("type", s.types())
	o.str("description", s.description)
	s.writeBounds(o)
	// Bounds for one type do not apply to the others, so the choices fit in one schema.
	for _, choice := range s.choices {
		choice.writeBounds(o)
	}
}

// types are the types of the choices.
func (s *Schema) types() []string {
	var types []string
	for _, choice := range s.choices {
		types = append(types, choice.typ)
	}
	return types
}

// writeBounds appends everything but the type and the description.
func (s *Schema) writeBounds(o *object) {
	o.str("format", s.format)
	o.str("pattern", s.pattern)
	o.strs("enum", s.enum)
	if s.def != "" {
		o.key("default")
		o.b = append(o.b, s.def...)
	}
	lo, hi := "minimum", "maximum"
	switch s.typ {
	case "string":
		lo, hi = "minLength", "maxLength"
	case "array":
		lo, hi = "minItems", "maxItems"
	case "object":
		lo, hi = "minProperties", "maxProperties"
	}
	if s.lo.set {
		o.key(lo)
		o.b = strconv.AppendInt(o.b, s.lo.n, 10)
	}
	if s.hi.set {
		o.key(hi)
		o.b = strconv.AppendInt(o.b, s.hi.n, 10)
	}
	if s.items != nil {
		o.key("items")
		o.b = s.items.append(o.b)
	}
	if s.values != nil {
		o.key("additionalProperties")
		o.b = s.values.append(o.b)
	}
	if s.typ == "object" && !s.open {
		writeProperties(o, s.properties)
	}
	if s.record != "" {
		members := recordText(s.record)
		members.members(o)
	}
}

func (s *Schema) append(b []byte) []byte {
	o := openObject(b)
	s.write(o)
	return o.close()
}

// writeProperties appends an object's properties, the required ones, and that there are no others.
func writeProperties(o *object, properties []Property) {
	o.key("properties")
	inner := openObject(o.b)
	var required []string
	for i := range properties {
		p := &properties[i]
		inner.key(p.name)
		inner.b = p.schema.append(inner.b)
		if p.required {
			required = append(required, p.name)
		}
	}
	o.b = inner.close()
	o.strs("required", required)
	o.key("additionalProperties")
	o.b = append(o.b, "false"...)
}

// refs adds the definitions that s refers to, also through others, to found, each once.
func (s *Schema) refs(definitions []Definition, found []*Definition) []*Definition {
	if s.ref != "" {
		for _, d := range found {
			if d.Name == s.ref {
				return found
			}
		}
		for i := range definitions {
			if d := &definitions[i]; d.Name == s.ref {
				found = d.Schema.refs(definitions, append(found, d))
			}
		}
	}
	for pointer := range references(s.raw) {
		found = Ref(pointer, "").refs(definitions, found)
	}
	if s.items != nil {
		found = s.items.refs(definitions, found)
	}
	if s.values != nil {
		found = s.values.refs(definitions, found)
	}
	for i := range s.properties {
		found = s.properties[i].schema.refs(definitions, found)
	}
	for _, choice := range s.choices {
		found = choice.refs(definitions, found)
	}
	return found
}

// references ranges over the names of the definitions that a schema of a table points to.
func references(schema Raw) iter.Seq[string] {
	return func(yield func(string) bool) {
		const start = `"#/$defs/`
		for rest := text(schema); ; {
			_, after, found := strings.Cut(rest, start)
			if !found {
				return
			}
			var name string
			if name, rest, found = strings.Cut(after, `"`); !found || !yield(name) {
				return
			}
		}
	}
}
