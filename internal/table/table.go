// Package table reads connectors that are written as tables, in YAML or JSON, and makes of
// them what the interpreter of tables runs.
package table

import (
	"bytes"
	"context"
	_ "embed" // the schema is a file, so that editors and other tools find it
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/agenthost/agenthost/internal/yamlfile"
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/goccy/go-yaml"
)

//go:embed table.schema.json
var tableSchema string

// Schema returns the JSON Schema 2020-12 of a table.
func Schema() string { return tableSchema }

// MaxFile is the size of the largest file with a table, in bytes.
const MaxFile = 4 << 20

// limits bound what the YAML parser is given.
func limits() yamlfile.Limits {
	return yamlfile.Limits{Tokens: 400_000, Depth: 64, Keys: 2_000, TooMany: "make several tables of it"}
}

// Table is a table that was checked.
type Table struct {
	// Rows are what calls need of it, and Auth and Manifest are what the exports auth_schema
	// and describe answer: all three as JSON.
	Rows, Auth, Manifest []byte
	// Name is the connector's name, and Operations how many it has.
	Name       string
	Operations int
}

// Module makes a connector of the table and the interpreter of tables.
func (t *Table) Module(interpreter []byte) []byte {
	return wasm.WithSections(interpreter, wasm.Section{Name: "rows", Data: t.Rows}, wasm.Section{Name: "auth", Data: t.Auth}, wasm.Section{Name: "manifest", Data: t.Manifest})
}

// Read reads a table. file is its name, for errors.
//
// # Errors
//   - [*Error] with every problem
func Read(ctx context.Context, file string, data []byte) (*Table, error) {
	r := &reader{file: file, root: new(schema), places: make(map[string]place)}
	if err := json.Unmarshal([]byte(tableSchema), r.root); err != nil {
		return nil, fmt.Errorf("the schema of tables: %w", err)
	}
	if err := r.root.prepare(); err != nil {
		return nil, fmt.Errorf("the schema of tables: %w", err)
	}
	if len(data) > MaxFile {
		r.problem(place{}, "", fmt.Sprintf("the file is larger than %d bytes", MaxFile), "make several tables of it")
		return nil, &Error{r.problems}
	}
	body, problem := yamlfile.Parse(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), limits())
	switch {
	case problem != nil:
		r.problem(place{problem.Line, problem.Column}, "", problem.Message, problem.Hint)
		return nil, &Error{r.problems}
	case body == nil:
		r.problem(place{}, "", "the file is empty", "begin with name: and title:, as docs/tables.md shows")
		return nil, &Error{r.problems}
	}
	r.anchors = yamlfile.Anchors(body)
	r.value(body, r.root, "", 0)
	if len(r.problems) > 0 {
		return nil, &Error{r.problems}
	}
	return r.compile(ctx)
}

// connectorOf is the connector that a table in JSON makes.
func connectorOf(table []byte) (*pdk.Connector, error) {
	return pdk.ReadTable(len(table), func(at int, p []byte) error {
		copy(p, table[at:])
		return nil
	})
}

// compile makes a connector of the document, and checks it as a host would.
func (r *reader) compile(ctx context.Context) (*Table, error) {
	c, err := connectorOf(r.out)
	if err != nil {
		return nil, fmt.Errorf("read the table: %w", err)
	}
	var rest struct {
		Servers     []abi.Server      `json:"servers"`
		Config      []abi.AuthField   `json:"config"`
		Auth        abi.AuthSchema    `json:"auth"`
		Airbyte     *abi.Airbyte      `json:"airbyte"`
		RateHeaders []abi.RateHeaders `json:"rate_headers"`
		Sync        []abi.Sync        `json:"sync"`
		Operations  []struct {
			Params map[string]param `json:"params"`
		} `json:"operations"`
	}
	if err := json.Unmarshal(r.out, &rest); err != nil {
		r.problem(place{}, "", "cannot be read: "+err.Error(), "")
		return nil, &Error{r.problems}
	}
	c.Servers, c.Config, c.Auth, c.Airbyte, c.RateHeaders, c.Sync = rest.Servers, rest.Config, rest.Auth, rest.Airbyte, rest.RateHeaders, rest.Sync
	for i := range c.Operations {
		r.operation(fmt.Sprintf("operations[%d]", i), &c.Operations[i], rest.Operations[i].Params, c.Config)
		r.headers(fmt.Sprintf("operations[%d]", i), &c.Operations[i], rest.Operations[i].Params, rest.Auth.Schemes)
	}
	r.records(c)
	r.failures(c.Failures)
	if len(r.problems) > 0 {
		return nil, &Error{r.problems}
	}
	t := &Table{Rows: c.Rows(), Auth: c.AuthSchema(), Manifest: c.Manifest(), Name: c.Name, Operations: len(c.Operations)}
	if _, err := connector.Parse(ctx, "", t.Manifest, t.Auth); err != nil {
		var e *abi.Error
		if !errors.As(err, &e) {
			return nil, err
		}
		path := named.ReplaceAllString(e.Field, "")
		at, ok := r.nearest(path)
		if !ok {
			if at, ok = r.nearest("auth." + path); ok {
				path = "auth." + path
			}
		}
		r.problem(at, path, strings.TrimPrefix(e.Message, e.Field+" "), "")
		return nil, &Error{r.problems}
	}
	return t, nil
}

// named are the names of operations that stand in the paths of a manifest.
var named = regexp.MustCompile(` \([^)]*\)`)

// nearest finds where the closest thing stands that a path leads through.
func (r *reader) nearest(path string) (place, bool) {
	for path != "" {
		if at, ok := r.places[path]; ok {
			return at, true
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return place{}, false
}

// YAML writes a table in JSON as YAML, in the same order. Where that would have characters
// that a terminal obeys or that nobody sees, it is the JSON that YAML includes.
func YAML(table []byte) ([]byte, error) {
	text, err := yaml.JSONToYAML(table)
	if err != nil || !bytes.ContainsFunc(text, unseen) {
		return text, err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, table, "", "  "); err != nil {
		return nil, err
	}
	text = text[:0]
	for _, c := range indented.String() {
		if unseen(c) { // which is inside of a string
			for _, unit := range utf16.Encode([]rune{c}) {
				text = fmt.Appendf(text, "\\u%04x", unit)
			}
			continue
		}
		text = utf8.AppendRune(text, c)
	}
	return append(text, '\n'), nil
}

func unseen(c rune) bool { return c != '\n' && !unicode.IsPrint(c) }
