package credential

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/authfield"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
)

// vendor is a server that answers GET /me with what it was sent, and a token endpoint.
type vendor struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
	from []string // the address of each request's connection
	// token is what the token endpoint gives out.
	token string
}

func newVendor(t *testing.T) *vendor {
	t.Helper()
	v := &vendor{token: "access-token-0123456789"}
	v.Server = httptest.NewUnstartedServer(v)
	v.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes fail on purpose
	return v
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	_ = r.ParseForm()
	v.seen = append(v.seen, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")+" "+r.Form.Get("grant_type")+" "+r.Form.Get("scope")+" "+r.Form.Get("refresh_token")))
	v.from = append(v.from, r.RemoteAddr)
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(r.URL.Path, "/token") {
		_, _ = w.Write([]byte(`{"access_token":"` + v.token + `","refresh_token":"next-refresh-0123456789","token_type":"bearer","expires_in":3600}`))
		return
	}
	_, _ = w.Write([]byte(`{"you":"` + r.Header.Get("Authorization") + `"}`))
}

// requests returns what the vendor has seen since it was last asked.
func (v *vendor) requests() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	defer func() { v.seen = nil }()
	return strings.Join(v.seen, "\n")
}

const declaredOrigin = "https://api.example.com"

// bearer takes api_token, and optionally team.
func bearer() abi.AuthScheme {
	return abi.AuthScheme{
		ID: "token", Type: abi.AuthAPIKey, Origins: []string{declaredOrigin},
		Fields: []abi.AuthField{{Name: "api_token", Secret: true, Required: true}, {Name: "team"}},
		Inject: []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {api_token}"}},
	}
}

// oauthScheme gets access tokens.
func oauthScheme(grant string) abi.AuthScheme {
	return abi.AuthScheme{
		ID: "oauth", Type: abi.AuthOAuth2, Origins: []string{declaredOrigin},
		Fields: []abi.AuthField{{Name: authfield.ClientID, Required: true}, {Name: authfield.ClientSecret, Secret: true, Required: true}, {Name: authfield.RefreshToken, Secret: true}},
		Inject: []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {access_token}"}},
		OAuth2: &abi.OAuth2{Grant: grant, TokenURL: declaredOrigin + "/token", AuthorizeURL: declaredOrigin + "/authorize", Scopes: []string{"read"}, ClientAuth: abi.ClientAuthPost},
	}
}

// corpSource is one whose secrets are its map, and which fails where err is set.
type corpSource struct {
	mu      sync.Mutex
	secrets map[string]string
	err     error
	reads   []string
}

func (s *corpSource) Read(_ context.Context, name string) (secret.Value, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads = append(s.reads, name)
	return secret.New([]byte(s.secrets[name])), s.err
}

// lab has a store with the source "corp", and credentials of connections to a vendor.
type lab struct {
	t      *testing.T
	vendor *vendor
	corp   *corpSource
	env    map[string]string
	store  *Store
	later  atomic.Int64 // seconds since the lab was made
}

func newLab(t *testing.T, change ...func(*Options)) *lab {
	t.Helper()
	l := &lab{t: t, env: make(map[string]string), vendor: newVendor(t), corp: &corpSource{secrets: map[string]string{
		"pylon": "token-of-the-connection", "id": "client-of-the-connection", "secret": "secret-of-the-connection", "refresh": "refresh-of-the-connection",
	}}}
	l.vendor.Start()
	t.Cleanup(l.vendor.Close)
	dir := t.TempDir()
	start := time.Now()
	o := Options{
		Secrets:   config.Secrets{Tokens: dir + "/tokens", Identity: "file:" + dir + "/identity.txt", File: dir + "/secrets.age"},
		Sources:   map[string]secret.Source{"corp": l.corp},
		LookupEnv: func(name string) (string, bool) { text, set := l.env[name]; return text, set },
		Seams:     seams.Seams{Now: func() time.Time { return start.Add(time.Duration(l.later.Load()) * time.Second) }},
	}
	for _, c := range change {
		c(&o)
	}
	var err error
	if l.store, err = Open(o); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *lab) connection(settings config.Connection, schemes ...abi.AuthScheme) *Credential {
	c := l.store.For(Config{
		Connection: "lab", Settings: &settings, Connector: "pylon", Schemes: schemes,
		HTTP: func() egress.Config {
			return egress.Config{Servers: []abi.Server{{ID: "main", URL: declaredOrigin}}, Server: "main", Override: l.vendor.URL, Seams: l.store.options.Seams}
		},
	})
	l.t.Cleanup(c.Close)
	return c
}

