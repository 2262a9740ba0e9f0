package airbyte

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/tableimport"
)

// restLi are the characters that values of Rest.li's queries have unescaped.
const restLi = "(),:"

// effects of the actions; the method says nothing of them.
var effects = map[string]string{
	"list": "read", "get": "read", "search": "read", "download": "read", "create": "write", "update": "write", "delete": "delete",
}

// verbs are what the actions do, where the document has no description.
var verbs = map[string]string{
	"list": "Lists", "get": "Gets", "search": "Searches", "download": "Downloads", "create": "Creates", "update": "Updates", "delete": "Deletes",
}

// methods that a path item has operations under.
var methods = []string{"get", "post", "put", "patch", "delete", "head", "options", "trace"}

// maxOperations is how many operations a table may have.
const maxOperations = 1000

// row is an operation that is being made.
type row struct {
	im          *importer
	source      tableimport.Map
	path        string // of the document
	to          string // the path of the request
	method      string
	name        string // entity.action
	entity      string
	action      string
	params      []*parameter
	out         tableimport.Map
	contentType string
	accept      string
	restLi      bool   // the query has its own escaping
	query       string // of GraphQL
	file        tableimport.Map
}

// operations makes a row of each operation, and finds the one that proves a credential.
func (im *importer) operations(ctx context.Context) (rows []any, check tableimport.Map, err error) {
	type described struct {
		path, method string
		source       tableimport.Map
	}
	byName := make(map[string][]described)
	var order []string
	for _, item := range im.doc.Map("paths") {
		of, _ := item.Value.(tableimport.Map)
		for _, member := range of {
			source, ok := member.Value.(tableimport.Map)
			if !ok || !slices.Contains(methods, member.Key) {
				continue
			}
			name := source.Text("x-airbyte-entity") + "." + source.Text("x-airbyte-action")
			if name == "." {
				name = strings.ToUpper(member.Key) + " " + item.Key
			}
			if len(byName[name]) == 0 {
				order = append(order, name)
			}
			byName[name] = append(byName[name], described{item.Key, member.Key, source})
		}
	}
	var first, preferred *row
	for _, name := range order {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		all := byName[name]
		for _, lost := range all[:len(all)-1] {
			im.report.Leave(name, fmt.Sprintf("%s %s has the name of another operation, which the Airbyte API runs", strings.ToUpper(lost.method), lost.path))
		}
		if len(rows) == maxOperations {
			im.report.Leave(name, fmt.Sprintf("the table is full, with %d operations", maxOperations))
			continue
		}
		last := all[len(all)-1]
		r := &row{im: im, source: last.source, path: last.path, method: strings.ToUpper(last.method), name: name}
		if err := r.make(); err != nil {
			im.report.Leave(name, err.Error())
			continue
		}
		rows = append(rows, r.out)
		if r.out.Text("effect") != "read" || !r.callable() {
			continue
		}
		if last.source.Bool("x-airbyte-preferred-for-check") && preferred == nil {
			preferred = r
		}
		if r.action == "list" && first == nil {
			first = r
		}
	}
	if preferred == nil {
		preferred = first
		if first != nil {
			im.report.Note("check", "the document's check needs parameters, or it has none: "+first.name+" is the first list that needs none")
		} else {
			im.report.Note("check", "no operation that reads needs no parameters, so that nothing proves a credential")
		}
	}
	if preferred != nil {
		check.Set("entity", preferred.entity)
		check.Set("action", preferred.action)
	}
	return rows, check, nil
}

// callable reports whether the row needs no parameters.
func (r *row) callable() bool {
	return !slices.ContainsFunc(r.params, func(p *parameter) bool { return p.required && p.config == "" && p.constant == nil && p.send == nil })
}

