package openapi

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/getkin/kin-openapi/openapi3"
)

// row is an operation on its way from a document to a table.
type row struct {
	op          *operation
	auth        *auth
	name        name
	path        string
	server      string
	effect      string
	contentType string
	permission  string
	params      []param
	bodyExample any
	reserved    []string
	answer      answer
	page        tableimport.Map
	// lean are the parameters that examples are made of where those of the table are cut.
	lean       tableimport.Map
	nodes, all *int
	guesses    []guess
	notes      []string
}

type guess struct{ about, key, text string }

func (r *row) guess(about, key, text string) {
	r.guesses = append(r.guesses, guess{about, key, text})
}

func (r *row) title() string { return r.name.entity + "." + r.name.action }

// read takes everything of the operation that a table says.
func (r *row) read(s *servers) (err error) {
	if slices.Contains(otherMethods, strings.ToLower(r.op.method)) {
		return cannot("a table has no method %s", r.op.method)
	}
	if r.server, err = s.of(r.op); err != nil {
		return err
	}
	r.effectOf()
	if err := r.parametersOf(); err != nil {
		return err
	}
	if err := r.bodyOf(); err != nil {
		return err
	}
	if err := r.answerOf(); err != nil {
		return err
	}
	r.pageOf()
	r.rename()
	return nil
}

// Verbs of operations that do otherwise than their method says.
var (
	readers  = []string{"search", "query", "find", "lookup", "list", "count", "filter"}
	deleters = []string{"delete", "remove", "purge", "destroy", "unlink"}
	writers  = []string{"create", "delete", "remove", "send", "update", "trigger", "execute", "cancel", "start", "stop", "restart", "reset", "approve", "reject", "publish", "logout", "revoke"}
)

// effectOf says what the operation does to the vendor's data. A method says it, except for
// those that are used otherwise.
func (r *row) effectOf() {
	w := words(r.name.action)
	switch r.op.method {
	case "GET", "HEAD":
		r.effect = "read"
		if verb := w[0]; r.op.method == "GET" && (slices.Contains(writers, verb) || slices.Contains(writers, r.last())) {
			r.effect = "write"
			r.guess("effect", "effect", "a GET whose name says that it changes something")
		}
	case "DELETE":
		r.effect = "delete"
	case "POST":
		r.effect = "write"
		switch last := r.last(); {
		case (slices.Contains(readers, w[0]) || slices.Contains(readers, last)) && !slices.ContainsFunc(w, func(s string) bool { return slices.Contains(writers, s) }):
			r.effect = "read"
			r.guess("effect", "effect", "a POST whose name says that it only reads; write effect: write if it changes something")
		case slices.Contains(deleters, w[0]) || slices.Contains(deleters, w[len(w)-1]) || slices.Contains(deleters, last):
			r.effect = "delete"
			r.guess("effect", "effect", "a POST whose name says that it deletes")
		case w[0] == "get" || w[0] == "check" || w[0] == "validate" || w[0] == "preview":
			r.guess("effect", "effect", "a POST whose name says that it may only read; write effect: read if it changes nothing")
		}
	default:
		r.effect = "write"
	}
}

// write writes the operation, with schemas of at most so many bytes, and with examples.
func (r *row) write(i *importer, most int) (tableimport.Map, error) {
	m := tableimport.Map{{Key: "entity", Value: r.name.entity}, {Key: "action", Value: r.name.action}}
	if title := clean(r.op.Summary, 100); len(title) > 3 {
		m.Set("title", title)
	}
	m.Set("description", r.description())
	m.Set("effect", r.effect)
	m.Add("permission", r.permission)
	m.Add("idempotent", r.op.method == "PUT")
	m.Set("method", r.op.method)
	m.Set("path", r.path)
	m.Add("server", r.server)
	at := len(m)
	m.Add("content_type", r.contentType)
	a := &r.answer
	m.Add("content", a.content)
	m.Add("accept", a.accept)
	m.Add("data", a.data)
	m.Add("list", a.list && r.page == nil)
	m.Add("wrap", a.wrap && a.content == "")
	m.Add("data_optional", a.optional)
	m.Add("meta", a.meta)
	m.Add("page", r.page)
	params := r.fit(most)
	if len(params) > 0 {
		m = slices.Insert(m, at, tableimport.Member{Key: "params", Value: params})
	}
	op, err := i.accept(m)
	if err != nil {
		return nil, err
	}
	if examples := r.examples(i, op, params); len(examples) > 0 {
		m.Set("examples", examples)
	}
	return m, nil
}

