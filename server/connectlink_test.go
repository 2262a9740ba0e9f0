package server

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// fakeLinks are links whose person does what a test says.
type fakeLinks struct {
	mu    sync.Mutex
	made  []string // connections
	visit func()
}

func (f *fakeLinks) link(_ context.Context, _ store.Scope, connection string) (id, url string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made = append(f.made, connection)
	return "link-1", publicURL + "/connect/canary", nil
}

func (f *fakeLinks) confirm(_ context.Context, _ store.Scope, id, code string) error {
	if id != "link-1" || code != "ABCD-EFGH" {
		return &abi.Error{Kind: abi.KindDenied, Message: "the code is wrong"}
	}
	f.visit()
	return nil
}

// needsLogin makes a connection of a workspace whose credential is gone.
func (l *lab) needsLogin(workspace, name string) (login func()) {
	l.t.Helper()
	id := strings.TrimPrefix(l.create(workspace, name), airbyteapi.ConnectorIDStart)
	p := store.Scope{Organization: l.first.Organization, Workspace: l.workspaceID(workspace)}
	c, err := l.s.store.Connection(l.t.Context(), p, id)
	if err != nil {
		l.t.Fatal(err)
	}
	c.State = store.NeedsLogin
	_, err = l.s.store.UpdateConnection(l.t.Context(), p, c, nil)
	if err := l.s.directory.changed(l.t.Context(), err); err != nil {
		l.t.Fatal(err)
	}
	return func() {
		if r := l.ask(http.MethodPut, at(airbyteapi.ConnectorPath, id), l.token, `{"credentials": {"api_token": "`+vendorToken+`"}}`); r.status != http.StatusOK {
			l.t.Errorf("%+v", r)
		}
	}
}

// TestAConnectionThatNeedsALogin: its tools are there. A client that shows pages asks the person, and
// the call succeeds after one visit; another one gets the address in the text.
func TestAConnectionThatNeedsALogin(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2025-11-25", "2026-07-28"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			testNeedsLogin(t, version)
		})
	}
}

func testNeedsLogin(t *testing.T, version string) {
	l := newLab(t, operations)
	login := l.needsLogin("acme", "support")
	links := &fakeLinks{visit: login}
	l.s.links = links
	// The library keeps in it what the client can do.
	call := func() *sdk.CallToolParams { return &sdk.CallToolParams{Name: "support_users_list"} }
	made := l.workspaceToken("acme")

	// Without elicitation.
	plain := l.connected(made.Token, nil, version)
	r, err := plain.CallTool(t.Context(), call())
	if err != nil || !r.IsError || !strings.Contains(said(r), publicURL+"/connect/canary") || !strings.Contains(said(r), "auth_failed") {
		t.Fatalf("%v, %+v", err, r)
	}
	// Without the scope.
	r, err = l.connected(l.workspaceToken("acme", "read").Token, nil).CallTool(t.Context(), call())
	if err != nil || !r.IsError || strings.Contains(said(r), "/connect/") {
		t.Errorf("who may not connect gets %q, %v", said(r), err)
	}
	if len(links.made) != 1 {
		t.Errorf("links for %q", links.made)
	}
	if len(l.vendor.Requests()) > 0 && strings.Contains(l.vendor.Requests()[len(l.vendor.Requests())-1].Path, "users") {
		t.Error("a request was sent without a credential")
	}

	asked := make(map[string]int)
	var mu sync.Mutex
	person := func(code string, err error) *sdk.ClientOptions {
		return &sdk.ClientOptions{
			Capabilities: &sdk.ClientCapabilities{Elicitation: &sdk.ElicitationCapabilities{Form: &sdk.FormElicitationCapabilities{}, URL: &sdk.URLElicitationCapabilities{}}},
			ElicitationHandler: func(_ context.Context, r *sdk.ElicitRequest) (*sdk.ElicitResult, error) {
				mu.Lock()
				defer mu.Unlock()
				asked[r.Params.Mode]++
				switch {
				case r.Params.Mode == "url" && r.Params.URL != publicURL+"/connect/canary":
					return nil, errors.New("another page: " + r.Params.URL)
				case r.Params.Mode == "url":
					return &sdk.ElicitResult{Action: "accept"}, nil
				case err != nil:
					return &sdk.ElicitResult{Action: "decline"}, nil // the person declines
				}
				return &sdk.ElicitResult{Action: "accept", Content: map[string]any{"code": code}}, nil
			},
		}
	}
	r, err = l.connected(made.Token, person("", errors.New("no")), version).CallTool(t.Context(), call())
	if err != nil || !r.IsError || !strings.Contains(said(r), "did not open") {
		t.Errorf("who declines: %v, %s", err, said(r))
	}
	r, err = l.connected(made.Token, person("WRONG", nil), version).CallTool(t.Context(), call())
	if err != nil || !r.IsError || !strings.Contains(said(r), "the code is wrong") {
		t.Errorf("a wrong code: %v, %s", err, said(r))
	}
	r, err = l.connected(made.Token, person("ABCD-EFGH", nil), version).CallTool(t.Context(), call())
	if err != nil || r.IsError || !strings.Contains(said(r), "email") {
		t.Fatalf("%v, %s", err, said(r))
	}
	if asked["url"] != 3 || asked["form"] != 3 {
		t.Errorf("the person was asked %v", asked)
	}
	if r, err := plain.CallTool(t.Context(), call()); err != nil || r.IsError {
		t.Errorf("after the visit: %v, %s", err, said(r))
	}
}