func (r *row) make() error {
	r.entity, r.action = r.source.Text("x-airbyte-entity"), r.source.Text("x-airbyte-action")
	effect, known := effects[r.action]
	if !wordForm.MatchString(r.entity) || !wordForm.MatchString(r.action) {
		return errors.New("it has no x-airbyte-entity and x-airbyte-action of lower-case letters, digits and underscores")
	}
	if !known {
		effect = "write"
		if r.method == "GET" {
			effect = "read"
		}
		r.guess("effect", "effect", fmt.Sprintf("the action %s does not say what it does; the method says %s", r.action, effect))
	}
	if effect == "read" && slices.Contains([]string{"PUT", "PATCH", "DELETE"}, r.method) {
		return fmt.Errorf("%s %s is said to read", r.method, r.action)
	}
	path := r.path
	if override := r.source.Map("x-airbyte-path-override").Text("path"); override != "" {
		path = override
	}
	if strings.ContainsAny(path, "?#") {
		return errors.New("the path has a query")
	}
	if err := r.parameters(path); err != nil {
		return err
	}
	if err := r.body(); err != nil {
		return err
	}
	if err := r.fileAt(); err != nil {
		return err
	}
	rec, err := r.records()
	if err != nil {
		return err
	}
	r.to = path
	page := r.page(rec)
	op := &r.out
	op.Set("entity", r.entity)
	op.Set("action", r.action)
	op.Add("title", line(r.source.Text("summary")))
	op.Set("description", r.description())
	op.Set("effect", effect)
	op.Add("idempotent", r.method == "PUT" && effect == "write")
	op.Set("method", r.method)
	op.Set("path", path)
	params := tableimport.Map{}
	for _, p := range r.params {
		if params.Has(p.name) {
			return fmt.Errorf("two parameters have the name %s", p.name)
		}
		params = append(params, p.member())
	}
	op.Add("params", params)
	op.Add("content_type", r.contentType)
	op.Add("graphql", r.query)
	if r.restLi && slices.ContainsFunc(r.params, func(p *parameter) bool { return p.in == "query" }) {
		op.Set("raw_query", restLi)
	}
	op.Add("accept", r.accept)
	if err := r.answer(rec, page); err != nil {
		return err
	}
	op.Add("page", page)
	op.Add("examples", r.examples())
	op.Add("answers", r.answers(rec, page))
	return nil
}

func (r *row) guess(about, key, text string) { r.im.report.Guess(about, r.name, key, text) }

// description is what models read: what the operation does, and when to use it.
func (r *row) description() string {
	text := r.source.Text("description")
	if strings.TrimSpace(text) == "" {
		text = r.source.Text("summary")
	}
	hints := r.source.Map("x-airbyte-ai-hints")
	if hints == nil && (r.action == "list" || r.action == "search") {
		for _, member := range r.im.schemas {
			if s, _ := member.Value.(tableimport.Map); s.Text("x-airbyte-entity-name") == r.entity {
				hints = s.Map("x-airbyte-ai-hints")
				break
			}
		}
	}
	lines := []string{paragraph(text, strings.TrimSpace(verbs[r.action]+" "+strings.ReplaceAll(r.entity, "_", " "))+".")}
	if when := line(hints.Text("when_to_use")); when != "" {
		lines = append(lines, "When to use it: "+when)
	}
	if how := line(hints.Text("search_strategy")); how != "" && r.action != "get" {
		lines = append(lines, "How to search: "+how)
	}
	lines[0] = shorten(lines[0], most)
	for len(lines) > 1 && len(strings.Join(lines, "\n")) > most {
		lines = lines[:len(lines)-1]
	}
	return sentence(strings.Join(lines, "\n"), r.im.title())
}

// parameters reads the parameters of path, query and header.
func (r *row) parameters(path string) error {
	for _, entry := range r.source.List("parameters") {
		source, err := r.im.parameter(entry)
		if err != nil {
			return err
		}
		name, in := source.Text("name"), source.Text("in")
		schema, err := r.im.schema(source.Get("schema"))
		if err != nil {
			return err
		}
		p := &parameter{name: name, in: in, schema: schema, description: paragraph(source.Text("description"), "")}
		value := r.im.resolve(source.Get("schema")).Get("default")
		p.required = source.Bool("required")
		switch in {
		case "path":
			p.required = true
			if !strings.Contains(path, "{"+name+"}") {
				return fmt.Errorf("the path has no {%s}", name)
			}
		case "query":
			if err := r.queryParam(p, source, value); err != nil {
				return err
			}
		case "header":
			if r.headerParam(p, value) {
				continue
			}
		default:
			return fmt.Errorf("the parameter %s goes into a %s", name, in)
		}
		if scope := r.im.scope(name); scope != "" {
			p.config = scope
		}
		r.params = append(r.params, p)
	}
	for _, name := range names(path) {
		if !slices.ContainsFunc(r.params, func(p *parameter) bool { return p.in == "path" && p.name == name }) {
			p := &parameter{name: name, in: "path", required: true, schema: tableimport.Map{{Key: "type", Value: "string"}, {Key: "description", Value: "A part of the path."}}}
			p.config = r.im.scope(name)
			r.params = append(r.params, p)
			r.guess("parameter", "params."+name, "the document does not describe it")
		}
	}
	for _, header := range r.im.constants {
		if why := (wire.Owned{}).Reserves(textproto.CanonicalMIMEHeaderKey(header[0])); why != "" {
			r.guess("parameter", "params", fmt.Sprintf("the header %s is left out: it %s", header[0], why))
			continue
		}
		r.params = append(r.params, &parameter{name: header[0], in: "header", constant: header[1]})
	}
	return nil
}

