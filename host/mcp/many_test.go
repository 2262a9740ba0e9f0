package mcp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/pdk/abi"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// tenants are the connections of workspaces: each has one, which is named after it.
type tenants struct {
	mu      sync.Mutex
	names   map[string][]string
	changes chan host.ConnectionChange
}

func (s *tenants) of(workspace string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if names, known := s.names[workspace]; known {
		return names
	}
	return []string{"of_" + workspace}
}

func (s *tenants) set(workspace string, names ...string) {
	s.mu.Lock()
	s.names[workspace] = names
	s.mu.Unlock()
	s.changes <- host.ConnectionChange{Workspace: workspace}
}

func (*tenants) connection() host.Connection {
	return host.Connection{Connector: "notes", Credentials: map[string]string{"token": "env:TOKEN"}}
}

func (s *tenants) Get(_ context.Context, p host.Principal, name string) (host.Connection, string, error) {
	for _, one := range s.of(p.Workspace) {
		if one == name {
			return s.connection(), "1", nil
		}
	}
	return host.Connection{}, "", host.ErrNoConnection
}

func (s *tenants) List(_ context.Context, p host.Principal, prefix, _ string) (page host.ConnectionPage, err error) {
	for _, name := range s.of(p.Workspace) {
		if strings.HasPrefix(name, prefix) {
			page.Connections = append(page.Connections, host.ListedConnection{Name: name, Revision: "1", Connection: s.connection()})
		}
	}
	return page, nil
}

func (s *tenants) Changes(context.Context) (<-chan host.ConnectionChange, error) {
	return s.changes, nil
}

