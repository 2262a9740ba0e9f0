// Package airbyte makes tables of the documents in which Airbyte describes its agent
// connectors: OpenAPI 3.1 with extensions that begin with x-airbyte-.
//
// Where the SDK that runs these documents does something odd, the table does what the document
// means; docs/import.md lists where.
package airbyte

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/agenthost/agenthost/internal/lazyregexp"
	"github.com/agenthost/agenthost/internal/tableimport"
)

// importer makes a table of one document.
type importer struct {
	doc     tableimport.Map
	info    tableimport.Map
	schemas tableimport.Map
	report  *tableimport.Report

	// config are the values of a connection, by name and in order.
	config tableimport.Map
	// servers are the table's, and origins those that the credential goes to.
	servers []any
	origins []any
	// named is the variable that is the whole of the first server, if answers with tokens have it.
	named string
	// injected are headers that the credential sets, in lower case, and constants are those
	// that all schemes set to the same text.
	injected  map[string]bool
	constants [][2]string
	// undeclared are operations whose cursor is no parameter of the document.
	undeclared map[string]bool
}

// Import makes a table of a document. source is the document's name, for the report.
func Import(ctx context.Context, source string, doc tableimport.Map) (*tableimport.Table, error) {
	version := doc.Text("openapi")
	if !strings.HasPrefix(version, "3.1.") {
		return nil, errors.New("is no document of an Airbyte agent connector, which begins with openapi: 3.1")
	}
	t := &tableimport.Table{}
	im := &importer{doc: doc, info: doc.Map("info"), schemas: doc.Map("components").Map("schemas"), report: &t.Report, injected: make(map[string]bool), undeclared: make(map[string]bool)}
	name := strings.ToLower(im.info.Text("x-airbyte-connector-name"))
	if !nameForm.MatchString(name) {
		return nil, fmt.Errorf("has the x-airbyte-connector-name %q, which is no name of lower-case letters, digits and dashes", name)
	}
	t.Report.Connector, t.Report.Source = name, source
	if err := im.makeServers(); err != nil {
		return nil, err
	}
	auth, err := im.auth()
	if err != nil {
		return nil, err
	}
	im.scoping()
	operations, check, err := im.operations(ctx)
	if err != nil {
		return nil, err
	}
	title := im.title()
	d := &t.Document
	d.Set("name", name)
	d.Set("title", title)
	d.Set("version", im.version())
	d.Set("description", shorten(sentence(paragraph(im.info.Text("description"), title+"."), title), most))
	d.Add("docs_url", im.docs())
	d.Set("servers", im.servers)
	var config []any
	for _, field := range im.config {
		config = append(config, field.Value)
	}
	d.Add("config", config)
	d.Set("auth", auth)
	d.Add("check", check)
	d.Add("failures", im.failures())
	d.Add("airbyte", im.hosted(title, operations))
	d.Set("operations", operations)
	return t, nil
}

