package devloop

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/internal/modulebuild"
	"github.com/agenthost/agenthost/internal/recording"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	folder, elsewhere := t.TempDir(), t.TempDir()
	write(t, filepath.Join(folder, "main.go"), "package main")
	write(t, filepath.Join(elsewhere, "secret", "file"), "a")
	state := func() string {
		t.Helper()
		text, err := Sources{Place: folder}.State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for _, c := range []struct {
		name   string
		do     func(t *testing.T)
		change bool
	}{
		{"nothing", func(*testing.T) {}, false},
		{"an edit", func(t *testing.T) { write(t, filepath.Join(folder, "main.go"), "package main // x") }, true},
		{"a new file", func(t *testing.T) { write(t, filepath.Join(folder, "sub", "a.go"), "package sub") }, true},
		{"what a build writes", func(t *testing.T) { write(t, filepath.Join(folder, "notes.wasm"), "\x00asm") }, false},
		{"git", func(t *testing.T) { write(t, filepath.Join(folder, ".git", "index"), "x") }, false},
		{"packages", func(t *testing.T) { write(t, filepath.Join(folder, "node_modules", "a", "index.js"), "x") }, false},
		{"a link to the folder itself", func(t *testing.T) {
			if err := os.Symlink(folder, filepath.Join(folder, "again")); err != nil {
				t.Skip(err)
			}
		}, false},
		{"a link to a folder elsewhere", func(t *testing.T) {
			if err := os.Symlink(elsewhere, filepath.Join(folder, "out")); err != nil {
				t.Skip(err)
			}
		}, false},
		{"an edit behind that link", func(t *testing.T) { write(t, filepath.Join(elsewhere, "secret", "file"), "ab") }, false},
		{"a removed file", func(t *testing.T) {
			if err := os.Remove(filepath.Join(folder, "sub", "a.go")); err != nil {
				t.Fatal(err)
			}
		}, true},
	} {
		before := state()
		c.do(t)
		if (state() != before) != c.change {
			t.Errorf("%s: a change is %v, want %v", c.name, !c.change, c.change)
		}
	}
}

// An edit of several files is one change.
func TestWatch(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	looks, changes := 0, []int(nil)
	sleep := func(ctx context.Context, _ time.Duration) error {
		switch looks++; looks {
		case 3, 4, 5:
			write(t, filepath.Join(folder, fmt.Sprint(looks)), "x")
		case 12:
			cancel()
		}
		return ctx.Err()
	}
	if err := (Sources{Place: folder}).Watch(ctx, sleep, func() { changes = append(changes, looks) }); err == nil {
		t.Error("it ended without its context")
	}
	if !slices.Equal(changes, []int{0, 6}) {
		t.Errorf("changes at the looks %v", changes)
	}
}

// table is a connector whose answers, requests and servers a test chooses.
const table = `{
	"name": "notes", "title": "Notes", "version": "1.0.0", "description": "Notes that people write.",
	"servers": [{"id": "main", "url": "https://api.notes.example"}, {"id": "files", "url": "https://files.notes.example"}],
	"auth": {"schemes": [{"id": "key", "type": "api_key", "fields": [{"name": "api_key", "secret": true, "required": true, "pattern": "nk_[a-z0-9]{12}"}],
		"inject": [{"in": "header", "name": "X-Api-Key", "value": "{api_key}"}], "origins": ["https://api.notes.example", "https://files.notes.example"]}]},
	"operations": [
		{"entity": "notes", "action": "list", "description": "Notes, newest first.", "effect": "read", "method": "GET", "path": "/notes", "data": "/items"},
		{"entity": "notes", "action": "get", "description": "One of the notes.", "effect": "read", "method": "GET", "path": "/notes/{id}", "params": {"id": {"in": "path", "type": "string", "maxLength": 20, "description": "Id of the note."}}},
		{"entity": "files", "action": "list", "description": "Files of all notes.", "effect": "read", "server": "files", "method": "GET", "path": "/files", "data": "/items"}%s
	]
}`

