package openapi

import (
	"fmt"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/getkin/kin-openapi/openapi3"
)

// inexpressible is why an operation is left out.
type inexpressible string

func (e inexpressible) Error() string { return string(e) }

func cannot(format string, args ...any) error { return inexpressible(fmt.Sprintf(format, args...)) }

// param is a parameter of a row.
type param struct {
	name, wire string
	in         string
	required   bool
	style      string
	whole      bool
	base64     bool
	schema     []*openapi3.SchemaRef
	note       string // a description that replaces the schema's
	text       bool   // a string, no matter what the schema says
	constant   any    // what is always sent
	hard       bool   // no example can be made of it
	example    any
}

// Bounds of what a document does not bound: a host takes a path value of 1,024 bytes and a
// query of 16 KiB.
const (
	maxPathText  = 255
	maxQuery     = 10_000
	maxQueryText = 1000
	minQueryText = 64
	maxBodyText  = 100_000
	maxFileText  = 14_000_000 // of base64, for a request of 16 MiB
	maxQueryList = 50
	maxBodyList  = 1000
)

// ownHeaders are headers that a host writes itself.
var ownHeaders = []string{"Accept", "Content-Type"}

// parametersOf makes the parameters outside the body.
func (r *row) parametersOf() error {
	for _, p := range r.op.parameters() {
		if r.auth.carries(r.op, p) {
			r.notes = append(r.notes, fmt.Sprintf("the parameter %s is left out: it is the credential", clean(p.Name, 40)))
			continue
		}
		one := param{name: p.Name, wire: p.Name, in: p.In, required: p.Required, note: p.Description, example: exampleOf(p)}
		switch {
		case p.Schema != nil:
			one.schema = []*openapi3.SchemaRef{p.Schema}
		case len(p.Content) > 0:
			one.text, one.hard = true, true
			one.note = strings.TrimSpace(p.Description + " JSON as text.")
		}
		if p.Schema == nil && !one.text {
			one.text = true
		}
		v := viewOf(one.schema...)
		one.note = first(one.note, v.description)
		if p.Deprecated {
			one.note = "Deprecated. " + one.note
		}
		var err error
		switch p.In {
		case openapi3.ParameterInPath:
			one.required = true
			err = pathParameter(p, v)
		case openapi3.ParameterInQuery:
			if v.is("object") && len(v.props) > 0 && !one.text && (p.Style == "" || p.Style == "form") && (p.Explode == nil || *p.Explode) && !v.open {
				r.spread(p, v)
				continue
			}
			one.style, err = queryStyle(p, v, one.text)
		case openapi3.ParameterInHeader:
			canonical := textproto.CanonicalMIMEHeaderKey(p.Name)
			why := (wire.Owned{}).Reserves(canonical)
			if slices.Contains(ownHeaders, canonical) {
				why = "is set by the host"
			}
			if why != "" {
				r.notes = append(r.notes, fmt.Sprintf("the header %s is left out: it %s", clean(p.Name, 40), why))
				continue
			}
			if v.is("object") && !one.text {
				one.text, one.hard = true, true
				r.notes = append(r.notes, fmt.Sprintf("the header %s is an object; callers write it as text", clean(p.Name, 40)))
			}
		default:
			err = cannot("the parameter %s is in: %s", clean(p.Name, 40), clean(p.In, 20))
		}
		if err != nil {
			return err
		}
		r.params = append(r.params, one)
	}
	pairs, err := url.ParseQuery(r.op.query)
	if err != nil {
		return cannot("the query %s in the path cannot be read", clean(r.op.query, 100))
	}
	for _, name := range sorted(pairs) {
		r.params = slices.DeleteFunc(r.params, func(p param) bool { return p.in == openapi3.ParameterInQuery && p.wire == name })
		for _, value := range pairs[name] {
			r.params = append(r.params, param{name: name, wire: name, in: openapi3.ParameterInQuery, constant: value})
		}
	}
	return r.pathNames()
}

// exampleOf is the document's own example of a parameter.
func exampleOf(p *openapi3.Parameter) any {
	if p.Example != nil {
		return p.Example
	}
	return firstExample(p.Examples)
}

func pathParameter(p *openapi3.Parameter, v *view) error {
	switch {
	case p.Style != "" && p.Style != "simple":
		return cannot("the path parameter %s has the style %s", clean(p.Name, 40), clean(p.Style, 20))
	case v.is("array") || v.is("object"):
		return cannot("the path parameter %s is an %s", clean(p.Name, 40), v.types[0])
	}
	return nil
}

// queryStyle is the style of a parameter of the query in a table.
func queryStyle(p *openapi3.Parameter, v *view, text bool) (string, error) {
	if text {
		return "", nil
	}
	switch explode := p.Explode == nil || *p.Explode; {
	case p.Style == "deepObject":
		return "", nil
	case p.Style != "" && p.Style != "form" && slices.Contains(v.types, "array"):
		return "", cannot("the query parameter %s has the style %s", clean(p.Name, 40), clean(p.Style, 20))
	case slices.Contains(v.types, "object"):
		return "", cannot("the query parameter %s is an object without the style deepObject", clean(p.Name, 40))
	case slices.Contains(v.types, "array") && !explode:
		return "comma", nil
	case slices.Contains(v.types, "array") && isNested(v):
		return "", cannot("the query parameter %s is an array of arrays or objects", clean(p.Name, 40))
	}
	return "", nil
}

// isNested reports whether the elements of an array have parts.
func isNested(v *view) bool {
	if len(v.items) == 0 {
		return false
	}
	items := viewOf(v.items...)
	return items.is("array") || items.is("object")
}

