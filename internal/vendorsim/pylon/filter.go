package pylon

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

const (
	// maxFilterDepth and maxFilterNodes bound a filter. The vendor's bounds are not documented.
	maxFilterDepth = 8
	maxFilterNodes = 200
)

// operators are all the operators of the vendor's filter object.
var operators = []string{
	"equals", "not_equals", "contains", "does_not_contain", "in", "not_in", "and", "or", "time_is_after", "time_is_before",
	"time_range", "string_contains", "string_does_not_contain", "is_set", "is_unset", "greater_than", "less_than",
	"greater_than_or_equals", "less_than_or_equals",
}

// field is a filter's field: its operators, its permitted values if they are a closed set, and how to read it. A field
// has any number of values, such as several tags.
type field[T any] struct {
	operators []string
	values    []string
	get       func(*T) []string
}

type schema[T any] struct {
	fields map[string]field[T]
	// objectType and custom add the custom fields of a kind of object, by slug.
	objectType string
	custom     func(*T) customValues
	// text is what search_text looks through.
	text func(*T) string
}

type predicate[T any] func(*T) bool

type filterCompiler[T any] struct {
	schema  *schema[T]
	isField func(objectType, slug string) bool
	nodes   int
}

func (fc *filterCompiler[T]) compile(v any, path string, depth int) (predicate[T], *apiError) {
	if fc.nodes++; depth > maxFilterDepth || fc.nodes > maxFilterNodes {
		return nil, invalid("%s: filter too large", path)
	}
	obj, ok := v.(map[string]any)
	if !ok {
		return nil, invalid("%s must be an object, not %s", path, contract.JSONType(v))
	}
	f := fields(obj)
	if err := checkFilterFields(f, path); err != nil {
		return nil, err
	}
	op := f.Text("operator")
	if op == "and" || op == "or" {
		return fc.compound(f, op, path, depth)
	}
	if f.Has("subfilters") {
		return nil, invalid("%s.subfilters go with the operators and and or only", path)
	}
	// The specification marks field as required for every filter, but it has no meaning for and and or.
	name := f.Text("field")
	if name == "" {
		return nil, invalid("%s.field is required", path)
	}
	fl, err := fc.field(name, path)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(fl.operators, op) {
		return nil, invalid("%s: operator %q is not one of those for field %q: %s", path, op, name, strings.Join(fl.operators, ", "))
	}
	return fl.predicate(op, f, path)
}

func checkFilterFields(f fields, path string) *apiError {
	for name, v := range f {
		var ok bool
		switch name {
		case "field", "operator", "value":
			_, ok = v.(string)
		case "values", "subfilters":
			_, ok = v.([]any)
		default:
			return invalid("unknown field %q", path+"."+name)
		}
		if !ok {
			return invalid("%s.%s must not be %s", path, name, contract.JSONType(v))
		}
	}
	values, _ := f["values"].([]any)
	for i, v := range values {
		if _, ok := v.(string); !ok || i >= contract.MaxItems {
			return invalid("%s.values[%d] must be a string", path, i)
		}
	}
	if op := f.Text("operator"); !slices.Contains(operators, op) {
		return invalid("%s.operator must be one of %s", path, strings.Join(operators, ", "))
	}
	return nil
}

