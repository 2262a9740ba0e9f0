package credential

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

// tenants is a vendor with a server for each customer, under example.com, which answers with
// tokens name.
type tenants struct {
	*lab
	mu   sync.Mutex
	seen []string // host, path, and token or refresh token
	// answers are those of the token endpoint, in order; the last one stays.
	answers []map[string]any
}

// ServeHTTP implements [http.Handler].
func (v *tenants) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	_ = r.ParseForm()
	v.seen = append(v.seen, strings.TrimSpace(r.Host+r.URL.Path+" "+r.Form.Get("refresh_token")+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")))
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path != "/token" {
		_, _ = w.Write([]byte(`{}`))
		return
	}
	answer := v.answers[0]
	if len(v.answers) > 1 {
		v.answers = v.answers[1:]
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// took returns what the vendor has seen since it was last asked.
func (v *tenants) took() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	defer func() { v.seen = nil }()
	return strings.Join(v.seen, ", ")
}

type public struct{}

func (public) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
}

func newTenants(t *testing.T, answers ...map[string]any) *tenants {
	t.Helper()
	v := &tenants{lab: newLab(t), answers: answers}
	server := httptest.NewUnstartedServer(v)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	seams := &v.store.options.Seams
	seams.RootCAs = x509.NewCertPool()
	seams.RootCAs.AddCert(server.Certificate())
	seams.Resolver = public{}
	seams.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	return v
}

// tenantScheme gets tokens that come with their server.
func tenantScheme(grant string) abi.AuthScheme {
	s := givenScheme()
	s.OAuth2.Grant = grant
	s.OAuth2.Server = &abi.TokenServer{ID: "main", Pointer: "/at/instance_url", Suffixes: []string{"example.com"}}
	return s
}

func (v *tenants) process(settings config.Connection, scheme abi.AuthScheme) *Credential {
	c := v.connection(settings, scheme)
	c.config.HTTP = func() egress.Config {
		return egress.Config{Servers: []abi.Server{{ID: "main", URL: declaredOrigin + "/v1"}}, Seams: v.store.options.Seams}
	}
	return c
}

func (v *tenants) sends(client *egress.Client) string {
	v.t.Helper()
	v.took()
	if _, err := me(v.t.Context(), client); err != nil {
		v.t.Fatal(err)
	}
	return v.took()
}

func answerWith(token, refresh string, server any) map[string]any {
	answer := map[string]any{"access_token": token + "-0123456789", "token_type": "bearer"}
	if refresh != "" {
		answer["refresh_token"] = refresh + "-0123456789"
	}
	if server != nil {
		answer["at"] = map[string]any{"instance_url": server}
	}
	return answer
}

var byRefresh = config.Connection{Credentials: map[string]string{"client_id": "corp:id", "client_secret": "corp:secret", "refresh_token": "corp:refresh"}}

// TestServerOfAToken: requests go to the server that came with the token. An answer that names none
// keeps it, and one that names another replaces it; another process knows it.
func TestServerOfAToken(t *testing.T) {
	t.Parallel()
	v := newTenants(t, answerWith("first", "", "https://acme.example.com"), answerWith("second", "r2", nil), answerWith("third", "", "https://beta.example.com"))
	c := v.process(byRefresh, tenantScheme(abi.GrantRefreshToken))
	held := client(t, c)
	if got := v.took(); got != "api.example.com/token refresh-of-the-connection" {
		t.Errorf("asked for a token with %s", got)
	}
	for _, want := range []string{"acme.example.com/v1/me first-0123456789", "acme.example.com/v1/me second-0123456789", "beta.example.com/v1/me third-0123456789"} {
		if got := v.sends(held); got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
		if got := v.sends(client(t, v.process(byRefresh, tenantScheme(abi.GrantRefreshToken)))); got != want {
			t.Errorf("another process sent %s, want %s", got, want)
		}
		v.later.Add(60)
		var err error
		if held, err = c.Renew(t.Context(), held); err != nil {
			t.Fatal(err)
		}
	}
}

// TestServerOfAnotherToken: a server is used with its own token only, and nothing is sent where it
// is not known.
//
// threat: C13
func TestServerOfAnotherToken(t *testing.T) {
	t.Parallel()
	v := newTenants(t, answerWith("first", "", "https://acme.example.com"), answerWith("second", "", nil))
	client(t, v.process(byRefresh, tenantScheme(abi.GrantRefreshToken)))
	v.took()
	v.corp.secrets["refresh"] = "another-refresh-0123456789"
	_, err := v.process(byRefresh, tenantScheme(abi.GrantRefreshToken)).Client(t.Context())
	wantError(t, err, abi.KindAuthFailed, "connections.lab.server", "does not know its server")
	if got := v.took(); got != "api.example.com/token another-refresh-0123456789" {
		t.Errorf("sent %s", got)
	}
	// The configured token came from somewhere else, and nobody knows its server.
	given := config.Connection{Secrets: map[string]secret.Value{"access_token": value("given-token-0123456789")}}
	_, err = v.process(given, tenantScheme(abi.GrantRefreshToken)).Client(t.Context())
	wantError(t, err, abi.KindAuthFailed, "connections.lab.server", "name the server: server: https://")
	_, err = v.process(byRefresh, tenantScheme(abi.GrantRefreshToken)).Once(t.Context(), given.Secrets)
	wantError(t, err, abi.KindAuthFailed, "connections.lab.server", "does not know its server")
	if got := v.took(); got != "" {
		t.Errorf("sent %s", got)
	}
	// The operator knows.
	c := v.process(given, tenantScheme(abi.GrantRefreshToken))
	named := c.config.HTTP()
	named.Override = "https://acme.example.com"
	c.config.HTTP = func() egress.Config { return named }
	if got := v.sends(client(t, c)); got != "acme.example.com/me given-token-0123456789" {
		t.Errorf("sent %s", got)
	}
}

// TestTokensNameAServerElsewhere: a token whose server is not the vendor's is not used, and the
// refresh token that came with it is not lost.
//
// threat: C13
func TestTokensNameAServerElsewhere(t *testing.T) {
	t.Parallel()
	for _, evil := range []any{
		"https://evil.net", "https://evilexample.com", "https://example.com", "https://example.com.evil.net", "https://acme.example.com.evil.net", "http://acme.example.com",
		"https://acme.example.com:8443", "https://acme.example.com.", "https://token@evil.net", "https://evil.net/.example.com", "https://acme.example.com/x", "https://127.0.0.1", "", 7,
	} {
		v := newTenants(t, answerWith("first", "r1", evil), answerWith("second", "", "https://acme.example.com"))
		c := v.process(byRefresh, tenantScheme(abi.GrantRefreshToken))
		if _, err := c.Client(t.Context()); err == nil || strings.Contains(err.Error(), "evil") {
			t.Errorf("%v: %v", evil, err)
		} else {
			wantError(t, err, abi.KindDenied, "", "names a server at /at/instance_url that")
		}
		if got := v.took(); got != "api.example.com/token refresh-of-the-connection" {
			t.Errorf("%v: sent %s", evil, got)
		}
		next := client(t, v.process(byRefresh, tenantScheme(abi.GrantRefreshToken)))
		if got := v.took(); got != "api.example.com/token r1-0123456789" {
			t.Errorf("%v: then asked for a token with %s", evil, got)
		}
		if got := v.sends(next); got != "acme.example.com/v1/me second-0123456789" {
			t.Errorf("%v: then sent %s", evil, got)
		}
	}
}

// TestServerOfAClient: the token of a client has a server too, also for one call.
func TestServerOfAClient(t *testing.T) {
	t.Parallel()
	scheme := tenantScheme(abi.GrantClientCredentials)
	scheme.Fields = scheme.Fields[:2]
	settings := config.Connection{Credentials: map[string]string{"client_id": "corp:id", "client_secret": "corp:secret"}}
	v := newTenants(t, answerWith("first", "", "https://acme.example.com"), answerWith("second", "", "https://beta.example.com"))
	if got := v.sends(client(t, v.process(settings, scheme))); got != "acme.example.com/v1/me first-0123456789" {
		t.Errorf("sent %s", got)
	}
	once, err := v.process(settings, scheme).Once(t.Context(), map[string]secret.Value{"client_secret": value("secret-of-the-call")})
	if err != nil {
		t.Fatal(err)
	}
	defer once.Close()
	if got := v.sends(once); got != "beta.example.com/v1/me second-0123456789" {
		t.Errorf("sent %s for one call", got)
	}
}
