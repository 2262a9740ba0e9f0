package server

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/store/envelope"
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
func (l *lab) mcpClient(token string, o *sdk.ClientOptions) (*sdk.ClientSession, error) {
	return sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, o).Connect(l.t.Context(),
		&sdk.StreamableClientTransport{Endpoint: l.http.URL + mcpPath, HTTPClient: &http.Client{Transport: bearer{token, l.http.Client().Transport}}}, nil)
}

// connected is mcpClient for a good token.
func (l *lab) connected(token string, o *sdk.ClientOptions) *sdk.ClientSession {
	l.t.Helper()
	c, err := l.mcpClient(token, o)
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
	for range 200 {
		if f() {
			return
		}
		time.Sleep(20 * time.Millisecond)
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
	case <-time.After(10 * time.Second):
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
		"for ever":             {l.token, map[string]any{"name": "x", "workspace_name": "acme", "expires_days": 100000}, http.StatusUnprocessableEntity, "100000"},
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

// TestMCPTokens are tokens that are not good at /mcp.
//
// threat: S1, D1, A8b, N4
func TestMCPTokens(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.create("acme", "support")
	good := l.workspaceToken("acme")
	revoked, gone, stopped := l.workspaceToken("acme"), "", ""
	for name, into := range map[string]*string{"gone": &gone, "stopped": &stopped} {
		l.create(name, "x")
		*into = l.workspaceToken(name).Token
		if r := l.post(*into, ping); r.status != http.StatusOK {
			t.Fatal(r)
		}
	}
	scopedGone := l.scoped("gone")
	for _, token := range []string{good.Token, revoked.Token, scopedGone} {
		if r := l.post(token, ping); r.status != http.StatusOK {
			t.Fatal(r)
		}
	}
	l.delete(workspaceTokensPath + "/" + revoked.ID)
	l.delete(airbyteapi.WorkspacesPath + "/" + l.workspaceID("gone"))
	if r := l.ask(http.MethodPatch, airbyteapi.WorkspacesPath+"/"+l.workspaceID("stopped"), l.token, `{"status": "inactive"}`); r.status != http.StatusOK {
		t.Fatal(r)
	}
	flip := func(text string, i int) string {
		b := []byte(text)
		if b[i] = 'a'; text[i] == 'a' {
			b[i] = 'b'
		}
		return string(b)
	}
	for name, c := range map[string]struct {
		token  string
		status int
		says   string
		header []string
	}{
		"good":                     {good.Token, http.StatusOK, "result", nil},
		"an application's, scoped": {l.scoped("acme"), http.StatusOK, "result", nil},
		"an application's":         {l.token, http.StatusForbidden, "all workspaces", nil},
		"none":                     {"", http.StatusUnauthorized, "no bearer token", nil},
		"any text":                 {"opaque", http.StatusUnauthorized, "no token that is good", nil},
		"an operator's":            {"aho_" + good.Token[4:], http.StatusUnauthorized, "no token that is good", nil},
		"a JWT":                    {"eyJhbGciOiJub25lIn0.e30.", http.StatusUnauthorized, "no token that is good", nil},
		"revoked":                  {revoked.Token, http.StatusUnauthorized, "revoked", nil},
		"of a deleted workspace":   {gone, http.StatusUnauthorized, "revoked", nil},
		"scoped to a deleted one":  {scopedGone, http.StatusForbidden, "does not exist", nil},
		"of a stopped workspace":   {stopped, http.StatusForbidden, "stopped", nil},
		"a wrong checksum":         {flip(good.Token, len(good.Token)-1), http.StatusUnauthorized, "copy it again", nil},
		"a wrong character":        {flip(good.Token, 20), http.StatusUnauthorized, "copy it again", nil},
		"a character more":         {good.Token + "0", http.StatusUnauthorized, "copy it again", nil},
		"a forged application's":   {"aht1." + strings.SplitN(l.token, ".", 2)[1] + "A", http.StatusUnauthorized, "wrong", nil},
		"another host":             {good.Token, http.StatusForbidden, "Host", []string{"Host", "evil.example"}},
		"another origin":           {good.Token, http.StatusForbidden, "origin", []string{"Origin", "https://evil.example"}},
	} {
		r := l.post(c.token, ping, c.header...)
		if r.status != c.status || !strings.Contains(r.body, c.says) {
			t.Errorf("%s: %d %s, want %d and %s", name, r.status, r.body, c.status, c.says)
		}
		if r.status == http.StatusUnauthorized && !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: WWW-Authenticate is %q", name, r.header.Get("WWW-Authenticate"))
		}
	}
	// A workspace's token opens nothing else.
	for _, route := range l.s.api.Routes() {
		if route.Public {
			continue
		}
		path := strings.NewReplacer("{connector_id}", nobody, "{workspace_id}", nobody, "{token_id}", nobody).Replace(route.Path)
		if r := l.ask(route.Method, path, good.Token, nil); r.status != http.StatusUnauthorized {
			t.Errorf("%s %s answers a workspace's token %d %s", route.Method, path, r.status, r.body)
		}
	}
}

func (l *lab) delete(path string) {
	l.t.Helper()
	if r := l.ask(http.MethodDelete, path, l.token, nil); r.status >= http.StatusMultipleChoices {
		l.t.Fatalf("%d %s", r.status, r.body)
	}
}

func (l *lab) workspaceID(name string) string {
	l.t.Helper()
	w, err := l.s.store.WorkspaceByName(l.t.Context(), store.Scope{Organization: l.first.Organization}, name)
	if err != nil {
		l.t.Fatal(err)
	}
	return w.ID
}

// threat: S1
func TestMCPTokensExpire(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ahead := time.Duration(0)
	l := newLab(t, func(o *Options) {
		o.Host.Seams.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return time.Now().Add(ahead)
		}
	})
	l.create("acme", "support")
	var made workspaceTokenMade
	l.ok(l.ask(http.MethodPost, workspaceTokensPath, l.token, map[string]any{"workspace_name": "acme", "name": "short", "expires_days": 1}), &made)
	if r := l.post(made.Token, ping); r.status != http.StatusOK {
		t.Fatal(r)
	}
	mu.Lock()
	ahead = 24*time.Hour + time.Second
	mu.Unlock()
	if r := l.post(made.Token, ping); r.status != http.StatusUnauthorized || !strings.Contains(r.body, "expired") {
		t.Errorf("an expired token: %d %s", r.status, r.body)
	}
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

// TestTokensThatAreUsed: the list shows about when a token was used last, and no token's text.
func TestTokensThatAreUsed(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.create("acme", "support")
	made := l.workspaceToken("acme")
	list := func() workspaceTokenRecord {
		t.Helper()
		r := l.ask(http.MethodGet, workspaceTokensPath+"?workspace_name=acme", l.token, nil)
		if strings.Contains(r.body, made.Token[4:20]) {
			t.Errorf("the list has the token: %s", r.body)
		}
		var all workspaceTokenRecords
		if l.ok(r, &all); len(all.Data) != 1 {
			t.Fatalf("%+v", all)
		}
		return all.Data[0]
	}
	if got := list(); got.LastUsedAt != "" || got.Name != "of acme" || got.ID != made.ID {
		t.Errorf("%+v", got)
	}
	if r := l.post(made.Token, ping); r.status != http.StatusOK {
		t.Fatal(r)
	}
	if err := l.s.known.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := list(); got.LastUsedAt == "" {
		t.Errorf("%+v", got)
	}
}

// TestMCPGuesses: an address asks the database for only so many tokens that nobody has.
//
// threat: S1
func TestMCPGuesses(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := newLab(t, func(o *Options) { o.Host.Seams.Now = func() time.Time { return now } })
	good := l.workspaceToken("default")
	l.post(good.Token, ping)
	refused := 0
	for i := range peerRate.Burst + 50 {
		if r := l.post(forged(i), ping); r.status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 {
		t.Error("an address may guess for ever")
	}
	if r := l.post(good.Token, ping); r.status != http.StatusOK {
		t.Errorf("who has a token is refused: %d %s", r.status, r.body)
	}
}

// TestManyWorkspaces lets the clients of many workspaces call at once. Each has a vendor's account of
// its own, and sees nothing else.
//
// threat: A8, D1
func TestManyWorkspacesAtOnce(t *testing.T) {
	t.Parallel()
	const clients, calls = 64, 5
	l := newLab(t, operations)
	tokens := make([]workspaceTokenMade, clients)
	for i := range tokens {
		name := fmt.Sprintf("workspace %d", i)
		l.create(name, fmt.Sprintf("c%d", i))
		tokens[i] = l.workspaceToken(name)
	}
	var all sync.WaitGroup
	for i, made := range tokens {
		all.Go(func() {
			c, err := l.mcpClient(made.Token, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = c.Close() }()
			own := fmt.Sprintf("c%d_", i)
			list, err := c.ListTools(t.Context(), nil)
			if err != nil || len(list.Tools) == 0 {
				t.Errorf("%v, %+v", err, list)
				return
			}
			for _, tool := range list.Tools {
				if !strings.HasPrefix(tool.Name, own) {
					t.Errorf("workspace %d sees %s", i, tool.Name)
				}
			}
			for n := range calls {
				if r, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: own + "users_list"}); err != nil || r.IsError {
					t.Errorf("workspace %d: %v, %+v", i, err, r)
				}
				if r, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: fmt.Sprintf("c%d_users_list", (i+n+1)%clients)}); err == nil && !r.IsError {
					t.Errorf("workspace %d calls a tool of another one", i)
				}
			}
		})
	}
	all.Wait()
}

// forged is a token with a good checksum that nobody has.
func forged(i int) string {
	token, _ := envelope.NewToken(strings.NewReader(fmt.Sprintf("%032d", i)), store.WorkspaceTokenPrefix)
	return string(envelope.Bytes(token))
}