// TestOneVisitAndOneRetry has a person connect an account on the pages of the server, in a browser,
// while the call waits. A client that shows no pages calls again.
func TestOneVisitAndOneRetry(t *testing.T) {
	t.Parallel()
	for _, forms := range []bool{true, false} {
		var ahead atomic.Int64
		l := newLab(t, operations, func(o *Options) {
			o.Host.Seams.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		})
		l.create("acme", "other")
		pending := l.link(l.scoped("acme"), map[string]any{"connector_type": "Pylon", "name": "support"})
		made := l.workspaceToken("acme")
		// The library keeps in it what the client can do.
		call := func() *sdk.CallToolParams { return &sdk.CallToolParams{Name: "support_users_list"} }
		var code string
		visit := func(address string) {
			b := newBrowser(l)
			p := b.follow(http.MethodPost, address, nil)
			p = b.follow(http.MethodPost, formPath, url.Values{"scheme": {p.scheme(t)}, "credentials.api_token": {vendorToken}})
			code = p.text(t, "code")
		}
		if forms {
			// Somebody has a link already: nobody gets a second one until it ends.
			r, err := l.connected(made.Token, nil).CallTool(t.Context(), call())
			if err != nil || !r.IsError || strings.Contains(said(r), "/connect/") || !strings.Contains(said(r), "already") {
				t.Errorf("%v, %s", err, said(r))
			}
		}
		ahead.Store(int64(store.LinkLife + time.Second))
		o := &sdk.ClientOptions{}
		if forms {
			opened := make(chan struct{})
			o.Capabilities = &sdk.ClientCapabilities{Elicitation: &sdk.ElicitationCapabilities{Form: &sdk.FormElicitationCapabilities{}, URL: &sdk.URLElicitationCapabilities{}}}
			o.ElicitationHandler = func(_ context.Context, r *sdk.ElicitRequest) (*sdk.ElicitResult, error) {
				if r.Params.Mode == "url" {
					defer close(opened)
					visit(r.Params.URL)
					return &sdk.ElicitResult{Action: "accept"}, nil
				}
				<-opened
				return &sdk.ElicitResult{Action: "accept", Content: map[string]any{"code": code}}, nil
			}
		}
		c := l.connected(made.Token, o)
		r, err := c.CallTool(t.Context(), call())
		if err != nil {
			t.Fatal(err)
		}
		if !forms {
			address := regexp.MustCompile(`https://\S+/connect/\S+`).FindString(said(r))
			if !r.IsError || address == "" {
				t.Fatalf("%s", said(r))
			}
			visit(address)
			// The operator, or an application of the workspace, confirms it.
			scope := store.Scope{Organization: l.first.Organization, Workspace: made.WorkspaceID}
			link, err := l.s.store.LinkTo(t.Context(), scope.Organization, strings.TrimPrefix(pending.ConnectorID, airbyteapi.ConnectorIDStart))
			if err != nil {
				t.Fatal(err)
			}
			if err := l.s.links.confirm(t.Context(), scope, link.ID, code); err != nil {
				t.Fatal(err)
			}
			if r, err = c.CallTool(t.Context(), call()); err != nil {
				t.Fatal(err)
			}
		}
		if r.IsError || !strings.Contains(said(r), "email") {
			t.Errorf("forms %t: %s", forms, said(r))
		}
	}
}

// TestLinkOfNoApplication: a client of MCP that shows no forms leaves the code to an application of the
// organization, which says whose workspace it is. Nobody else confirms it, and the link of an
// application is not for a client of MCP.
//
// threat: D7
func TestLinkOfNoApplication(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.create("other", "Pylon")
	scope := store.Scope{Organization: l.first.Organization}
	pending := l.link(l.scoped("acme"), map[string]any{"connector_type": "Pylon", "name": "support"})
	own, err := l.s.store.Link(t.Context(), scope, pending.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.s.links.confirm(t.Context(), own.Scope, pending.ID, "ABCDEFGH"); err == nil || !strings.Contains(err.Error(), "no such link") {
		t.Errorf("a client of MCP confirms the link of an application: %v", err)
	}
	if err := l.s.store.EndLink(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	id, address, err := l.s.links.link(t.Context(), own.Scope, "support")
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(l)
	p := b.follow(http.MethodPost, address, nil)
	p = b.follow(http.MethodPost, formPath, url.Values{"scheme": {p.scheme(t)}, "credentials.api_token": {vendorToken}})
	body := func(workspace string) map[string]any {
		return map[string]any{"code": p.text(t, "code"), "workspace_name": workspace}
	}
	l.fails(l.confirm(l.token, id, body("other")), http.StatusNotFound, "the workspace has no such link")
	l.fails(l.confirm(l.scoped("other"), id, body("other")), http.StatusNotFound, "no such link")
	l.fails(l.confirm(l.another(), id, body("default")), http.StatusNotFound, "no such link")
	l.fails(l.confirm(l.scoped("acme", "read"), id, body("acme")), http.StatusForbidden, "scope")
	l.fails(l.confirm(l.workspaceToken("acme").Token, id, body("acme")), http.StatusUnauthorized, "")
	l.fails(l.confirm(l.token, id, map[string]any{"code": "AAAAAAAA", "workspace_name": "acme"}), http.StatusForbidden, "wrong")
	if state := l.stateOf(pending.ConnectorID); state != string(store.Pending) {
		t.Errorf("the state is %s", state)
	}
	l.ok(l.confirm(l.token, id, body("acme")), &airbyteapi.Record{})
	if state := l.stateOf(pending.ConnectorID); state != string(store.Ready) {
		t.Errorf("the state is %s", state)
	}
}
