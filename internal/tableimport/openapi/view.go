package openapi

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// view is what several schemas say together that all hold for one value: a schema and all
// that it has in allOf.
type view struct {
	types                        []string // empty for any
	nullable                     bool
	title, description           string
	format, pattern, media       string
	enum                         []any
	fallback                     any
	example                      any
	min, max                     *float64
	above, below                 *float64
	minLength, minItems, minProp uint64
	maxLength, maxItems, maxProp *uint64
	unique                       bool
	items                        []*openapi3.SchemaRef
	props                        map[string][]*openapi3.SchemaRef
	required                     []string
	closed                       bool
	others                       *openapi3.SchemaRef // the schema of members without a name
	open                         bool                // members without a name are foreseen
	choices                      [][]*openapi3.SchemaRef
	discriminator                *openapi3.Discriminator
	readOnly, writeOnly          bool
	deprecated                   bool

	parts []*openapi3.Schema
}

// maxParts is how many schemas make one by allOf.
const maxParts = 200

// viewOf reads schemas that all hold for one value.
func viewOf(refs ...*openapi3.SchemaRef) *view {
	v := new(view)
	for _, ref := range refs {
		v.add(ref, 0)
	}
	if len(v.types) == 0 {
		switch {
		case len(v.props) > 0 || v.open:
			v.types = []string{"object"}
		case len(v.items) > 0:
			v.types = []string{"array"}
		case len(v.enum) > 0 && !slices.ContainsFunc(v.enum, func(e any) bool { _, ok := e.(string); return !ok }):
			v.types = []string{"string"}
		}
	}
	return v
}

func (v *view) add(ref *openapi3.SchemaRef, depth int) {
	if ref == nil || ref.Value == nil || depth > maxHops || len(v.parts) > maxParts || slices.Contains(v.parts, ref.Value) {
		return
	}
	s := ref.Value
	v.parts = append(v.parts, s)
	v.own(s)
	for _, part := range s.AllOf {
		v.add(part, depth+1)
	}
	for _, list := range []openapi3.SchemaRefs{s.OneOf, s.AnyOf} {
		if len(list) > 0 {
			v.alternatives(list, depth)
		}
	}
}

// alternatives adds what holds where one of several schemas does. The null that stands beside
// one schema makes that nullable.
func (v *view) alternatives(list openapi3.SchemaRefs, depth int) {
	var rest []*openapi3.SchemaRef
	for _, ref := range list {
		if ref == nil || ref.Value == nil {
			continue
		}
		if t := ref.Value.Type; t != nil && len(*t) == 1 && (*t)[0] == "null" {
			v.nullable = true
			continue
		}
		rest = append(rest, ref)
	}
	switch len(rest) {
	case 0:
	case 1:
		v.add(rest[0], depth+1)
	default:
		v.choices = append(v.choices, rest)
	}
}

