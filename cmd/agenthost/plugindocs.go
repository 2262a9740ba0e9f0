package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/params"
	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

func (a *app) pluginDocsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "docs FILE",
		Short: "Write a reference of a connector in Markdown",
		Long: `Write a reference of a connector in Markdown, from what it declares: where it sends
requests, its credentials, and every operation with its parameters, limits, pages, requests
and examples. To read the manifest, agenthost runs the file in a sandbox without network or
credentials.

What the connector's author wrote is text in it and no markup: a reference of a stranger's
connector can be published.`,
		Example: `  agenthost plugin docs hello.wasm > hello.md`,
		Args:    args(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			info, err := a.inspected(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			text, err := manual(info)
			if err != nil {
				return err
			}
			return a.print("%s", text)
		},
	}
}

// inspected is what a connector's file declares.
func (a *app) inspected(ctx context.Context, file string) (*host.ConnectorInfo, error) {
	o, err := a.options()
	if err != nil {
		return nil, err
	}
	h, err := host.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer h.Close(context.WithoutCancel(ctx))
	info, err := h.Inspect(ctx, file)
	if err != nil {
		return nil, err
	}
	return info, info.Err
}

// markdown writes a Markdown document. All that a connector declares goes through text and code.
type markdown struct{ b strings.Builder }

func text(s string) string { return render.Markdown(s) }
func code(s string) string { return render.MarkdownCode(s) }

func (m *markdown) heading(level int, words string) {
	fmt.Fprintf(&m.b, "\n%s %s\n", strings.Repeat("#", level), words)
}

func (m *markdown) paragraph(words string) {
	if words != "" {
		fmt.Fprintf(&m.b, "\n%s\n", words)
	}
}

// facts writes a list.
func (m *markdown) facts(lines []string) {
	if len(lines) > 0 {
		fmt.Fprintf(&m.b, "\n- %s\n", strings.Join(lines, "\n- "))
	}
}

func (m *markdown) table(columns []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	line := func(cells []string) { fmt.Fprintf(&m.b, "| %s |\n", strings.Join(cells, " | ")) }
	m.b.WriteByte('\n')
	line(columns)
	line(slices.Repeat([]string{"---"}, len(columns)))
	for _, row := range rows {
		line(row)
	}
}

// manual is the Markdown reference of a connector.
func manual(info *host.ConnectorInfo) (string, error) {
	m, manifest := new(markdown), info.Manifest
	reached := grant.ReachOf(manifest, info.Auth)
	fmt.Fprintf(&m.b, "# %s\n", text(manifest.Title))
	m.paragraph(text(manifest.Description))
	facts := []string{"connector " + code(manifest.Name) + ", version " + code(manifest.Version)}
	if manifest.DocsURL != "" {
		facts = append(facts, "the vendor's documentation: "+code(manifest.DocsURL))
	}
	if c := manifest.Check; c != nil {
		facts = append(facts, "tests a credential with "+code(c.Entity+" "+c.Action))
	}
	m.facts(facts)
	m.servers(reached, manifest)
	for i := range info.Auth.Schemes {
		m.scheme(&info.Auth.Schemes[i])
	}
	m.values("Values of a connection", manifest.Config)
	if err := m.operations(manifest, reached); err != nil {
		return "", err
	}
	m.copies(manifest.Sync)
	m.errors()
	return m.b.String(), nil
}

func (m *markdown) servers(reached grant.Reach, manifest *abi.Manifest) {
	m.heading(2, "Where it sends requests")
	var rows [][]string
	for _, s := range reached.Servers {
		title := ""
		for _, declared := range manifest.Servers {
			if declared.ID == s.ID {
				title = declared.Title
			}
		}
		facts := slices.Clone(s.Facts)
		if s.Default {
			facts = append([]string{"the default"}, facts...)
		}
		rows = append(rows, []string{code(s.ID), code(s.URL), text(title), text(strings.Join(facts, "; "))})
	}
	m.table([]string{"Server", "URL", "Title", "More"}, rows)
}

func (m *markdown) scheme(s *abi.AuthScheme) {
	m.heading(2, "Credential "+text(s.ID))
	m.paragraph(text(cmp.Or(s.Description, s.Title)))
	facts := []string{"type: " + text(string(s.Type))}
	for _, line := range destinations(*s) {
		facts = append(facts, line[0]+" "+code(line[1]))
	}
	if s.OAuth2 != nil && len(s.OAuth2.Scopes) > 0 {
		facts = append(facts, "scopes "+code(strings.Join(s.OAuth2.Scopes, " ")))
	}
	m.facts(facts)
	m.fields(s.Fields)
}

