// Package openapi makes tables of OpenAPI documents.
//
// A document is hostile: it is read within bounds of its size, its depth and of the work that
// its references make, and no reference to another document is followed.
package openapi

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/table"
	"github.com/agenthost/agenthost/internal/tableimport"
)

// Options say what is imported, and as what.
type Options struct {
	// Source is the name of the document, for the report.
	Source string
	// Name is the connector's; without it, the document's title makes one.
	Name string
	// Server is where the API lives, instead of the document's servers.
	Server string
	// Auth is the credential of operations of which the document does not say one: bearer, basic,
	// header:NAME or query:NAME; or none, for all operations.
	Auth string
	// Include are tags, paths and ids of the operations to take; without any, all are taken. A
	// path stands for those below it too.
	Include []string
	// Before, if not nil, returns the table that an earlier import made of a connector, or nil. Its
	// operations keep their names.
	Before func(connector string) (tableimport.Map, error)
}

// Limits of a table and of a manifest.
const (
	maxOperations = 1000
	maxTable      = 3 << 20
	maxTokens     = 360_000
	// maxTried is how many operations are held against the rules of a table, which takes a
	// millisecond or more each.
	maxTried = 3 * maxOperations
)

// Import makes a table of an OpenAPI document in YAML or JSON.
func Import(ctx context.Context, data []byte, o Options) (*tableimport.Table, error) {
	d, err := load(ctx, data)
	if err != nil {
		return nil, err
	}
	i := &importer{ctx: ctx, d: d, all: new(int), table: &tableimport.Table{}}
	i.report = &i.table.Report
	i.report.Source = o.Source
	if i.servers, err = newServers(d, o.Server); err != nil {
		return nil, err
	}
	if i.auth, err = newAuth(d, i.servers, o.Auth); err != nil {
		return nil, err
	}
	chosen, err := i.include(o.Include)
	if err != nil {
		return nil, err
	}
	i.title(o.Name)
	var before tableimport.Map
	if o.Before != nil {
		if before, err = o.Before(i.report.Connector); err != nil {
			return nil, err
		}
	}
	i.names = newNaming(before)
	i.names.give(chosen)
	if err := i.rows(chosen); err != nil {
		return nil, err
	}
	if err := i.head(); err != nil {
		return nil, err
	}
	if err := i.operations(); err != nil {
		return nil, err
	}
	return i.table, nil
}

// importer holds what is known of a document that is imported.
type importer struct {
	ctx     context.Context //nolint:containedctx // of one import
	d       *document
	names   *naming
	failed  failures
	servers *servers
	auth    *auth
	all     *int // schemas that were read
	taken   []*row
	table   *tableimport.Table
	report  *tableimport.Report
}

// include chooses operations by tag, path and id.
func (i *importer) include(wanted []string) ([]operation, error) {
	all := i.d.operations()
	if len(all) == 0 {
		return nil, fault.Invalid("paths", "the document has no operations", "import a document with paths")
	}
	if len(wanted) == 0 {
		return all, nil
	}
	used := make([]bool, len(wanted))
	chosen := slices.DeleteFunc(slices.Clone(all), func(op operation) bool {
		keep := false
		for n, want := range wanted {
			if op.matches(want) {
				used[n], keep = true, true
			}
		}
		return !keep
	})
	for n, want := range wanted {
		if !used[n] {
			return nil, fault.Invalid("include", fmt.Sprintf("no operation has the tag, the path or the id %q", clean(want, 60)), fault.Hint(want, choices(all)))
		}
	}
	return chosen, nil
}

func (op *operation) matches(want string) bool {
	return op.OperationID == want || op.path == want || slices.Contains(op.Tags, want) ||
		strings.HasPrefix(want, "/") && strings.HasPrefix(op.path, strings.TrimRight(want, "/")+"/")
}

// choices are the tags of operations, or their ids where there are no tags.
func choices(all []operation) []string {
	var tags, ids []string
	for _, op := range all {
		for _, tag := range op.Tags {
			if !slices.Contains(tags, tag) {
				tags = append(tags, tag)
			}
		}
		ids = append(ids, op.OperationID)
	}
	if len(tags) > 0 {
		return tags
	}
	return ids
}

// rows reads the operations.
func (i *importer) rows(chosen []operation) error {
	notes := make(map[string]bool)
	for n := range chosen {
		if err := i.ctx.Err(); err != nil {
			return err
		}
		if *i.all > maxAllNodes {
			return fault.Invalid("", errWork.Error(), "import a part of it with --include")
		}
		op := &chosen[n]
		r := &row{op: op, auth: i.auth, path: op.path, nodes: new(int), all: i.all}
		if r.name = i.names.names[op.key()]; i.names.changed[op.key()] {
			r.guess("name", "action", "another operation has the name "+r.name.entity+"."+natural(op).action+" already")
		}
		if err := r.read(i.servers); err != nil {
			i.report.Leave(r.title(), err.Error())
			continue
		}
		r.permission = i.auth.require(op)
		i.failed.see(op)
		if len(op.Callbacks) > 0 {
			notes["callbacks are left out"] = true
		}
		i.taken = append(i.taken, r)
	}
	if i.d.tree.Has("webhooks") {
		notes["webhooks are left out"] = true
	}
	for _, note := range sorted(notes) {
		i.report.Note("operations", note)
	}
	return nil
}

