package mcp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// static is a connector that answers every call with the same text.
func static(name, action, answer string) []byte {
	return wasmtest.Static(fmt.Sprintf(`{
		"abi": 1, "name": %q, "title": "Notes", "version": "1.0.0", "description": "Notes of a test.",
		"servers": [{"id": "main", "url": "https://notes.example"}],
		"operations": [
			{"entity": "notes", "action": %q, "description": "All notes.", "effect": "read", "params": {"type": "object", "properties": {"text": {"type": "string"}}, "additionalProperties": false}, "requests": []},
			{"entity": "notes", "action": "delete", "description": "No note.", "effect": "delete", "idempotent": true, "params": {"type": "object"}, "requests": []}
		]
	}`, name, action), `{"schemes": [{"id": "token", "type": "bearer", "origins": ["https://notes.example"],
		"fields": [{"name": "token", "secret": true, "required": true}],
		"inject": [{"in": "header", "name": "Authorization", "value": "Bearer {token}"}]}]}`, answer)
}

// newServer serves a folder with one connector, notes.
func newServer(t testing.TB, o mcp.Options) (server *mcp.Server, plugins string) {
	t.Helper()
	server, _, plugins = open(t, o, "{\"data\": [{\"id\": 1, \"text\": \"hidden\u202e here\"}], \"meta\": {}}")
	return server, plugins
}

