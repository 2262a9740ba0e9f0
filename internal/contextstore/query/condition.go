package query

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/rawjson"
)

// node is a condition. Exactly what its operator needs is set.
type node struct {
	operator string
	children []*node // of and, or, not
	slot     int     // of the field
	field    Field
	value    value               // eq, neq, gt, gte, lt, lte, array_contains
	values   map[string]struct{} // in, as their canonical texts
	text     string              // startswith, endswith, contains: in small letters
	part     []byte              // the same
	words    []string            // fuzzy, keyword: pieces of a normal text
	pieces   [][]byte            // the same
	inner    *element            // any
}

// element is a condition on the elements of a list.
type element struct {
	condition *node
	paths     paths
}

// condition reads an object of operators, all of which must hold. Within is the path of the list whose
// elements it is about, nil for records.
func (p *parser) condition(at string, raw []byte, within []string, depth int) (*node, error) {
	if rawjson.KindOf(raw) != rawjson.Object || rawjson.Count(raw) == 0 {
		return nil, fault.Invalid(at, "a condition is an object with operators", `write {"eq": {"field": "value"}}, or leave the filter out`)
	}
	if depth >= mostDepth {
		return nil, fault.LimitExceeded(at, fmt.Sprintf("conditions are at most %d deep in each other", mostDepth), "write a simpler filter")
	}
	var all []*node
	for rawName, operand := range rawjson.Members(raw) {
		name := rawjson.Unquote(rawName)
		if p.parts++; p.parts > mostParts {
			return nil, fault.LimitExceeded(at, fmt.Sprintf("a filter has at most %d operators", mostParts), "use in for one of several values, or search several times")
		}
		n, err := p.operator(at+"."+name, name, operand, within, depth)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	// What costs least is asked first.
	slices.SortStableFunc(all, func(a, b *node) int { return cmp.Compare(a.cost(), b.cost()) })
	return &node{operator: "and", children: all}, nil
}

// cost says which of two conditions takes longer.
func (n *node) cost() int {
	switch {
	case len(n.children) > 0:
		return 2
	case n.part != nil || n.pieces != nil || n.inner != nil:
		return 1
	}
	return 0
}

func (p *parser) operator(at, name string, operand []byte, within []string, depth int) (*node, error) {
	for _, o := range operators {
		if o.name != name {
			continue
		}
		switch o.operand {
		case ofConditions:
			return p.conditions(at, name, operand, within, depth)
		case ofCondition:
			inner, err := p.condition(at, operand, within, depth+1)
			return &node{operator: name, children: []*node{inner}}, err
		}
		return p.onField(at, name, o.operand, operand, within, depth)
	}
	if name == "like" {
		return p.like(at, operand, within)
	}
	return nil, unknown(at, fmt.Sprintf("there is no operator %q", name), name, operatorNames())
}

func (p *parser) conditions(at, name string, operand []byte, within []string, depth int) (*node, error) {
	if rawjson.KindOf(operand) != rawjson.Array || rawjson.Count(operand) == 0 {
		return nil, fault.Invalid(at, name+" takes a list of conditions", fmt.Sprintf(`write {"%s": [{"eq": {"field": "value"}}, ...]}`, name))
	}
	all := &node{operator: name}
	i := 0
	for one := range rawjson.Elements(operand) {
		inner, err := p.condition(fmt.Sprintf("%s.%d", at, i), one, within, depth+1)
		if err != nil {
			return nil, err
		}
		all.children = append(all.children, inner)
		i++
	}
	return all, nil
}

// onField reads an operator on a field.
func (p *parser) onField(at, name string, takes operandKind, operand []byte, within []string, depth int) (*node, error) {
	field, raw, err := p.single(at, operand)
	if err != nil {
		return nil, err
	}
	at += "." + field
	path, err := p.path(at, field, within)
	if err != nil {
		return nil, err
	}
	n := &node{operator: name, field: p.e.field(slices.Concat(within, path))}
	switch takes {
	case ofScalar:
		n.value, err = p.scalar(at, raw, n.field.Type)
	case ofList:
		err = p.list(at, raw, n)
	case ofText:
		err = p.text(at, raw, n)
	case ofElement:
		n.inner = &element{}
		outer := p.q.paths
		p.q.paths = paths{}
		n.inner.condition, err = p.condition(at, raw, slices.Concat(within, path), depth+1)
		n.inner.paths, p.q.paths = p.q.paths, outer
	}
	n.slot = p.q.paths.add(path)
	return n, err
}

// scalar reads a value, which has to be one that the field can have.
func (p *parser) scalar(at string, raw []byte, t Type) (value, error) {
	v := read(raw, t)
	if len(raw) > mostText {
		return v, fault.LimitExceeded(at, fmt.Sprintf("a value has at most %d bytes", mostText), "search for a part of it")
	}
	if v.kind == compound {
		return v, fault.Invalid(at, "this is a text, a number, true, false or null", "use in for one of several values, array_contains for a list, and a path with dots for a member of an object")
	}
	if want, hint := wanted(t); v.kind != null && want != null && v.kind != want {
		return v, fault.Invalid(at, fmt.Sprintf("the field is a %s, and %s is not", t, raw), hint)
	}
	return v, nil
}

// wanted is what values a type has, null if it may be anything.
func wanted(t Type) (kind, string) {
	switch t {
	case Number:
		return number, "write a number without quotes"
	case Time:
		return moment, "write a time such as 2026-12-01T09:30:00Z, or a date such as 2026-12-01"
	case Boolean:
		return boolean, "write true or false without quotes"
	case Text:
		return text, "write a text in quotes"
	}
	return null, ""
}

func (p *parser) list(at string, raw []byte, n *node) error {
	if rawjson.KindOf(raw) != rawjson.Array {
		return fault.Invalid(at, "in takes a list of values", `write {"in": {"field": ["a", "b"]}}`)
	}
	n.values = make(map[string]struct{})
	i := 0
	for one := range rawjson.Elements(raw) {
		at := fmt.Sprintf("%s.%d", at, i)
		i++
		if p.in++; p.in > mostValues {
			return fault.LimitExceeded(at, fmt.Sprintf("a search has at most %d values for in", mostValues), "search several times")
		}
		v, err := p.scalar(at, one, n.field.Type)
		if err != nil {
			return err
		}
		n.values[string(v.appendCanonical(nil))] = struct{}{}
	}
	return nil
}

func (p *parser) text(at string, raw []byte, n *node) error {
	s := rawjson.Unquote(raw)
	if rawjson.KindOf(raw) != rawjson.String || s == "" {
		return fault.Invalid(at, n.operator+" takes a text", "write some text in quotes")
	}
	if len(s) > mostText {
		return fault.LimitExceeded(at, fmt.Sprintf("a text to search for has at most %d bytes", mostText), "search for a part of it")
	}
	switch n.operator {
	case "keyword":
		n.words = keywords(s)
	case "fuzzy":
		n.words = beginnings(s)
	default:
		n.text = lower(s)
		n.part = []byte(n.text)
		return nil
	}
	for _, w := range n.words {
		n.pieces = append(n.pieces, []byte(w))
	}
	if len(n.words) == 0 {
		return fault.Invalid(at, "the text has no word", "write words, or use contains for other characters")
	}
	return nil
}

// keywords reads words, "phrases", and beginnings* of words, as pieces of a normal text.
func keywords(s string) []string {
	var found []string
	add := func(item string, beginning bool) {
		if piece := normal(item); piece != " " {
			if beginning {
				piece = strings.TrimSuffix(piece, " ")
			}
			found = append(found, piece)
		}
	}
	for quoted := false; s != ""; quoted = !quoted {
		part, rest, _ := strings.Cut(s, `"`)
		if s = rest; quoted {
			add(part, strings.HasPrefix(rest, "*"))
			continue
		}
		for item := range strings.FieldsSeq(part) {
			add(item, strings.HasSuffix(item, "*"))
		}
	}
	return found
}

// beginnings reads words, each of which a word of the text begins with.
func beginnings(s string) []string {
	var found []string
	runs(lower(s), func(r run) bool {
		if r.class != between {
			found = append(found, strings.TrimSuffix(normal(r.text), " "))
		}
		return true
	})
	return found
}

// like translates the operator that older clients have.
func (p *parser) like(at string, operand []byte, within []string) (*node, error) {
	field, raw, err := p.single(at, operand)
	if err != nil {
		return nil, err
	}
	pattern := rawjson.Unquote(raw)
	inner := strings.TrimSuffix(strings.TrimPrefix(pattern, "%"), "%")
	before, after := strings.HasPrefix(pattern, "%"), strings.HasSuffix(pattern, "%")
	if inner == "" || strings.Contains(inner, "%") {
		return nil, fault.Invalid(at+"."+field, "like has one text here, with % before it, after it, or both", "use contains, startswith and endswith, or fuzzy for several words in their order")
	}
	name := "startswith"
	switch {
	case before && after:
		name = "contains"
	case before:
		name = "endswith"
	}
	translated, _ := json.Marshal(map[string]string{field: inner}) // texts always marshal
	instead := fmt.Sprintf(`{"%s": %s}`, name, translated)
	n, err := p.onField(at, name, ofText, translated, within, 0)
	if err != nil {
		return nil, err
	}
	if !before && !after {
		n.operator, instead = "equalfold", instead+" for the whole text"
	}
	p.q.Notes = append(p.q.Notes, "like is no operator any more: this search used "+instead)
	return n, nil
}