// spread makes a parameter of each member of an object: style form with explode writes them
// without the name of the object.
func (r *row) spread(p *openapi3.Parameter, v *view) {
	for _, name := range v.names() {
		r.params = append(r.params, param{
			name: name, wire: name, in: openapi3.ParameterInQuery, schema: v.props[name],
			required: p.Required && slices.Contains(v.required, name),
		})
	}
}

// pathNames gives the placeholders of the path names that templates have, and checks that
// each has a parameter.
func (r *row) pathNames() error {
	path := r.path
	var out strings.Builder
	for path != "" {
		literal, rest, found := strings.Cut(path, "{")
		out.WriteString(literal)
		if !found {
			break
		}
		raw, after, closed := strings.Cut(rest, "}")
		if !closed {
			return cannot("the path %s has a { without }", clean(r.path, 100))
		}
		at := slices.IndexFunc(r.params, func(p param) bool { return p.in == openapi3.ParameterInPath && p.wire == raw })
		if at < 0 {
			return cannot("the document describes no parameter {%s} of the path", clean(raw, 40))
		}
		name := placeholder(raw)
		r.params[at].name, r.params[at].wire = name, name
		out.WriteString("{" + name + "}")
		path = after
	}
	r.path = out.String()
	for _, p := range r.params {
		if p.in == openapi3.ParameterInPath && !strings.Contains(r.path, "{"+p.wire+"}") {
			return cannot("the path has no {%s}", clean(p.wire, 40))
		}
	}
	return nil
}

// placeholder is the name of a parameter of the path: letters, digits and underscores.
func placeholder(raw string) string {
	var b strings.Builder
	for _, c := range raw {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c >= '0' && c <= '9' && b.Len() > 0:
			b.WriteRune(c)
		default:
			b.WriteByte('_')
		}
	}
	return first(b.String(), "p")
}

// rename gives parameters names that models can write and that differ from each other. Those
// of the path come first and keep theirs.
func (r *row) rename() {
	places := []string{"path", "query", "header", "body"}
	slices.SortStableFunc(r.params, func(a, b param) int { return slices.Index(places, a.in) - slices.Index(places, b.in) })
	taken := make(map[string]bool)
	for _, reserved := range r.reserved {
		taken[reserved] = true
	}
	for i := range r.params {
		p := &r.params[i]
		own := portable(p.name)
		if taken[strings.ToLower(own)] {
			own = p.in + "_" + own
		}
		for base, n := own, 2; taken[strings.ToLower(own)]; n++ {
			own = fmt.Sprintf("%s_%d", base, n)
		}
		taken[strings.ToLower(own)] = true
		p.name = own
	}
}

// portable writes a name with the characters that all providers of models take.
func portable(name string) string {
	var b strings.Builder
	for _, c := range name {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-', c == '.':
			b.WriteRune(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	text := strings.Trim(b.String(), "_")
	if text == "" || strings.HasPrefix(name, "_") && portableName(name) {
		text = first(strings.Trim(name[:min(len(name), 60)], "[]{}() "), "value")
		if !portableName(text) {
			text = "value"
		}
	}
	return text[:min(len(text), 60)]
}

func portableName(s string) bool {
	return s != "" && len(s) <= 60 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == "" && s != "__proto__"
}

// write writes the parameters at a level of detail.
func (r *row) writeParams(w *scribe) tableimport.Map {
	slots := int64(0)
	for i := range r.params {
		if p := &r.params[i]; p.in == openapi3.ParameterInQuery {
			if slots++; slices.Contains(viewOf(p.schema...).types, "array") {
				slots += 2
			}
		}
	}
	var all tableimport.Map
	for i := range r.params {
		p := &r.params[i]
		w.chars, w.items = maxBodyText, maxBodyList
		if p.base64 {
			w.chars = maxFileText
		}
		switch p.in {
		case openapi3.ParameterInPath:
			w.chars = maxPathText
		case openapi3.ParameterInQuery, openapi3.ParameterInHeader:
			w.chars, w.items = max(minQueryText, min(maxQueryText, maxQuery/max(slots, 1))), maxQueryList
		}
		all.Set(p.name, p.write(w))
	}
	return all
}

func (p *param) write(w *scribe) tableimport.Map {
	m := tableimport.Map{{Key: "in", Value: p.in}}
	if p.wire != p.name && !p.whole {
		m.Set("as", p.wire)
	}
	m.Add("required", p.required && p.in != openapi3.ParameterInPath)
	m.Add("style", p.style)
	m.Add("whole", p.whole)
	m.Add("base64", p.base64)
	if p.constant != nil {
		m.Set("const", p.constant)
		return m
	}
	v := viewOf(p.schema...)
	switch {
	case p.base64 && v.is("array"):
		v = &view{types: []string{"array"}, items: v.items, description: v.description, minItems: v.minItems, maxItems: v.maxItems}
	case p.text || p.base64:
		v = &view{types: []string{"string"}, description: v.description}
	}
	if p.in != "body" {
		v.nullable = false
	}
	if p.in == openapi3.ParameterInPath && slices.Contains(v.types, "string") {
		v.minLength = max(v.minLength, 1)
	}
	own := w.write(v, 1)
	if note := clean(p.note, w.level.text); len(note) >= 4 {
		own.Set("description", note)
	}
	if len(own.Text("description")) < 4 {
		own.Set("description", sentence(first(p.wire, p.name)))
	}
	for _, keyword := range own {
		if !slices.Contains(beside, keyword.Key) {
			m.Set("schema", own)
			return m
		}
	}
	return append(m, own...)
}

// beside are the keywords of JSON Schema that may stand beside in.
var beside = []string{
	"type", "title", "description", "format", "pattern", "default", "enum", "minimum", "maximum", "minLength", "maxLength",
	"minItems", "maxItems", "uniqueItems", "items", "properties", "additionalProperties", "anyOf",
}
