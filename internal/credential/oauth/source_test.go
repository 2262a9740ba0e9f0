package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/durable"
	"github.com/agenthost/agenthost/internal/credential/logins"
	"github.com/agenthost/agenthost/internal/credential/tokenfile"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = "CANARY-"

func value(text string) secret.Value { return secret.New([]byte(text)) }

func text(v secret.Value) (text string) {
	_ = v.Reveal(func(b []byte) error { text = string(b); return nil })
	return text
}

// lab is an authorization server, and a client of it with a folder.
type lab struct {
	server *oauthsim.Server
	url    string
	client *Client
	rows   *tokenfile.Folder
	now    time.Time
	mu     sync.Mutex
}

func (l *lab) clock() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *lab) later(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = l.now.Add(d)
}

func newLab(t *testing.T, clientAuth string) *lab {
	t.Helper()
	l := &lab{server: &oauthsim.Server{ClientID: "the id&", ClientSecret: canary + "s:%+ ", Prefix: canary, Lifetime: time.Hour}, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	server := httptest.NewServer(l.server)
	t.Cleanup(server.Close)
	l.url = server.URL
	l.client = NewClient(Config{
		Connection: "crm", Token: Endpoint{l.url + "/token", true}, Revoke: Endpoint{l.url + "/revoke", true}, ClientAuth: clientAuth,
		ClientID: value(l.server.ClientID), ClientSecret: value(l.server.ClientSecret),
		HTTP: egress.Config{Seams: seams.Seams{Now: l.clock, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}},
	})
	l.rows = tokenfile.New(t.TempDir(), func(context.Context) (secret.Value, error) { return value("key"), nil })
	return l
}

var binding = logins.Binding{Connection: "crm", Connector: "acme", Scheme: "oauth"}

// start is a new process that uses the folder.
func (l *lab) start() *Source { return NewSource(binding, l.rows, l.clock) }

func (l *lab) want(seed string) Want {
	return Want{Client: l.client, Grant: abi.GrantRefreshToken, Seed: value(seed)}
}

func wantError(t *testing.T, err error, kind abi.Kind, message, hint string) {
	t.Helper()
	e, ok := errors.AsType[*abi.Error](err)
	if !ok || e.Kind != kind || !strings.Contains(e.Message, message) || !strings.Contains(e.Hint, hint) {
		t.Errorf("got %#v, want %s with %q and %q", err, kind, message, hint)
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), canary) {
			t.Errorf("the error holds a secret: %v", err)
		}
	}
}

func TestRefresh(t *testing.T) {
	for _, clientAuth := range []string{"", abi.ClientAuthBasic, abi.ClientAuthPost} {
		l := newLab(t, clientAuth)
		s := l.start()
		want := l.want(l.server.Seed())
		first, err := s.Token(t.Context(), want)
		if err != nil || text(first.Access) != canary+"a2" {
			t.Fatalf("%q: %s, %v", clientAuth, text(first.Access), err)
		}
		if again, err := s.Token(t.Context(), want); err != nil || !again.Access.Equal(first.Access) || l.server.Refreshes() != 1 {
			t.Errorf("the token is not used again: %v, %d", err, l.server.Refreshes())
		}
		// Another process uses the same token, and the seed is spent.
		if other, err := l.start().Token(t.Context(), want); err != nil || !other.Access.Equal(first.Access) {
			t.Errorf("another process: %v", err)
		}
		l.later(time.Hour - 2*time.Minute)
		if _, err := s.Token(t.Context(), want); err != nil || l.server.Refreshes() != 1 {
			t.Errorf("refreshed too early: %v, %d", err, l.server.Refreshes())
		}
		l.later(time.Minute + time.Second) // within the margin
		if next, err := s.Token(t.Context(), want); err != nil || text(next.Access) != canary+"a3" {
			t.Errorf("%s, %v", text(next.Access), err)
		}
		// The vendor does not know it any more, before its time.
		want.Refused = value(canary + "a3")
		if next, err := l.start().Token(t.Context(), want); err != nil || text(next.Access) != canary+"a4" {
			t.Errorf("%s, %v", text(next.Access), err)
		}
	}
}

