package server

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// workspaceToken makes a token of a workspace, with the application's token.
func (l *lab) workspaceToken(workspace string, scopes ...string) workspaceTokenMade {
	l.t.Helper()
	var made workspaceTokenMade
	l.ok(l.ask(http.MethodPost, workspaceTokensPath, l.token, map[string]any{"workspace_name": workspace, "name": "of " + workspace, "scopes": scopes}), &made)
	return made
}

// bearer adds a token to every request of a client.
type bearer struct {
	token string
	to    http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.to.RoundTrip(r)
}

// mcpClient connects a client of MCP.
func (l *lab) mcpClient(token string, o *sdk.ClientOptions, version ...string) (*sdk.ClientSession, error) {
	session := new(sdk.ClientSessionOptions)
	if version != nil {
		session.ProtocolVersion = version[0]
	}
	return sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, o).Connect(l.t.Context(),
		&sdk.StreamableClientTransport{Endpoint: l.http.URL + mcpPath, HTTPClient: &http.Client{Transport: bearer{token, l.http.Client().Transport}}}, session)
}

// connected is mcpClient for a good token.
func (l *lab) connected(token string, o *sdk.ClientOptions, version ...string) *sdk.ClientSession {
	l.t.Helper()
	c, err := l.mcpClient(token, o, version...)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = c.Close() })
	return c
}

// tools returns the names of a client's tools.
func tools(t *testing.T, c *sdk.ClientSession) []string {
	t.Helper()
	var all []string
	for tool, err := range c.Tools(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, tool.Name)
	}
	return all
}

// said is the text of a result.
func said(r *sdk.CallToolResult) string {
	var b strings.Builder
	for _, c := range r.Content {
		if text, is := c.(*sdk.TextContent); is {
			b.WriteString(text.Text)
		}
	}
	return b.String()
}

// operations makes each operation a tool.
func operations(o *Options) { o.MCP.Tools.Form = "operations" }

// threat: A4, D1
func TestMCP(t *testing.T) {
	t.Parallel()
	l := newLab(t, operations)
	l.create("acme", "support")
	l.create("other", "hidden")
	made := l.workspaceToken("acme")
	c := l.connected(made.Token, nil)
	all := tools(t, c)
	if !slices.Contains(all, "support_users_list") {
		t.Fatalf("the tools are %q", all)
	}
	for _, name := range all {
		if !strings.HasPrefix(name, "support_") {
			t.Errorf("a tool of another workspace, or one that is no operation: %s", name)
		}
	}
	r, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: "support_users_list"})
	if err != nil || r.IsError || !strings.Contains(said(r), "email") {
		t.Fatalf("%v, %+v", err, r)
	}
	// An unchanged connection asks the database for nothing, and the trail follows.
	l.asked()
	for range 20 {
		if r, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: "support_users_list"}); err != nil || r.IsError {
			t.Fatalf("%v, %+v", err, r)
		}
	}
	if asked := slices.DeleteFunc(l.asked(), func(name string) bool { return name == "audit.add" }); len(asked) > 0 {
		t.Errorf("the database was asked %q", asked)
	}
	for _, name := range []string{"hidden_users_list", "users_list", "approve", "support_users"} {
		if r, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: name}); err == nil && !r.IsError {
			t.Errorf("%s: %s", name, said(r))
		}
	}
	l.eventually("the audit has the calls", func() bool {
		records, err := l.s.store.Audit(t.Context(), store.Scope{Organization: l.first.Organization, Workspace: made.WorkspaceID}, store.Page{})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range records {
			text := string(r.Record)
			if strings.Contains(text, `"action":"list"`) && strings.Contains(text, made.ID) && strings.Contains(text, `"caller":"of acme"`) && strings.Contains(text, `"workspace":"`+made.WorkspaceID) {
				n++
			}
			if strings.Contains(text, made.Token[4:20]) {
				t.Errorf("a record has the token: %s", text)
			}
		}
		return n == 21
	})
}

func (l *lab) eventually(what string, f func() bool) {
	l.t.Helper()
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if f() {
			return
		}
	}
	l.t.Errorf("it never happens that %s", what)
}

// TestMCPTools: the tools of a workspace follow its connections, and clients with a session hear of it.
func TestMCPTools(t *testing.T) {
	t.Parallel()
	l := newLab(t, operations)
	l.create("acme", "support")
	l.create("other", "else")
	heard := make(chan string, 100)
	listen := func(who string) *sdk.ClientOptions {
		return &sdk.ClientOptions{ToolListChangedHandler: func(context.Context, *sdk.ToolListChangedRequest) { heard <- who }}
	}
	c := l.connected(l.workspaceToken("acme").Token, listen("acme"))
	l.connected(l.workspaceToken("other").Token, listen("other"))
	before := len(tools(t, c))
	id := l.create("acme", "second")
	select {
	case who := <-heard:
		if who != "acme" {
			t.Errorf("%s hears of a tool of acme", who)
		}
	case <-time.After(patience):
		t.Fatal("nobody hears of the new tools")
	}
	l.eventually("the new tools are there", func() bool { return len(tools(t, c)) == 2*before })
	l.delete(at(airbyteapi.ConnectorPath, id))
	if r, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: "second_users_list"}); err == nil && !r.IsError {
		t.Errorf("a tool of a deleted connection answers %s", said(r))
	}
	l.eventually("the old tools are gone", func() bool { return len(tools(t, c)) == before })
	select {
	case who := <-heard:
		if who == "other" {
			t.Error("other hears of tools of acme")
		}
	default:
	}
}