// title writes what a table says of the connector.
func (i *importer) title(own string) {
	m := &i.table.Document
	title, version, description := "", "", ""
	if info := i.d.Info; info != nil {
		title, version, description = clean(info.Title, 100), info.Version, clean(info.Description, 500)
	}
	title = first(title, "API")
	own = first(own, i.connector(title))
	i.report.Connector = own
	m.Set("name", own)
	m.Set("title", title)
	m.Set("version", semantic(version))
	if len(description) < 10 {
		description = strings.TrimSpace("Operations of " + title + ". " + description)
	}
	m.Set("description", description)
	if docs := i.d.ExternalDocs; docs != nil {
		if u, _ := place(docs.URL); u != "" {
			m.Set("docs_url", u)
		}
	}
}

// head writes what a table says before its operations.
func (i *importer) head() error {
	m := &i.table.Document
	schemes := i.auth.schemes()
	m.Set("servers", i.servers.write(i.auth.tokens))
	m.Add("config", i.servers.config)
	if len(schemes) == 0 && len(i.auth.notes) == 0 {
		schemes = []any{tableimport.Map{{Key: "id", Value: "none"}, {Key: "type", Value: "none"}}}
		if !i.auth.open {
			i.report.Note("auth.schemes", "the document describes no credential, so requests have none; if the API wants one, import it again with --auth")
		}
	}
	if len(schemes) == 0 {
		return fault.Invalid("security", "the document describes no credential that a table has"+i.reasons(), "say what it is, with --auth bearer, basic, header:NAME or query:NAME")
	}
	m.Set("auth", tableimport.Map{{Key: "schemes", Value: schemes}})
	for _, note := range i.servers.notes {
		i.report.Note("servers", note)
	}
	for _, note := range i.auth.notes {
		i.report.Note("auth.schemes", note)
	}
	if i.auth.none > 0 && len(i.auth.order) > 0 {
		i.report.Note("auth.schemes", fmt.Sprintf("operations that need no credential, and get it all the same: %d", i.auth.none))
	}
	return nil
}

func (i *importer) reasons() string {
	if len(i.auth.notes) == 0 {
		return ""
	}
	return ": " + strings.Join(i.auth.notes[:min(len(i.auth.notes), 3)], "; ")
}

// operations writes the operations that a manifest takes, and the check.
func (i *importer) operations() error {
	// Those that are deprecated are the first to go where there are too many.
	slices.SortStableFunc(i.taken, func(a, b *row) int { return boolInt(a.op.Deprecated) - boolInt(b.op.Deprecated) })
	share := maxTable / max(len(i.taken), 1)
	records := max(200, min(1500, 400_000/max(len(i.taken), 1)))
	var list []any
	texts, noted := make(map[string]string), make(map[string][]*row)
	size, count, tried := 0, 0, 0
	for _, r := range i.taken {
		if err := i.ctx.Err(); err != nil {
			return err
		}
		if *i.all > maxAllNodes {
			return fault.Invalid("", errWork.Error(), "import a part of it with --include")
		}
		if len(list) >= maxOperations || tried >= maxTried {
			i.report.Leave(r.title(), full(len(list)))
			continue
		}
		tried++
		m, err := r.write(i, max(2<<10, min(maxSchema, 4*share)))
		if err != nil {
			i.report.Leave(r.title(), err.Error())
			continue
		}
		own, parts := len(text(m)), tokens(m)
		if size+own > maxTable || count+parts > maxTokens {
			i.report.Leave(r.title(), full(len(list)))
			continue
		}
		size += own
		count += parts
		list = append(list, m)
		if t := r.notation(records); t != "" {
			texts[r.title()] = t
		}
		for _, g := range r.guesses {
			i.report.Guess(g.about, r.title(), g.key, g.text)
		}
		for _, note := range r.notes {
			noted[note] = append(noted[note], r)
		}
	}
	for _, note := range sorted(noted) {
		if rows := noted[note]; len(rows) == 1 {
			i.report.Guess("request", rows[0].title(), "path", note)
		} else {
			i.report.Note("operations", fmt.Sprintf("%s, in %d operations", note, len(rows)))
		}
	}
	doc := &i.table.Document
	if check := i.check(list); check != nil {
		doc.Set("check", check)
		i.report.Note("check", "the check is taken to be "+tableimport.NameOf(check))
	}
	if m := i.failed.write(); len(m) > 0 {
		doc.Set("failures", m)
		i.report.Note("failures", "where the text of a failure stands is taken of the answers to failures that the document has")
	}
	if m := recordsOf(list, texts); len(m) > 0 {
		doc.Set("records", m)
	}
	doc.Set("operations", list)
	return nil
}

