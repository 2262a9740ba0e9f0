package credential

import (
	"errors"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestTokensStayAtTheirAddress: tokens of a connection are not used after a value of it, or its
// server, moved its origins or its token URL. A new refresh token is.
//
// threat: C12
func TestTokensStayAtTheirAddress(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(*abi.AuthScheme, *egress.Config){
		"an origin":     func(s *abi.AuthScheme, _ *egress.Config) { s.Origins = []string{"https://other.vendor.example"} },
		"the token URL": func(s *abi.AuthScheme, _ *egress.Config) { s.OAuth2.TokenURL = declaredOrigin + "/other/token" },
		"the server":    func(_ *abi.AuthScheme, c *egress.Config) { c.Override = "https://other.vendor.example" },
	} {
		l := newLab(t)
		settings := config.Connection{
			Credentials: map[string]string{"client_id": "corp:id", "client_secret": "corp:secret", "refresh_token": "corp:refresh"},
			OAuth:       &config.OAuth{},
		}
		if name == "the server" { // and the authorization server stays where it is
			settings.OAuth.TokenURL = l.vendor.URL + "/token"
		}
		scheme := oauthScheme(abi.GrantRefreshToken)
		first := l.connection(settings, scheme)
		client(t, first)
		if got := l.vendor.requests(); !strings.Contains(got, "POST /token") {
			t.Fatalf("%s: no token was asked for: %q", name, got)
		}
		moved := oauthScheme(abi.GrantRefreshToken)
		second := l.connection(settings, moved)
		http := second.config.HTTP()
		move(&moved, &http)
		second.config.Schemes = []abi.AuthScheme{moved}
		second.config.HTTP = func() egress.Config { return http }
		_, err := second.Client(t.Context())
		if e, ok := errors.AsType[*abi.Error](err); !ok || e.Kind != abi.KindAuthFailed || !strings.Contains(e.Hint, "agenthost login") {
			t.Errorf("%s: %v", name, err)
		}
		// What the vendor gave in its place is no new one either.
		for _, old := range []string{"next-refresh-0123456789", "refresh-of-the-connection"} {
			l.corp.secrets["refresh"] = old
			_, err := second.Client(t.Context())
			wantError(t, err, abi.KindAuthFailed, "connections.lab", "configure a new refresh_token")
		}
		if got := l.vendor.requests(); got != "" {
			t.Errorf("%s: sent %q", name, got)
		}
		l.corp.secrets["refresh"] = "new-refresh-0123456789"
		if _, err := second.Client(t.Context()); err != nil {
			t.Errorf("%s: with a new refresh token: %v", name, err)
		}
		if got := l.vendor.requests(); !strings.Contains(got, "new-refresh-0123456789") || strings.Contains(got, "refresh-of-the-connection") {
			t.Errorf("%s: with a new refresh token, sent %q", name, got)
		}
	}
}

// TestWorkspacesShareNoTokens: two workspaces have connections of one name, to one client. Neither
// gets the other's tokens, nor loses its own to it.
//
// threat: C12
func TestWorkspacesShareNoTokens(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	of := func(workspace string, fields ...string) *Credential {
		settings := config.Connection{Credentials: map[string]string{"client_id": "corp:id", "client_secret": "corp:secret"}}
		for _, field := range fields {
			settings.Credentials[field] = "corp:refresh"
		}
		c := l.connection(settings, oauthScheme(abi.GrantRefreshToken))
		c.config.Workspace = workspace
		return c
	}
	client(t, of("acme", "refresh_token"))
	l.vendor.requests()
	for _, workspace := range []string{"umbrella", ""} {
		_, err := of(workspace).Client(t.Context())
		wantError(t, err, abi.KindAuthFailed, "connections.lab", "connection lab is not logged in; agenthost login lab")
	}
	l.corp.secrets["refresh"] = "refresh-of-another"
	client(t, of("umbrella", "refresh_token"))
	if got := l.vendor.requests(); !strings.Contains(got, "refresh-of-another") {
		t.Errorf("sent %q", got)
	}
	l.corp.secrets["refresh"] = "refresh-of-the-connection"
	client(t, of("acme", "refresh_token"))
	if got := l.vendor.requests(); got != "" {
		t.Errorf("the tokens of the first workspace are lost: sent %q", got)
	}
}