func TestClientCredentials(t *testing.T) {
	l := newLab(t, abi.ClientAuthPost)
	s := l.start()
	want := Want{Client: l.client, Grant: abi.GrantClientCredentials, Scopes: []string{"a", "b"}}
	if token, err := s.Token(t.Context(), want); err != nil || text(token.Access) != canary+"a1" || !token.Refresh.IsZero() {
		t.Errorf("%v", err)
	}
	l.later(time.Hour)
	if token, err := s.Token(t.Context(), want); err != nil || text(token.Access) != canary+"a2" {
		t.Errorf("%v", err)
	}
}

// threat: C4
func TestManyAtOnce(t *testing.T) {
	l := newLab(t, "")
	want := l.want(l.server.Seed())
	// Two processes, fifty calls each.
	var group sync.WaitGroup
	for _, s := range []*Source{l.start(), l.start()} {
		for range 50 {
			group.Go(func() {
				if token, err := s.Token(t.Context(), want); err != nil || text(token.Access) != canary+"a2" {
					t.Errorf("%s, %v", text(token.Access), err)
				}
			})
		}
	}
	group.Wait()
	if n := l.server.Refreshes(); n != 1 {
		t.Errorf("%d refreshes", n)
	}
}

// A process that dies at any step of a refresh loses nothing: the next one has a login
// that the vendor accepts, either the new one or, where the vendor grants the grace that
// rotation needs, the old one.
//
// threat: C4
func TestCrash(t *testing.T) {
	crash := errors.New("crash")
	for _, at := range []durable.Step{durable.Create, durable.Write, durable.Sync, durable.Rename, durable.SyncFolder} {
		l := newLab(t, "")
		l.server.Grace = true
		want := l.want(l.server.Seed())
		if _, err := l.start().Token(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		l.later(time.Hour)
		l.rows.Writer.Before = func(s durable.Step) error {
			if s == at {
				return crash
			}
			return nil
		}
		token, err := l.start().Token(t.Context(), want)
		if !errors.Is(err, crash) || !token.Access.IsZero() && err == nil {
			t.Errorf("%s: a token that is not on the disk was handed out: %v", at, err)
		}
		l.rows.Writer.Before = nil
		// The next process.
		if token, err := l.start().Token(t.Context(), want); err != nil || !l.works(t, token) {
			t.Errorf("%s: the login is lost: %v", at, err)
		}
		l.later(time.Hour)
		if token, err := l.start().Token(t.Context(), want); err != nil || !l.works(t, token) {
			t.Errorf("%s: the login is lost later: %v", at, err)
		}
	}
}

// works reports whether the API takes a token.
func (l *lab) works(t *testing.T, token Token) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.url+"/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+text(token.Access))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	return resp.StatusCode == http.StatusOK
}

// A full disk loses nothing either, with a vendor that accepts each token once: the row is
// kept and written before anything else is done.
//
// threat: C4
func TestFullDisk(t *testing.T) {
	l := newLab(t, "")
	want := l.want(l.server.Seed())
	s := l.start()
	full := errors.New("no space left")
	l.rows.Writer.Before = func(durable.Step) error { return full }
	for range 3 {
		_, err := s.Token(t.Context(), want)
		wantError(t, err, abi.KindInternal, "cannot be written", "disk is not full")
	}
	l.rows.Writer.Before = nil
	if token, err := s.Token(t.Context(), want); err != nil || !l.works(t, token) || l.server.Refreshes() != 1 {
		t.Errorf("%v, %d refreshes", err, l.server.Refreshes())
	}
}

// A vendor that crashed after it gave out a refresh token does not know it. The one before
// was kept.
func TestPreviousToken(t *testing.T) {
	l := newLab(t, "")
	want := l.want(l.server.Seed())
	if err := l.start().Keep(t.Context(), Token{Access: value("old"), Refresh: value(l.server.Refresh()), Until: l.now}, secret.Value{}); err != nil {
		t.Fatal(err)
	}
	row, _, err := l.rows.Load(t.Context(), binding)
	if err != nil {
		t.Fatal(err)
	}
	row.Previous, row.Refresh = row.Refresh, value("never noted")
	if err := l.rows.Save(t.Context(), binding, row); err != nil {
		t.Fatal(err)
	}
	want.Seed = secret.Value{}
	if token, err := l.start().Token(t.Context(), want); err != nil || !l.works(t, token) {
		t.Errorf("got %v", err)
	}
}

