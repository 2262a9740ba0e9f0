package airbyte

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/lazyregexp"
	"github.com/agenthost/agenthost/internal/tableimport"
)

// records are where the records of an operation are in its answer.
type records struct {
	pointer string
	list    bool
	wrap    bool
	schema  tableimport.Map // of the whole answer
}

var (
	jsonPath = lazyregexp.New(`^\$(\.[A-Za-z_][A-Za-z0-9_]*|\[[0-9]{1,4}\]|\[\*\])*$`)
	pathStep = lazyregexp.New(`\.([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]+|\*)\]`)
)

// pointerOf makes a JSON Pointer of the part of JSONPath that the documents have.
func pointerOf(path string) (string, error) {
	if !jsonPath.MatchString(path) {
		return "", fmt.Errorf("the expression %q is more than names, indices and [*]", path)
	}
	var b strings.Builder
	for _, step := range pathStep.FindAllStringSubmatch(path, -1) {
		b.WriteString("/" + step[1] + step[2])
	}
	return b.String(), nil
}

// records finds out where the records are, from the extractor and the schema of the answer.
func (r *row) records() (*records, error) {
	rec := &records{schema: r.answerSchema()}
	if path := r.source.Text("x-airbyte-record-extractor"); path != "" {
		var err error
		if rec.pointer, err = pointerOf(path); err != nil {
			return nil, err
		}
	}
	lists := r.action == "list" || r.action == "search"
	schema := r.im.at(rec.schema, rec.pointer)
	kind := kindOf(schema)
	switch {
	case strings.Contains(rec.pointer, "/*"):
		rec.list = lists
		rec.wrap = kind != "object" && kind != "" && kind != "array"
	case kind == "array":
		rec.list = true
		items := kindOf(r.im.resolve(schema.Get("items")))
		rec.wrap = items != "object" && items != ""
	case kind == "" && lists && (rec.pointer != "" || len(rec.schema) == 0):
		rec.list = true
		r.guess("records", "data", "the document does not say what is there; taken for an array of records")
	case lists && kind == "object" && rec.pointer != "":
		r.guess("records", "data", "a list whose answer is an object there, which is the data as it is")
	}
	return rec, nil
}

// answerSchema is the schema of a good answer in JSON, nil if the document has none.
func (r *row) answerSchema() tableimport.Map {
	for _, response := range r.source.Map("responses") {
		if !strings.HasPrefix(response.Key, "2") {
			continue
		}
		m, _ := response.Value.(tableimport.Map)
		media := m.Map("content").Map("application/json")
		if schema := r.im.resolve(media.Get("schema")); schema != nil {
			return schema
		}
	}
	return nil
}

// at is the schema of a part of an answer, nil if it is unknown.
func (im *importer) at(schema tableimport.Map, pointer string) tableimport.Map {
	for _, step := range strings.Split(pointer, "/")[1:] {
		switch {
		case schema == nil:
			return nil
		case kindOf(schema) == "array":
			schema = im.resolve(schema.Get("items"))
		case step == "*":
			schema = im.resolve(schema.Get("additionalProperties"))
		default:
			schema = im.resolve(schema.Map("properties").Get(step))
		}
	}
	return schema
}

// kindOf is the type of a schema besides null.
func kindOf(schema tableimport.Map) string {
	if kind := schema.Text("type"); kind != "" {
		return kind
	}
	for _, kind := range schema.List("type") {
		if text, _ := kind.(string); text != "null" {
			return text
		}
	}
	switch {
	case schema.Has("properties"):
		return "object"
	case schema.Has("items"):
		return "array"
	}
	return ""
}

// answer writes what the row says of the answer.
func (r *row) answer(rec *records, page tableimport.Map) error {
	op := &r.out
	if r.action == "download" {
		op.Set("content", "binary")
		op.Add("file", r.file)
		return nil
	}
	op.Add("list", rec.list && page == nil)
	op.Add("data", rec.pointer)
	op.Add("wrap", rec.wrap)
	if err := r.expressions(rec); err != nil {
		return err
	}
	meta, err := r.meta()
	if err != nil {
		return err
	}
	op.Add("meta", meta)
	return nil
}

var (
	filePath = lazyregexp.New(`^[A-Za-z_0-9.{}\[\]]+$`)
	fileStep = lazyregexp.New(`[A-Za-z_0-9]+|\{[A-Za-z_0-9]+\}`)
)

// fileAt finds out where the answer names the file of a download, if it is not the answer
// itself. The parameters that choose one of several files are sent nowhere.
func (r *row) fileAt() error {
	path := r.source.Text("x-airbyte-file-url")
	if path == "" {
		return nil
	}
	if r.action != "download" || !filePath.MatchString(path) {
		return fmt.Errorf("the file is at %q", path)
	}
	pointer := ""
	for _, step := range fileStep.FindAllStringSubmatch(path, -1) {
		pointer += "/" + step[0]
	}
	for _, name := range names(pointer) {
		if !slices.ContainsFunc(r.params, func(p *parameter) bool { return p.name == name }) {
			schema := tableimport.Map{{Key: "type", Value: "integer"}, {Key: "minimum", Value: json.Number("0")}}
			r.params = append(r.params, &parameter{name: name, in: "none", required: true, schema: schema, description: "Which of the files, from 0."})
		}
	}
	schema := tableimport.Map{{Key: "type", Value: "string"}, {Key: "pattern", Value: "^bytes=[0-9]+-[0-9]*$"}}
	r.params = append(r.params, &parameter{name: "range_header", in: "none", schema: schema, description: "The part that is wanted, such as bytes=0-99."})
	r.file = tableimport.Map{{Key: "pointer", Value: pointer}, {Key: "range", Value: "range_header"}}
	r.guess("file", "file", "the document does not say from which domains files come: name them in suffixes, or in allow.downloads of a connection")
	return nil
}

// expressions reads the filter and the transform of records.
func (r *row) expressions(rec *records) error {
	filter := r.source.Text("x-airbyte-record-filter")
	transform := r.source.Map("x-airbyte-record-transform")
	if filter == "" && transform == nil {
		return nil
	}
	if filter != "" {
		inner, opened := strings.CutPrefix(strings.TrimSpace(filter), "{{")
		inner, closed := strings.CutSuffix(inner, "}}")
		if !opened || !closed || strings.Contains(inner, "{{") || !rec.list {
			return fmt.Errorf("the filter %q is no condition on the records of a list", filter)
		}
		r.out.Set("filter", strings.TrimSpace(inner))
	}
	if transform != nil {
		if slices.ContainsFunc(transform, func(m tableimport.Member) bool { _, ok := m.Value.(string); return !ok }) {
			return errors.New("the transform has something that is no text")
		}
		r.out.Set("transform", transform)
	}
	return nil
}

// meta reads what becomes the result's meta.
func (r *row) meta() (tableimport.Map, error) {
	var meta tableimport.Map
	for _, m := range r.source.Map("x-airbyte-meta-extractor") {
		text, _ := m.Value.(string)
		if link, ok := strings.CutPrefix(text, "@link."); ok {
			meta.Set(m.Key, tableimport.Map{{Key: "header", Value: "Link"}, {Key: "link", Value: link}})
			continue
		}
		if header, ok := strings.CutPrefix(text, "@header."); ok {
			meta.Set(m.Key, tableimport.Map{{Key: "header", Value: header}})
			continue
		}
		pointer, err := pointerOf(text)
		if err != nil {
			return nil, err
		}
		meta.Set(m.Key, pointer)
	}
	return meta, nil
}
