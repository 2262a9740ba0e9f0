package openapi

import (
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/getkin/kin-openapi/openapi3"
)

// answer is what the vendor answers where all is well.
type answer struct {
	content, accept string
	data            string
	list, wrap      bool
	optional        bool // the vendor may leave the records out
	records         *view
	envelope        *view // of the whole answer, if the records are a part of it
	meta            tableimport.Map
	headers         openapi3.Headers
}

// answerOf finds the records in what the document says of the answer.
func (r *row) answerOf() error {
	response := success(r.op.Responses)
	switch {
	case response == nil && redirects(r.op.Responses):
		return cannot("the vendor answers with a redirect to somewhere else")
	case response == nil || len(response.Content) == 0:
		if response != nil {
			r.answer.headers = response.Headers
		}
		return nil
	}
	r.answer.headers = response.Headers
	kind, media := choose(response.Content, answerKinds)
	if media == nil {
		return cannot("the vendor answers with %s", clean(strings.Join(others(response.Content, ""), ", "), 120))
	}
	essence := essenceOf(kind)
	if !isJSON(essence) && essence != "*/*" {
		r.answer.content, r.answer.accept = contentOf(essence), essence
		return nil
	}
	if essence != "application/json" && essence != "*/*" {
		r.answer.accept = essence
	}
	r.recordsIn(viewOf(media.Schema))
	return nil
}

// success is the answer of the lowest status that says that all is well.
func success(all *openapi3.Responses) *openapi3.Response {
	var found *openapi3.Response
	byStatus := all.Map()
	for _, status := range slices.Sorted(maps.Keys(byStatus)) {
		ref := byStatus[status]
		if ref == nil || ref.Value == nil || !strings.HasPrefix(status, "2") && (status != "default" || found != nil) {
			continue
		}
		if found == nil || len(found.Content) == 0 && len(ref.Value.Content) > 0 {
			found = ref.Value
		}
	}
	return found
}

func redirects(all *openapi3.Responses) bool {
	for status := range all.Map() {
		if strings.HasPrefix(status, "30") {
			return true
		}
	}
	return false
}

// answerKinds say which of several media types is asked for.
var answerKinds = []func(string) bool{
	func(s string) bool { return s == "application/json" },
	isJSON,
	func(s string) bool { return s == "*/*" },
	func(s string) bool { return s == "text/csv" },
	func(s string) bool { return strings.HasPrefix(s, "text/") && s != "text/event-stream" },
	func(s string) bool { return s != "text/event-stream" },
}

// contentOf is the table's word for a media type that is not JSON.
func contentOf(essence string) string {
	switch {
	case essence == "text/csv":
		return "csv"
	case strings.HasPrefix(essence, "text/"), strings.HasSuffix(essence, "xml"), strings.HasSuffix(essence, "yaml"), essence == "application/x-ndjson", essence == "application/jsonl":
		return "text"
	}
	return "binary"
}

// Names of members around the records.
var (
	wrappers = []string{"data", "result", "results", "items", "records", "entries", "values", "list", "rows", "elements", "nodes", "objects", "value", "content", "hits", "response"}
	around   = []string{
		"total", "totalcount", "count", "totalitems", "totalresults", "totalpages", "pages", "page", "perpage", "pagesize", "limit", "offset", "size",
		"next", "previous", "prev", "nextpage", "nextpagetoken", "nextcursor", "nexttoken", "cursor", "cursors", "hasmore", "hasnext", "meta", "metadata", "links", "paging", "pagination",
		"pageinfo", "object", "success", "ok", "status", "message", "code", "error", "errors", "warnings", "firstid", "lastid", "url", "requestid", "self", "kind", "etag", "incompleteresults", "after", "before", "start", "included", "jsonapi",
	}
)

// recordsIn finds the records in an answer.
func (r *row) recordsIn(v *view) {
	a := &r.answer
	switch {
	case v.is("array"):
		a.list = true
		a.element(v)
		return
	case len(v.types) > 0 && !slices.Contains(v.types, "object"):
		a.wrap = len(v.types) > 0
		return
	case len(v.props) == 0 || len(v.choices) > 0 || v.others != nil:
		a.records = v
		return
	}
	if name, inner := r.wrapped(v); name != "" {
		a.data, a.envelope = "/"+escape(name), v
		a.optional = !slices.Contains(v.required, name)
		if !inner.is("array") {
			if deeper, list := r.wrapped(inner); deeper != "" && list.is("array") {
				a.data += "/" + escape(deeper)
				a.optional = a.optional || !slices.Contains(inner.required, deeper)
				inner = list
			}
		}
		if inner.is("array") {
			a.list = true
			a.element(inner)
		} else {
			a.records = inner
		}
		r.metaOf(v, name)
		r.guess("records", "data", "the records are taken to be at "+a.data)
		return
	}
	a.records = v
}