func (fc *filterCompiler[T]) compound(f fields, op, path string, depth int) (predicate[T], *apiError) {
	subs, _ := f["subfilters"].([]any)
	if len(subs) == 0 {
		return nil, invalid("%s.subfilters is required for operator %q", path, op)
	}
	var parts []predicate[T]
	for i, s := range subs {
		p, err := fc.compile(s, path+".subfilters["+strconv.Itoa(i)+"]", depth+1)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	if op == "and" {
		return func(r *T) bool { return !slices.ContainsFunc(parts, func(p predicate[T]) bool { return !p(r) }) }, nil
	}
	return func(r *T) bool { return slices.ContainsFunc(parts, func(p predicate[T]) bool { return p(r) }) }, nil
}

// field finds a field by name, or a custom field by slug. The operators of custom fields are not documented; it accepts
// all that make sense.
func (fc *filterCompiler[T]) field(name, path string) (field[T], *apiError) {
	if fl, ok := fc.schema.fields[name]; ok {
		return fl, nil
	}
	if fc.schema.custom == nil || !fc.isField(fc.schema.objectType, name) {
		return field[T]{}, invalid("%s.field: cannot filter by %q", path, name)
	}
	custom := fc.schema.custom
	return field[T]{
		operators: slices.DeleteFunc(slices.Clone(operators), func(op string) bool { return op == "and" || op == "or" }),
		get: func(r *T) []string {
			v, ok := custom(r)[name]
			if !ok {
				return nil
			}
			if v.Value != "" {
				return append([]string{v.Value}, v.Values...)
			}
			return v.Values
		},
	}, nil
}

// predicate builds the test for one field. A record with several values passes when one of them does; the negative
// operators are the negations of the positive ones, so a record without a value passes them. String matching ignores
// case (a guess; the vendor does not say).
func (fl field[T]) predicate(op string, f fields, path string) (predicate[T], *apiError) {
	value, values := f.Text("value"), f.Texts("values")
	switch op {
	case "is_set":
		return func(r *T) bool { return len(fl.get(r)) > 0 }, nil
	case "is_unset":
		return func(r *T) bool { return len(fl.get(r)) == 0 }, nil
	case "in", "not_in":
		if len(values) == 0 {
			return nil, invalid("%s.values is required for operator %q", path, op)
		}
	case "time_range":
		// Start and end in values; the vendor's own way to write a range is not documented.
		if len(values) != 2 {
			return nil, invalid("%s.values must hold the start and the end of the range", path)
		}
	default:
		if !f.Has("value") {
			return nil, invalid("%s.value is required for operator %q", path, op)
		}
		values = []string{value}
	}
	if fl.values != nil {
		for _, v := range values {
			if !slices.Contains(fl.values, v) {
				return nil, invalid("%s: %q is none of %s", path, v, strings.Join(fl.values, ", "))
			}
		}
	}
	match, err := matcher(op, values, path)
	if err != nil {
		return nil, err
	}
	some := func(r *T) bool { return slices.ContainsFunc(fl.get(r), match) }
	switch op {
	case "not_equals", "not_in", "does_not_contain", "string_does_not_contain":
		return func(r *T) bool { return !some(r) }, nil
	}
	return some, nil
}

// matcher tests one value of a field, in the positive sense of the operator.
func matcher(op string, values []string, path string) (func(string) bool, *apiError) {
	switch op {
	case "in", "not_in":
		set := make(map[string]bool, len(values))
		for _, v := range values {
			set[v] = true
		}
		return func(s string) bool { return set[s] }, nil
	case "string_contains", "string_does_not_contain":
		part := strings.ToLower(values[0])
		return func(s string) bool { return strings.Contains(strings.ToLower(s), part) }, nil
	case "time_is_after", "time_is_before", "time_range":
		return timeMatcher(op, values, path)
	case "greater_than", "less_than", "greater_than_or_equals", "less_than_or_equals":
		limit, err := strconv.ParseFloat(values[0], 64)
		if err != nil {
			return nil, invalid("%s.value must be a number for operator %q", path, op)
		}
		return func(s string) bool {
			n, err := strconv.ParseFloat(s, 64)
			switch {
			case err != nil:
				return false
			case op == "greater_than":
				return n > limit
			case op == "less_than":
				return n < limit
			case op == "greater_than_or_equals":
				return n >= limit
			}
			return n <= limit
		}, nil
	}
	return func(s string) bool { return s == values[0] }, nil
}

// timeMatcher compares strictly for after and before; a range includes both ends.
func timeMatcher(op string, values []string, path string) (func(string) bool, *apiError) {
	var bounds []time.Time
	for _, v := range values {
		t, err := time.Parse(time.RFC3339Nano, v)
		if err != nil {
			return nil, invalid("%s: %q is not an RFC 3339 time", path, v)
		}
		bounds = append(bounds, t)
	}
	return func(s string) bool {
		t, err := time.Parse(time.RFC3339Nano, s)
		switch {
		case err != nil:
			return false
		case op == "time_is_after":
			return t.After(bounds[0])
		case op == "time_is_before":
			return t.Before(bounds[0])
		}
		return !t.Before(bounds[0]) && !t.After(bounds[1])
	}, nil
}

// search answers one page of a search: the filter and every word of search_text must match, in any case.
func search[T any](c *call, t *table[T], sc *schema[T]) (result, *apiError) {
	q := pageQuery[T]{table: t, search: true}
	filter, text := c.body["filter"], c.body.Text("search_text")
	var passes predicate[T]
	if c.body.Has("filter") {
		fc := filterCompiler[T]{schema: sc, isField: func(objectType, slug string) bool {
			return c.v.store.customField(objectType, slug) != nil
		}}
		var err *apiError
		if passes, err = fc.compile(filter, "filter", 1); err != nil {
			return result{}, err
		}
	}
	words := strings.Fields(strings.ToLower(text))
	q.match = func(r *T) bool {
		if passes != nil && !passes(r) {
			return false
		}
		if len(words) == 0 {
			return true
		}
		hay := strings.ToLower(sc.text(r))
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(hay, w) })
	}
	canonical, _ := json.Marshal(filter) // decoded JSON always marshals, with sorted keys
	q.scope = contract.ScopeOf(c.ep.op.Route(), string(canonical), text)
	return paginate(c, c.limit(), q)
}
