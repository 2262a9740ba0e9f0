package copies_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// shelf is a connector of one list, which sends nothing.
func shelf() []byte {
	return wasmtest.Static(`{
		"abi": 1, "name": "shelf", "title": "Shelf", "version": "1.0.0", "description": "A shelf of a test.",
		"servers": [{"id": "main", "url": "https://shelf.example"}],
		"operations": [{"entity": "books", "action": "list", "description": "All books.", "effect": "read", "paginated": true,
			"params": {"type": "object", "additionalProperties": false, "properties": {"cursor": {"type": "string"}, "limit": {"type": "integer"}}},
			"result": {"type": "object", "properties": {"id": {"type": "string"}, "title": {"type": "string"}, "pages": {"type": "integer"}, "shelf": {"type": "string"}}}, "requests": []}],
		"sync": [{"entity": "books", "text": ["title"]}]
	}`, strings.ReplaceAll(deskAuth, "desk", "shelf"), `{"data": [{"id": "b1", "title": "Emma", "pages": 400, "shelf": "A"}, {"id": "b2", "title": "Dune", "pages": 600, "shelf": "A"}, {"id": "b3", "title": "Emma again", "pages": 10, "shelf": "A"}], "meta": {"next_cursor": null}}`)
}

// workspaces are connections of workspaces, and of the operator.
type workspaces map[string]host.Connection

func (w workspaces) Get(_ context.Context, p host.Principal, name string) (host.Connection, string, error) {
	c, ok := w[p.Workspace+"/"+name]
	if !ok {
		return c, "", host.ErrNoConnection
	}
	return c, "1", nil
}

func (w workspaces) List(_ context.Context, p host.Principal, _, _ string) (host.ConnectionPage, error) {
	var page host.ConnectionPage
	for key, c := range w {
		if workspace, name, _ := strings.Cut(key, "/"); workspace == p.Workspace {
			page.Connections = append(page.Connections, host.ListedConnection{Name: name, Connection: c, Revision: "1"})
		}
	}
	return page, nil
}

func (workspaces) Changes(context.Context) (<-chan host.ConnectionChange, error) { return nil, nil }

// sink keeps the records of calls.
type sink struct {
	mu      sync.Mutex
	records []audit.Record
}

func (s *sink) Write(_ context.Context, r *audit.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, *r)
	return nil
}

