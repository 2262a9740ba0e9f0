package openapi

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/pattern"
	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/getkin/kin-openapi/openapi3"
)

// level says how much of the schemas of an operation is written.
type level struct{ depth, text, enum int }

// levels are tried one after the other until the schemas of an operation are small enough.
var levels = []level{{9, 400, 300}, {7, 200, 200}, {6, 120, 100}, {5, 100, 60}, {4, 80, 40}, {3, 60, 20}, {2, 40, 10}}

// What the schemas of an operation may have, in bytes. A tool of a language model shows
// so much of them; a manifest takes more, but where schemas are cut they may as well be short.
const maxSchema = 20 << 10

// Bounds on the work, in schemas that are read. More of them than maxNodes would not fit into
// maxSchema bytes.
const (
	maxNodes    = 2000 // of one operation, at one level
	maxAllNodes = 3_000_000
)

// scribe writes schemas of values that callers send.
type scribe struct {
	level
	nodes, all *int
	inside     []*openapi3.Schema
	// chars and items bound strings and arrays whose schema has no bound.
	chars, items int64
	// cut says that something was left out, loose that a string or an array got a bound, and
	// dropped that a pattern is none.
	cut, loose, dropped bool
	// lean writes required members only, as the smallest value needs them.
	lean bool
}

// errWork stops a document that makes too much work.
var errWork = errors.New("the schemas of the document refer to each other so often that reading them would take too long")

// schema writes what several schemas say of a value together. depth is 1 for a parameter.
func (w *scribe) schema(depth int, refs ...*openapi3.SchemaRef) tableimport.Map {
	return w.write(viewOf(refs...), depth)
}

func (w *scribe) write(v *view, depth int) tableimport.Map {
	*w.nodes++
	*w.all++
	var m tableimport.Map
	if *w.nodes > maxNodes {
		w.cut = true
		return m
	}
	outer := len(w.inside)
	defer func() { w.inside = w.inside[:outer] }()
	again := false
	for _, part := range v.parts {
		again = again || slices.Contains(w.inside, part) && (len(v.props) > 0 || len(v.items) > 0 || len(v.choices) > 0)
		w.inside = append(w.inside, part)
	}
	w.types(&m, v)
	text := w.level.text
	if depth > 3 {
		text /= 2
	}
	m.Add("description", clean(first(v.description, v.title), text))
	w.values(&m, v)
	if again || depth >= w.depth {
		w.cut = w.cut || len(v.props) > 0 || len(v.items) > 0 || len(v.choices) > 0
		if v.is("array") {
			m.Set("items", tableimport.Map{})
		}
		return m
	}
	if len(v.items) > 0 {
		m.Set("items", w.schema(depth+1, v.items...))
	} else if slices.Contains(v.types, "array") {
		m.Set("items", tableimport.Map{})
	}
	w.object(&m, v, depth)
	w.choose(&m, v, depth)
	return m
}

func (w *scribe) types(m *tableimport.Map, v *view) {
	switch {
	case len(v.types) == 0:
	case len(v.types) == 1 && !v.nullable:
		m.Set("type", v.types[0])
	default:
		list := []any{}
		for _, t := range v.types {
			list = append(list, t)
		}
		if v.nullable {
			list = append(list, "null")
		}
		m.Set("type", list)
	}
}

// formats are those that a host asserts and that vendors mean as they are written.
var formats = []string{"date-time", "date", "email", "uuid", "uri", "ipv4", "ipv6"}

// values writes the keywords that bound values without parts.
func (w *scribe) values(m *tableimport.Map, v *view) {
	if slices.Contains(formats, v.format) && slices.Contains(v.types, "string") {
		m.Set("format", v.format)
	}
	if v.pattern != "" && slices.Contains(v.types, "string") {
		if p, err := pattern.Compile(v.pattern); err == nil && p.Size < maxPattern {
			m.Set("pattern", v.pattern)
		} else {
			w.dropped = true
		}
	}
	w.enum(m, v)
	if v.fallback != nil && v.typed(v.fallback) && short(v.fallback) {
		m.Set("default", plainJSON(v.fallback))
	}
	for _, b := range []struct {
		key   string
		bound *float64
	}{{"minimum", v.min}, {"maximum", v.max}, {"exclusiveMinimum", v.above}, {"exclusiveMaximum", v.below}} {
		if b.bound != nil && math.Abs(*b.bound) <= maxNumber && (slices.Contains(v.types, "integer") || slices.Contains(v.types, "number")) {
			m.Set(b.key, number(*b.bound))
		}
	}
	if slices.Contains(v.types, "string") {
		w.length(m, "minLength", "maxLength", v.minLength, v.maxLength, w.textBound(*m))
	}
	if slices.Contains(v.types, "array") {
		w.length(m, "minItems", "maxItems", v.minItems, v.maxItems, w.items)
		if v.unique {
			m.Set("uniqueItems", true)
		}
	}
	if slices.Contains(v.types, "object") {
		if v.minProp > 0 {
			m.Set("minProperties", integer(v.minProp))
		}
		if v.maxProp != nil {
			m.Set("maxProperties", integer(*v.maxProp))
		}
	}
}

