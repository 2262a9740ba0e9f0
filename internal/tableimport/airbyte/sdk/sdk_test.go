package sdk_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/table"
	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/agenthost/agenthost/internal/tableimport/airbyte"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// environment are the files that make test-airbyte made, or the test is skipped.
func environment(t *testing.T) (specs, recordings string) {
	t.Helper()
	specs, recordings = os.Getenv("AIRBYTE_SPECS"), os.Getenv("AIRBYTE_RECORDINGS")
	if specs == "" || recordings == "" {
		t.Skip("make test-airbyte runs this")
	}
	return specs, recordings
}

// imported is a connector that was made of a document.
type imported struct {
	document tableimport.Map
	table    tableimport.Map
	report   *tableimport.Report
	module   []byte
}

// importAll makes connectors of all documents.
func importAll(t *testing.T, specs string) map[string]*imported {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(specs, "*", "connector.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]*imported)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		document, err := tableimport.Read(data)
		if err != nil {
			t.Fatal(err)
		}
		name := document.Map("info").Text("x-airbyte-connector-name")
		all[name] = importOne(t, name, document)
	}
	return all
}

// importOne makes a connector of a document.
func importOne(t *testing.T, name string, document tableimport.Map) *imported {
	t.Helper()
	interpreter, err := os.ReadFile(wasmtest.Build(t, "internal/table/interpreter"))
	if err != nil {
		t.Fatal(err)
	}
	made, err := airbyte.Import(t.Context(), name, document)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	text, err := made.Finish(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	read, err := table.Read(t.Context(), name+".yaml", text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return &imported{document, made.Document, &made.Report, read.Module(interpreter)}
}

func readRecordings(t *testing.T, file string) []*recording {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []*recording
	for d := json.NewDecoder(bufio.NewReader(f)); d.More(); {
		r := new(recording)
		if err := d.Decode(r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// row is the operation of a table.
func (im *imported) row(name string) tableimport.Map {
	for _, op := range im.table.List("operations") {
		if tableimport.NameOf(op) == name {
			row, _ := op.(tableimport.Map)
			return row
		}
	}
	return nil
}

// connection is what a connection of the recording's connector and scheme needs.
func (im *imported) connection(r *recording) (host.Connection, error) {
	c := host.Connection{
		Connector: r.Connector, Secrets: make(map[string]secret.Value),
		Allow: &config.Allow{Effects: []abi.Effect{abi.EffectRead, abi.EffectWrite, abi.EffectDelete}, Downloads: []string{"files.made-up.example", "cdn.example"}},
	}
	fields, found, fromToken := make(map[string]bool), false, false
	for _, s := range im.table.Map("auth").List("schemes") {
		scheme, _ := s.(tableimport.Map)
		if scheme.Text("id") != schemeID(r.Scheme) {
			continue
		}
		found, fromToken = true, scheme.Map("oauth2").Has("server")
		for _, f := range scheme.List("fields") {
			field, _ := f.(tableimport.Map)
			fields[field.Text("name")] = true
		}
	}
	if !found {
		return c, errors.New("the scheme is left out")
	}
	for name, value := range r.Credentials {
		if other := renamed[name]; other != "" && !fields[name] {
			name = other
		}
		if fields[name] {
			c.Secrets[name] = secret.New([]byte(value))
		}
	}
	for _, f := range im.table.List("config") {
		field, _ := f.(tableimport.Map)
		if value, given := r.Config[field.Text("name")]; given {
			if c.Config == nil {
				c.Config = make(map[string]string)
			}
			c.Config[field.Text("name")] = value
		}
	}
	variables := source(im.document).Map("variables")
	for _, f := range im.table.List("config") {
		field, _ := f.(tableimport.Map)
		name := field.Text("name")
		if _, given := c.Config[name]; r.Kind == "case" && field.Bool("required") && !given && variables.Map(name).Text("default") != "" {
			if c.Config == nil {
				c.Config = make(map[string]string)
			}
			c.Config[name] = variables.Map(name).Text("default") // as the SDK does
		}
	}
	if r.Kind == "case" && r.Connector != "quarry" { // which has cases of credentials that are missing
		for _, name := range []string{"client_id", "client_secret"} {
			if _, given := c.Secrets[name]; fields[name] && !given {
				c.Secrets[name] = secret.New([]byte("made-up"))
			}
		}
	}
	for _, s := range im.table.List("servers")[1:] { // of a variable with a list
		one, _ := s.(tableimport.Map)
		for name, value := range r.Config {
			if r.Kind == "case" && strings.ReplaceAll(strings.TrimSuffix(source(im.document).Text("url"), "/"), "{"+name+"}", value) == one.Text("url") {
				c.Server = one.Text("id")
			}
		}
	}
	// A server that is the whole of a variable is the operator's, or comes with the token. In the
	// recorded calls, the SDK has a token already, and the server of its configuration.
	server, _ := im.table.List("servers")[0].(tableimport.Map)
	if server.Bool("operator") || r.Kind == "call" && fromToken {
		url := source(im.document).Text("url")
		for name, value := range r.Config {
			url = strings.ReplaceAll(url, "{"+name+"}", value)
		}
		if url = strings.TrimSuffix(url, "/"); url != server.Text("url") {
			c.Server = url
		}
	}
	return c, nil
}

// source is the server of a document.
func source(document tableimport.Map) tableimport.Map {
	m, _ := document.List("servers")[0].(tableimport.Map)
	return m
}

// renamed are fields whose names the OAuth client of the host does not know.
var renamed = map[string]string{"lwa_app_id": "client_id", "lwa_client_secret": "client_secret"}

// schemeID is the name that the importer gives a scheme.
func schemeID(name string) string {
	var b strings.Builder
	for i, c := range name {
		if c >= 'A' && c <= 'Z' && i > 0 && (name[i-1] < 'A' || name[i-1] > 'Z') {
			b.WriteByte('_')
		}
		b.WriteRune(c)
	}
	return strings.ToLower(b.String())
}

// open opens a host with connections to the one vendor.
func open(t *testing.T, v *vendor, all map[string]*imported, connections host.StaticConnections) *host.Host {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir()) // where tokens of earlier runs would be
	plugins := t.TempDir()
	for name, im := range all {
		if err := os.WriteFile(filepath.Join(plugins, name+".wasm"), im.module, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h, err := host.Open(t.Context(), host.Options{Plugins: plugins, Cache: wasmtest.Cache(t), Connections: connections, Seams: v.seams})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close(context.WithoutCancel(t.Context())) })
	return h
}

// params are the parameters of a recorded call as the table has them.
func params(row tableimport.Map, r *recording) (json.RawMessage, error) {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(r.Params, &given); err != nil {
		return nil, err
	}
	known := make(map[string]bool)
	whole := ""
	for _, p := range row.Map("params") {
		param, _ := p.Value.(tableimport.Map)
		known[p.Key] = !param.Has("const") && !param.Has("text")
		if param.Bool("whole") {
			whole = p.Key
		}
	}
	if page := row.Map("page"); page != nil {
		known["cursor"], known["limit"] = true, true
		known[page.Text("cursor_name")], known[page.Text("limit_name")] = true, page.Text("limit_name") != ""
	}
	kept := make(map[string]json.RawMessage)
	rest := make(map[string]json.RawMessage)
	for name, v := range given {
		if known[name] && name != whole {
			kept[name] = v
		} else {
			rest[name] = v
		}
	}
	if whole != "" {
		members, err := json.Marshal(rest)
		if err != nil {
			return nil, err
		}
		if row.Map("params").Map(whole).Text("type") == "array" {
			members = append(append([]byte{'['}, members...), ']')
		}
		kept[whole] = members
	}
	return json.Marshal(kept)
}

// outcome is what a replay came to: "equal", "refused" by the schema, or a difference.
func replay(ctx context.Context, h *host.Host, v *vendor, connection string, im *imported, r *recording) string {
	row := im.row(r.operation())
	p, err := params(row, r)
	if err != nil {
		return err.Error()
	}
	if r.Answers == nil {
		v.expect(r.Answer)
	} else {
		v.expect(r.Answers...)
	}
	call := host.Call{Entity: r.Entity, Action: r.Action, Params: p}
	plan, planErr := h.Plan(ctx, connection, call)
	if planErr == nil && len(v.seen()) > 0 {
		return "a plan sends something"
	}
	result, err := h.Execute(ctx, connection, call)
	var e *host.Error
	if errors.As(err, &e) && e.Kind == abi.KindInvalidParams && !e.RequestSent {
		return "refused: " + e.Message
	}
	seen := slices.DeleteFunc(v.seen(), func(q request) bool { return q.isToken() })
	wanted := slices.DeleteFunc(slices.Clone(r.Requests), func(q request) bool { return q.isToken() })
	if d := unplanned(plan, planErr, seen); d != "" {
		return d
	}
	if len(seen) != len(wanted) {
		return fmt.Sprintf("%d requests, not %d: %v%s", len(seen), len(wanted), err, targets(seen))
	}
	for i := range wanted {
		want := wanted[i]
		want.Headers = maps.Clone(want.Headers)
		for name, value := range want.Headers {
			want.Headers[name] = strings.ReplaceAll(value, "made-up-access_token", "fetched-token")
		}
		got := seen[i]
		got.Headers = maps.Clone(got.Headers)
		for name, value := range got.Headers {
			got.Headers[name] = strings.ReplaceAll(value, "made-up-access_token", "fetched-token")
		}
		if d := unlike(got, want, row.Has("graphql"), row.Has("raw_query")); d != "" {
			return d
		}
	}
	if err != nil {
		if r.Result.Success {
			return "fails: " + err.Error()
		}
		return "equal"
	}
	if !r.Result.Success {
		return "succeeds, and the SDK fails: " + r.Result.Error
	}
	var meta map[string]json.RawMessage
	if len(result.Meta) > 0 {
		if err := json.Unmarshal(result.Meta, &meta); err != nil {
			return err.Error()
		}
	}
	if d := unlikeData(result.Data, meta, r); d != "" {
		return d
	}
	return "equal"
}

// TestImports makes connectors of all documents that the SDK has, and compares them with it.
func TestImports(t *testing.T) {
	specs, file := environment(t)
	all := importAll(t, specs)
	recordings := readRecordings(t, file)
	t.Run("calls", func(t *testing.T) { compareCalls(t, all, recordings) })
	t.Run("cases", func(t *testing.T) { compareCases(t, all, recordings) })
	t.Run("schemes", func(t *testing.T) { compareSchemes(t, all, recordings) })
	t.Run("by hand", func(t *testing.T) { besideOurOwn(t, all) })
	t.Run("served", func(t *testing.T) { compareServed(t, all, recordings) })
	t.Run("inspect", func(t *testing.T) { inspect(t, all) })
	t.Run("conformance", func(t *testing.T) { conform(t, all) })
}

// Every operation of every connector that the SDK has sends the same requests when it is
// imported, and makes the same of the answers.
func compareCalls(t *testing.T, all map[string]*imported, recordings []*recording) {
	v := startVendor(t)
	connections := make(host.StaticConnections)
	unusable := make(map[string]string)
	for _, r := range recordings {
		im := all[r.Connector]
		if _, known := connections[r.Connector]; known || im == nil || r.Kind != "call" || unusable[r.Connector] != "" {
			continue
		}
		c, err := im.connection(r)
		if err != nil {
			unusable[r.Connector] = err.Error()
			continue
		}
		connections[r.Connector] = c
	}
	h := open(t, v, all, connections)
	type count struct{ operations, taken, equal, left int }
	counts := make(map[string]*count)
	reasons := make(map[string][]string)
	outcomes := make(map[string]map[string]string) // by operation and case
	for _, r := range recordings {
		if r.Kind != "call" {
			continue
		}
		c := counts[r.Connector]
		if c == nil {
			c = new(count)
			counts[r.Connector] = c
		}
		name := r.Connector + " " + r.operation()
		if outcomes[name] == nil {
			outcomes[name] = make(map[string]string)
			c.operations++
		}
		im := all[r.Connector]
		switch {
		case im == nil:
			outcomes[name][r.Case] = "the document is not imported"
		case unusable[r.Connector] != "":
			outcomes[name][r.Case] = unusable[r.Connector]
		case im.row(r.operation()) == nil:
			outcomes[name][r.Case] = "left out"
		default:
			outcomes[name][r.Case] = replay(t.Context(), h, v, r.Connector, im, r)
		}
	}
	total := count{}
	for _, name := range slices.Sorted(maps.Keys(outcomes)) {
		connector, operation, _ := strings.Cut(name, " ")
		c := counts[connector]
		equal, refused, wrong := 0, "", ""
		for _, kind := range []string{"min", "max", "odd"} {
			switch o := outcomes[name][kind]; {
			case o == "equal":
				equal++
			case strings.HasPrefix(o, "refused: "):
				refused = kind + " " + o
			default:
				wrong = kind + ": " + o
			}
		}
		if outcomes[name]["max"] == "left out" {
			c.left++
			for _, l := range all[connector].report.LeftOut {
				if l.Operation == operation {
					wrong = l.Reason
				}
			}
			reasons[wrong] = append(reasons[wrong], name)
			continue
		}
		c.taken++
		if wrong == "" && equal > 0 {
			c.equal++
			if refused != "" {
				reasons["stricter than the SDK, equal otherwise"] = append(reasons["stricter than the SDK, equal otherwise"], name+" "+refused)
			}
			continue
		}
		if wrong == "" {
			wrong = refused
		}
		reasons["differs"] = append(reasons["differs"], name+" "+wrong)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-28s %10s %6s %6s %8s\n", "connector", "operations", "taken", "equal", "left out")
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		c := counts[name]
		fmt.Fprintf(&b, "%-28s %10d %6d %6d %8d\n", name, c.operations, c.taken, c.equal, c.left)
		total.operations, total.taken, total.equal, total.left = total.operations+c.operations, total.taken+c.taken, total.equal+c.equal, total.left+c.left
	}
	fmt.Fprintf(&b, "%-28s %10d %6d %6d %8d\n", "all", total.operations, total.taken, total.equal, total.left)
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Fprintf(&b, "%d: %s\n", len(reasons[reason]), reason)
		for _, name := range reasons[reason] {
			fmt.Fprintf(&b, "    %s\n", name)
		}
	}
	t.Log("\n" + b.String())
	if total.equal < least {
		t.Errorf("%d operations are equal, want at least %d", total.equal, least)
	}
}

// least is how many operations must be equal: all that the SDK can call.
const least = 1299

// targets are what requests are for, each after a blank.
func targets(all []request) string {
	var b strings.Builder
	for _, q := range all {
		b.WriteString(" " + q.Method + " " + q.Target)
	}
	return b.String()
}