// A caller that goes away does not stop a refresh, whose answer would be lost.
func TestCallerGoesAway(t *testing.T) {
	l := newLab(t, "")
	want := l.want(l.server.Seed())
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{})
	answer := make(chan struct{})
	l.server.Token = func(http.ResponseWriter, *http.Request) bool { close(asked); <-answer; return false }
	s := l.start()
	done := make(chan error)
	go func() {
		_, err := s.Token(ctx, want)
		done <- err
	}()
	<-asked
	cancel()
	wantError(t, <-done, abi.KindCancelled, "ended before there was a token", "")
	l.server.Token = nil
	close(answer)
	s.Wait()
	if token, err := s.Token(t.Context(), want); err != nil || !l.works(t, token) || l.server.Refreshes() != 1 {
		t.Errorf("%v, %d refreshes", err, l.server.Refreshes())
	}
}

func TestSeed(t *testing.T) {
	l := newLab(t, "")
	l.server.Keep = true
	_, err := l.start().Token(t.Context(), l.want(""))
	wantError(t, err, abi.KindAuthFailed, "is not logged in", "agenthost login crm")
	first := l.server.Seed()
	if token, err := l.start().Token(t.Context(), l.want(first)); err != nil || text(token.Refresh) != first {
		t.Errorf("a vendor that does not rotate: %v", err)
	}
	// Another configured token takes the place of the row.
	second := l.server.Seed()
	if token, err := l.start().Token(t.Context(), l.want(second)); err != nil || text(token.Refresh) != second || !l.works(t, token) {
		t.Errorf("another seed: %v", err)
	}
	// A vendor that gives no refresh token, and an access token that has ended.
	if err := l.start().Keep(t.Context(), Token{Access: value("a"), Until: l.now}, secret.Value{}); err != nil {
		t.Fatal(err)
	}
	_, err = l.start().Token(t.Context(), l.want(""))
	wantError(t, err, abi.KindAuthFailed, "gave no refresh token", "agenthost login crm")
}