func build(t *testing.T, s *Session, more string) *modulebuild.Result {
	t.Helper()
	interpreter, err := os.ReadFile(wasmtest.Build(t, "internal/table/interpreter"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "notes.json")
	write(t, file, fmt.Sprintf(table, more))
	b := modulebuild.Builder{Interpreter: interpreter, Sandbox: sandbox.Config{Cache: wasmtest.Cache(t), Logger: hclog.NewNullLogger()}}
	r, err := b.Build(t.Context(), file, s.Next())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// records keeps what happened.
type records struct {
	mu  sync.Mutex
	all []audit.Record
}

func (r *records) Write(_ context.Context, record *audit.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, *record)
	return nil
}

func session(t *testing.T) *Session {
	t.Helper()
	s, err := Start(t.Context(), Options{Cache: wasmtest.Cache(t), Logger: hclog.NewNullLogger(), Now: time.Now, Sink: new(records)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(s.Folder); err == nil {
			t.Error("the folder is still there")
		}
	})
	return s
}

func recordings(t *testing.T, answers map[string]*recording.Response) string {
	t.Helper()
	folder := t.TempDir()
	for request, response := range answers {
		method, path, _ := strings.Cut(request, " ")
		r := &recording.Recording{Version: recording.Version, Connector: "notes", Exchanges: []recording.Exchange{{Request: abi.Request{Method: method, Path: path}, Response: response}}}
		var text strings.Builder
		if err := r.Write(&text); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, strings.NewReplacer("/", "_", " ", "_").Replace(request)+".json"), text.String())
	}
	return folder
}

func answering(body string) *recording.Response {
	return &recording.Response{Status: 200, Header: map[string][]string{"Content-Type": {"application/json"}}, Body: recording.Body(body)}
}

// A build takes the place of another, with its own connection, and shows what it reaches beyond it.
func TestUse(t *testing.T) {
	t.Parallel()
	s := session(t)
	if _, err := s.StandIn.Load(t.Context(), recordings(t, map[string]*recording.Response{"GET /notes": answering(`{"items":[{"id":"n1"}]}`), "POST /notes": answering(`{"id":"n2"}`)})); err != nil {
		t.Fatal(err)
	}
	if s.Connection() != "" {
		t.Error("there is a connection before a build")
	}
	first := build(t, s, "")
	swap, err := s.Use(t.Context(), first)
	if err != nil || !swap.First || len(swap.Wider) > 0 || s.Connection() != "notes" {
		t.Fatalf("%+v, %v", swap, err)
	}
	result, err := s.Host().Execute(t.Context(), "notes", host.Call{Entity: "notes", Action: "list"})
	if err != nil || !strings.Contains(string(result.Data), "n1") {
		t.Fatalf("%v, %v", result, err)
	}
	if swap, err = s.Use(t.Context(), build(t, s, "")); err != nil || !swap.Same {
		t.Errorf("the same build: %+v, %v", swap, err)
	}
	const create = `,{"entity": "notes", "action": "create", "description": "Writes one of the notes.", "effect": "write", "method": "POST", "path": "/notes"}`
	if swap, err = s.Use(t.Context(), build(t, s, create)); err != nil || len(swap.Wider) == 0 || !strings.Contains(strings.Join(swap.Wider, "\n"), "notes.create") || len(swap.Narrower) > 0 {
		t.Errorf("a wider build: %+v, %v", swap, err)
	}
	if result, err = s.Host().Execute(t.Context(), "notes", host.Call{Entity: "notes", Action: "create"}); err != nil || !strings.Contains(string(result.Data), "n2") {
		t.Errorf("the operation that is new: %v, %v", result, err)
	}
	if swap, err = s.Use(t.Context(), build(t, s, "")); err != nil || len(swap.Narrower) == 0 {
		t.Errorf("back again: %+v, %v", swap, err)
	}
	files, err := filepath.Glob(filepath.Join(s.Folder, "connectors", "*.wasm"))
	if err != nil || len(files) > 2 {
		t.Errorf("%v, %v", files, err)
	}
}

// What a connector declares is no way out: not another server, not where an answer leads.
//
// threat: N1, T2
func TestNothingButTheStandInIsReached(t *testing.T) {
	t.Parallel()
	hits := make(chan string, 10)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hits <- r.URL.String() }))
	defer elsewhere.Close()
	s := session(t)
	moved := &recording.Response{Status: 302, Header: map[string][]string{"Location": {elsewhere.URL + "/stolen"}}}
	if _, err := s.StandIn.Load(t.Context(), recordings(t, map[string]*recording.Response{"GET /notes": moved})); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Use(t.Context(), build(t, s, "")); err != nil {
		t.Fatal(err)
	}
	for _, operation := range []string{"files", "notes"} {
		if _, err := s.Host().Execute(t.Context(), "notes", host.Call{Entity: operation, Action: "list", Timeout: 20 * time.Second}); err == nil {
			t.Errorf("%s.list succeeded", operation)
		}
	}
	network := onlyTo("127.0.0.1:1", time.Now)
	for _, to := range []string{strings.TrimPrefix(elsewhere.URL, "http://"), "127.0.0.1:11", "[::1]:1", "169.254.169.254:80"} {
		if c, err := network.Dial(t.Context(), "tcp", to); err == nil {
			_ = c.Close()
			t.Errorf("it connects to %s", to)
		}
	}
	if found, err := network.Resolver.LookupNetIP(t.Context(), "ip", "localhost"); err == nil {
		t.Errorf("it finds %v", found)
	}
	select {
	case got := <-hits:
		t.Errorf("%s was reached", got)
	default:
	}
}