func (m *markdown) values(heading string, fields []abi.AuthField) {
	if len(fields) > 0 {
		m.heading(2, heading)
		m.fields(fields)
	}
}

func (m *markdown) fields(fields []abi.AuthField) {
	rows := make([][]string, len(fields))
	for i, f := range fields {
		var facts []string
		if f.Type != "" {
			facts = append(facts, f.Type)
		}
		if f.Format != "" {
			facts = append(facts, f.Format)
		}
		if len(f.Enum) > 0 {
			facts = append(facts, strings.Join(f.Enum, ", "))
		}
		if f.Pattern != "" {
			facts = append(facts, "matches "+f.Pattern)
		}
		if f.Default != "" {
			facts = append(facts, "default "+f.Default)
		}
		rows[i] = []string{code(f.Name), yes(f.Required), yes(f.Secret), text(strings.Join(facts, "; ")), text(strings.TrimSpace(f.Title + ". " + f.Description))}
		if f.Title == "" || f.Description == "" {
			rows[i][4] = text(f.Title + f.Description)
		}
	}
	m.table([]string{"Field", "Needed", "Secret", "Values", "Description"}, rows)
}

// operations writes what there is first, and then each operation by entity.
func (m *markdown) operations(manifest *abi.Manifest, reached grant.Reach) error {
	m.heading(2, "Operations")
	byName := make(map[string]*grant.OperationReach)
	for i := range reached.Operations {
		byName[reached.Operations[i].Name] = &reached.Operations[i]
	}
	sorted := slices.Clone(manifest.Operations)
	slices.SortStableFunc(sorted, func(a, b abi.Operation) int { return cmp.Compare(a.Entity, b.Entity) })
	rows := make([][]string, len(sorted))
	for i, op := range sorted {
		title := op.Title
		if title == "" {
			title, _, _ = strings.Cut(op.Description, ". ")
		}
		rows[i] = []string{code(op.Entity), code(op.Action), text(string(op.Effect)), text(title)}
	}
	m.table([]string{"Entity", "Action", "Effect", "What it does"}, rows)
	for i := range sorted {
		if i == 0 || sorted[i].Entity != sorted[i-1].Entity {
			m.heading(2, text(sorted[i].Entity))
		}
		if err := m.operation(manifest.Name, &sorted[i], byName[sorted[i].Entity+"."+sorted[i].Action]); err != nil {
			return err
		}
	}
	return nil
}

func (m *markdown) operation(connector string, op *abi.Operation, reached *grant.OperationReach) error {
	schema, err := params.Describe(op.Params)
	if err != nil {
		return fmt.Errorf("read the schema of %s.%s: %w", op.Entity, op.Action, err)
	}
	m.heading(3, text(op.Entity+" "+op.Action))
	m.paragraph(text(op.Description))
	m.facts(operationFacts(op, reached))
	rows := parameterCells("", schema)
	m.table([]string{"Parameter", "Type", "Needed", "Values", "Description"}, rows)
	if len(op.Result) > 0 {
		if fields, err := params.Describe(op.Result); err == nil && len(fields) > 0 {
			m.paragraph("Fields of the result:")
			m.table([]string{"Field", "Type", "Description"}, resultCells("", fields))
		}
	}
	command := slices.Concat([]string{"agenthost", "exec", params.Shell(connector), params.Shell(op.Entity), params.Shell(op.Action)}, params.Example(schema, op.Examples))
	m.b.WriteString("\n" + render.MarkdownFence("sh", render.Visible(strings.Join(command, " "))))
	for _, example := range op.Examples {
		var indented bytes.Buffer
		if string(example) == "{}" {
			continue // the command says as much
		}
		if json.Indent(&indented, render.EscapeJSON(example), "", "  ") == nil {
			m.b.WriteString("\n" + render.MarkdownFence("json", indented.String()))
		}
	}
	return nil
}