// open serves a folder whose connector notes gives an answer.
func open(t testing.TB, o mcp.Options, answer string, change ...func(*host.Options)) (server *mcp.Server, h *host.Host, plugins string) {
	t.Helper()
	plugins = t.TempDir()
	put(t, plugins, "notes.wasm", static("notes", "list", answer))
	credentials := map[string]string{"token": "env:TOKEN"}
	ho := host.Options{
		Plugins: plugins, Cache: compiled, Reload: 10 * time.Millisecond,
		Connections: host.StaticConnections{"notes": {Connector: "notes", Credentials: credentials}, "more": {Connector: "more", Credentials: credentials}},
		LookupEnv:   func(name string) (string, bool) { return "a-token", name == "TOKEN" },
	}
	for _, c := range change {
		c(&ho)
	}
	h, err := host.Open(t.Context(), ho)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	server, err = mcp.New(t.Context(), h, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server, h, plugins
}

func put(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	temporary := filepath.Join(dir, name+".new")
	if err := os.WriteFile(temporary, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temporary, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// stdio connects a client to a server over two pipes.
func stdio(t testing.TB, server *mcp.Server, o *sdk.ClientOptions) *sdk.ClientSession {
	t.Helper()
	fromClient, toServer := io.Pipe()
	fromServer, toClient := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- server.ServeStdio(context.WithoutCancel(t.Context()), fromClient, toClient) }()
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, o).Connect(t.Context(), &sdk.IOTransport{Reader: fromServer, Writer: toServer}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = session.Close()
		_ = toServer.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return session
}

func TestStdio(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	client := stdio(t, server, nil)
	list, err := client.ListTools(t.Context(), nil)
	if err != nil || len(list.Tools) != 2 || list.NextCursor != "" {
		t.Fatalf("%v: %+v", err, list)
	}
	remove, all := list.Tools[0], list.Tools[1]
	if all.Name != "notes_notes_list" || !all.Annotations.ReadOnlyHint || *all.Annotations.DestructiveHint || !*all.Annotations.OpenWorldHint {
		t.Errorf("%+v %+v", all, all.Annotations)
	}
	if remove.Name != "notes_notes_delete" || remove.Annotations.ReadOnlyHint || !*remove.Annotations.DestructiveHint || !remove.Annotations.IdempotentHint {
		t.Errorf("%+v %+v", remove, remove.Annotations)
	}
	result, err := client.CallTool(t.Context(), &sdk.CallToolParams{Name: all.Name})
	if err != nil || result.IsError {
		t.Fatalf("%v: %+v", err, result)
	}
	text := result.Content[0].(*sdk.TextContent).Text
	if text != `{"data":[{"id": 1, "text": "hidden\u202e here"}],"meta":{}}` {
		t.Errorf("text %q", text)
	}
	structured, err := json.Marshal(result.StructuredContent)
	if err != nil || !strings.Contains(string(structured), `"id":1`) {
		t.Errorf("%v: structured %s", err, structured)
	}
	result, err = client.CallTool(t.Context(), &sdk.CallToolParams{Name: all.Name, Arguments: map[string]any{"txt": 1}})
	if err != nil || !result.IsError || !strings.Contains(result.Content[0].(*sdk.TextContent).Text, "did you mean text?") {
		t.Errorf("%v: %+v", err, result)
	}
	if result.StructuredContent != nil || result.Meta["agenthost/error"].(map[string]any)["kind"] != "invalid_params" {
		t.Errorf("%+v", result)
	}
	if _, err := client.CallTool(t.Context(), &sdk.CallToolParams{Name: "install"}); err == nil {
		t.Error("there is a tool install")
	}
}

// TestStructuredContentIsClean: what a client has parsed has nothing that the text does not show.
// It fits the output schema of its tool.
func TestStructuredContentIsClean(t *testing.T) {
	const hidden = "{\"data\": [{\"id\": 12345678901234567890, \"small\": 9007199254740992, \"f\": 1.5, \"a\\u200bb\": \"x\\u202ey\u2060\\ud83d\\n\\t\\\"\\\\\\ud83d\\udd11\\u001b\"}], \"meta\": {\"n\":-9007199254740993}}"
	server, _, _ := open(t, mcp.Options{}, hidden)
	client := stdio(t, server, nil)
	result, err := client.CallTool(t.Context(), &sdk.CallToolParams{Name: "notes_notes_list"})
	if err != nil || result.IsError {
		t.Fatalf("%v: %+v", err, result)
	}
	want := map[string]any{
		"data": []any{map[string]any{"id": "12345678901234567890", "small": 9007199254740992.0, "f": 1.5, `a\u200bb`: `x\u202ey\u2060` + "\ufffd\n\t\"\\🔑" + `\u001b`}},
		"meta": map[string]any{"n": "-9007199254740993"},
	}
	if diff := cmp.Diff(want, result.StructuredContent); diff != "" {
		t.Errorf("structured content (-want +got):\n%s", diff)
	}
	if text := result.Content[0].(*sdk.TextContent).Text; !strings.Contains(text, `"id": 12345678901234567890`) || !strings.Contains(text, `x\u202ey\u2060\ud83d`) {
		t.Errorf("text %q", text)
	}
	// Without structured content there is no schema of it, either.
	server, _, _ = open(t, mcp.Options{TextOnly: true}, hidden)
	client = stdio(t, server, nil)
	list, err := client.ListTools(t.Context(), nil)
	if err != nil || list.Tools[0].OutputSchema != nil {
		t.Errorf("%v: %+v", err, list)
	}
	if result, err = client.CallTool(t.Context(), &sdk.CallToolParams{Name: "notes_notes_list"}); err != nil || result.StructuredContent != nil || len(result.Content) != 1 {
		t.Errorf("%v: %+v", err, result)
	}
}

// TestListChanges drops files into the plugins folder of a server with a connected client.
func TestListChanges(t *testing.T) {
	server, plugins := newServer(t, mcp.Options{})
	changed := make(chan struct{}, 10)
	client := stdio(t, server, &sdk.ClientOptions{ToolListChangedHandler: func(context.Context, *sdk.ToolListChangedRequest) { changed <- struct{}{} }})
	const before = "notes_notes_delete notes_notes_list"
	if got := toolNames(t, client); got != before {
		t.Fatal(got)
	}
	start := time.Now()
	put(t, plugins, "more.wasm", static("more", "count", `{"data": {}, "meta": {}}`))
	awaitTools(t, client, changed, "more_notes_count more_notes_delete "+before)
	t.Logf("new tools after %v", time.Since(start))
	put(t, plugins, "more.wasm", []byte("broken"))
	put(t, plugins, "notes.wasm", static("notes", "find", `{"data": {}, "meta": {}}`))
	awaitTools(t, client, changed, "more_notes_count more_notes_delete notes_notes_delete notes_notes_find")
	if err := os.Remove(filepath.Join(plugins, "more.wasm")); err != nil {
		t.Fatal(err)
	}
	awaitTools(t, client, changed, "notes_notes_delete notes_notes_find")
}

// awaitTools lists the tools after each change until they are the ones that are wanted.
func awaitTools(t *testing.T, client *sdk.ClientSession, changed <-chan struct{}, want string) {
	t.Helper()
	for {
		select {
		case <-changed:
			if toolNames(t, client) == want {
				return
			}
		case <-time.After(time.Minute):
			t.Fatalf("tools %s, want %s", toolNames(t, client), want)
		}
	}
}

// TestManySessions calls from 64 sessions at once; each answer goes to who asked.
//
// threat: A8
func TestManySessions(t *testing.T) {
	server, _ := newServer(t, mcp.Options{Tools: host.ToolOptions{Options: tool.Options{Form: tool.FormSearch}}})
	const sessions, calls = 64, 10
	var wait sync.WaitGroup
	for i := range sessions {
		client := stdio(t, server, nil)
		wait.Go(func() {
			for j := range calls {
				// A wrong name comes back in the failure.
				mine := fmt.Sprintf("notes.s%dc%d.x", i, j)
				result, err := client.CallTool(t.Context(), &sdk.CallToolParams{Name: tool.DescribeOperation, Arguments: map[string]any{"operation": mine}})
				if err != nil || !result.IsError || !strings.Contains(result.Content[0].(*sdk.TextContent).Text, mine) {
					t.Errorf("%v: %+v", err, result)
				}
				result, err = client.CallTool(t.Context(), &sdk.CallToolParams{Name: tool.ExecuteOperation, Arguments: map[string]any{"operation": "notes.notes.list"}})
				if err != nil || result.IsError {
					t.Errorf("%v: %+v", err, result)
				}
			}
		})
	}
	wait.Wait()
}

// brokenOutput takes one write and fails the next ones.
type brokenOutput struct {
	err   error
	taken int
}

func (b *brokenOutput) Write(p []byte) (int, error) {
	if b.taken++; b.taken > 1 {
		return 0, b.err
	}
	return len(p), nil
}

// TestClientThatHangsUp is a regression test: a client that went while the server wrote to
// it (a notice of changed tools, an answer nobody waits for) ended the server with an error.
func TestClientThatHangsUp(t *testing.T) {
	full := errors.New("no space left")
	for name, c := range map[string]struct{ failure, want error }{
		"a pipe within the program":  {io.ErrClosedPipe, nil},
		"a pipe to another program":  {&os.PathError{Op: "write", Path: "|1", Err: syscall.EPIPE}, nil},
		"an output that is closed":   {&os.PathError{Op: "write", Path: "|1", Err: os.ErrClosed}, nil},
		"an output that has no room": {full, full},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := newServer(t, mcp.Options{})
			in, client := io.Pipe()
			go func() {
				for id := range 2 {
					_, _ = fmt.Fprintf(client, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"ping\"}\n", id)
				}
			}()
			// The client never closes its end of in: the failed write alone ends the server.
			if err := server.ServeStdio(t.Context(), in, &brokenOutput{err: c.failure}); !errors.Is(err, c.want) {
				t.Errorf("ended with %v, want %v", err, c.want)
			}
			_ = client.Close()
		})
	}
}