// own adds the keywords of a schema that are about itself.
func (v *view) own(s *openapi3.Schema) {
	if s.Type != nil {
		var types []string
		for _, t := range *s.Type {
			switch t {
			case "null":
				v.nullable = true
			case "string", "number", "integer", "boolean", "array", "object":
				types = append(types, t)
			}
		}
		if len(v.types) == 0 {
			v.types = types
		} else if both := common(v.types, types); len(both) > 0 {
			v.types = both
		}
	}
	v.nullable = v.nullable || s.Nullable
	v.title = first(v.title, s.Title)
	v.description = first(v.description, s.Description)
	if s.Format == "guid" {
		v.format = "uuid"
	}
	v.format, v.pattern = first(v.format, s.Format), first(v.pattern, s.Pattern)
	v.media = first(v.media, s.ContentMediaType)
	if s.ContentEncoding != "" {
		v.format = first(v.format, s.ContentEncoding)
	}
	if v.enum == nil {
		if v.enum = s.Enum; s.Const != nil {
			v.enum = []any{s.Const}
		}
	}
	if v.fallback == nil {
		v.fallback = s.Default
	}
	if v.example == nil {
		if v.example = s.Example; v.example == nil && len(s.Examples) > 0 {
			v.example = s.Examples[0]
		}
	}
	v.min, v.above = lower(v.min, v.above, s.Min, s.ExclusiveMin)
	v.max, v.below = lower(v.max, v.below, s.Max, s.ExclusiveMax)
	v.minLength, v.minItems, v.minProp = max(v.minLength, s.MinLength), max(v.minItems, s.MinItems), max(v.minProp, s.MinProps)
	v.maxLength, v.maxItems, v.maxProp = least(v.maxLength, s.MaxLength), least(v.maxItems, s.MaxItems), least(v.maxProp, s.MaxProps)
	v.unique = v.unique || s.UniqueItems
	if s.Items != nil {
		v.items = append(v.items, s.Items)
	}
	for name, p := range s.Properties {
		if v.props == nil {
			v.props = make(map[string][]*openapi3.SchemaRef)
		}
		v.props[name] = append(v.props[name], p)
	}
	for _, name := range s.Required {
		if !slices.Contains(v.required, name) {
			v.required = append(v.required, name)
		}
	}
	switch extra := s.AdditionalProperties; {
	case extra.Has != nil && !*extra.Has:
		v.closed = true
	case extra.Schema != nil:
		v.open, v.others = true, extra.Schema
	case extra.Has != nil, len(s.PatternProperties) > 0:
		v.open = true
	}
	if s.Discriminator != nil && v.discriminator == nil {
		v.discriminator = s.Discriminator
	}
	v.readOnly, v.writeOnly, v.deprecated = v.readOnly || s.ReadOnly, v.writeOnly || s.WriteOnly, v.deprecated || s.Deprecated
}

// lower reads a bound in both dialects: exclusive as true beside it, or as a number.
func lower(bound, beyond, own *float64, exclusive openapi3.ExclusiveBound) (*float64, *float64) {
	if exclusive.Bool != nil && *exclusive.Bool && own != nil {
		return bound, own
	}
	if exclusive.Value != nil {
		beyond = exclusive.Value
	}
	if own != nil {
		bound = own
	}
	return bound, beyond
}

func least(a, b *uint64) *uint64 {
	if a == nil || b != nil && *b < *a {
		return b
	}
	return a
}

func common(a, b []string) []string {
	var both []string
	for _, t := range a {
		if slices.Contains(b, t) || t == "integer" && slices.Contains(b, "number") {
			both = append(both, t)
		} else if t == "number" && slices.Contains(b, "integer") {
			both = append(both, "integer")
		}
	}
	return both
}

func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// is reports whether values have only this type.
func (v *view) is(kind string) bool { return len(v.types) == 1 && v.types[0] == kind }

// names are those of the properties: the required ones in their order, then the others.
func (v *view) names() []string {
	rest := make([]string, 0, len(v.props))
	var all []string
	for _, name := range v.required {
		if v.props[name] != nil {
			all = append(all, name)
		}
	}
	for name := range v.props {
		if !slices.Contains(v.required, name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	return append(all, rest...)
}

// number writes a number as JSON does, without an exponent where it is short enough.
func number(f float64) json.Number {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return json.Number(strconv.FormatInt(int64(f), 10))
	}
	if size := math.Abs(f); size > 1e-9 && size < 1e21 { // YAML takes 1e-05 for text
		return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
	}
	return json.Number(strconv.FormatFloat(f, 'e', -1, 64))
}

// typed reports whether a value of an enum, or a default, has one of the types.
func (v *view) typed(value any) bool {
	if len(v.types) == 0 {
		return true
	}
	for _, t := range v.types {
		switch value := value.(type) {
		case string:
			if t == "string" {
				return true
			}
		case bool:
			if t == "boolean" {
				return true
			}
		case float64:
			if t == "number" || t == "integer" && value == math.Trunc(value) {
				return true
			}
		case []any:
			if t == "array" {
				return true
			}
		case map[string]any:
			if t == "object" {
				return true
			}
		}
	}
	return false
}

// asks reports whether a name is among those of a list of names, in any spelling of words.
func asks(name string, names ...string) bool {
	return slices.Contains(names, strings.Join(words(name), ""))
}
