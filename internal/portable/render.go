package portable

import (
	"strings"

	"github.com/agenthost/agenthost/internal/budget"
)

// renderer writes shapes as JSON Schema.
type renderer struct {
	alias map[string]string // by the connector's name; nil keeps all names
	out   []byte
}

// schema writes a shape, and returns the aliases in its values.
func (r *renderer) schema(s *shape, notes ...string) *Names {
	notes = append(notes, s.notes...)
	if s.branches != nil {
		if whole := s.single(); mixed(s.branches) {
			return r.schema(whole.annotated(&shape{}), notes...)
		}
		return r.union(s, notes, s.branches)
	}
	nodes := s.split()
	switch {
	case len(nodes) == 0:
		return r.node(&shape{kinds: aNull, title: s.title, description: s.description}, append(notes, "Leave this out."))
	case len(nodes) == 1:
		return r.node(nodes[0], notes)
	case s.plain():
		return r.any(s, notes)
	}
	return r.union(s, notes, nodes)
}

// mixed reports whether alternatives are worth less than one shape that has all of them: one of
// them takes any value.
func mixed(branches []*shape) bool {
	for _, b := range branches {
		if b.plain() {
			return true
		}
	}
	return false
}

// split returns a shape for each type, with what is said of that type.
func (s *shape) split() []*shape {
	var nodes []*shape
	for _, k := range kindNames {
		if s.kinds&k.kind == 0 || k.kind == anInteger && s.kinds&aNumber != 0 {
			continue
		}
		n := &shape{kinds: k.kind}
		switch k.kind {
		case aString:
			n.choices = s.choices
			n.bounds = bounds{format: s.bounds.format, pattern: s.bounds.pattern, minLength: s.bounds.minLength, maxLength: s.bounds.maxLength}
		case aNumber, anInteger:
			n.bounds = bounds{minimum: s.bounds.minimum, maximum: s.bounds.maximum}
		case anObject:
			n.properties, n.values = s.properties, s.values
		case anArray:
			n.items = s.items
			n.bounds = bounds{minItems: s.bounds.minItems, maxItems: s.bounds.maxItems}
		}
		nodes = append(nodes, n)
	}
	if len(nodes) == 1 {
		nodes[0].title, nodes[0].description, nodes[0].header = s.title, s.description, s.header
	}
	return nodes
}

// union writes alternatives. There is no type beside anyOf.
func (r *renderer) union(s *shape, notes []string, branches []*shape) (names *Names) {
	r.open(s, notes)
	r.key("anyOf")
	r.out = append(r.out, '[')
	known := make(map[string]bool)
	for _, b := range branches {
		for _, part := range b.flat() {
			start := len(r.out)
			n := r.schema(part)
			if text := string(r.out[start:]); known[text] {
				r.out = r.out[:start]
			} else {
				known[text] = true
				r.out = append(r.out, ',')
			}
			names = names.with(n)
		}
	}
	r.close(']')
	r.close('}')
	return names
}

// flat returns the alternatives of an alternative, each of one type where that can be.
func (s *shape) flat() []*shape {
	if s.branches != nil {
		var of []*shape
		for _, b := range s.branches {
			of = append(of, b.flat()...)
		}
		return of
	}
	nodes := s.split()
	if len(nodes) < 2 {
		return []*shape{s}
	}
	nodes[0].title, nodes[0].description, nodes[0].notes = s.title, s.description, s.notes
	return nodes
}

// any writes the shape of any value: clients send a value without a type as text, and some
// providers refuse it. The elements of its arrays have no type, because there is no end to
// arrays in arrays.
func (r *renderer) any(s *shape, notes []string) *Names {
	r.open(s, notes)
	r.key("anyOf")
	r.out = append(r.out, `[{"type":"object"},{"type":"string"},{"type":"number"},{"type":"boolean"},{"type":"array","items":{"description":"Any JSON value."}},{"type":"null"}]`...)
	r.out = append(r.out, ',')
	r.close('}')
	return nil
}

// open begins a schema with what it says of itself.
func (r *renderer) open(s *shape, notes []string) {
	r.out = append(r.out, '{')
	if s.title != "" {
		r.member("title", Clip(s.title, maxTitle))
	}
	if text := describe(s.description, notes); text != "" {
		r.member("description", text)
	}
	if s.header != "" {
		r.member("x-mcp-header", s.header)
	}
}

