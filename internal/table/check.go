package table

import (
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/textproto"
	"regexp"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/expression"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

// follows checks how a page leads to the next one by more than one parameter.
func (r *reader) follows(op *pdk.Operation, params map[string]param, note func(key, message, hint string)) {
	page := op.Page
	url := page.By == pdk.ByURL || strings.EqualFold(page.Header, "Link")
	if (len(page.CursorNames) > 0 || page.Path != "") && (!url || page.In != pdk.InQuery) {
		note("page", "cursor_names and path are for pages in the query that a URL leads to", "write in: query and by: url, or remove them")
	}
	if page.Path != "" {
		switch {
		case len(page.CursorNames) > 0:
			note("page.path", "stands beside cursor_names", "write one of them")
		case op.Method != "GET":
			note("page.path", "the operation is no GET, so its pages have one path", "remove it")
		case strings.Count(page.Path, "{cursor}") != 1:
			note("page.path", "does not have {cursor} once", "write it like /query/{cursor}")
		}
		for _, m := range placeholder.FindAllStringSubmatch(page.Path, -1) {
			if m[1] != "cursor" && !strings.Contains(op.Path, m[0]) {
				note("page.path", fmt.Sprintf("%s is not in the path of the first page", clip(m[0])), "")
			}
		}
	}
	for i, name := range page.CursorNames {
		for of, p := range params {
			if cmp.Or(p.As, of) == name && p.In == "query" {
				note(fmt.Sprintf("page.cursor_names[%d]", i), fmt.Sprintf("%q is a parameter of the operation, too", clip(name)), "remove it from params: the cursor has its value")
			}
		}
	}
}

// failures checks the conditions and the texts of failures.
func (r *reader) failures(f *pdk.Failures) {
	if f == nil {
		return
	}
	note := func(path, message, hint string) {
		at, _ := r.nearest(path)
		r.problem(at, path, message, hint)
	}
	for i, c := range f.If {
		path := fmt.Sprintf("failures.if[%d]", i)
		if _, pointer := r.places[path+".pointer"]; pointer == (c.Header != "") {
			note(path, "needs either pointer or header", "")
		}
	}
	for i, text := range f.Item {
		path := fmt.Sprintf("failures.item[%d]", i)
		if _, list := r.places[path]; !list {
			path = "failures.item"
		}
		if _, err := expression.ParseText(text, "item"); err != nil {
			note(path, err.Error(), "write it like: {{ item.field }}: {{ item.message }}")
		}
	}
}

// param is what a parameter says of other parameters.
type param struct {
	In            string          `json:"in"`
	As            string          `json:"as"`
	At            string          `json:"at"`
	Text          string          `json:"text"`
	FileNameFrom  string          `json:"file_name_from"`
	MediaTypeFrom string          `json:"media_type_from"`
	Const         json.RawMessage `json:"const"`
	Send          json.RawMessage `json:"send"`
	Required      bool            `json:"required"`
}

// operation checks what neither the schema nor the manifest says: that a row can be run.
func (r *reader) operation(path string, op *pdk.Operation, params map[string]param, config []abi.AuthField) {
	note := func(key, message, hint string) {
		at, _ := r.nearest(join(path, key))
		r.problem(at, join(path, key), message, hint)
	}
	if _, handled := r.places[join(path, "handled")]; handled {
		note("handled", "the operation has code, which a table cannot have", "say with the other keys what it does, and remove this one, or remove the operation")
	}
	var inPath, names []string
	for _, m := range placeholder.FindAllStringSubmatch(op.Path, -1) {
		inPath = append(inPath, m[1])
	}
	placed := slices.Clone(inPath)
	for _, p := range op.Parameters() {
		if !p.Hidden {
			names = append(names, p.Name)
		}
		key := "params." + clip(p.Name)
		r.configured(join(path, key), &p, config)
		switch {
		case p.In == pdk.InPath:
			if i := slices.Index(placed, p.Wire); i >= 0 {
				placed = slices.Delete(placed, i, i+1)
			} else {
				note(key, fmt.Sprintf("the path %s has no {%s}", op.Path, p.Wire), fault.Hint(p.Wire, inPath))
			}
		case p.In == pdk.InBody && op.Method == "GET":
			note(key, "a GET has no body", "write in: query, or another method")
		case p.In == pdk.InSelection && !strings.Contains(op.GraphQL, "{{"+p.Wire+"}}"):
			note(key, fmt.Sprintf("graphql has no {{%s}}", p.Wire), "")
		}
	}
	for _, left := range placed {
		note("path", fmt.Sprintf("no parameter fills {%s}", left), "add it to params, with in: path")
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		for key, of := range params[name].names() {
			if !slices.Contains(names, of) {
				note("params."+clip(name)+"."+key, fmt.Sprintf("there is no parameter %q that a caller can give", clip(of)), fault.Hint(of, names))
			}
		}
		switch p := params[name]; {
		case p.At == "":
		case p.In != "body" || op.ContentType != "" && !strings.Contains(strings.ToLower(op.ContentType), "json"):
			note("params."+clip(name)+".at", "only a body that is JSON has places inside it", "remove it")
		case p.As != "":
			note("params."+clip(name)+".as", "at says the name already", "remove it")
		}
		if message := params[name].wrong(); message != "" {
			note("params."+clip(name)+".text", message, "write it like: refs/heads/{{ branch }}")
		}
	}
	for _, c := range op.RawQuery {
		if !strings.ContainsRune(wire.RawQueryCharacters, c) {
			note("raw_query", fmt.Sprintf("has %q", c), "write some of "+wire.RawQueryCharacters)
		}
	}
	for _, name := range op.AnyOf {
		if !slices.Contains(names, name) {
			note("any_of", fmt.Sprintf("there is no parameter %q", clip(name)), fault.Hint(name, names))
		}
	}
	r.expressions(op, note)
	if op.File != nil && (op.Content == "" || op.Content == abi.ContentJSON) {
		note("file", "the operation does not say what the file is", "add content: binary, text or csv")
	}
	if op.GraphQL != "" && op.Method != "POST" {
		note("method", "GraphQL goes with POST", "")
	}
	if page := op.Page; page != nil && page.Cursor == "" && page.Header == "" && page.By != pdk.ByOffset && page.By != pdk.ByPage {
		note("page", "does not say where the next page is", "add cursor, header, or by: offset or page")
	}
	if page := op.Page; page != nil {
		if page.In == pdk.InBody && op.Method == "GET" {
			note("page.in", "a GET has no body", "write in: query")
		}
		r.follows(op, params, note)
	}
}

// headers checks that a host sends the headers of a row: it refuses the request otherwise.
func (r *reader) headers(path string, op *pdk.Operation, params map[string]param, schemes []abi.AuthScheme) {
	note := func(key, message, hint string) {
		at, _ := r.nearest(join(path, key))
		r.problem(at, join(path, key), message, hint)
	}
	for _, p := range op.Parameters() {
		if p.In != pdk.InHeader {
			continue
		}
		key := "params." + clip(p.Name)
		name := textproto.CanonicalMIMEHeaderKey(p.Wire)
		others := slices.ContainsFunc(schemes, func(s abi.AuthScheme) bool { return !wire.OwnedBy(&s).Header(name) })
		switch why := (wire.Owned{}).Reserves(name); {
		case !wire.ValidHeaderName(p.Wire):
			note(key, fmt.Sprintf("%q is not a header name", clip(p.Wire)), "use letters, digits and dashes")
		case why != "":
			note(key, fmt.Sprintf("no connector may set the header %s: it %s", clip(p.Wire), why), "remove the parameter")
		case len(schemes) > 0 && !others:
			note(key, fmt.Sprintf("the header %s carries the credential, which only the host sets", clip(p.Wire)), "remove the parameter")
		}
		for of, raw := range map[string]json.RawMessage{"const": params[p.Name].Const, "send": params[p.Name].Send} {
			var text string
			if json.Unmarshal(raw, &text) == nil && !wire.ValidHeaderValue(text) {
				note(key+"."+of, "is no value of a header", "write one line of visible ASCII characters, without spaces at its ends")
			}
		}
		var sample strings.Builder
		parts, _ := expression.ParseText(params[p.Name].Text, "") // wrong reports its error
		for _, part := range parts {
			sample.WriteString(part.Constant)
			if len(part.Path) > 0 {
				sample.WriteByte('x')
			}
		}
		if !wire.ValidHeaderValue(sample.String()) {
			note(key+".text", "has text that no header can have", "write one line of visible ASCII characters, without spaces at its ends")
		}
	}
}

// names are the parameters that a parameter refers to, by the key that does.
func (p param) names() iter.Seq2[string, string] {
	return func(yield func(key, name string) bool) {
		if p.FileNameFrom != "" && !yield("file_name_from", p.FileNameFrom) || p.MediaTypeFrom != "" && !yield("media_type_from", p.MediaTypeFrom) || p.Text == "" {
			return
		}
		parts, _ := expression.ParseText(p.Text, "") // wrong reports its error
		for _, part := range parts {
			if len(part.Path) > 0 && !yield("text", part.Path[0]) {
				return
			}
		}
	}
}

// wrong says what is wrong with the text of a parameter.
func (p param) wrong() string {
	if p.Text == "" {
		return ""
	}
	if p.Const != nil || p.Send != nil || p.Required {
		return "the parameter is made of others, so it has no const, no send and no required"
	}
	if _, err := expression.ParseText(p.Text, ""); err != nil {
		return err.Error()
	}
	return ""
}

// expressions checks the filter and the transform of a row.
func (r *reader) expressions(op *pdk.Operation, note func(key, message, hint string)) {
	read := op.Effect == pdk.Read && (op.Content == "" || op.Content == abi.ContentJSON)
	if op.Filter != "" {
		_, err := expression.ParseCondition(op.Filter, "record")
		switch {
		case err != nil:
			note("filter", err.Error(), "write it like: not record.isPrivate and record.state == 'open'")
		case !read || !op.List && op.Page == nil:
			note("filter", "only a list that reads JSON has records to filter", "remove it, or write list: true")
		}
	}
	for _, t := range op.Transform {
		key := "transform." + clip(t[0])
		if _, err := expression.ParseText(t[1], "record"); err != nil {
			note(key, err.Error(), "write it like: prefix/{{ record.id | replace('a', 'b') }}")
		} else if !read {
			note(key, "only an operation that reads JSON can change its records", "remove it")
		}
	}
}

// configured checks a parameter that may have a value of the connection.
func (r *reader) configured(path string, p *pdk.Parameter, config []abi.AuthField) {
	note := func(key, message, hint string) {
		at, _ := r.nearest(join(path, key))
		r.problem(at, join(path, key), message, hint)
	}
	_, mapped := r.places[join(path, "map")]
	if p.Config == "" {
		if mapped {
			note("map", "is for a parameter with config", "add config: NAME")
		}
		return
	}
	names := make([]string, len(config))
	for i, f := range config {
		names[i] = f.Name
	}
	i := slices.Index(names, p.Config)
	if i < 0 {
		note("config", fmt.Sprintf("there is no config %q", clip(p.Config)), fault.Hint(p.Config, names))
	}
	if _, constant := r.places[join(path, "const")]; constant {
		note("const", "the parameter has config, too", "remove one of them; send is for connections that give no value")
	}
	if p.In == pdk.InSelection || p.In == pdk.InNone {
		note("in", "a value of the connection cannot go there", "write in: path, query, header or body")
	}
}
