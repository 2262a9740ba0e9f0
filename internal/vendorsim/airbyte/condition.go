package airbyte

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

type condition func(row map[string]any) bool

// parseCondition reads operators with their operands, all of which must hold. Fields are those that may be named; nil
// permits all.
func parseCondition(v any, fields []string) (condition, error) {
	object, ok := v.(map[string]any)
	if !ok || len(object) == 0 {
		return nil, fmt.Errorf("a condition is an object with operators")
	}
	var parts []condition
	for _, operator := range slices.Sorted(maps.Keys(object)) {
		part, err := parseOperator(operator, object[operator], fields)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return func(row map[string]any) bool {
		return !slices.ContainsFunc(parts, func(part condition) bool { return !part(row) })
	}, nil
}

func parseOperator(operator string, operand any, fields []string) (condition, error) {
	switch operator {
	case "and", "or":
		return parseAll(operator, operand, fields)
	case "not":
		inner, err := parseCondition(operand, fields)
		return func(row map[string]any) bool { return !inner(row) }, err
	}
	test, ok := operators()[operator]
	if !ok {
		return nil, fmt.Errorf("there is no operator %q", operator)
	}
	named, ok := operand.(map[string]any)
	if !ok || len(named) != 1 {
		return nil, fmt.Errorf("%s takes an object with one field", operator)
	}
	for field, want := range named {
		if fields != nil && !slices.Contains(fields, strings.Split(field, ".")[0]) {
			return nil, fmt.Errorf("%q is not searchable", field)
		}
		holds, err := test(want)
		if err != nil {
			return nil, fmt.Errorf("%s of %q: %w", operator, field, err)
		}
		return func(row map[string]any) bool { return holds(at(row, field)) }, nil
	}
	return nil, fmt.Errorf("%s names no field", operator)
}

func parseAll(operator string, operand any, fields []string) (condition, error) {
	list, ok := operand.([]any)
	if !ok || len(list) == 0 {
		return nil, fmt.Errorf("%s takes a list of conditions", operator)
	}
	var parts []condition
	for _, one := range list {
		part, err := parseCondition(one, fields)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return func(row map[string]any) bool {
		for _, part := range parts {
			if part(row) == (operator == "or") {
				return operator == "or"
			}
		}
		return operator == "and"
	}, nil
}

// test makes a predicate of a field's value from an operator's operand.
type test func(want any) (func(value any) bool, error)

func comparison(holds func(order int) bool) test {
	return func(want any) (func(any) bool, error) {
		return func(value any) bool { return rank(value) == rank(want) && value != nil && holds(compare(value, want)) }, nil
	}
}

func equals(want any) (func(any) bool, error) {
	if rank(want) > 3 {
		return nil, fmt.Errorf("needs a text, a number, true, false or null")
	}
	return func(value any) bool { return rank(value) == rank(want) && compare(value, want) == 0 }, nil
}

// operators are those of a field that the service documents.
func operators() map[string]test {
	return map[string]test{
		"eq": equals,
		"neq": func(want any) (func(any) bool, error) {
			same, err := equals(want)
			return func(value any) bool { return !same(value) }, err
		},
		"gt": comparison(func(order int) bool { return order > 0 }), "gte": comparison(func(order int) bool { return order >= 0 }),
		"lt": comparison(func(order int) bool { return order < 0 }), "lte": comparison(func(order int) bool { return order <= 0 }),
		"in":             in,
		"array_contains": arrayContains,
		"any":            anyElement,
		"startswith":     folded(strings.HasPrefix),
		"endswith":       folded(strings.HasSuffix),
		"contains":       folded(strings.Contains),
		"fuzzy": text(func(want string) (func(string) bool, error) {
			words := strings.Fields(strings.ToLower(want))
			return func(value string) bool { return inOrder(strings.ToLower(value), words) }, nil
		}),
		"keyword": text(func(want string) (func(string) bool, error) {
			words := strings.Fields(strings.ToLower(want))
			return func(value string) bool {
				return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(strings.ToLower(value), word) })
			}, nil
		}),
	}
}

// text is an operator on texts, false for other values.
func text(of func(want string) (func(string) bool, error)) test {
	return func(want any) (func(any) bool, error) {
		wanted, ok := want.(string)
		if !ok {
			return nil, fmt.Errorf("needs a text")
		}
		holds, err := of(wanted)
		if err != nil {
			return nil, err
		}
		return func(value any) bool {
			found, ok := value.(string)
			return ok && holds(found)
		}, nil
	}
}

// folded is an operator that compares texts without regard to case.
func folded(holds func(value, want string) bool) test {
	return text(func(want string) (func(string) bool, error) {
		want = strings.ToLower(want)
		return func(value string) bool { return holds(strings.ToLower(value), want) }, nil
	})
}

// inOrder reports whether a text has all words, one after the other.
func inOrder(value string, words []string) bool {
	for _, word := range words {
		_, after, found := strings.Cut(value, word)
		if !found {
			return false
		}
		value = after
	}
	return true
}

func in(want any) (func(any) bool, error) {
	list, ok := want.([]any)
	if !ok {
		return nil, fmt.Errorf("needs a list")
	}
	return func(value any) bool {
		return slices.ContainsFunc(list, func(one any) bool { return rank(one) == rank(value) && compare(one, value) == 0 })
	}, nil
}

func arrayContains(want any) (func(any) bool, error) {
	same, err := equals(want)
	return func(value any) bool {
		list, ok := value.([]any)
		return ok && slices.ContainsFunc(list, same)
	}, err
}

// anyElement is true for a list with an element for which a condition is true.
func anyElement(want any) (func(any) bool, error) {
	holds, err := parseCondition(want, nil)
	if err != nil {
		return nil, err
	}
	return func(value any) bool {
		list, _ := value.([]any)
		return slices.ContainsFunc(list, func(one any) bool {
			row, ok := one.(map[string]any)
			return ok && holds(row)
		})
	}, nil
}