// element takes the elements of an array as the records.
func (a *answer) element(v *view) {
	a.records = viewOf(v.items...)
	a.wrap = len(a.records.types) > 0 && !slices.Contains(a.records.types, "object")
}

// wrapped returns the member of an object that has the records, if the others only stand
// around it.
func (r *row) wrapped(v *view) (string, *view) {
	var arrays []string
	rest := 0
	for _, name := range v.names() {
		p := viewOf(v.props[name]...)
		switch {
		case asks(name, wrappers...):
			if p.is("array") || p.is("object") && rest == 0 && len(v.props) <= 6 && r.onlyAround(v, name) {
				return name, p
			}
			rest++
		case p.is("array") && !asks(name, around...):
			arrays = append(arrays, name)
		case !asks(name, around...):
			rest++
		}
	}
	if len(arrays) == 1 && (rest == 0 || r.lists() && asks(arrays[0], strings.Join(words(r.name.entity), ""), r.last())) {
		return arrays[0], viewOf(v.props[arrays[0]]...)
	}
	return "", nil
}

// onlyAround reports whether all members but one say nothing of the record itself.
func (r *row) onlyAround(v *view, but string) bool {
	for name := range v.props {
		if name != but && !asks(name, around...) {
			return false
		}
	}
	return true
}

// lists reports whether an operation looks as if it lists.
func (r *row) lists() bool {
	w := words(r.name.action)
	return !endsInParameter(r.op.path) && (r.op.method == "GET" || slices.Contains(readers, w[0]))
}

// last is the last literal segment of the path, as one word.
func (r *row) last() string {
	all := literalsOf(r.op.path)
	if len(all) == 0 {
		return ""
	}
	return strings.Join(words(all[len(all)-1]), "")
}

// maxMeta is how many members of an envelope go to the result's meta.
const maxMeta = 20

// metaOf keeps what stands around the records.
func (r *row) metaOf(v *view, but string) {
	for _, name := range v.names() {
		if name != but && len(r.answer.meta) < maxMeta {
			r.answer.meta.Set(placeholder(name), "/"+escape(name))
		}
	}
}

// escape writes a member's name into a JSON Pointer.
func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// notation writes the members of records as tables do: id size:integer tags[] owner{id}. It has
// at most so many bytes, and less depth where they are too many.
func (r *row) notation(most int) string {
	if r.answer.records == nil || r.answer.content != "" {
		return ""
	}
	for depth := 3; depth > 0; depth-- {
		w := &notation{nodes: r.nodes, all: r.all}
		w.members(r.answer.records, depth)
		if text := strings.TrimSpace(w.b.String()); len(text) <= most {
			return text
		} else if depth == 1 {
			at := strings.LastIndexByte(text[:most], ' ')
			return text[:max(at, 0)]
		}
	}
	return ""
}

type notation struct {
	b          strings.Builder
	nodes, all *int
	inside     []*openapi3.Schema
}

func (w *notation) members(v *view, depth int) {
	for _, name := range v.names() {
		if strings.ContainsAny(name, " \t\r\n[]{}:") || name == "" || len(name) > 100 {
			continue
		}
		p := viewOf(v.props[name]...)
		if p.writeOnly {
			continue
		}
		if w.spaced() {
			w.b.WriteByte(' ')
		}
		w.b.WriteString(name)
		w.value(p, depth)
	}
}

func (w *notation) value(v *view, depth int) {
	*w.nodes++
	*w.all++
	again := slices.ContainsFunc(v.parts, func(s *openapi3.Schema) bool { return slices.Contains(w.inside, s) })
	outer := len(w.inside)
	w.inside = append(w.inside, v.parts...)
	defer func() { w.inside = w.inside[:outer] }()
	switch {
	case len(v.types) != 1 || len(v.choices) > 0 || *w.nodes > maxNodes:
		w.b.WriteString(":any")
	case v.is("array"):
		w.b.WriteString("[]")
		if len(v.items) == 0 || again {
			w.b.WriteString(":any")
			return
		}
		w.value(viewOf(v.items...), depth)
	case v.is("object") && (depth <= 1 || again || len(v.props) == 0):
		w.b.WriteString(":object")
	case v.is("object"):
		w.b.WriteByte('{')
		w.members(v, depth-1)
		w.b.WriteByte('}')
	case v.types[0] != "string":
		w.b.WriteString(":" + v.types[0])
	}
}

// spaced reports whether the next name needs a blank before it.
func (w *notation) spaced() bool {
	text := w.b.String()
	return text != "" && text[len(text)-1] != '{'
}
