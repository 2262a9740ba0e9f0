package mcp_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/host/tool"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const nothing = `{"data": [], "meta": {}}`

// callers is a sink that keeps who called.
type callers struct {
	mu    sync.Mutex
	names []string
}

func (c *callers) Write(_ context.Context, r *audit.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Event == audit.EventCall {
		c.names = append(c.names, r.Caller)
	}
	return nil
}

// TestCallerIsRecorded: the trail names who has the bearer token, and over standard input
// whom the options name.
func TestCallerIsRecorded(t *testing.T) {
	seen := &callers{}
	server, _, _ := open(t, mcp.Options{Caller: "desk"}, nothing, func(o *host.Options) { o.Sinks = []audit.Sink{seen} })
	url := serve(t, server, mcp.HTTPOptions{Tokens: tokens()})
	for _, client := range []*sdk.ClientSession{connect(t, url, adaToken), connect(t, url, bobToken), stdio(t, server, nil)} {
		result, err := client.CallTool(t.Context(), &sdk.CallToolParams{Name: "notes_notes_list"})
		if err != nil || result.IsError {
			t.Fatalf("%v: %+v", err, result)
		}
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if want := []string{"ada", "bob", "desk"}; !slices.Equal(seen.names, want) {
		t.Errorf("the trail names %q, want %q", seen.names, want)
	}
}

// TestHiddenTextMakesNoTool: a connector whose description a person and a model would read
// differently never reaches a client, whether it is there at the start or comes later.
//
// threat: A1
func TestHiddenTextMakesNoTool(t *testing.T) {
	for name, hidden := range map[string]string{
		"zero width": "\u200b", "right to left": "\u202e", "tag": "\U000E0049",
	} {
		t.Run(name, func(t *testing.T) {
			refused := make(chan host.Change, 10)
			server, h, plugins := open(t, mcp.Options{}, nothing)
			t.Cleanup(h.OnChange(func(c host.Change) { refused <- c }))
			client := stdio(t, server, nil)
			module := static("more", "count", nothing)
			// As many bytes as before, so that the lengths in the module hold.
			module = bytes.ReplaceAll(module, []byte("Notes of a test."), []byte(hidden+"Notes of a test."[len(hidden):]))
			put(t, plugins, "more.wasm", module)
			if c := <-refused; c.Kind != host.ConnectorRefused || c.Err == nil || !strings.Contains(c.Err.Error(), "invisible character") {
				t.Errorf("%+v", c)
			}
			if got := toolNames(t, client); got != "notes_notes_delete notes_notes_list" {
				t.Errorf("tools %s", got)
			}
			later, err := mcp.New(t.Context(), h, mcp.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer later.Close()
			if got := toolNames(t, stdio(t, later, nil)); got != "notes_notes_delete notes_notes_list" {
				t.Errorf("tools %s of a server that started later", got)
			}
		})
	}
}

// TestWiderUpdateIsNotCallable replaces an approved connector by versions of it while a
// client is connected.
//
// threat: A2, C10
func TestWiderUpdateIsNotCallable(t *testing.T) {
	lock := filepath.Join(t.TempDir(), "agenthost.lock")
	changed := make(chan struct{}, 100)
	server, h, plugins := open(t, mcp.Options{}, nothing, func(o *host.Options) { o.Lock = lock })
	client := stdio(t, server, &sdk.ClientOptions{ToolListChangedHandler: func(context.Context, *sdk.ToolListChangedRequest) { changed <- struct{}{} }})
	if got := toolNames(t, client); got != "" {
		t.Fatalf("nobody approved anything, and there are %s", got)
	}
	review, err := h.ReviewConnection(t.Context(), "notes")
	if err != nil {
		t.Fatal(err)
	}
	if err := approval.New(lock, t.TempDir(), time.Now).Approve(t.Context(), review.Module, "ada"); err != nil {
		t.Fatal(err)
	}
	if err := server.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitTools(t, client, changed, "notes_notes_delete notes_notes_list")
	// The wider version has an operation that nobody approved.
	put(t, plugins, "notes.wasm", static("notes", "purge", nothing))
	awaitTools(t, client, changed, "")
	if result, err := client.CallTool(t.Context(), &sdk.CallToolParams{Name: "notes_notes_list"}); err == nil {
		t.Errorf("an operation that is gone: %+v", result)
	}
	for _, name := range []string{"notes_notes_purge", "notes_notes_delete"} {
		result, err := client.CallTool(t.Context(), &sdk.CallToolParams{Name: name})
		if err != nil || !result.IsError || !strings.Contains(result.Content[0].(*sdk.TextContent).Text, "Error (denied)") {
			t.Errorf("%s: %+v, %v; want denied", name, result, err)
		}
	}
	var e *host.Error
	if _, err := h.Execute(t.Context(), "notes", host.Call{Entity: "notes", Action: "purge"}); !errors.As(err, &e) || e.Kind != "denied" {
		t.Errorf("purge: %v, want denied", err)
	}
	// What was approved comes back.
	put(t, plugins, "notes.wasm", static("notes", "list", nothing))
	awaitTools(t, client, changed, "notes_notes_delete notes_notes_list")
}

func toolNames(t *testing.T, client *sdk.ClientSession) string {
	t.Helper()
	list, err := client.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range list.Tools {
		names = append(names, one.Name)
	}
	return strings.Join(names, " ")
}

// TestCallsLeakNothing makes calls of one client, a third of which fail. Under the race
// detector there are fewer.
func TestCallsLeakNothing(t *testing.T) {
	calls := 10_000
	if underRace() {
		calls = 1_000
	}
	server, _ := newServer(t, mcp.Options{Tools: host.ToolOptions{Options: tool.Options{Form: tool.FormOperations}}})
	ask := rawClient(t, server)
	lines := []string{
		`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"notes_notes_list"}}`,
		`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"notes_notes_list","arguments":{"text":"a"},"_meta":{"progressToken":1}}}`,
		`{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"notes_notes_list","arguments":{"txt":"a"}}}`,
	}
	measure := func() (goroutines int, heap uint64) {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // what finalizers let go of
		runtime.ReadMemStats(&m)
		return runtime.NumGoroutine(), m.HeapAlloc
	}
	send := func(n int) {
		for i := range n {
			if answer := ask(lines[i%len(lines)]); strings.Contains(answer, `"isError":true`) != (i%len(lines) == 2) || strings.Contains(answer, `"error":{"code"`) {
				t.Fatal(answer)
			}
		}
	}
	send(300) // instances, caches and buffers are there from here on
	goroutines, heap := measure()
	send(calls)
	goroutinesAfter, heapAfter := measure()
	t.Logf("%d calls: goroutines %d, then %d; heap %d KiB, then %d KiB", calls, goroutines, goroutinesAfter, heap>>10, heapAfter>>10)
	// A goroutine or some hundred bytes for each call would show.
	if goroutinesAfter > goroutines+10 {
		t.Errorf("%d goroutines became %d", goroutines, goroutinesAfter)
	}
	if limit := heap + 1<<20 + uint64(calls)*100; heapAfter > limit {
		t.Errorf("the heap grew from %d bytes to %d", heap, heapAfter)
	}
}
