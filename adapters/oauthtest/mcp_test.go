package oauthtest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/host/mcp/accesstoken"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

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

// protected serves a connector with MCP, for access tokens of an issuer with a scope.
func protected(t *testing.T, issuer, scope string, seen *callers) (url string) {
	t.Helper()
	plugins := t.TempDir()
	module := wasmtest.Static(`{
		"abi": 1, "name": "notes", "title": "Notes", "version": "1.0.0", "description": "Notes of a test.",
		"servers": [{"id": "main", "url": "https://notes.example"}],
		"operations": [{"entity": "notes", "action": "list", "description": "All notes.", "effect": "read", "params": {"type": "object"}, "requests": []}]
	}`, `{"schemes": [{"id": "token", "type": "bearer", "origins": ["https://notes.example"],
		"fields": [{"name": "token", "secret": true, "required": true}],
		"inject": [{"in": "header", "name": "Authorization", "value": "Bearer {token}"}]}]}`, `{"data": [], "meta": {}}`)
	if err := os.WriteFile(filepath.Join(plugins, "notes.wasm"), module, 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := host.Open(t.Context(), host.Options{
		Plugins: plugins, Cache: t.TempDir(), Sinks: []audit.Sink{seen},
		Connections: host.StaticConnections{"notes": {Connector: "notes", Credentials: map[string]string{"token": "env:TOKEN"}}},
		LookupEnv:   func(name string) (string, bool) { return "a-token", name == "TOKEN" },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(context.Background()) })
	server, err := mcp.New(t.Context(), h, mcp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	listening := httptest.NewUnstartedServer(nil)
	resource := "http://" + listening.Listener.Addr().String()
	v, err := accesstoken.New(accesstoken.Config{Issuer: issuer, Audience: resource, Scopes: []string{scope}})
	if err != nil {
		t.Fatal(err)
	}
	listening.Config.Handler, err = server.Handler(mcp.HTTPOptions{Verify: v.Verify, Issuer: issuer, Resource: resource, Scopes: []string{scope}})
	if err != nil {
		t.Fatal(err)
	}
	listening.Start()
	t.Cleanup(listening.Close)
	return resource
}

// browse is a person who says yes.
func browse(ctx context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, args.URL, nil)
	if err != nil {
		return nil, err
	}
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.Do(request)
	if err != nil {
		return nil, err
	}
	if err := response.Body.Close(); err != nil {
		return nil, err
	}
	to, err := url.Parse(response.Header.Get("Location"))
	if err != nil {
		return nil, err
	}
	q := to.Query()
	if q.Get("code") == "" {
		return nil, errors.New("no code: " + to.String())
	}
	return &auth.AuthorizationResult{Code: q.Get("code"), State: q.Get("state"), Iss: q.Get("iss")}, nil
}

// startIssuer starts an issuer of JWTs that a public client is known to.
func startIssuer(t *testing.T) (url string) {
	t.Helper()
	listening := httptest.NewUnstartedServer(nil)
	url = "http://" + listening.Listener.Addr().String()
	server, err := NewIssuer(t.Context(), url, public)
	if err != nil {
		t.Fatal(err)
	}
	listening.Config.Handler = server
	listening.Start()
	t.Cleanup(listening.Close)
	return url
}

// connect is a client of a resource, with a person who logs in when that is asked for.
func connect(t *testing.T, resource string, scopes func([]string) []string) (*sdk.ClientSession, *auth.AuthorizationCodeHandler, error) {
	t.Helper()
	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		PreregisteredClient: &oauthex.ClientCredentials{ClientID: public.ID}, RedirectURL: "http://127.0.0.1:1/callback",
		AuthorizationCodeFetcher: browse, ScopeFilter: scopes,
	})
	if err != nil {
		t.Fatal(err)
	}
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(),
		&sdk.StreamableClientTransport{Endpoint: resource, OAuthHandler: handler}, nil)
	if err == nil {
		t.Cleanup(func() { _ = session.Close() })
	}
	return session, handler, err
}

// A client that knows nothing but the server's URL finds the issuer, logs in there, and calls.
// A token of the same issuer for another server opens nothing.
func TestMCPClientLogsIn(t *testing.T) {
	issuer := startIssuer(t)
	seen := &callers{}
	resource, other := protected(t, issuer, "read", seen), protected(t, issuer, "read", seen)

	session, handler, err := connect(t, resource, nil)
	if err != nil {
		t.Fatal(err)
	}
	result, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "notes_notes_list"})
	if err != nil || result.IsError {
		t.Fatalf("%v: %+v", err, result)
	}
	if want := []string{issuer + "#ada"}; !slices.Equal(seen.names, want) {
		t.Errorf("the trail names %q, want %q", seen.names, want)
	}
	source, err := handler.TokenSource(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	token, err := source.Token()
	if err != nil {
		t.Fatal(err)
	}
	for place, want := range map[string]int{resource: http.StatusBadRequest, other: http.StatusUnauthorized} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, place, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token.AccessToken)
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != want {
			t.Errorf("%s: %d, want %d: %s", place, response.StatusCode, want, response.Header.Get("WWW-Authenticate"))
		}
	}
}

// A login that does not bring the scope ends with the server's own word.
func TestMCPClientLacksAScope(t *testing.T) {
	issuer := startIssuer(t)
	resource := protected(t, issuer, "read", &callers{})
	_, _, err := connect(t, resource, func([]string) []string { return []string{"offline"} })
	if err == nil || !strings.Contains(err.Error(), "Forbidden") {
		t.Errorf("a login without the scope: %v", err)
	}
}