// maxNumber is the largest bound that is written: a larger one is that of the vendor's own type.
const maxNumber = 1 << 53

// maxPattern is the size of the largest pattern of a schema.
const maxPattern = 2000

// textBound is the length that a string gets which has no bound, 0 for one that needs none.
func (w *scribe) textBound(m tableimport.Map) int64 {
	if m.Has("enum") || m.Has("format") || m.Has("pattern") {
		return 0
	}
	return w.chars
}

func (w *scribe) length(m *tableimport.Map, low, high string, least uint64, most *uint64, otherwise int64) {
	if least > 0 {
		m.Set(low, integer(least))
	}
	switch {
	case most != nil:
		m.Set(high, integer(max(*most, least)))
	case otherwise > 0:
		m.Set(high, integer(max(uint64(otherwise), least)))
		w.loose = true
	}
}

func integer(n uint64) json.Number { return number(float64(min(n, 1<<31))) }

// enum writes the values that are possible. Very many are left out.
func (w *scribe) enum(m *tableimport.Map, v *view) {
	var list []any
	for _, value := range v.enum {
		if value == nil {
			v.nullable = true
		} else if v.typed(value) && short(value) && !slices.ContainsFunc(list, func(other any) bool { return compare(other, value) == 0 }) {
			list = append(list, plainJSON(value))
		}
	}
	switch {
	case len(list) == 0:
		return
	case len(list) > w.level.enum:
		w.cut = true
		return
	case v.nullable && len(v.types) > 0:
		list = append(list, nil)
		w.types(m, v)
	}
	m.Set("enum", list)
}

// object writes the members of an object.
func (w *scribe) object(m *tableimport.Map, v *view, depth int) {
	if !slices.Contains(v.types, "object") && len(v.types) > 0 {
		return
	}
	var props tableimport.Map
	for _, name := range v.names() {
		if w.lean && !slices.Contains(v.required, name) {
			continue
		}
		p := viewOf(v.props[name]...)
		if p.readOnly {
			v.required = slices.DeleteFunc(v.required, func(s string) bool { return s == name })
			continue
		}
		props.Set(name, w.write(p, depth+1))
	}
	if len(props) > 0 {
		m.Set("properties", props)
	}
	var required []any
	for _, name := range v.required {
		if len(props) == 0 || props.Has(name) {
			required = append(required, name)
		}
	}
	if len(required) > 0 {
		m.Set("required", required)
	}
	switch {
	case v.others != nil:
		m.Set("additionalProperties", w.schema(depth+1, v.others))
	case v.closed && len(v.choices) == 0 && len(v.parts) == 1:
		m.Set("additionalProperties", false)
	}
}

// choose writes alternatives. A document that says oneOf often means anyOf: its alternatives
// have members in common, and say of none that it excludes another.
func (w *scribe) choose(m *tableimport.Map, v *view, depth int) {
	for i, choices := range v.choices {
		if i > 0 { // a second list bounds values more than a model needs
			w.cut = true
			return
		}
		var list []any
		for _, choice := range choices {
			one := w.schema(depth, choice)
			w.discriminate(&one, v, choice)
			list = append(list, one)
		}
		m.Set("anyOf", list)
	}
}

// discriminate says which value of the discriminator belongs to an alternative: that of the
// mapping, or the name of its schema.
func (w *scribe) discriminate(m *tableimport.Map, v *view, choice *openapi3.SchemaRef) {
	if v.discriminator == nil || choice.Ref == "" || kindOf(*m) != "object" {
		return
	}
	name, of := v.discriminator.PropertyName, choice.Ref[strings.LastIndexByte(choice.Ref, '/')+1:]
	var values []any
	for value, ref := range v.discriminator.Mapping {
		if ref.Ref == choice.Ref || ref.Ref == of {
			values = append(values, value)
		}
	}
	if len(v.discriminator.Mapping) == 0 {
		values = append(values, of)
	}
	props := slices.Clone(m.Map("properties"))
	tag := slices.Clone(props.Map(name))
	if own := viewOf(viewOf(choice).props[name]...).enum; len(own) > 0 {
		values = slices.Clone(own)
	}
	if len(values) == 0 || tag.Has("type") && tag.Text("type") != "string" {
		return
	}
	slices.SortFunc(values, compare)
	for _, keyword := range []string{"maxLength", "minLength", "pattern", "default"} {
		tag.Remove(keyword)
	}
	tag.Set("type", "string")
	tag.Set("enum", values)
	props.Set(name, tag)
	m.Set("properties", props)
	if required := m.List("required"); !slices.Contains(required, any(name)) {
		m.Set("required", append(slices.Clone(required), name))
	}
}