// TestMCPScopes: a token does what its scopes permit, and no application makes a wider one.
//
// threat: S1, A4
func TestMCPScopes(t *testing.T) {
	t.Parallel()
	l := newLab(t, operations)
	l.create("acme", "support")
	read := tools(t, l.connected(l.workspaceToken("acme", "read").Token, nil))
	all := tools(t, l.connected(l.workspaceToken("acme").Token, nil))
	if len(read) == 0 || len(read) >= len(all) {
		t.Errorf("%d tools with read, %d with all scopes", len(read), len(all))
	}
	c := l.connected(l.workspaceToken("acme", "read").Token, nil)
	for _, name := range all {
		if slices.Contains(read, name) {
			continue
		}
		l.vendor.Reset()
		if r, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: name, Arguments: map[string]any{}}); err == nil && !r.IsError {
			t.Errorf("%s runs with the scope read", name)
		}
		if len(l.vendor.Requests()) > 0 {
			t.Errorf("%s sends a request with the scope read", name)
		}
	}
	narrow := l.scoped("acme", "read", "manage")
	for name, c := range map[string]struct {
		token  string
		body   map[string]any
		status int
		says   string
	}{
		"wider":                {narrow, map[string]any{"name": "x", "scopes": []string{"write"}}, http.StatusForbidden, "cannot give"},
		"another workspace":    {narrow, map[string]any{"name": "x", "workspace_name": "other"}, http.StatusNotFound, "no workspace"},
		"without manage":       {l.scoped("acme", "read", "write"), map[string]any{"name": "x"}, http.StatusForbidden, "manage"},
		"manage":               {l.token, map[string]any{"name": "x", "workspace_name": "acme", "scopes": []string{"manage"}}, http.StatusUnprocessableEntity, "no scope manage"},
		"none":                 {l.token, map[string]any{"name": "x", "workspace_name": "acme", "scopes": []string{}}, http.StatusUnprocessableEntity, "may do nothing"},
		"for ever":             {l.token, map[string]any{"name": "x", "workspace_name": "acme", "expires_in": 100000000}, http.StatusUnprocessableEntity, "100000000"},
		"an empty name":        {l.token, map[string]any{"name": "", "workspace_name": "acme"}, http.StatusUnprocessableEntity, "name"},
		"no workspace":         {l.token, map[string]any{"name": "x"}, http.StatusUnprocessableEntity, "which workspace"},
		"another organization": {l.another(), map[string]any{"name": "x", "workspace_name": "acme"}, http.StatusNotFound, "no workspace"},
		"with a workspace's":   {l.workspaceToken("acme").Token, map[string]any{"name": "x", "workspace_name": "acme"}, http.StatusUnauthorized, "not valid"},
	} {
		if r := l.ask(http.MethodPost, workspaceTokensPath, c.token, c.body); r.status != c.status || !strings.Contains(r.body, c.says) {
			t.Errorf("%s: %d %s, want %d and %s", name, r.status, r.body, c.status, c.says)
		}
	}
	var made workspaceTokenMade
	l.ok(l.ask(http.MethodPost, workspaceTokensPath, narrow, map[string]any{"name": "x"}), &made)
	if !slices.Equal(made.Scopes, []string{"read"}) {
		t.Errorf("a token that asks for no scopes gets %q of one with read", made.Scopes)
	}
}

const ping = `{"jsonrpc":"2.0","id":1,"method":"ping"}`

// post sends a message of MCP.
func (l *lab) post(token, body string, headers ...string) reply {
	l.t.Helper()
	return l.ask(http.MethodPost, mcpPath, token, body, append([]string{"Accept", "application/json, text/event-stream"}, headers...)...)
}

const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`

// TestMCPSessions: a session is its principal's, and ends with the token.
//
// threat: A8
func TestMCPSessions(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for _, name := range []string{"acme", "other"} {
		l.create(name, "support")
	}
	owner, sibling := l.workspaceToken("acme"), l.workspaceToken("acme", "read")
	stranger, application := l.workspaceToken("other"), l.scoped("acme")
	id := l.post(owner.Token, initialize).header.Get("Mcp-Session-Id")
	if id == "" {
		t.Fatal("there is no session")
	}
	if r := l.post(owner.Token, ping, "Mcp-Session-Id", id); r.status != http.StatusOK {
		t.Fatal(r)
	}
	for name, token := range map[string]string{"another workspace": stranger.Token, "another token of the workspace": sibling.Token, "an application": application} {
		for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete} {
			body := any(nil)
			if method == http.MethodPost {
				body = ping
			}
			r := l.ask(method, mcpPath, token, body, "Accept", "application/json, text/event-stream", "Mcp-Session-Id", id)
			if r.status != http.StatusForbidden && r.status != http.StatusNotFound {
				t.Errorf("%s takes the session with %s: %d %s", name, method, r.status, r.body)
			}
		}
	}
	if r := l.post(owner.Token, ping, "Mcp-Session-Id", id); r.status != http.StatusOK {
		t.Fatalf("the session does not live: %+v", r)
	}
	l.delete(workspaceTokensPath + "/" + owner.ID)
	if r := l.post(owner.Token, ping, "Mcp-Session-Id", id); r.status != http.StatusUnauthorized {
		t.Errorf("a session goes on after its token was revoked: %d %s", r.status, r.body)
	}
	if r := l.post(sibling.Token, ping); r.status != http.StatusOK {
		t.Errorf("another token of the workspace ended too: %+v", r)
	}
}