// describe joins a description and notes. Notes have room in any case.
func describe(description string, notes []string) string {
	extra := Clip(strings.Join(notes, " "), MaxDescription/2)
	if extra == "" {
		return Clip(description, MaxDescription)
	}
	if description == "" {
		return extra
	}
	description = Clip(strings.TrimSpace(description), MaxDescription-2-length(extra))
	if !strings.ContainsAny(description[len(description)-1:], ".!?:") {
		description += "."
	}
	return description + " " + extra
}

// length counts characters as JavaScript does.
func length(text string) int {
	n := 0
	for _, r := range text {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// node writes a shape of one type.
func (r *renderer) node(s *shape, notes []string) (names *Names) {
	start := len(r.out)
	r.open(s, notes)
	said := string(r.out[start+1:])
	r.out = r.out[:start+1]
	for _, k := range kindNames {
		if k.kind == s.kinds || k.kind == aNumber && s.kinds == aNumber|anInteger {
			r.member("type", k.name)
		}
	}
	r.out = append(r.out, said...)
	b := s.bounds
	for _, text := range [][2]string{{"format", b.format}, {"pattern", b.pattern}} {
		if text[1] != "" {
			r.member(text[0], text[1])
		}
	}
	for _, number := range [][2]string{
		{"minLength", b.minLength}, {"maxLength", b.maxLength}, {"minimum", b.minimum}, {"maximum", b.maximum}, {"minItems", b.minItems}, {"maxItems", b.maxItems},
	} {
		if number[1] != "" {
			r.key(number[0])
			r.out = append(append(r.out, number[1]...), ',')
		}
	}
	if s.choices != nil {
		r.key("enum")
		r.texts(s.choices)
	}
	switch s.kinds {
	case anObject:
		names = r.object(s)
	case anArray:
		r.key("items")
		items := s.items
		if items == nil {
			items = anything()
		}
		names = nested(&Names{elements: r.schema(items)})
		r.out = append(r.out, ',')
	}
	r.close('}')
	return names
}

// object writes the properties of an object.
func (r *renderer) object(s *shape) *Names {
	names := &Names{}
	members := make(map[string]*Names)
	var required []string
	if len(s.properties) > 0 {
		r.key("properties")
		r.out = append(r.out, '{')
		for _, p := range s.properties {
			name, notes := p.name, []string(nil)
			if alias, ok := r.alias[p.name]; ok {
				name, notes = alias, []string{"Named " + quote(p.name) + " by the vendor."}
				if names.own == nil {
					names.own = make(map[string]string)
				}
				names.own[alias] = p.name
			}
			if p.required {
				required = append(required, name)
			}
			r.key(name)
			members[p.name] = r.schema(p.shape, notes...)
			r.out = append(r.out, ',')
		}
		r.close('}')
		r.out = append(r.out, ',')
	}
	if len(required) > 0 {
		r.key("required")
		r.texts(required)
	}
	if s.values != nil {
		r.key("additionalProperties")
		names.others = r.schema(s.values)
		r.out = append(r.out, ',')
	}
	for name, n := range members {
		if n != nil || names.others != nil {
			if names.members == nil {
				names.members = make(map[string]*Names)
			}
			names.members[name] = n
		}
	}
	return nested(names)
}

// nested returns nil in the place of names without any alias.
func nested(n *Names) *Names {
	if n.own == nil && n.members == nil && n.others == nil && n.elements == nil {
		return nil
	}
	return n
}

func (r *renderer) key(name string) {
	r.out = append(budget.AppendText(r.out, name), ':')
}

func (r *renderer) member(name, value string) {
	r.key(name)
	r.out = append(budget.AppendText(r.out, value), ',')
}

func (r *renderer) texts(texts []string) {
	r.out = append(r.out, '[')
	for _, text := range texts {
		r.out = append(budget.AppendText(r.out, text), ',')
	}
	r.close(']')
	r.out = append(r.out, ',')
}

// close writes a bracket in the place of the comma after the last member.
func (r *renderer) close(bracket byte) {
	if last := len(r.out) - 1; r.out[last] == ',' {
		r.out = r.out[:last]
	}
	r.out = append(r.out, bracket)
}