func operationFacts(op *abi.Operation, reached *grant.OperationReach) []string {
	facts := []string{"effect: " + text(string(op.Effect))}
	if op.Idempotent {
		facts = append(facts, "doing it twice is the same as doing it once")
	}
	if op.Permission != "" {
		facts = append(facts, "permission: "+code(op.Permission))
	}
	if op.Paginated {
		pages := "pages: `cursor` and `limit`; the result has `next_cursor` and `has_more`"
		if op.HostLimit {
			pages += "; the vendor does not know `limit`, and the host cuts longer pages"
		}
		facts = append(facts, pages)
	}
	for _, vendors := range slices.Sorted(maps.Keys(op.Aliases)) {
		facts = append(facts, code(vendors)+" is the vendor's name of "+code(op.Aliases[vendors]))
	}
	if r := op.RateLimit; r != nil {
		limit := fmt.Sprintf("rate limit: %d requests in %d s", r.Requests, r.PerSeconds)
		if r.Bucket != "" {
			limit += ", shared as " + code(r.Bucket)
		}
		facts = append(facts, limit)
	}
	if op.Content != "" && op.Content != abi.ContentJSON {
		facts = append(facts, "answers "+text(string(op.Content)))
	}
	if reached == nil {
		return facts
	}
	for _, r := range reached.Requests {
		line := "sends " + code(r.Method+" "+r.Path)
		if r.Server != "" {
			line += " to " + code(r.Server)
		}
		if r.RawQuery != "" {
			line += ", with " + code(r.RawQuery) + " unescaped in the query"
		}
		if r.File != "" {
			line += "; the answer names a file at " + code(r.File)
		}
		facts = append(facts, line)
	}
	return facts
}

// parameterCells are rows for parameters, and for the members of those that are objects.
func parameterCells(prefix string, schema []params.Param) [][]string {
	var rows [][]string
	for _, p := range schema {
		values := p.Limits()
		if allowed := p.Range(); allowed != "" {
			values = append([]string{allowed}, values...)
		}
		rows = append(rows, []string{code(prefix + p.Name), text(p.Type()), yes(p.Required), text(strings.Join(values, "; ")), text(p.Description)})
		rows = append(rows, parameterCells(prefix+p.Name+".", p.Members)...)
		if p.Items != nil {
			rows = append(rows, parameterCells(prefix+p.Name+"[].", p.Items.Members)...)
		}
	}
	return rows
}

// resultCells are rows for the fields of a result, and for the members of those that are objects.
func resultCells(prefix string, schema []params.Param) [][]string {
	var rows [][]string
	for _, p := range schema {
		about := strings.TrimSpace(strings.Join(append([]string{p.Description, p.Range()}, p.Limits()...), " "))
		rows = append(rows, []string{code(prefix + p.Name), text(p.Type()), text(about)})
		rows = append(rows, resultCells(prefix+p.Name+".", p.Members)...)
		if p.Items != nil {
			rows = append(rows, resultCells(prefix+p.Name+"[].", p.Items.Members)...)
		}
	}
	return rows
}

func (m *markdown) copies(list []abi.Sync) {
	if len(list) == 0 {
		return
	}
	m.heading(2, "Copies for search")
	var rows [][]string
	for _, s := range list {
		rows = append(rows, []string{code(s.Entity), text(strings.Join(s.Text, ", ")), text(strings.Join(s.Index, ", "))})
	}
	m.table([]string{"Entity", "Words of", "Index"}, rows)
}

// errorKinds says what each kind of error means to a caller, in the order of [abi.Kinds].
var errorKinds = map[abi.Kind]string{
	abi.KindInvalidParams:    "the parameters are wrong; the error names the field",
	abi.KindUnknownOperation: "there is no such entity or action",
	abi.KindAuthFailed:       "the vendor refused the credential, or it is missing",
	abi.KindPermissionDenied: "the credential may not do this",
	abi.KindNotFound:         "the vendor has no such thing",
	abi.KindConflict:         "the vendor's state does not permit it",
	abi.KindRateLimited:      "too many requests; the error says when to try again",
	abi.KindVendorError:      "any other failure that the vendor reported",
	abi.KindDenied:           "the connection or a person does not allow it",
	abi.KindLimitExceeded:    "a limit of the call was reached",
	abi.KindTimeout:          "the call took too long",
	abi.KindCancelled:        "the caller ended the call",
	abi.KindConnectorFault:   "the connector has a bug",
	abi.KindNetwork:          "the vendor could not be reached",
	abi.KindInternal:         "the host has a bug",
}

func (m *markdown) errors() {
	m.heading(2, "Errors")
	m.paragraph("An error has a kind, a message and a hint. `retryable` says that the same call may succeed later, and\n`request_sent` that a write may have happened all the same.")
	var rows [][]string
	for _, kind := range abi.Kinds() {
		rows = append(rows, []string{code(string(kind)), errorKinds[kind]})
	}
	m.table([]string{"Kind", "Meaning"}, rows)
}