// parameter follows references to the parameters of the document.
func (im *importer) parameter(v any) (tableimport.Map, error) {
	m, _ := v.(tableimport.Map)
	ref := m.Text("$ref")
	for range maxNesting {
		if !m.Has("$ref") {
			break
		}
		m = im.doc.Map("components").Map("parameters").Map(strings.TrimPrefix(m.Text("$ref"), "#/components/parameters/"))
	}
	if m == nil || m.Has("$ref") {
		return nil, fmt.Errorf("the parameter %.200s refers to nothing, or to itself", ref)
	}
	return m, nil
}

// queryParam reads what is special of a parameter of the query.
func (r *row) queryParam(p *parameter, source tableimport.Map, value any) error {
	kind := p.schema.Text("type")
	style, explode := source.Text("style"), true
	if source.Has("explode") {
		explode = source.Bool("explode")
	}
	switch {
	case kind == "array" && (style == "" || style == "form"):
		if !explode {
			p.style = "comma"
		}
	case kind == "array", style == "deepObject" && kind != "object":
		return fmt.Errorf("the parameter %s is an array in the style %s", p.name, style)
	case kind == "object" && style != "deepObject":
		return fmt.Errorf("the parameter %s is an object in the query without a style that says how", p.name)
	}
	if inject := source.Map("x-airbyte-param-config-inject"); inject != nil {
		r.im.inject(p, inject)
	}
	if value == nil {
		return nil
	}
	if r.action == "download" || p.required {
		switch {
		case isTemplate(value):
			r.guess("parameter", "params."+p.name, "its default is a program, so callers must give it")
			p.required = r.action != "download" || p.required
		case isEmpty(value):
			r.guess("parameter", "params."+p.name, "its default is empty, which the vendor refuses, so callers must give it")
		default:
			p.required, p.send = false, value
		}
	}
	return nil
}

// inject gives a parameter a value of the connection.
func (im *importer) inject(p *parameter, inject tableimport.Map) {
	source := inject.Text("source")
	field, _ := im.config.Get(source).(tableimport.Map)
	if field == nil {
		return
	}
	p.config = source
	images := inject.Map("map")
	if images == nil {
		return
	}
	values := field.List("enum")
	for _, image := range images {
		if len(values) == 0 {
			p.images.Set(image.Key, image.Value)
		}
	}
	for _, value := range values {
		text, _ := value.(string)
		if image := images.Get(text); image != nil {
			p.images.Set(text, image)
		} else if image := images.Get(strings.ToUpper(text)); image != nil {
			p.images.Set(text, image)
		}
	}
}

// headerParam reads what is special of a header, and says whether it is no parameter.
func (r *row) headerParam(p *parameter, value any) bool {
	text, isText := value.(string)
	why := wire.Owned{}.Reserves(textproto.CanonicalMIMEHeaderKey(p.name))
	switch name := strings.ToLower(p.name); {
	case r.im.injected[name]:
		return true // the credential has it
	case why != "":
		r.guess("parameter", "params", fmt.Sprintf("the header %s is left out: it %s", p.name, why))
		return true
	case name == "content-type":
		if isText {
			r.contentType = text
		}
		return true
	case name == "accept":
		if isText {
			r.accept = text
		}
		return true
	case name == "x-restli-protocol-version" && value != nil:
		r.restLi = true
	}
	if value != nil && r.action != "download" {
		p.constant = value
		if !isText {
			p.constant = fmt.Sprint(value)
		}
	}
	return r.action == "download"
}
