package connector

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// maxRepairChecks and maxRepairSteps bound the checks of values and the steps of patterns in one
// repair: some tenths of a second.
const (
	maxRepairChecks = 500_000
	maxRepairSteps  = 10_000_000
)

// Repair returns params with frequent mistakes of models corrected:
//
//   - null for an optional property is left out, unless the schema takes null
//   - an integer that is written like 2.0 or 1e3 is written as 2 or 1000
//   - a text that is exactly the JSON of the wanted type, such as "true", is that JSON
//
// It follows references and allOf, and an anyOf or oneOf if exactly one alternative fits, with or
// without a repair. All else stays the same except for white space. Params that it cannot repair
// within its bounds are returned as they are; [Schema.Validate] then reports the problem.
func (s *Schema) Repair(ctx context.Context, params []byte) []byte {
	if s.flat.accepts(params) {
		return params
	}
	value, twice, err := rawjson.Decode(params)
	if err != nil || twice != "" {
		return params
	}
	if levels, parts := extent(value); levels > s.deepest || s.tooMuch(parts) != nil {
		return params
	}
	r := &repair{ctx: ctx, cost: s.cost, checks: maxRepairChecks, steps: maxRepairSteps, nulls: make(map[*jsonschema.Schema]bool)}
	out := r.value([]*jsonschema.Schema{s.compiled}, rawjson.NewReader(params), value, make([]byte, 0, len(params)))
	if !r.changed || r.spent() {
		return params
	}
	return out
}

// Repair is [Schema.Repair] of the operation's parameters.
func (o *Operation) Repair(ctx context.Context, params []byte) []byte {
	schema, err := o.Schema()
	if err != nil {
		return params // Validate returns the error
	}
	return schema.Repair(ctx, params)
}

// repair is one pass over a value.
type repair struct {
	ctx           context.Context
	cost          cost // of one part of a value
	checks, steps int  // how many are left
	changed       bool
	nulls         map[*jsonschema.Schema]bool // whether a schema takes null
}

// spent reports whether the repair has no steps left.
func (r *repair) spent() bool { return r.checks < 0 || r.steps < 0 }

// value appends the next value, repaired, to out. All schemas apply to it.
func (r *repair) value(schemas []*jsonschema.Schema, in *rawjson.Reader, value any, out []byte) []byte {
	all := r.same(nil, schemas...)
	if r.spent() || len(all) == 0 {
		return append(out, in.Value()...)
	}
	if text, ok := value.(string); ok {
		raw := in.Value()
		raw, value = r.unwrap(wanted(all), raw, text)
		in = rawjson.NewReader(raw)
	}
	for i := 0; i < len(all); i++ { // it grows
		for _, alternatives := range [][]*jsonschema.Schema{all[i].AnyOf, all[i].OneOf} {
			if len(alternatives) == 0 {
				continue
			}
			raw := in.Value()
			one, raw, repaired := r.choose(alternatives, raw, value)
			if one != nil {
				all, value = r.same(all, one), repaired
			}
			in = rawjson.NewReader(raw)
		}
	}
	switch value := value.(type) {
	case map[string]any:
		return r.object(all, in, value, out)
	case []any:
		return r.array(all, in, value, out)
	case json.Number:
		return r.number(wanted(all), in.Value(), out)
	}
	return append(out, in.Value()...)
}

// same appends schemas to all, with those that they refer to and those of allOf.
func (r *repair) same(all []*jsonschema.Schema, schemas ...*jsonschema.Schema) []*jsonschema.Schema {
	for _, s := range schemas {
		if r.checks--; r.checks < 0 {
			return all
		}
		all = append(all, s)
		if s.Ref != nil {
			all = r.same(all, s.Ref)
		}
		all = r.same(all, s.AllOf...)
	}
	return all
}

