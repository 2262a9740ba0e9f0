package oidctest

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"golang.org/x/oauth2"
)

// agent is a client of MCP that knows nothing but the address: a person logs in for it.
func (l *lab) agent(name string) (*sdk.ClientSession, *oauth2.Token, error) {
	l.t.Helper()
	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		PreregisteredClient: &oauthex.ClientCredentials{ClientID: agentID}, RedirectURL: agentReturn, Client: l.http.Client(),
		ScopeFilter: func(listed []string) []string { return append(listed, "openid") }, // for an ID token, too
		AuthorizationCodeFetcher: func(_ context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
			b := l.browser()
			b.stop = func(u *url.URL) bool { return strings.HasPrefix(u.String(), agentReturn) }
			q := b.says(b.send(args.URL, nil), name).at.Query() //nolint:contextcheck // a page is asked for as long as the test runs
			return &auth.AuthorizationResult{Code: q.Get("code"), State: q.Get("state"), Iss: q.Get("iss")}, nil
		},
	})
	if err != nil {
		l.t.Fatal(err)
	}
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(l.t.Context(),
		&sdk.StreamableClientTransport{Endpoint: l.url + "/mcp", HTTPClient: l.http.Client(), OAuthHandler: handler}, nil)
	if err == nil {
		l.t.Cleanup(func() { _ = session.Close() })
	}
	source, failed := handler.TokenSource(l.t.Context())
	if failed != nil || source == nil {
		l.t.Fatalf("the client has no token: %v, %v", failed, err)
	}
	token, failed := source.Token()
	if failed != nil {
		l.t.Fatal(failed)
	}
	return session, token, err
}

// hasTools checks which tools the agent of a person gets. With none, the server refuses it.
func (l *lab) hasTools(name string, want ...string) {
	l.t.Helper()
	session, _, err := l.agent(name)
	if want == nil {
		if err == nil || !strings.Contains(err.Error(), "Forbidden") {
			l.t.Errorf("%s: the agent is let in: %v", name, err)
		}
		return
	}
	if err != nil {
		l.t.Fatalf("%s: %v", name, err)
	}
	var all []string
	for tool, err := range session.Tools(l.t.Context(), nil) {
		if err != nil {
			l.t.Fatal(err)
		}
		all = append(all, tool.Name)
	}
	if !slices.Equal(all, want) {
		l.t.Errorf("%s: the tools are %q, want %q", name, all, want)
	}
	if r, err := session.CallTool(l.t.Context(), &sdk.CallToolParams{Name: want[0]}); err != nil || r.IsError {
		l.t.Errorf("%s: %v, %+v", name, err, r)
	}
}

// reaches sends a message with a token, and returns the status and why it was refused.
func (l *lab) reaches(token string) (int, string) {
	l.t.Helper()
	r, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, l.url+"/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
	if err != nil {
		l.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	response, err := l.http.Client().Do(r)
	if err != nil {
		l.t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode, response.Header.Get("WWW-Authenticate")
}

// TestAccessTokens: an agent finds the issuer, its person logs in there, and it reaches the person's
// workspace. What the issuer signed for something else is refused.
// threat: A4, C5
func TestAccessTokens(t *testing.T) {
	t.Parallel()
	i := startIssuer(t)
	l := newLab(t, i, t.TempDir())
	l.connect(l.first.ClientID, l.first.ClientSecret, "acme", "ours")
	l.connect(l.first.ClientID, l.first.ClientSecret, "other", "theirs")
	l.hasTools("ada", "ours_notes_list")
	l.hasTools("bob", "theirs_notes_list")
	l.hasTools("eve") // whose token names no workspace

	_, first, err := l.agent("ada")
	if err != nil {
		t.Fatal(err)
	}
	is := func(what, token string, want int) {
		t.Helper()
		if got, why := l.reaches(token); got != want {
			t.Errorf("%s: %d, want %d: %s", what, got, want, why)
		}
	}
	id, _ := first.Extra("id_token").(string)
	is("the access token", first.AccessToken, http.StatusOK)
	is("the ID token", id, http.StatusUnauthorized)
	is("another signature", first.AccessToken[:len(first.AccessToken)-6]+"AAAAAA", http.StatusUnauthorized)

	// A token of the same person and client for another server.
	c := i.clients[agentID]
	i.set(func() { i.clients[agentID] = client{c.Client, "https://other.example.com/mcp"} })
	if _, other, err := l.agent("ada"); err == nil {
		t.Error("a token for another server is let in")
	} else {
		is("for another server", other.AccessToken, http.StatusUnauthorized)
	}
	i.set(func() { i.clients[agentID] = c })

	// A key that the issuer begins to use is read at the first token that needs it; one that it no
	// longer shows ends at the next reading.
	i.rotate(t)
	l.later.Add(int64(time.Minute))
	_, second, err := l.agent("ada")
	if err != nil {
		t.Fatal(err)
	}
	is("the new key", second.AccessToken, http.StatusOK)
	is("the old key, which it shows", first.AccessToken, http.StatusOK)
	i.forget()
	i.rotate(t)
	l.later.Add(int64(time.Minute))
	if _, _, err := l.agent("ada"); err != nil {
		t.Fatal(err)
	}
	is("the key before", second.AccessToken, http.StatusOK)
	is("the old key, which it does not show", first.AccessToken, http.StatusUnauthorized)
}