// The answers of a token endpoint: RFC 6749, sections 5.1 and 5.2.
func TestAnswers(t *testing.T) {
	l := newLab(t, "")
	const held = "access-token-from-before"
	l.client.config.HTTP.Hidden = []secret.Value{value(held)}
	seed := l.server.Seed()
	for _, test := range []struct {
		status  int
		body    string
		kind    abi.Kind
		message string
		code    string
		hint    string
	}{
		{400, `{"error":"invalid_grant","error_description":"the token ` + seed + ` is not known"}`, abi.KindAuthFailed, "no longer accepts the login of connection crm: it says: the token [redacted] is not known", CodeInvalidGrant, "agenthost login crm"},
		{400, `{"error":"invalid_grant","error_description":"it came with ` + held + `"}`, abi.KindAuthFailed, "it says: it came with [redacted]", CodeInvalidGrant, "agenthost login crm"},
		{401, `{"error":"invalid_client"}`, abi.KindAuthFailed, "does not know the client", CodeInvalidClient, "check client_id"},
		{401, ``, abi.KindAuthFailed, "does not know the client", "", ""},
		{400, `{"error":"unauthorized_client"}`, abi.KindAuthFailed, "may not use this grant", CodeUnauthorizedClient, "allow this grant"},
		{400, `{"error":"unsupported_grant_type"}`, abi.KindAuthFailed, "may not use this grant", CodeUnsupportedGrantType, "allow this grant"},
		{400, `{"error":"invalid_scope"}`, abi.KindAuthFailed, "does not grant the scopes", CodeInvalidScope, "oauth: {scopes"},
		{400, `{"error":"invalid_request"}`, abi.KindVendorError, "status 400", CodeInvalidRequest, "oauth.token_url"},
		{200, `{"error":"invalid_grant"}`, abi.KindAuthFailed, "no longer accepts", CodeInvalidGrant, ""},
		{400, `{"error":"` + canary + `","error_description":"` + canary + `"}`, abi.KindVendorError, "status 400", "", ""},
		{429, ``, abi.KindRateLimited, "status 429", "", ""},
		{503, `<html>`, abi.KindVendorError, "status 503", "", "try again later"},
		{302, ``, abi.KindVendorError, "status 302", "", ""},
		{200, `<html>`, abi.KindVendorError, "without an access token", "", ""},
		{200, `{}`, abi.KindVendorError, "without an access token", "", ""},
		{200, `{"access_token":"a\nb"}`, abi.KindVendorError, "invalid characters", "", ""},
		{200, `{"access_token":"a","token_type":"DPoP"}`, abi.KindVendorError, "bound to a key", "", ""},
	} {
		l.server.Token = func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(test.status)
			_, _ = w.Write([]byte(test.body))
			return true
		}
		_, err := l.client.Refresh(t.Context(), value(seed), nil)
		wantError(t, err, test.kind, test.message, test.hint)
		if e, ok := errors.AsType[*abi.Error](err); ok && e.Code != test.code {
			t.Errorf("%d %s: code %q", test.status, test.body, e.Code)
		}
	}
	for body, want := range map[string]time.Duration{
		`{"access_token":"a","expires_in":600}`:   9 * time.Minute,
		`{"access_token":"a","expires_in":"600"}`: 9 * time.Minute,
		`{"access_token":"a","expires_in":100}`:   90 * time.Second,
		`{"access_token":"a","expires_in":1e300}`: 10*365*24*time.Hour - time.Minute,
		`{"access_token":"a","expires_in":-5}`:    0,
		`{"access_token":"a","expires_in":null}`:  0,
		`{"access_token":"a"}`:                    0,
	} {
		l.server.Token = func(w http.ResponseWriter, _ *http.Request) bool { _, _ = w.Write([]byte(body)); return true }
		token, err := l.client.Refresh(t.Context(), value(seed), nil)
		if got := token.Until.Sub(l.now); err != nil || want == 0 && !token.Until.IsZero() || want > 0 && got != want {
			t.Errorf("%s: %v, %v", body, got, err)
		}
	}
}

// threat: C7
func TestEnd(t *testing.T) {
	l := newLab(t, "")
	want := l.want("")
	login := func() *Source {
		s := l.start()
		if err := s.Keep(t.Context(), Token{Refresh: value(l.server.Seed()), Access: value("x"), Until: l.now}, secret.Value{}); err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := login()
	if _, err := s.Token(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if r, err := s.End(t.Context(), l.client, false); err != nil || !r.Vendor || !r.Was {
		t.Errorf("%+v, %v", r, err)
	}
	_, err := s.Token(t.Context(), want)
	wantError(t, err, abi.KindAuthFailed, "is not logged in", "agenthost login")
	if r, err := s.End(t.Context(), l.client, false); err != nil || r.Was {
		t.Errorf("%+v, %v", r, err)
	}
	// A vendor that says yes and does nothing.
	s = login()
	l.server.Deafen()
	_, err = s.End(t.Context(), l.client, false)
	wantError(t, err, abi.KindVendorError, "still accepts the token", "--local")
	if r, err := s.End(t.Context(), l.client, true); err != nil || r.Vendor || !r.Was {
		t.Errorf("%+v, %v", r, err)
	}
	if !slices.Contains(l.server.Grants(), "refresh_token") {
		t.Error("the revocation was not tried out")
	}
}

// TestRequestsInJSON: a server that takes JSON gets no form, and the other way round.
func TestRequestsInJSON(t *testing.T) {
	t.Parallel()
	for _, clientAuth := range []string{abi.ClientAuthBasic, abi.ClientAuthPost} {
		l := newLab(t, clientAuth)
		l.server.JSON = true
		seed := value(l.server.Seed())
		if _, err := l.client.Refresh(t.Context(), seed, nil); err == nil {
			t.Errorf("%s: the server takes a form", clientAuth)
		}
		l.client.config.BodyFormat = "json"
		token, err := l.client.Refresh(t.Context(), seed, nil)
		if err != nil || text(token.Access) != l.server.Access() {
			t.Errorf("%s: %v", clientAuth, err)
		}
	}
}