// TestRawLines are messages that the protocol's library never sees.

func TestRawLines(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	deep := strings.Repeat(`{"a":`, 2000) + "1" + strings.Repeat("}", 2000)
	for name, c := range map[string]struct{ line, want string }{
		"not JSON":         {`{"jsonrpc":`, `"id":null,"error":{"code":-32700`},
		"a name twice":     {`{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}`, `"id":1,"error":{"code":-32600,"message":"the message has the member \"method\" twice`},
		"twice by escapes": {`{"jsonrpc":"2.0","id":"x","method":"ping","params":{"name":"a","n\u0061me":"b"}}`, `"id":"x","error":{"code":-32600`},
		"case":             {`{"jsonrpc":"2.0","id":2,"method":"ping","Method":"tools/list"}`, `differs from \"method\" only in case`},
		"case of params":   {`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"Name":"notes_notes_list"}}`, `differs from \"name\" only in case`},
		"deep":             {`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"x","arguments":` + deep + `}}`, `nested too deeply`},
		"long":             {`{"jsonrpc":"2.0","id":4,"method":"ping","params":{"a":"` + strings.Repeat("x", mcp.MaxMessage) + `"}}`, `longer than 16777216 bytes`},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			// The last line shows that the session goes on.
			in := c.line + "\n" + `{"jsonrpc":"2.0","id":"last","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}` + "\n"
			reader, writer := io.Pipe()
			lines := make(chan string, 10)
			done := make(chan struct{})
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				defer close(done)
				if err := server.ServeStdio(ctx, reader, lineWriter(lines)); err != nil {
					t.Error(err)
				}
			}()
			go func() { _, _ = io.WriteString(writer, in) }()
			for !strings.Contains(out.String(), `"last"`) {
				out.WriteString(<-lines)
			}
			cancel()
			_ = writer.Close()
			<-done
			if !strings.Contains(out.String(), c.want) {
				t.Errorf("got %s, want %s", out.String(), c.want)
			}
		})
	}
}

type lineWriter chan string

func (w lineWriter) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}