var (
	nameForm    = lazyregexp.New(`^[a-z][a-z0-9-]{0,62}$`)
	wordForm    = lazyregexp.New(`^[a-z][a-z0-9_]{0,62}$`)
	fieldForm   = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)
	versionForm = lazyregexp.New(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$`)
	uuidForm    = lazyregexp.New(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	variable    = lazyregexp.New(`\{([A-Za-z0-9_]+)\}`)
)

// title is the vendor's name as a person writes it.
func (im *importer) title() string {
	if title := im.info.Text("x-airbyte-connector-display-name"); title != "" {
		return line(title)
	}
	title := strings.TrimSuffix(strings.TrimSuffix(line(im.info.Text("title")), " Connector"), " API")
	return cmp.Or(title, im.report.Connector)
}

func (im *importer) version() string {
	if v := im.info.Text("version"); versionForm.MatchString(v) {
		return v
	}
	im.report.Note("version", "the document's version is none of the form 1.0.0")
	return "1.0.0"
}

// docs is the address of the vendor's API reference.
func (im *importer) docs() string {
	var first string
	for _, entry := range im.info.List("x-airbyte-external-documentation-urls") {
		m, _ := entry.(tableimport.Map)
		if m.Text("type") == "api_reference" {
			return line(m.Text("url"))
		}
		if first == "" {
			first = line(m.Text("url"))
		}
	}
	return first
}

// makeServers reads the only server that counts. A variable of which all values are known
// makes a server of each, one that is the whole host makes a server of the operator's, and any
// other one becomes a value of the connection.
func (im *importer) makeServers() error {
	server, _ := first(im.doc.List("servers")).(tableimport.Map)
	url := strings.TrimSuffix(server.Text("url"), "/")
	variables := server.Map("variables")
	for _, name := range names(url) {
		v := variables.Map(name)
		values := v.List("enum")
		host, _, _ := strings.Cut(strings.TrimPrefix(url, "https://"), "/")
		whole := host == "{"+name+"}"
		switch {
		case correction[im.report.Connector] != nil && correction[im.report.Connector][name] != nil:
			values = correction[im.report.Connector][name]
			im.addConfig(name, v.Text("description"), values, true)
			im.report.Note("config", fmt.Sprintf("%s has the values %v: the document's are codes of countries, which lead to these", name, values))
		case len(values) > 0:
			im.listServers(url, name, v)
			return nil
		case whole && im.extracted(name):
			im.named = name
			im.addServer("main", strings.ReplaceAll(url, "{"+name+"}", v.Text("default")), false)
			im.report.Note("servers", fmt.Sprintf("the document's server is %s, and the answer with a token names it; a connection may name it too, with server:", url))
			return nil
		case whole:
			at := strings.ReplaceAll(url, "{"+name+"}", v.Text("default"))
			im.addServer("main", at, true)
			im.report.Note("servers", fmt.Sprintf("the document's server is %s: a connection names another one with server:", url))
			return nil
		default:
			im.addConfig(name, v.Text("description"), nil, true)
		}
	}
	if !strings.HasPrefix(url, "https://") {
		return fmt.Errorf("has the server %q, which does not begin with https://", url)
	}
	im.addServer("main", url, false)
	return nil
}

// correction has the values of variables that no document says.
var correction = map[string]map[string][]any{
	"amazon-seller-partner": {"region": {"na", "eu", "fe"}},
}

// tokenSuffixes are the domains of servers that come with tokens, which no document says.
var tokenSuffixes = map[string][]any{
	"salesforce": {"salesforce.com"},
}

// extracted reports whether the tokens of all schemes come with a value.
func (im *importer) extracted(name string) bool {
	schemes := im.doc.Map("components").Map("securitySchemes")
	for _, member := range schemes {
		source, _ := member.Value.(tableimport.Map)
		if !slices.Contains(source.List("x-airbyte-token-extract"), any(name)) {
			return false
		}
	}
	return len(schemes) > 0
}

// listServers makes a server of each value of a variable, the default first.
func (im *importer) listServers(url, name string, v tableimport.Map) {
	values := slices.Clone(v.List("enum"))
	if i := slices.Index(values, v.Get("default")); i > 0 {
		values[0], values[i] = values[i], values[0]
	}
	for i, value := range values {
		text, _ := value.(string)
		id := strings.Trim(notInName.ReplaceAllString(strings.ToLower(strings.TrimPrefix(text, "https://")), "-"), "-")
		if i == 0 {
			id = "main"
		} else if !nameForm.MatchString(id) {
			id = fmt.Sprintf("server-%d", i+1)
		}
		im.addServer(id, strings.ReplaceAll(url, "{"+name+"}", text), false)
	}
	im.report.Note("servers", fmt.Sprintf("each value of %s is a server: a connection chooses one with server:", name))
}

var notInName = lazyregexp.New(`[^a-z0-9[^a-z0-9]+`)

func (im *importer) addServer(id, url string, operator bool) {
	var s tableimport.Map
	s.Set("id", id)
	s.Set("url", url)
	s.Add("operator", operator)
	im.servers = append(im.servers, s)
	if o := originOf(url); !slices.Contains(im.origins, any(o)) {
		im.origins = append(im.origins, o)
	}
}

// originOf is scheme and host of a URL.
func originOf(url string) string {
	host, _, _ := strings.Cut(strings.TrimPrefix(url, "https://"), "/")
	return "https://" + host
}

// endpoint is a URL of the authorization server, whose origin the table then has. The
// credential of a call is not sent there.
func (im *importer) endpoint(url string) string {
	url = strings.NewReplacer("{{ ", "{", "{{", "{", " }}", "}", "}}", "}").Replace(url)
	origin := originOf(url)
	for _, s := range im.servers {
		m, _ := s.(tableimport.Map)
		if originOf(m.Text("url")) == origin {
			return url
		}
	}
	var s tableimport.Map
	s.Set("id", "tokens")
	if len(im.servers) > 1 && slices.ContainsFunc(im.servers, func(s any) bool { m, _ := s.(tableimport.Map); return m.Text("id") == "tokens" }) {
		s.Set("id", fmt.Sprintf("tokens-%d", len(im.servers)))
	}
	s.Set("url", origin)
	im.servers = append(im.servers, s)
	return url
}

// addConfig declares a value of the connection.
func (im *importer) addConfig(name, description string, values []any, required bool) {
	if im.config.Has(name) {
		return
	}
	var f tableimport.Map
	f.Set("name", name)
	f.Add("description", line(description))
	if len(values) > 0 {
		f.Set("enum", values)
		f.Set("default", values[0])
	} else {
		f.Add("required", required)
	}
	im.config.Set(name, f)
}

// scoping declares the values of a connection that parameters of the same meaning have.
func (im *importer) scoping() {
	for _, entry := range im.info.List("x-airbyte-scoping") {
		m, _ := entry.(tableimport.Map)
		if name := scopeOf(m); m.Has("value_template") {
			im.report.Note("config", fmt.Sprintf("the parameter %s is the caller's: the document makes it of the connection's %s by a program", m.Text("param"), name))
		} else if wordForm.MatchString(name) {
			im.addConfig(name, fmt.Sprintf("What operations have as %s where the caller gives nothing.", m.Text("param")), nil, false)
		}
	}
}

// scopeOf is the name of the connection's value for an entry of x-airbyte-scoping.
func scopeOf(entry tableimport.Map) string {
	if key := entry.Text("config_key"); key != "" {
		return key
	}
	return entry.Text("param")
}

// scope returns the connection's value that a parameter has where the caller gives nothing.
func (im *importer) scope(param string) string {
	for _, entry := range im.info.List("x-airbyte-scoping") {
		if m, _ := entry.(tableimport.Map); m.Text("param") == param && !m.Has("value_template") && im.config.Has(scopeOf(m)) {
			return scopeOf(m)
		}
	}
	return ""
}

// failures says how the vendor reports failures.
func (im *importer) failures() tableimport.Map {
	check := im.info.Map("x-airbyte-response-error-check")
	field := check.Text("field")
	if field == "" {
		return nil
	}
	var condition, f tableimport.Map
	condition.Set("pointer", "/"+escape(field))
	if check.Has("on_value") {
		condition.Set("equals", check.Get("on_value"))
	}
	f.Set("if", []any{condition})
	if message := check.Text("message_field"); message != "" {
		f.Set("message", "/"+escape(message))
		f.Set("code", "/"+escape(message))
	}
	return f
}

// hosted is what hosted mode needs: the same connector in the Airbyte API.
func (im *importer) hosted(title string, operations []any) tableimport.Map {
	id := strings.ToLower(im.info.Text("x-airbyte-connector-definition-id"))
	if !uuidForm.MatchString(id) {
		im.report.Note("airbyte", "the document has no id of a connector, so that there is no hosted mode")
		return nil
	}
	var a tableimport.Map
	a.Set("connector_type", title)
	a.Set("definition_id", id)
	var own []any
	for _, op := range operations {
		m, _ := op.(tableimport.Map)
		var o tableimport.Map
		o.Set("entity", m.Text("entity"))
		o.Set("action", m.Text("action"))
		o.Add("params", im.paramsInAirbyte(m))
		own = append(own, o)
	}
	a.Add("operations", own)
	var entities []any
	for _, entry := range im.info.Map("x-airbyte-context-store").List("entities") {
		m, _ := entry.(tableimport.Map)
		var e tableimport.Map
		e.Set("entity", m.Text("entity"))
		var fields []any
		for _, field := range m.List("fields") {
			f, _ := field.(tableimport.Map)
			if name := f.Text("name"); fieldForm.MatchString(name) && !slices.Contains(fields, any(name)) && len(fields) < maxFields {
				fields = append(fields, name)
			}
		}
		known := slices.ContainsFunc(entities, func(e any) bool { o, _ := e.(tableimport.Map); return o.Text("entity") == m.Text("entity") })
		if len(fields) == 0 || !wordForm.MatchString(m.Text("entity")) || known {
			continue
		}
		e.Set("fields", fields)
		entities = append(entities, e)
	}
	a.Add("context_store", entities)
	return a
}

// maxFields is how many fields an entity of the context store may have in a manifest.
const maxFields = 200

// paramsInAirbyte are the names that the Airbyte API has for the parameters of a row.
func (im *importer) paramsInAirbyte(op tableimport.Map) []any {
	var list []any
	for _, p := range op.Map("params") {
		m, _ := p.Value.(tableimport.Map)
		if !m.Has("const") && !m.Has("text") {
			list = append(list, p.Key)
		}
	}
	page := op.Map("page")
	for _, key := range []string{"cursor_name", "limit_name"} {
		name := page.Text(key)
		if key == "cursor_name" && im.undeclared[tableimport.NameOf(op)] {
			continue
		}
		if name != "" && !page.Bool("no_limit") || name != "" && key == "cursor_name" {
			list = append(list, name)
		}
	}
	return list
}

// names are the variables of a text, each once.
func names(text string) []string {
	var list []string
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(list, m[1]) {
			list = append(list, m[1])
		}
	}
	return list
}

func first(list []any) any {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// escape makes a segment of a JSON Pointer of a name.
func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// maxText is how long a description in a table may be, in bytes.
const maxText = 3500

// paragraph is a text of the document without characters that nobody sees, or other if it is
// empty.
func paragraph(text, other string) string {
	text = strings.Map(func(c rune) rune {
		if c == '\n' || unicode.IsGraphic(c) && c != unicode.ReplacementChar {
			return c
		}
		return ' '
	}, text)
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	text = strings.TrimSpace(blankLines.ReplaceAllString(strings.Join(lines, "\n"), "\n\n"))
	if text == "" {
		return other
	}
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + " ..."
	}
	return text
}

// sentence is a text that is long enough to say something.
func sentence(text, title string) string {
	if len(text) < 10 {
		return text + " This is part of the API of " + title + "."
	}
	return text
}

// line is a text in one line.
func line(text string) string {
	return strings.Join(strings.Fields(paragraph(text, "")), " ")
}

var blankLines = lazyregexp.New(`\n{3,}`)