// principals serves principals whose token is workspace/subject/scopes.
func principals(t testing.TB) (*mcp.Many, *tenants, string) {
	t.Helper()
	s := &tenants{names: make(map[string][]string), changes: make(chan host.ConnectionChange, 16)}
	_, h, _ := open(t, mcp.Options{}, `{"data": [{"id": 1}], "meta": {}}`, func(o *host.Options) { o.Connections, o.Reload = s, 0 })
	m, err := mcp.NewMany(t.Context(), h, mcp.Options{Tools: host.ToolOptions{Options: tool.Options{Form: tool.FormOperations}}}, func(_ *http.Request, token string) (*mcp.Identity, error) {
		parts := strings.Split(token, "/")
		if len(parts) != 3 {
			return nil, &abi.Error{Kind: abi.KindAuthFailed, Message: "nobody's"}
		}
		i := &mcp.Identity{Principal: host.Principal{Workspace: parts[0], Subject: parts[1]}, Caller: "the same for all"}
		for _, scope := range strings.Fields(parts[2]) {
			i.Principal.Scopes = append(i.Principal.Scopes, host.Scope(scope))
		}
		return i, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	handler, err := m.Handler(mcp.HTTPOptions{Sessions: true})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return m, s, server.URL
}

const beginSession = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`

// TestManyPrincipals: each sees its own tools, and nobody has another one's session.
//
// threat: A8, D1
func TestManyPrincipals(t *testing.T) {
	m, s, url := principals(t)
	ada := connect(t, url, "a/ada/read")
	list, err := ada.ListTools(t.Context(), nil)
	if err != nil || len(list.Tools) != 1 || list.Tools[0].Name != "of_a_notes_list" {
		t.Fatalf("%v, %+v", err, list)
	}
	for name, failed := range map[string]bool{"of_a_notes_list": false, "of_b_notes_list": true, "of_a_notes_delete": true} {
		r, err := ada.CallTool(t.Context(), &sdk.CallToolParams{Name: name})
		if (err != nil || r.IsError) != failed {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
	}
	header := func(token, session string) map[string]string {
		h := map[string]string{"Authorization": "Bearer " + token}
		if session != "" {
			h["Mcp-Session-Id"] = session
		}
		return h
	}
	resp, _ := post(t, url, "", header("a/ada/read", ""), beginSession)
	id := resp.Header.Get("Mcp-Session-Id")
	for token, status := range map[string]int{
		"a/ada/read": http.StatusOK, "a/bob/read": http.StatusForbidden, "b/ada/read": http.StatusForbidden, "a/ada/write": http.StatusForbidden, "nobody": http.StatusUnauthorized,
		// Nobody is the local operator.
		"//": http.StatusUnauthorized, "/ada/read": http.StatusUnauthorized, "a//read": http.StatusUnauthorized,
	} {
		if resp, body := post(t, url, "", header(token, id), ping); resp.StatusCode != status {
			t.Errorf("%s: %d %s, want %d", token, resp.StatusCode, body, status)
		}
	}
	if resp, _ := post(t, url, "evil.example", header("a/ada/read", ""), ping); resp.StatusCode != http.StatusForbidden {
		t.Errorf("another host: %d", resp.StatusCode)
	}
	// Nobody notices that the tools of an idle session were put away.
	m.ForgetIdle(time.Now().Add(time.Hour))
	if r, err := ada.CallTool(t.Context(), &sdk.CallToolParams{Name: "of_a_notes_list"}); err != nil || r.IsError {
		t.Errorf("after a rest: %v, %+v", err, r)
	}
	if resp, _ := post(t, url, "", header("a/ada/read", id), ping); resp.StatusCode != http.StatusOK {
		t.Errorf("a session after a rest: %d", resp.StatusCode)
	}
	// The tools follow the connections of the workspace only.
	s.set("a", "one", "two")
	deadline := time.Now().Add(10 * time.Second)
	for {
		list, err := ada.ListTools(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Tools) == 2 && list.Tools[0].Name == "one_notes_list" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the tools are %+v", list)
		}
		time.Sleep(5 * time.Millisecond)
	}
	// The sessions of one end, and no other.
	m.End(func(p host.Principal) bool { return p.Subject == "ada" })
	for range 200 {
		if resp, _ = post(t, url, "", header("a/ada/read", id), ping); resp.StatusCode == http.StatusNotFound {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("a session that was ended answers %d", resp.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestTenantsAreForgotten: what is kept does not grow with the principals that came by. The test says
// what one takes.
func TestTenantsAreForgotten(t *testing.T) {
	m, _, url := principals(t)
	visit := func(i int) {
		t.Helper()
		if resp, body := post(t, url, "", map[string]string{"Authorization": fmt.Sprintf("Bearer w%d/s/read", i)}, `{"jsonrpc":"2.0","id":1,"method":"ping"}`); resp.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
	}
	visit(0)
	const some = 500
	before := heap()
	for i := range some {
		visit(i)
	}
	t.Logf("a principal takes %d bytes", (heap()-before)/some)
	if n := m.Tenants(); n != some {
		t.Errorf("%d tenants, want %d", n, some)
	}
	for i := range mcp.MaxTenants + 10 {
		m.Visit(fmt.Sprint("more ", i))
	}
	if n := m.Tenants(); n > mcp.MaxTenants {
		t.Errorf("%d tenants are kept", n)
	}
	m.ForgetIdle(time.Now().Add(time.Hour))
	if n := m.Tenants(); n != 0 {
		t.Errorf("%d tenants are kept that nobody uses", n)
	}
	visit(1)
	http.DefaultClient.CloseIdleConnections()
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

func TestNewMany(t *testing.T) {
	_, h, _ := open(t, mcp.Options{}, `{}`)
	if _, err := mcp.NewMany(t.Context(), h, mcp.Options{}, nil); err == nil {
		t.Error("nobody says whom a token is for")
	}
	nobody := func(*http.Request, string) (*mcp.Identity, error) { return nil, errors.New("no") }
	if _, err := mcp.NewMany(t.Context(), h, mcp.Options{Tools: host.ToolOptions{Options: tool.Options{Form: "other"}}}, nobody); err == nil {
		t.Error("a form that there is not")
	}
}
