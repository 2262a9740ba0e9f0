package credential

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

// client returns the connection's client, and fails the test where there is none.
func client(t *testing.T, c *Credential) *egress.Client {
	t.Helper()
	client, err := c.Client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// sends returns what the vendor sees when a client sends GET /me.
func (l *lab) sends(client *egress.Client) string {
	l.t.Helper()
	l.vendor.requests()
	if _, err := me(l.t.Context(), client); err != nil {
		l.t.Fatal(err)
	}
	return strings.TrimPrefix(l.vendor.requests(), "GET /me Bearer ")
}

func TestSecretIsReadAgainAfterTheCacheTime(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { o.Secrets.Cache = 10 * time.Second })
	c := l.connection(config.Connection{Credentials: map[string]string{"api_token": "corp:pylon"}}, bearer())
	first := client(t, c)
	l.corp.secrets["pylon"] = "second-token-0123456789"
	l.later.Store(9)
	if got := l.sends(client(t, c)); got != "token-of-the-connection" {
		t.Errorf("after 9 s: sent %s", got)
	}
	l.later.Store(10)
	second := client(t, c)
	if got := l.sends(second); got != "second-token-0123456789" {
		t.Errorf("after 10 s: sent %s", got)
	}
	l.vendor.mu.Lock()
	defer l.vendor.mu.Unlock()
	if from := l.vendor.from; first == second || from[0] != from[1] {
		t.Errorf("the new client opened a connection of its own: %q", from)
	}
}

// TestRefusalsReadAgain: each refusal reads what this machine has; every other source is left
// alone for 10 seconds.
func TestRefusalsReadAgain(t *testing.T) {
	t.Parallel()
	for reference, want := range map[string]string{"env:TOKEN": "third-0123456789", "corp:pylon": "second-0123456789"} {
		l := newLab(t)
		c := l.connection(config.Connection{Credentials: map[string]string{"api_token": reference}}, bearer())
		set := func(text string) { l.env["TOKEN"], l.corp.secrets["pylon"] = text, text }
		set("first-0123456789")
		held := client(t, c)
		for _, next := range []string{"second-0123456789", "third-0123456789"} {
			set(next)
			var err error
			if held, err = c.Renew(t.Context(), held); err != nil {
				t.Fatal(err)
			}
		}
		if got := l.sends(held); got != want {
			t.Errorf("%s: sent %s, want %s", reference, got, want)
		}
	}
}

