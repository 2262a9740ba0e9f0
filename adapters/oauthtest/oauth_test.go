package oauthtest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/logins"
	"github.com/agenthost/agenthost/internal/credential/oauth"
	"github.com/agenthost/agenthost/internal/credential/tokenfile"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
)

// confidential has what HTTP's Basic scheme and forms treat differently.
var (
	confidential = Client{ID: "acme:crm", Secret: "s%:+& /ä"}
	public       = Client{ID: "acme-desktop"}
)

// lab is a server, and one way to be its client.
type lab struct {
	server *Server
	url    string
	client *oauth.Client
}

func newLab(t *testing.T, c Client, clientAuth string) *lab {
	t.Helper()
	server, err := NewServer(t.Context(), confidential, public)
	if err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewServer(server)
	t.Cleanup(listening.Close)
	at := func(path string) oauth.Endpoint { return oauth.Endpoint{URL: listening.URL + path, Operator: true} }
	return &lab{server, listening.URL, oauth.NewClient(oauth.Config{
		Connection: "crm", Token: at("/token"), Revoke: at("/revoke"), ClientAuth: clientAuth,
		ClientID: secret.New([]byte(c.ID)), ClientSecret: secret.New([]byte(c.Secret)),
		HTTP: egress.Config{Seams: seams.Seams{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}},
	})}
}

// login logs in with a browser that changes the address first, where change is not nil.
func (l *lab) login(t *testing.T, change func(url.Values)) (oauth.Token, error) {
	t.Helper()
	visited := make(chan error, 1)
	token, err := oauth.Login(t.Context(), oauth.LoginConfig{
		Client: l.client, Authorize: oauth.Endpoint{URL: l.url + "/authorize", Operator: true}, Scopes: []string{"read", "offline"},
		Show: func(address string) { go func() { visited <- visit(t.Context(), address, change) }() },
	})
	if err := <-visited; err != nil {
		t.Fatal(err)
	}
	return token, err
}

func visit(ctx context.Context, address string, change func(url.Values)) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	if change != nil {
		query := u.Query()
		change(query)
		u.RawQuery = query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// works reports whether the server takes an access token.
func (l *lab) works(t *testing.T, token oauth.Token) (works bool) {
	t.Helper()
	err := token.Access.Reveal(func(b []byte) error {
		works = l.server.Knows(t.Context(), string(b), "read")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return works
}

func wantRefused(t *testing.T, err error, code string) {
	t.Helper()
	e, ok := errors.AsType[*abi.Error](err)
	if !ok || e.Kind != abi.KindAuthFailed || e.Code != code {
		t.Errorf("got %v (%#v), want auth_failed with %s", err, e, code)
	}
}

var ways = map[string]struct {
	client Client
	auth   string
}{
	"basic":  {confidential, abi.ClientAuthBasic},
	"post":   {confidential, abi.ClientAuthPost},
	"public": {public, abi.ClientAuthNone},
}

func TestLoginRefreshRevoke(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, way.client, way.auth)
			first, err := l.login(t, nil)
			if err != nil || !l.works(t, first) || first.Refresh.IsZero() || !first.Usable(time.Now()) {
				t.Fatalf("login: %v", err)
			}
			second, err := l.client.Refresh(t.Context(), first.Refresh, nil)
			if err != nil || !l.works(t, second) || second.Refresh.IsZero() || second.Refresh.Equal(first.Refresh) {
				t.Fatalf("refresh: %v", err)
			}
			if err := l.client.Revoke(t.Context(), second.Refresh); err != nil {
				t.Fatalf("revoke: %v", err)
			}
			_, err = l.client.Refresh(t.Context(), second.Refresh, nil)
			wantRefused(t, err, oauth.CodeInvalidGrant)
			if l.works(t, second) {
				t.Error("the access token still works after the login was revoked")
			}
		})
	}
}

// A refresh token that has been replaced is refused, and ends the login (RFC 9700,
// section 4.14.2).
func TestReplacedRefreshToken(t *testing.T) {
	l := newLab(t, confidential, "")
	first, err := l.login(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := l.client.Refresh(t.Context(), first.Refresh, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.client.Refresh(t.Context(), first.Refresh, nil)
	wantRefused(t, err, oauth.CodeInvalidGrant)
	_, err = l.client.Refresh(t.Context(), second.Refresh, nil)
	wantRefused(t, err, oauth.CodeInvalidGrant)
}

// Processes that share a folder use each refresh token once, so that the server never
// has a reason to end the login.
func TestSource(t *testing.T) {
	l := newLab(t, confidential, "")
	token, err := l.login(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := tokenfile.New(t.TempDir(), func(context.Context) (secret.Value, error) { return secret.New([]byte("key")), nil })
	binding := logins.Binding{Connection: "crm", Connector: "acme", Scheme: "oauth"}
	if err := oauth.NewSource(binding, rows, nil).Keep(t.Context(), token, secret.Value{}); err != nil {
		t.Fatal(err)
	}
	want := oauth.Want{Client: l.client, Grant: abi.GrantRefreshToken}
	for range 3 {
		want.Refused = token.Access
		got := make(chan oauth.Token, 4)
		for range cap(got) {
			go func() {
				process := oauth.NewSource(binding, rows, nil)
				token, err := process.Token(t.Context(), want)
				if err != nil {
					t.Error(err)
				}
				got <- token
			}()
		}
		token = <-got
		for range cap(got) - 1 {
			if other := <-got; !other.Access.Equal(token.Access) {
				t.Error("two processes have different tokens")
			}
		}
		if token.Access.Equal(want.Refused) || !l.works(t, token) {
			t.Fatal("the token is not a new one that works")
		}
	}
	source := oauth.NewSource(binding, rows, nil)
	if _, err := source.End(t.Context(), l.client, false); err != nil || l.works(t, token) {
		t.Errorf("the login does not end: %v", err)
	}
	_, err = source.Token(t.Context(), want)
	if e, ok := errors.AsType[*abi.Error](err); !ok || e.Kind != abi.KindAuthFailed {
		t.Errorf("after the end: %v", err)
	}
}

func TestCredentials(t *testing.T) {
	for _, auth := range []string{"", abi.ClientAuthBasic, abi.ClientAuthPost} {
		l := newLab(t, confidential, auth)
		token, err := l.client.Credentials(t.Context(), []string{"read"})
		if err != nil || !l.works(t, token) || !token.Refresh.IsZero() {
			t.Errorf("%q: %v", auth, err)
		}
		_, err = l.client.Credentials(t.Context(), []string{"write"})
		wantRefused(t, err, oauth.CodeInvalidScope)
		_, err = newLab(t, Client{confidential.ID, "wrong"}, auth).client.Credentials(t.Context(), nil)
		wantRefused(t, err, oauth.CodeInvalidClient)
	}
}

// The server must be the one to refuse: a code is of no use to who has not the verifier.
func TestLoginRefused(t *testing.T) {
	l := newLab(t, public, abi.ClientAuthNone)
	_, err := l.login(t, func(query url.Values) { query.Set("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM") })
	wantRefused(t, err, oauth.CodeInvalidGrant)
	_, err = l.login(t, func(query url.Values) { query.Del("code_challenge"); query.Del("code_challenge_method") })
	wantRefused(t, err, "invalid_request")
	_, err = l.login(t, func(query url.Values) { query.Set("code_challenge_method", "plain") })
	wantRefused(t, err, "invalid_request")
	_, err = l.login(t, func(query url.Values) { query.Set("scope", "admin") })
	wantRefused(t, err, "invalid_scope")
}