// me sends GET /me.
func me(ctx context.Context, client *egress.Client) (*egress.Response, error) {
	return client.Send(ctx, egress.Scope{
		Requests: []abi.RequestTemplate{{Method: "GET", Path: "/me"}},
		Budget:   egress.NewBudget(4, 1<<20, 1<<20),
	}, &abi.Request{Method: "GET", Path: "/me"}, nil)
}

func value(text string) secret.Value { return secret.New([]byte(text)) }

func wantError(t *testing.T, err error, kind abi.Kind, field, says string) {
	t.Helper()
	e, ok := errors.AsType[*abi.Error](err)
	if !ok || e.Kind != kind || e.Field != field || !strings.Contains(e.Message+"; "+e.Hint, says) {
		t.Errorf("got %v, want %s at %q that says %q", err, kind, field, says)
	}
}

func TestNothingIsReadBeforeTheFirstClient(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	c := l.connection(config.Connection{Credentials: map[string]string{"api_token": "corp:pylon"}}, bearer())
	c.Close()
	if len(l.corp.reads) != 0 {
		t.Fatalf("read %q", l.corp.reads)
	}
	client, err := c.Client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Client(t.Context())
	if err != nil || again != client || len(l.corp.reads) != 1 {
		t.Errorf("%v; read %q, and the same client: %t", err, l.corp.reads, again == client)
	}
	resp, err := me(t.Context(), client)
	if err != nil || string(resp.Body) != `{"you":"Bearer [redacted]"}` {
		t.Errorf("%v, %s", err, resp.Body)
	}
	if got := l.vendor.requests(); got != "GET /me Bearer token-of-the-connection" {
		t.Errorf("sent %s", got)
	}
}

func TestRenewSharesConnections(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	c := l.connection(config.Connection{Credentials: map[string]string{"api_token": "corp:pylon"}}, bearer())
	first, err := c.Client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if same, err := c.Renew(t.Context(), first); err != nil || same != first {
		t.Errorf("%v: a secret that did not change made another client", err)
	}
	l = newLab(t)
	c = l.connection(config.Connection{Credentials: map[string]string{"api_token": "corp:pylon"}}, bearer())
	if first, err = c.Client(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.corp.secrets["pylon"] = "second-token-0123456789"
	second, err := c.Renew(t.Context(), first)
	if err != nil || second == first {
		t.Fatalf("%v: the secret that changed made no client", err)
	}
	l.later.Store(11) // the source may be asked again
	if third, err := c.Renew(t.Context(), first); err != nil || third != second || len(l.corp.reads) != 2 {
		t.Errorf("%v: a second call that was refused read again: %q", err, l.corp.reads)
	}
	if _, err := me(t.Context(), second); err != nil || l.vendor.requests() != "GET /me Bearer second-token-0123456789" {
		t.Error("the new secret was not sent")
	}
}

func TestScheme(t *testing.T) {
	t.Parallel()
	schemes := []abi.AuthScheme{bearer(), {ID: "basic", Fields: []abi.AuthField{{Name: "user", Required: true}, {Name: "password", Required: true}}}}
	for _, test := range []struct {
		fields           string
		id               string
		unknown, missing string
	}{
		{"api_token", "token", "", ""},
		{"api_token team", "token", "", ""},
		{"user password", "basic", "", ""},
		{"user", "", "", "password"},
		{"team", "", "", "api_token"},
		{"", "", "", "api_token"},
		{"api_token pasword", "", "pasword", ""},
		{"api_token user password", "", "", ""},
	} {
		scheme, m := Scheme(schemes, strings.Fields(test.fields))
		switch {
		case m == nil:
			if scheme.ID != test.id {
				t.Errorf("%q: the scheme is %s, want %q", test.fields, scheme.ID, test.id)
			}
		case test.id != "" || m.Unknown != test.unknown || m.Missing != test.missing:
			t.Errorf("%q: %+v, want %+v", test.fields, m, test)
		}
	}
}

func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	const at = "connections.lab.credentials"
	for _, test := range []struct {
		credentials map[string]string
		kind        abi.Kind
		field, says string
	}{
		{nil, abi.KindAuthFailed, at + ".api_token", `connection lab has no credential "api_token"`},
		{map[string]string{"api_tokn": "corp:pylon"}, abi.KindInvalidParams, at + ".api_tokn", "did you mean api_token?"},
		{map[string]string{"api_token": "corp:gone"}, abi.KindAuthFailed, "", "no secret at corp:gone: the secret is empty"},
	} {
		_, err := l.connection(config.Connection{Credentials: test.credentials}, bearer()).Client(t.Context())
		wantError(t, err, test.kind, test.field, test.says)
	}
}