func full(operations int) string {
	return fmt.Sprintf("the table is full, with %d operations; import the others with --include into another one", operations)
}

// recordsOf writes the records. What most operations of an entity answer stands under its
// name.
func recordsOf(operations []any, texts map[string]string) tableimport.Map {
	counts := make(map[string]map[string]int)
	var entities []string
	for _, v := range operations {
		op, _ := v.(tableimport.Map)
		entity := op.Text("entity")
		if counts[entity] == nil {
			counts[entity] = make(map[string]int)
			entities = append(entities, entity)
		}
		if t := texts[tableimport.NameOf(op)]; t != "" {
			counts[entity][t]++
		}
	}
	var m tableimport.Map
	for _, entity := range entities {
		common, most := "", 1
		for _, t := range sorted(counts[entity]) {
			if n := counts[entity][t]; n > most {
				common, most = t, n
			}
		}
		m.Add(entity, common)
		for _, v := range operations {
			op, _ := v.(tableimport.Map)
			if name := tableimport.NameOf(op); op.Text("entity") == entity {
				if t := texts[name]; t != common && (t != "" || op.Text("effect") != "delete") {
					m.Set(name, t)
				}
			}
		}
	}
	return m
}

// check chooses the operation that proves that a credential works.
func (i *importer) check(operations []any) tableimport.Map {
	best, rank := tableimport.Map(nil), 0
	for _, v := range operations {
		op, _ := v.(tableimport.Map)
		if op.Text("effect") != "read" || op.Text("method") != "GET" || strings.Contains(op.Text("path"), "{") || op.Has("content") || op.Has("server") || needs(op) {
			continue
		}
		n := 1
		for _, w := range append(words(op.Text("path")), words(op.Text("entity"))...) {
			switch w {
			case "me", "self", "whoami", "myself":
				n += 40
			case "user", "account", "current", "viewer", "profile", "auth", "authenticated":
				n += 10
			}
		}
		if n = n*100 - len(op.Text("path")); n > rank || best == nil {
			best, rank = op, n
		}
	}
	if best == nil {
		return nil
	}
	return tableimport.Map{{Key: "entity", Value: best.Text("entity")}, {Key: "action", Value: best.Text("action")}}
}

// needs reports whether an operation has parameters that callers must give.
func needs(op tableimport.Map) bool {
	for _, p := range op.Map("params") {
		if m, ok := p.Value.(tableimport.Map); ok && m.Bool("required") {
			return true
		}
	}
	return false
}

// accept reads a table of one operation as a host would, and returns the operation.
func (i *importer) accept(op tableimport.Map) (*connector.Operation, error) {
	m := slices.Clone(i.table.Document)
	m.Set("operations", []any{op})
	t, err := table.Read(i.ctx, "table", appendJSON(nil, m))
	if err != nil {
		return nil, cannot("%s", reason(err))
	}
	c, err := connector.Parse(i.ctx, "", t.Manifest, t.Auth)
	if err != nil {
		return nil, cannot("%s", reason(err))
	}
	return c.Operation(op.Text("entity"), op.Text("action"))
}

// reason is what is wrong with a table of one operation.
func reason(err error) string {
	var wrong *table.Error
	if asError(err, &wrong) {
		p := wrong.Problems[0]
		_, at, _ := strings.Cut(p.Path, "].")
		return clean(strings.TrimSpace(at+" "+p.Message), 300)
	}
	return clean(err.Error(), 300)
}

// connector makes the name of the connector of the document's title, or of its host where that says
// nothing.
func (i *importer) connector(title string) string {
	if own := slug(title); own != "" {
		return own
	}
	host, _, _ := strings.Cut(strings.TrimPrefix(i.servers.all[0].url, "https://"), ":")
	host, _, _ = strings.Cut(host, "/")
	labels := strings.Split(host, ".")
	longest := slices.MaxFunc(labels, func(a, b string) int { return len(a) - len(b) })
	return first(slug(longest), "api")
}

// slug makes a name of a title.
func slug(title string) string {
	w := words(title)
	for len(w) > 0 && slices.Contains([]string{"api", "rest", "v1", "v2", "v3", "openapi", "reference", "public", "documentation", "docs", "specification", "spec"}, w[len(w)-1]) {
		w = w[:len(w)-1]
	}
	text := strings.Join(w, "-")
	if text != "" && text[0] >= '0' && text[0] <= '9' {
		text = strings.TrimRight("api-"+text, "-")
	}
	return strings.TrimRight(text[:min(len(text), 40)], "-")
}

// semantic makes a semantic version of any.
func semantic(version string) string {
	numbers := []string{"0", "0", "0"}
	n := 0
	for _, part := range strings.FieldsFunc(version, func(c rune) bool { return c < '0' || c > '9' }) {
		if n < len(numbers) {
			if v, err := strconv.ParseUint(part, 10, 31); err == nil {
				numbers[n] = strconv.FormatUint(v, 10)
				n++
			}
		}
	}
	if n == 0 {
		return "1.0.0"
	}
	return strings.Join(numbers, ".")
}