// TestRefusedTokenIsReplaced: a token that the vendor refuses is not used again, although its
// time is not over.
func TestRefusedTokenIsReplaced(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	c := l.connection(config.Connection{
		Credentials: map[string]string{"client_id": "corp:id", "client_secret": "corp:secret"}, OAuth: &config.OAuth{Scopes: []string{"write"}},
	}, oauthScheme(abi.GrantClientCredentials))
	first := client(t, c)
	if got := l.vendor.requests(); got != "POST /token  client_credentials write" {
		t.Errorf("asked for a token with %s", got)
	}
	if got := l.sends(first); got != "access-token-0123456789" {
		t.Errorf("sent %s", got)
	}
	l.vendor.token = "second-access-0123456789"
	if got := l.sends(client(t, c)); got != "access-token-0123456789" {
		t.Errorf("sent %s without a refusal", got)
	}
	second, err := c.Renew(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if got := l.sends(second); got != "second-access-0123456789" {
		t.Errorf("sent %s after a refusal", got)
	}
}

// TestTokensOfAnotherClient: a token that the server gave to one client is not used for another.
func TestTokensOfAnotherClient(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	c := l.connection(config.Connection{Credentials: map[string]string{"client_id": "corp:id", "client_secret": "corp:secret"}}, oauthScheme(abi.GrantClientCredentials))
	client(t, c)
	l.corp.secrets["id"], l.vendor.token = "another-client", "access-of-another-0123456789"
	l.later.Store(61)
	if got := l.sends(client(t, c)); got != "access-of-another-0123456789" {
		t.Errorf("sent %s", got)
	}
}

// TestLoginAndLogout: calls use the tokens of a login at once, and none after a logout.
func TestLoginAndLogout(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	c := l.connection(config.Connection{Credentials: map[string]string{"client_id": "corp:id", "client_secret": "corp:secret", "refresh_token": "corp:refresh"}}, oauthScheme(abi.GrantRefreshToken))
	if got := l.sends(client(t, c)); got != "access-token-0123456789" {
		t.Errorf("sent %s", got)
	}
	l.vendor.token = "access-of-the-login-0123456789"
	err := c.Login(t.Context(), Login{Show: func(address string) {
		u, _ := url.Parse(address)
		q := u.Query()
		go func() {
			resp, err := http.Get(q.Get("redirect_uri") + "?code=c&state=" + url.QueryEscape(q.Get("state")))
			if err == nil {
				resp.Body.Close()
			}
		}()
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := l.sends(client(t, c)); got != "access-of-the-login-0123456789" {
		t.Errorf("sent %s after the login", got)
	}
	if _, err := c.Logout(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	l.vendor.token = "access-of-the-seed-0123456789"
	if got := l.sends(client(t, c)); got != "access-of-the-seed-0123456789" {
		t.Errorf("sent %s after the logout", got)
	}
}

func TestNothingToLogInTo(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	c := l.connection(config.Connection{Credentials: map[string]string{"api_token": "corp:pylon"}}, bearer())
	wantError(t, c.Login(t.Context(), Login{}), abi.KindInvalidParams, "connection", "needs no login")
	_, err := c.Logout(t.Context(), false)
	wantError(t, err, abi.KindInvalidParams, "connection", "needs no login")
	c = l.connection(config.Connection{Credentials: map[string]string{"client_id": "corp:id", "client_secret": "corp:secret"}}, oauthScheme(abi.GrantClientCredentials))
	wantError(t, c.Login(t.Context(), Login{}), abi.KindInvalidParams, "connection", "needs no login")
}

// TestLoginAsksNobodyForTokensItCannotKeep: what tokens are encrypted with is read before a
// person logs in.
func TestLoginAsksNobodyForTokensItCannotKeep(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	if err := os.WriteFile(strings.TrimPrefix(l.store.options.Secrets.Identity, "file:"), []byte("no identity"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	c := l.connection(config.Connection{Credentials: map[string]string{"client_id": "corp:id", "client_secret": "corp:secret"}}, oauthScheme(abi.GrantRefreshToken))
	err := c.Login(ctx, Login{Show: func(string) { t.Error("a person was asked to log in"); cancel() }})
	if err == nil {
		t.Error("the login went well")
	}
	cancel()
}

// TestCloseWaitsForTokens: a refresh token that is being replaced is not lost.
func TestCloseWaitsForTokens(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan struct{}), make(chan struct{})
	l := newLab(t)
	handler := l.vendor.Config.Handler
	l.vendor.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-answer
		handler.ServeHTTP(w, r)
	})
	c := l.connection(config.Connection{Credentials: map[string]string{"client_id": "corp:id", "client_secret": "corp:secret", "refresh_token": "corp:refresh"}}, oauthScheme(abi.GrantRefreshToken))
	ctx, cancel := context.WithCancel(t.Context())
	ended, closed := make(chan struct{}), make(chan struct{})
	go func() { defer close(ended); _, _ = c.Client(ctx) }()
	<-asked
	cancel()
	<-ended
	go func() { defer close(closed); c.Close() }()
	close(answer)
	<-closed
	if files, err := os.ReadDir(l.store.options.Secrets.Tokens); err != nil || !strings.Contains(names(files), ".token ") {
		t.Errorf("%v: the token was not kept before Close returned: %s", err, names(files))
	}
}

func names(files []os.DirEntry) (all string) {
	for _, f := range files {
		all += f.Name() + " "
	}
	return all
}

func TestLostIdentity(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	if err := l.store.Set(t.Context(), "pylon", value("token-0123456789")); err != nil {
		t.Fatal(err)
	}
	identity := strings.TrimPrefix(l.store.options.Secrets.Identity, "file:")
	if err := os.Remove(identity); err != nil {
		t.Fatal(err)
	}
	wantError(t, l.store.Set(t.Context(), "ashby", value("token-0123456789")), abi.KindAuthFailed, "secrets.identity", "is encrypted for it")
	if _, err := os.Stat(identity); err == nil {
		t.Error("a new identity took the place of the lost one")
	}
}

func TestProxySettings(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for name, test := range map[string]struct {
		proxy       *config.Proxy
		field, says string
	}{
		"none":       {nil, "", ""},
		"good":       {&config.Proxy{URL: "http://proxy.example.com:3128", Resolves: true, Credential: "corp:pylon"}, "", ""},
		"credential": {&config.Proxy{URL: "http://proxy.example.com:3128", Credential: "crp:pylon"}, "proxy.credential", "did you mean corp:?"},
		"url":        {&config.Proxy{URL: "proxy"}, "proxy.url", ""},
	} {
		proxy, err := l.store.Proxy(test.proxy)
		if test.field != "" {
			wantError(t, err, abi.KindInvalidParams, test.field, test.says)
		} else if err != nil || (proxy == nil) != (test.proxy == nil) {
			t.Errorf("%s: %v, %v", name, proxy, err)
		}
	}
	if len(l.corp.reads) != 0 {
		t.Errorf("the credential was read before a connection needed it: %q", l.corp.reads)
	}
}

// TestCloseEndsConnections: the vendor sees the end of the connection that the client kept.
func TestCloseEndsConnections(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	ended := make(chan struct{})
	v := newVendor(t)
	v.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			close(ended)
		}
	}
	v.Start()
	t.Cleanup(v.Close)
	l.vendor = v
	c := l.connection(config.Connection{Credentials: map[string]string{"api_token": "corp:pylon"}}, bearer())
	l.sends(client(t, c))
	c.Close()
	<-ended
}
