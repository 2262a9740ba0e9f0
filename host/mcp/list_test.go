package mcp_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// many is a connector, more, with n operations whose schemas are long.
func many(n int) []byte {
	var operations []string
	for i := range n {
		operations = append(operations, fmt.Sprintf(`{"entity": "thing_%03d", "action": "get", "description": "One thing.", "effect": "read", "requests": [],
			"params": {"type": "object", "properties": {"a": {"type": "string", "description": "%s"}, "b": {"type": "string", "description": "%s"}}}}`, i, strings.Repeat("<a> ", 200), strings.Repeat("b. ", 300)))
	}
	return wasmtest.Static(`{"abi": 1, "name": "more", "title": "More", "version": "1.0.0", "description": "More of a test.",
		"servers": [{"id": "main", "url": "https://notes.example"}], "operations": [`+strings.Join(operations, ",")+`]}`,
		`{"schemes": [{"id": "token", "type": "bearer", "origins": ["https://notes.example"], "fields": [{"name": "token", "secret": true, "required": true}],
		"inject": [{"in": "header", "name": "Authorization", "value": "Bearer {token}"}]}]}`, `{"data": {}, "meta": {}}`)
}

// listPage asks for a page of tools.
func listPage(t *testing.T, ask func(string) string, cursor string) (names []string, next string, code int) {
	t.Helper()
	answer := ask(fmt.Sprintf(`{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{"cursor":%q}}`, cursor))
	for strings.Contains(answer, `"method":"notifications/`) {
		answer = ask(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}`)
	}
	if len(answer) > 512<<10 {
		t.Errorf("a page has %d bytes", len(answer))
	}
	var a struct {
		Result struct {
			Tools      []struct{ Name string }
			NextCursor string
		}
		Error struct{ Code int }
	}
	if err := json.Unmarshal([]byte(answer), &a); err != nil {
		t.Fatalf("%v: %.300s", err, answer)
	}
	for _, one := range a.Result.Tools {
		names = append(names, one.Name)
	}
	return names, a.Result.NextCursor, a.Error.Code
}

func TestToolsInPages(t *testing.T) {
	const n = 300
	server, _, _ := open(t, mcp.Options{Tools: host.ToolOptions{Options: tool.Options{Form: tool.FormOperations}}}, nothing, func(o *host.Options) {
		put(t, o.Plugins, "more.wasm", many(n))
	})
	ask := rawClient(t, server)
	var listed []string
	pages := 0
	for cursor := ""; pages == 0 || cursor != ""; pages++ {
		var names []string
		names, cursor, _ = listPage(t, ask, cursor)
		listed = append(listed, names...)
	}
	if pages < 2 || len(listed) != n+2 {
		t.Errorf("%d tools in %d pages", len(listed), pages)
	}
	known := make(map[string]bool)
	for _, name := range listed {
		if known[name] {
			t.Errorf("%s is listed twice", name)
		}
		known[name] = true
	}
	for _, bad := range []string{"x", "!", base64.RawURLEncoding.EncodeToString([]byte("before:a")), base64.RawURLEncoding.EncodeToString([]byte("after:"))} {
		if _, _, code := listPage(t, ask, bad); code != -32602 {
			t.Errorf("cursor %q: code %d, want -32602", bad, code)
		}
	}
}

// copied is a connector, more, with so many entities of which there are copies.
func copied(n int) []byte {
	var operations, syncs []string
	for i := range n {
		operations = append(operations, fmt.Sprintf(`{"entity": "a_%03d", "action": "list", "description": "%s", "effect": "read", "paginated": true, "requests": [],
			"params": {"type": "object", "properties": {"cursor": {"type": "string"}, "limit": {"type": "integer"}}},
			"result": {"type": "object", "properties": {"id": {"type": "string"}}}}`, i, strings.Repeat("b. ", 300)))
		syncs = append(syncs, fmt.Sprintf(`{"entity": "a_%03d"}`, i))
	}
	return wasmtest.Static(`{"abi": 1, "name": "more", "title": "More", "version": "1.0.0", "description": "More of a test.",
		"servers": [{"id": "main", "url": "https://notes.example"}], "operations": [`+strings.Join(operations, ",")+`], "sync": [`+strings.Join(syncs, ",")+`]}`,
		`{"schemes": [{"id": "token", "type": "bearer", "origins": ["https://notes.example"], "fields": [{"name": "token", "secret": true, "required": true}],
		"inject": [{"in": "header", "name": "Authorization", "value": "Bearer {token}"}]}]}`, `{"data": [], "meta": {}}`)
}

// TestSearchesComeLast: some clients read only the first page, and a search of each entity is less than its operations. So they
// come after all else, also on the pages after the first one of them.
func TestSearchesComeLast(t *testing.T) {
	const n = 200
	files, err := contextstore.OpenFiles(t.TempDir(), time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	server, _, _ := open(t, mcp.Options{Tools: host.ToolOptions{Options: tool.Options{Form: tool.FormOperations}}}, nothing, func(o *host.Options) {
		put(t, o.Plugins, "more.wasm", copied(n))
		o.Copies = copies.New(copies.Options{Store: files})
	})
	ask := rawClient(t, server)
	var searches, others []string
	pages := 0
	for cursor := ""; pages == 0 || cursor != ""; pages++ {
		var names []string
		names, cursor, _ = listPage(t, ask, cursor)
		for _, name := range names {
			if strings.HasSuffix(name, "_context_store_search") {
				searches = append(searches, name)
				continue
			}
			if others = append(others, name); len(searches) > 0 {
				t.Fatalf("%s is listed after %s", name, searches[0])
			}
		}
	}
	if pages < 3 || len(searches) != n || len(others) != n+2 || !slices.IsSorted(searches) || !slices.IsSorted(others) {
		t.Errorf("%d pages, %d searches, %d other tools", pages, len(searches), len(others))
	}
}

// TestToolsChangeBetweenPages: what is there all the time is listed once, although what the
// first page ended with is gone before the second.
func TestToolsChangeBetweenPages(t *testing.T) {
	const n = 300
	server, _, plugins := open(t, mcp.Options{Tools: host.ToolOptions{Options: tool.Options{Form: tool.FormOperations}}}, nothing, func(o *host.Options) {
		put(t, o.Plugins, "more.wasm", many(n))
	})
	ask := rawClient(t, server)
	listed, cursor, _ := listPage(t, ask, "")
	last := listed[len(listed)-1]
	text := many(n)
	put(t, plugins, "more.wasm", []byte(strings.ReplaceAll(string(text), strings.TrimSuffix(strings.TrimPrefix(last, "more_"), "_get"), "gone_each")))
	changed := func() bool {
		now, _, _ := listPage(t, ask, "")
		return slices.Contains(now, "more_gone_each_get") && !slices.Contains(now, last)
	}
	for deadline := time.Now().Add(time.Minute); !changed(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the tools do not change")
		}
	}
	for cursor != "" {
		var names []string
		names, cursor, _ = listPage(t, ask, cursor)
		listed = append(listed, names...)
	}
	if len(listed) != n+2 {
		t.Errorf("%d tools, want %d", len(listed), n+2)
	}
}