// library opens a host with copies.
func library(t *testing.T, connections workspaces) (*host.Host, *copies.Copies, *sink) {
	t.Helper()
	plugins, folder := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(plugins, "shelf.wasm"), shelf(), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := contextstore.OpenFiles(folder, time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := copies.New(copies.Options{Store: files})
	trail := new(sink)
	for name, one := range connections {
		one.Connector, one.Secrets = "shelf", map[string]secret.Value{"token": secret.New([]byte("t"))}
		connections[name] = one
	}
	h, err := host.Open(t.Context(), host.Options{Plugins: plugins, Cache: wasmtest.Cache(t), Connections: connections, Copies: c, Sinks: []audit.Sink{trail}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(h.Close(context.WithoutCancel(t.Context())), c.Close(), files.Close()); err != nil {
			t.Error(err)
		}
	})
	return h, c, trail
}

var emma = host.Call{Entity: "books", Action: "context_store_search", Params: json.RawMessage(`{"query":{"filter":{"keyword":{"title":"emma"}},"sort":[{"pages":"asc"}]},"limit":1,"fields":["title"]}`)}

// TestHost searches the copies of a direct connection in all ways in which calls are made.
func TestHost(t *testing.T) {
	t.Parallel()
	h, c, trail := library(t, workspaces{"/shelf": {Limits: config.Limits{Concurrency: 1, Timeout: 5 * time.Second}}})
	if _, err := c.Sync(t.Context(), "", "shelf", "", copies.SyncOptions{}); err != nil {
		t.Fatal(err)
	}
	if r := trail.records[0]; r.Via != "sync" || r.Operation() != "books.list" || r.Workspace != "" || r.Outcome != audit.Ok {
		t.Errorf("the trail has %+v", r)
	}
	result, err := h.Execute(t.Context(), "shelf", emma)
	if err != nil || string(result.Data) != `[{"title":"Emma again"}]` || !result.HasMore || result.Stats.Requests != 0 {
		t.Fatalf("%+v, %v", result, err)
	}
	var titles []string
	for record, err := range h.Records(t.Context(), "shelf", emma) {
		if err != nil {
			t.Fatal(err)
		}
		titles = append(titles, string(record))
	}
	if !slices.Equal(titles, []string{`{"title":"Emma again"}`, `{"title":"Emma"}`}) {
		t.Errorf("pages: %q", titles)
	}
	alike := emma
	alike.Params = json.RawMessage(`{"query":{},"limit":1,"fields":["shelf"]}`)
	pages := 0
	for _, err := range h.Records(t.Context(), "shelf", alike) {
		if pages++; err != nil {
			t.Errorf("page %d of pages that are alike: %v", pages, err)
		}
	}
	if pages != 3 {
		t.Errorf("%d pages that are alike", pages)
	}
	fresh := emma
	fresh.Params = json.RawMessage(`{"query":{},"max_age":0}`) // the search has the one place of limits.concurrency
	if result, err = h.Execute(t.Context(), "shelf", fresh); err != nil || strings.Contains(string(result.Meta), "up_to_date") {
		t.Errorf("%+v, %v", result, err)
	}
	x, err := h.Explain(t.Context(), "shelf", emma)
	if err != nil || !x.Decision.Allowed || len(x.Requests) != 0 {
		t.Errorf("explain: %+v, %v", x, err)
	}
	plan, err := h.Plan(t.Context(), "shelf", emma)
	if err != nil || len(plan.Requests) != 0 {
		t.Errorf("plan: %+v, %v", plan, err)
	}
	operations, err := h.Operations(t.Context(), "shelf")
	if err != nil || len(operations) != 2 || operations[1].Action != "context_store_search" || !operations[1].Allowed {
		t.Fatalf("operations: %+v, %v", operations, err)
	}
	if says := string(operations[1].Params); !strings.Contains(says, "Fields: title, id, shelf. Numbers: pages. Words are found fast in: title.") {
		t.Errorf("the search does not say which fields there are: %s", says)
	}
	if size := len(operations[1].Params) + len(operations[1].Description); size > 2500 {
		t.Errorf("the search takes %d bytes of a model's memory", size)
	}
	if _, _, err := h.Record(t.Context(), "shelf", emma); err == nil {
		t.Error("a search was recorded")
	}
	if err := h.Login(t.Context(), "shelf", host.Login{}); err == nil || strings.Contains(err.Error(), "hosted") {
		t.Errorf("the decorated backend has no login: %v", err)
	}
}

// TestHostDecides: a search needs what its list needs, of the connection and of the caller, and sees nothing of
// another workspace.
// threat: K1
func TestHostDecides(t *testing.T) {
	t.Parallel()
	h, c, _ := library(t, workspaces{
		"a/shelf": {}, "b/shelf": {Allow: &config.Allow{Operations: []string{"books.list"}}},
		"c/shelf": {Allow: &config.Allow{Operations: []string{"books.list"}, Requests: []string{"GET /**"}}},
		"d/shelf": {},
	})
	for _, workspace := range []string{"a", "b", "c"} {
		if _, err := c.Sync(t.Context(), workspace, "shelf", "", copies.SyncOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		workspace string
		scopes    []host.Scope
		kind      abi.Kind // empty if it is answered
	}{
		"read":            {"a", []host.Scope{host.ScopeRead}, ""},
		"the list":        {"b", []host.Scope{host.ScopeRead}, ""},
		"without a scope": {"a", nil, abi.KindDenied},
		"another scope":   {"a", []host.Scope{host.ScopeWrite}, abi.KindDenied},
		"with conditions": {"c", []host.Scope{host.ScopeRead}, abi.KindDenied},
		"nobody's":        {"e", []host.Scope{host.ScopeRead}, abi.KindUnknownOperation},
	} {
		call := emma
		call.Principal = host.Principal{Workspace: test.workspace, Scopes: test.scopes}
		result, err := h.Execute(t.Context(), "shelf", call)
		e, failed := errors.AsType[*host.Error](err)
		if failed != (test.kind != "") || failed && e.Kind != test.kind || !failed && string(result.Data) != `[{"title":"Emma again"}]` {
			t.Errorf("%s: %+v, %v", name, result, err)
		}
		tools, err := h.Tools(t.Context(), host.ToolOptions{Principal: call.Principal})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(tools.Anthropic())
		if offered := strings.Contains(string(raw), "context_store_search"); err != nil || offered != (test.kind == "") {
			t.Errorf("%s: a tool for the search: %t, %v", name, offered, err)
		}
	}
	own := emma
	own.Principal = host.Principal{Workspace: "a", Scopes: []host.Scope{host.ScopeRead}}
	own.Credentials = map[string]secret.Value{"token": secret.New([]byte("other"))}
	if _, err := h.Execute(t.Context(), "shelf", own); err == nil || !strings.Contains(err.Error(), "brings its own") {
		t.Errorf("a search with another credential: %v", err)
	}
}

// captured is what a host hands to its copies.
type captured struct{ host backend.CopyHost }

func (c *captured) Use(h backend.CopyHost) { c.host = h }

func (c *captured) Decorate(_ *backend.Connection, b backend.Backend) backend.Backend { return b }

// TestCopiesAskNobody: what copies are made by reads, and no person is asked.
// threat: K1
func TestCopiesAskNobody(t *testing.T) {
	t.Parallel()
	plugins := t.TempDir()
	operation := func(action, effect string) string {
		return `{"entity": "books", "action": "` + action + `", "description": "Books.", "effect": "` + effect + `", "params": {"type": "object"}, "requests": []}`
	}
	if err := os.WriteFile(filepath.Join(plugins, "shelf.wasm"), wasmtest.Static(`{"abi": 1, "name": "shelf", "title": "Shelf", "version": "1.0.0", "description": "A shelf of a test.",
		"servers": [{"id": "main", "url": "https://shelf.example"}], "operations": [`+operation("list", "read")+","+operation("get", "read")+","+operation("add", "write")+`]}`,
		strings.ReplaceAll(deskAuth, "desk", "shelf"), `{"data": [], "meta": {}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	c := new(captured)
	h, err := host.Open(t.Context(), host.Options{
		Plugins: plugins, Cache: wasmtest.Cache(t), Copies: c,
		Connections: host.StaticConnections{"shelf": {
			Connector: "shelf", Secrets: map[string]secret.Value{"token": secret.New([]byte("t"))},
			Allow: &config.Allow{Effects: []abi.Effect{abi.EffectRead, abi.EffectWrite}, Ask: []string{"books.get"}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close(context.WithoutCancel(t.Context())) })
	for action, says := range map[string]string{"list": "", "get": "a person must approve each call of books.get, so", "add": "books.add does not"} {
		_, err := c.host.Run(t.Context(), "", "shelf", abi.OperationRef{Entity: "books", Action: action}, json.RawMessage("{}"))
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", action, err)
		}
	}
}

// TestToolsOfSeveral: connections whose rules on operations are the same, and whose other rules are not, have not the same
// tools.
func TestToolsOfSeveral(t *testing.T) {
	t.Parallel()
	list := []string{"books.list"}
	h, _, _ := library(t, workspaces{
		"/asks": {Allow: &config.Allow{Operations: list, Ask: list}}, "/narrow": {Allow: &config.Allow{Operations: list, Requests: []string{"GET /**"}}},
		"/open": {Allow: &config.Allow{Operations: list}},
	})
	tools, err := h.Tools(t.Context(), host.ToolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(tools.Anthropic())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"asks": false, "narrow": false, "open": true} {
		if got := strings.Contains(string(raw), `"`+name+`_books_context_store_search"`); got != want {
			t.Errorf("%s has a search: %t, in %s", name, got, raw)
		}
	}
}