func (r *repair) object(all []*jsonschema.Schema, in *rawjson.Reader, object map[string]any, out []byte) []byte {
	out = append(out, '{')
	first := true
	for name := range in.Members() {
		plain := rawjson.Unquote(name)
		value, decoded := object[plain]
		var schemas []*jsonschema.Schema
		if decoded { // its name is UTF-8
			var optional bool
			schemas, optional = r.property(all, plain)
			if value == nil && optional && !r.takeNull(schemas) {
				r.changed = true
				continue
			}
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		out = append(append(out, name...), ':')
		out = r.value(schemas, in, value, out)
	}
	return append(out, '}')
}

// property returns the schemas of a member. It is optional if some schema knows its name and
// no schema requires it.
func (r *repair) property(all []*jsonschema.Schema, name string) (schemas []*jsonschema.Schema, optional bool) {
	required := false
	for _, s := range all {
		r.checks -= 1 + len(s.Required)
		required = required || slices.Contains(s.Required, name)
		if property := s.Properties[name]; property != nil {
			schemas, optional = append(schemas, property), true
		} else if rest, ok := s.AdditionalProperties.(*jsonschema.Schema); ok && len(s.PatternProperties) == 0 {
			schemas = append(schemas, rest)
		}
	}
	return schemas, optional && !required
}

func (r *repair) takeNull(schemas []*jsonschema.Schema) bool {
	for _, s := range schemas {
		takes, known := r.nulls[s]
		if !known {
			r.checks -= r.cost.checks
			takes = s.Validate(nil) == nil
			r.nulls[s] = takes
		}
		if !takes {
			return false
		}
	}
	return true
}

func (r *repair) array(all []*jsonschema.Schema, in *rawjson.Reader, array []any, out []byte) []byte {
	out = append(out, '[')
	i := 0
	for range in.Elements() {
		var schemas []*jsonschema.Schema
		for _, s := range all {
			r.checks--
			if i < len(s.PrefixItems) {
				schemas = append(schemas, s.PrefixItems[i])
			} else if items := elements(s); items != nil {
				schemas = append(schemas, items)
			}
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = r.value(schemas, in, array[i], out)
		i++
	}
	return append(out, ']')
}

// choose returns the only alternative that fits a value, and the value as repaired by it. If not
// exactly one fits, it returns nil and the value as it is.
func (r *repair) choose(alternatives []*jsonschema.Schema, raw []byte, value any) (*jsonschema.Schema, []byte, any) {
	var one *jsonschema.Schema
	for _, s := range alternatives {
		if r.fits(s, raw, value) {
			if one != nil {
				return nil, raw, value
			}
			one = s
		}
	}
	if one != nil {
		return one, raw, value
	}
	before := r.changed
	oneRaw, oneValue := raw, value
	for _, s := range alternatives {
		if r.spent() {
			return nil, raw, value
		}
		r.changed = false
		out := r.value([]*jsonschema.Schema{s}, rawjson.NewReader(raw), value, nil)
		changed := r.changed
		r.changed = before
		if !changed {
			continue
		}
		repaired, twice, err := rawjson.Decode(out)
		if err != nil || twice != "" || !r.fits(s, out, repaired) {
			continue
		}
		if one != nil {
			return nil, raw, value
		}
		one, oneRaw, oneValue = s, out, repaired
	}
	r.changed = before || one != nil
	return one, oneRaw, oneValue
}

// fits reports whether a schema accepts a value. A value that takes long to check ends the
// repair.
func (r *repair) fits(s *jsonschema.Schema, raw []byte, value any) bool {
	if r.spent() {
		return false
	}
	levels, parts := extent(value)
	checks, steps := parts*r.cost.checks, len(raw)*r.cost.steps
	if levels > maxDepth || checks > lightChecks || steps > lightSteps || r.ctx.Err() != nil {
		r.checks = -1
		return false
	}
	r.checks -= checks
	r.steps -= steps
	return s.Validate(value) == nil
}

// unwrap returns the JSON in a text, if the schemas want that JSON and not a text.
func (r *repair) unwrap(want types, raw []byte, text string) ([]byte, any) {
	inner := []byte(text)
	trimmed := rawjson.Trim(inner)
	kind := rawjson.KindOf(trimmed)
	if want&typeOfKind[rawjson.String] != 0 || want&typeOfKind[kind] == 0 {
		return raw, text
	}
	if kind != rawjson.Object && kind != rawjson.Array && len(trimmed) != len(inner) {
		return raw, text
	}
	value, twice, err := rawjson.Decode(trimmed)
	if err != nil || twice != "" {
		return raw, text
	}
	if number, ok := value.(json.Number); ok && want&fractionType == 0 {
		if _, ok := asInteger(number.String()); !ok {
			return raw, text
		}
	}
	r.changed = true
	return trimmed, value
}

// number appends a number, as an integer if the schemas want one.
func (r *repair) number(want types, raw, out []byte) []byte {
	if want&fractionType == 0 && want&integerType != 0 {
		if text, ok := asInteger(string(raw)); ok && text != string(raw) {
			r.changed = true
			return append(out, text...)
		}
	}
	return append(out, raw...)
}

// maxExact is the largest integer up to which float64 represents each integer.
const maxExact = 1 << 53

// asInteger writes a number as an integer. Plain digits stay as they are. It reports false for
// a number that is not an integer, and for one beyond maxExact in another notation.
func asInteger(number string) (string, bool) {
	if !strings.ContainsAny(number, ".eE") && number != "-0" {
		return number, true
	}
	digits, power, _ := strings.Cut(rawjson.CanonicalNumber(number), "e")
	zeros, _ := strconv.Atoi(power) // none for 0
	if zeros < 0 || zeros > len("9007199254740992") {
		return "", false
	}
	text := digits + strings.Repeat("0", zeros)
	n, err := strconv.ParseInt(text, 10, 64)
	return text, err == nil && n <= maxExact && n >= -maxExact
}

// types is a set of the types of JSON Schema.
type types uint8

const (
	integerType  types = 1 << iota
	fractionType       // a number that is not an integer
	nullType
	boolType
	stringType
	arrayType
	objectType
	anyType types = 1<<iota - 1
)

var typeOfKind = map[rawjson.Kind]types{
	rawjson.Null: nullType, rawjson.Bool: boolType, rawjson.Number: integerType | fractionType,
	rawjson.String: stringType, rawjson.Array: arrayType, rawjson.Object: objectType,
}

var typeOfName = map[string]types{
	"null": nullType, "boolean": boolType, "integer": integerType, "number": integerType | fractionType,
	"string": stringType, "array": arrayType, "object": objectType,
}

// wanted returns the types that all schemas accept.
func wanted(schemas []*jsonschema.Schema) types {
	want := anyType
	for _, s := range schemas {
		switch {
		case s.Types != nil && !s.Types.IsEmpty():
			var some types
			for _, name := range s.Types.ToStrings() {
				some |= typeOfName[name]
			}
			want &= some
		case s.Const != nil:
			want &= typeOfValue(*s.Const)
		case s.Enum != nil:
			var some types
			for _, value := range s.Enum.Values {
				some |= typeOfValue(value)
			}
			want &= some
		}
	}
	return want
}

func typeOfValue(value any) types {
	switch value.(type) {
	case nil:
		return nullType
	case bool:
		return boolType
	case string:
		return stringType
	case []any:
		return arrayType
	case map[string]any:
		return objectType
	}
	return integerType | fractionType
}