// description says what the operation does.
func (r *row) description() string {
	text := clean(strings.TrimRight(r.op.Summary, ". ")+". "+r.op.Description, 700)
	text = strings.TrimSpace(strings.TrimPrefix(text, "."))
	if r.op.Deprecated {
		text = "Deprecated. " + text
	}
	if len(text) < 10 {
		text = strings.TrimSpace(text + " Calls " + r.op.method + " " + clean(r.op.path, 200) + ".")
		r.guess("description", "description", "the document does not say what it does")
	}
	return text
}

// fit writes the parameters with as much detail as there is room for.
func (r *row) fit(most int) tableimport.Map {
	var params tableimport.Map
	for n, l := range levels {
		*r.nodes = 0
		w := &scribe{level: l, nodes: r.nodes, all: r.all}
		params = r.writeParams(w)
		if size := len(text(params)); size <= most && *r.nodes <= maxNodes || n == len(levels)-1 {
			if n > 0 {
				r.guess("schema", "params", "the schemas of the parameters are cut, for lack of room")
			} else if w.cut {
				r.guess("schema", "params", "schemas that refer to themselves, or are deep, are cut")
			}
			if w.cut || n > 0 {
				*r.nodes = 0
				r.lean = r.writeParams(&scribe{level: level{depth: 14, enum: 300}, nodes: r.nodes, all: r.all, lean: true})
			}
			if w.dropped {
				r.guess("schema", "params", "a pattern is left out that is no regular expression of RE2")
			}
			break
		}
	}
	return params
}

// maxTries is how often an example is mended.
const maxTries = 60

// examples makes the smallest and a full example that the schema takes.
func (r *row) examples(i *importer, op *connector.Operation, params tableimport.Map) []any {
	var list []any
	for _, full := range []bool{false, true} {
		e := r.example(i, op, params, full)
		if e == nil || len(e) == 0 && len(op.Examples) == 0 && full {
			continue
		}
		if !slices.ContainsFunc(list, func(other any) bool { return text(other) == text(e) }) && len(text(e)) < maxExample {
			list = append(list, e)
		}
	}
	return list
}

// maxExample is the length of an example as JSON.
const maxExample = 6000

func (r *row) example(i *importer, op *connector.Operation, params tableimport.Map, full bool) tableimport.Map {
	if r.lean != nil {
		params = r.lean
	}
	made := &exampler{full: full}
	e := tableimport.Map{}
	own := make(map[string]bool)
	for n := range r.params {
		p := &r.params[n]
		if p.constant != nil {
			continue
		}
		needed := p.required || p.in == openapi3.ParameterInPath
		if !needed && (!full || p.hard) {
			continue
		}
		if p.example != nil && !p.base64 && scalarOr(p.example, full || p.in == "body") {
			own[p.name] = true
			e.Set(p.name, plainJSON(p.example))
			continue
		}
		if made.base64 = p.base64; p.hard {
			e.Set(p.name, "{}")
			continue
		}
		e.Set(p.name, made.value(schemaOf(params.Map(p.name)), 1))
	}
	for range maxTries {
		err := op.Validate(i.ctx, appendJSON(nil, e))
		if err == nil {
			return e
		}
		var wrong *abi.Error
		if !errors.As(err, &wrong) {
			return nil
		}
		at := strings.FieldsFunc(wrong.Field, func(c rune) bool { return c == '[' || c == '/' })
		name := ""
		for _, member := range e {
			if len(at) > 0 && (at[0] == member.Key || strings.HasPrefix(at[0], member.Key+".")) {
				name = member.Key
			}
		}
		switch {
		case name == "" && len(own) > 0:
			name = slices.Min(slices.Collect(maps.Keys(own)))
		case name == "":
			return nil
		}
		p := slices.IndexFunc(r.params, func(p param) bool { return p.name == name })
		made.base64 = p >= 0 && r.params[p].base64
		switch needed := p >= 0 && (r.params[p].required || r.params[p].in == openapi3.ParameterInPath); {
		case own[name]:
			delete(own, name)
			e.Set(name, made.value(schemaOf(params.Map(name)), 1))
		case !needed:
			e.Remove(name)
		case made.full:
			made = &exampler{base64: made.base64}
			e.Set(name, made.value(schemaOf(params.Map(name)), 1))
		default:
			return nil
		}
	}
	return nil
}

// scalarOr reports whether a document's own example is a plain value, or may have parts.
func scalarOr(v any, parts bool) bool {
	switch v.(type) {
	case map[string]any, []any:
		return parts && len(text(v)) < maxExample/4
	}
	return len(text(v)) < maxExample/4
}

// schemaOf is the schema of a parameter of a table.
func schemaOf(p tableimport.Map) tableimport.Map {
	if s := p.Map("schema"); s != nil {
		return s
	}
	return p
}