// A credential is made up, fits the connector's pattern, and reaches the stand-in only.
func TestCredentialsAreMadeUp(t *testing.T) {
	t.Setenv("NOTES_API_KEY", "real-key-of-somebody")
	s := session(t)
	r := build(t, s, "")
	c, err := s.connection(r)
	if err != nil || c.Server != s.Vendor() || c.Credentials != nil {
		t.Fatalf("%+v, %v", c, err)
	}
	key := ""
	err = c.Secrets["api_key"].Reveal(func(value []byte) error { key = string(value); return nil })
	if err != nil || len(key) != 15 || !strings.HasPrefix(key, "nk_") {
		t.Errorf("the key is %q", key)
	}
	r.Auth.Schemes[0].Fields[0].Pattern = `(?i)x{3}(a|b)\b$^y`
	if _, err := s.connection(r); err == nil {
		t.Error("a value was made up for what nothing matches")
	}
}

func TestStandIn(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var exchanges []recording.Exchange
	for _, e := range []struct {
		request abi.Request
		body    string
		answer  string
	}{
		{abi.Request{Method: "GET", Path: "/notes/{id}", PathParams: map[string]string{"id": "a b"}}, "", "ab"},
		{abi.Request{Method: "GET", Path: "/notes", Query: [][2]string{{"page", "1"}}}, "", "page 1"},
		{abi.Request{Method: "GET", Path: "/notes", Query: [][2]string{{"page", "2"}}}, "", "page 2"},
		{abi.Request{Method: "POST", Path: "/jobs"}, `{"a":1}`, "job 1"},
		{abi.Request{Method: "POST", Path: "/jobs"}, `{"a":1}`, "job 2"},
	} {
		exchanges = append(exchanges, recording.Exchange{Request: e.request, Body: recording.Body(e.body), Response: &recording.Response{Status: 200, Body: recording.Body(e.answer), Header: map[string][]string{"X-A": {"b"}, "Content-Length": {"999"}}}})
	}
	var text strings.Builder
	if err := (&recording.Recording{Version: recording.Version, Exchanges: append(exchanges, recording.Exchange{})}).Write(&text); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "all.json"), text.String())
	write(t, filepath.Join(folder, "README.md"), "no recording")
	s := new(StandIn)
	if calls, err := s.Load(t.Context(), folder); err != nil || calls != 1 {
		t.Fatalf("%d calls, %v", calls, err)
	}
	for _, c := range []struct{ method, path, body, want string }{
		{"GET", "/notes/a%20b", "", "ab"},
		{"GET", "/notes/other", "", "ab"}, // of the same template
		{"GET", "/notes?page=2&key=made-up", "", "page 2"},
		{"GET", "/notes?page=1", "", "page 1"},
		{"POST", "/jobs", `{"a":1}`, "job 1"},
		{"POST", "/jobs", `{"a":1}`, "job 2"},
		{"GET", "/jobs", "", "no_recording"},
		{"GET", "/notes/a/b", "", "no_recording"},
		{"GET", "/", "", "no_recording"},
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)))
		got, err := io.ReadAll(w.Result().Body)
		if err != nil || !strings.Contains(string(got), c.want) {
			t.Errorf("%s %s: %s, %v", c.method, c.path, got, err)
		}
	}
	write(t, filepath.Join(folder, "broken.json"), `{"version":7}`)
	if _, err := s.Load(t.Context(), folder); err == nil || !strings.Contains(err.Error(), "broken.json") {
		t.Errorf("a broken recording: %v", err)
	}
	if s.find(httptest.NewRequest(http.MethodGet, "/notes?page=1", http.NoBody), nil) == nil {
		t.Error("a broken recording took the others away")
	}
	if calls, err := s.Load(t.Context(), filepath.Join(folder, "none")); calls != 0 || err != nil {
		t.Errorf("no folder: %d, %v", calls, err)
	}
}
