package portable

import (
	"math/big"
	"net/url"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// level says how much of a schema is expanded.
type level struct {
	repeats int // how often a reference is expanded inside what it refers to
	depth   int // how deep values are described, the root being 1
}

// levels are tried one after the other until the schema has a good size. The last one expands
// no reference, so that its size is that of the connector's schema.
var levels = []level{{3, maxDepth}, {2, 8}, {1, 6}, {1, 4}, {0, 4}, {0, 2}}

// deriver makes shapes of one schema.
type deriver struct {
	level
	root    []byte
	anchors map[string][]byte
	legacy  bool // a draft before 2019-09, in which nothing counts beside $ref
	nodes   int
	work    int // bytes that were read
}

// maxHops is how many references one leads to.
const maxHops = 16

// place is where a schema stands in the schema.
type place struct {
	depth   int
	expands map[string]int // references that are expanded around it
	hops    int
}

func (p place) below() place { p.depth++; p.hops = 0; return p }

// schema returns the shape of a schema, in JSON.
func (d *deriver) schema(raw []byte, at place) *shape {
	d.nodes++
	d.work += len(raw)
	switch rawjson.KindOf(raw) {
	case rawjson.Bool:
		if string(rawjson.Trim(raw)) == "false" {
			return &shape{}
		}
		return anything()
	case rawjson.Object:
	default:
		return anything()
	}
	if d.exhausted() {
		return anything()
	}
	k := make(keywords)
	for name, value := range rawjson.Members(raw) {
		k[rawjson.Unquote(name)] = value
	}
	if d.legacy && k["$ref"] != nil {
		k = k.only("$ref", "title", "description")
	}
	s := d.own(k, at)
	for _, name := range []string{"$ref", "$dynamicRef"} {
		if reference := k.text(name); reference != "" {
			s = both(s, d.reference(reference, at))
		}
	}
	for part := range rawjson.Elements(k["allOf"]) {
		s = both(s, d.schema(part, at))
	}
	for _, name := range []string{"anyOf", "oneOf"} {
		if rawjson.KindOf(k[name]) == rawjson.Array {
			s = d.union(s, k, name, at)
		}
	}
	s.notes = union(s.notes, k.conditions())
	return s
}

// exhausted reports whether the work of this level is used up.
func (d *deriver) exhausted() bool { return d.nodes > maxNodes || d.work > maxWork }

// own is what a schema says itself, without the schemas that it combines.
func (d *deriver) own(k keywords, at place) *shape {
	s := &shape{kinds: anyKind, title: k.text("title"), description: k.text("description"), header: k.text("x-mcp-header")}
	switch types := k["type"]; rawjson.KindOf(types) {
	case rawjson.String:
		s.kinds = kindOf(rawjson.Unquote(types))
	case rawjson.Array:
		s.kinds = 0
		for name := range rawjson.Elements(types) {
			s.kinds |= kindOf(rawjson.Unquote(name))
		}
	}
	k.annotations(s)
	k.values(s)
	if s.kinds&aString != 0 {
		k.strings(s)
	}
	if s.kinds&(aNumber|anInteger) != 0 {
		k.numbers(s)
	}
	if s.kinds&anObject != 0 {
		d.object(s, k, at)
	}
	if s.kinds&anArray != 0 {
		d.array(s, k, at)
	}
	return s
}

// object reads the keywords of objects.
func (d *deriver) object(s *shape, k keywords, at place) {
	var required []string
	for name := range rawjson.Elements(k["required"]) {
		required = append(required, rawjson.Unquote(name))
	}
	additional := k["additionalProperties"]
	unevaluated := k["unevaluatedProperties"]
	switch {
	case d.deep(at) && (k["properties"] != nil || rawjson.KindOf(additional) == rawjson.Object):
		s.notes = append(s.notes, "An object; "+d.fields(k["properties"], required))
		return
	case k["patternProperties"] != nil:
		s.notes = append(s.notes, k.rule("patternProperties", "additionalProperties"))
	case isFalse(additional) || isFalse(unevaluated):
		s.closed = true
	case rawjson.KindOf(additional) == rawjson.Object:
		s.values = d.schema(additional, at.below())
	}
	for name, value := range rawjson.Members(k["properties"]) {
		name := rawjson.Unquote(name)
		if isFalse(value) {
			s.notes = append(s.notes, "Leave out "+name+".")
			continue
		}
		s.properties = append(s.properties, property{name, slices.Contains(required, name), d.schema(value, at.below())})
	}
	for _, name := range required {
		if s.property(name) == nil {
			s.properties = append(s.properties, property{name, true, s.others()})
		}
	}
	k.objects(s)
}

// array reads the keywords of arrays.
func (d *deriver) array(s *shape, k keywords, at place) {
	items, tuple := k["items"], k["prefixItems"]
	if rawjson.KindOf(items) == rawjson.Array { // drafts before 2020-12
		items, tuple = k["additionalItems"], items
	}
	k.arrays(s)
	switch {
	case d.deep(at) && (rawjson.KindOf(items) == rawjson.Object || tuple != nil):
		s.notes = append(s.notes, "An array"+d.deepItems(items)+".")
	case rawjson.KindOf(tuple) == rawjson.Array:
		var of []*shape
		for position := range rawjson.Elements(tuple) {
			of = append(of, d.schema(position, at.below()))
		}
		s.notes = append(s.notes, k.rule("prefixItems", "items", "additionalItems"))
		if !isFalse(items) {
			if items == nil {
				of = append(of, nil)
			} else {
				of = append(of, d.schema(items, at.below()))
			}
		}
		s.items = alternatives(of)
	case isFalse(items):
		s.bounds.maxItems = "0"
	case items != nil:
		s.items = d.schema(items, at.below())
	}
}

// deep reports whether what is inside a place is only described.
func (d *deriver) deep(at place) bool {
	return at.depth >= d.depth
}

// fields names the properties of an object that is only described.
func (d *deriver) fields(properties []byte, required []string) string {
	var names []string
	for name := range rawjson.Members(properties) {
		name := rawjson.Unquote(name)
		if slices.Contains(required, name) {
			name += "*"
		}
		names = append(names, name)
	}
	switch {
	case len(names) == 0:
		return "its fields have names of your choice."
	case len(required) > 0:
		return "its fields (* required): " + strings.Join(names, ", ") + "."
	}
	return "its fields: " + strings.Join(names, ", ") + "."
}

func (d *deriver) deepItems(items []byte) string {
	k := make(keywords)
	for name, value := range rawjson.Members(items) {
		k[rawjson.Unquote(name)] = value
	}
	if what := k.text("description"); what != "" {
		return " of: " + strings.TrimRight(what, ".")
	}
	return ""
}

// union adds the alternatives of a schema to what it says itself.
func (d *deriver) union(s *shape, k keywords, name string, at place) *shape {
	var of []*shape
	for part := range rawjson.Elements(k[name]) {
		b := d.schema(part, at)
		if b.kinds == 0 {
			continue
		}
		if s.closed {
			c := *b
			c.closed, b = true, &c
		}
		of = append(of, b)
	}
	branches := alternatives(of)
	if branches == nil {
		return s
	}
	if s.plain() && at.depth > 1 {
		if len(of) == 1 {
			return both(s, of[0])
		}
		return s.annotated(&shape{}).with(branches.branches)
	}
	s.notes = append(s.notes, choicesNote(name, of)...)
	return both(s, branches.single())
}

// with returns a shape whose alternatives are branches, and the same annotations.
func (s *shape) with(branches []*shape) *shape {
	out := *s
	out.branches = branches
	return &out
}

// reference returns the shape of what a reference leads to.
func (d *deriver) reference(reference string, at place) *shape {
	target := d.find(reference)
	if target == nil || at.hops >= maxHops {
		return anything()
	}
	at.hops++
	if at.expands[reference] < d.repeats {
		expands := map[string]int{reference: at.expands[reference] + 1}
		for other, times := range at.expands {
			if other != reference {
				expands[other] = times
			}
		}
		at.expands = expands
		return d.schema(target, at)
	}
	// What is deeper is described.
	at.depth = max(at.depth, d.depth)
	s := d.schema(target, at)
	if at.expands[reference] > 0 {
		s = s.annotated(&shape{notes: []string{"It takes the same as the level above."}})
	}
	return s
}

// find returns the schema that a reference leads to, nil if it leads nowhere in the document.
func (d *deriver) find(reference string) []byte {
	fragment, ok := strings.CutPrefix(reference, "#")
	if !ok {
		return nil
	}
	if unescaped, err := url.PathUnescape(fragment); err == nil {
		fragment = unescaped
	}
	if fragment != "" && fragment[0] != '/' {
		return d.anchors[fragment]
	}
	target, found, err := rawjson.Pointer(d.root, fragment)
	if err != nil || !found {
		return nil
	}
	return target
}

// survey collects the anchors of a document, and the names of all properties in order.
func survey(document []byte) (anchors map[string][]byte, names []string) {
	anchors = make(map[string][]byte)
	seen := make(map[string]bool)
	var walk func(value []byte, depth int)
	walk = func(value []byte, depth int) {
		if depth > rawjson.MaxDuplicateDepth {
			return
		}
		switch rawjson.KindOf(value) {
		case rawjson.Array:
			for element := range rawjson.Elements(value) {
				walk(element, depth+1)
			}
		case rawjson.Object:
			for name, member := range rawjson.Members(value) {
				switch rawjson.Unquote(name) {
				case "$anchor", "$dynamicAnchor":
					anchors[rawjson.Unquote(member)] = value
				case "properties":
					for property := range rawjson.Members(member) {
						if property := rawjson.Unquote(property); !seen[property] {
							seen[property] = true
							names = append(names, property)
						}
					}
				case "required":
					for property := range rawjson.Elements(member) {
						if property := rawjson.Unquote(property); !seen[property] {
							seen[property] = true
							names = append(names, property)
						}
					}
				}
				walk(member, depth+1)
			}
		}
	}
	walk(document, 0)
	return anchors, names
}

func isFalse(raw []byte) bool { return string(rawjson.Trim(raw)) == "false" }

// integer reads a number as far as it is one that every client reads exactly.
func integer(raw []byte) (int64, bool) {
	n, ok := new(big.Rat).SetString(string(rawjson.Trim(raw)))
	if !ok || !n.IsInt() || !n.Num().IsInt64() {
		return 0, false
	}
	i := n.Num().Int64()
	return i, -maxExact <= i && i <= maxExact
}
