package server

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/internal/store"
)

// people is the simulated issuer with which people log in to the server of a test.
type people struct {
	*oauthsim.People
	t *testing.T
}

// newPeople starts an issuer.
func newPeople(t *testing.T) *people {
	t.Helper()
	issuer, err := oauthsim.NewPeople("server", "canary-client-secret-81c0", publicURL+signedInPath)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(issuer)
	t.Cleanup(server.Close)
	issuer.URL = server.URL
	return &people{issuer, t}
}

// decide is what a person does at the issuer: it returns where the browser goes.
func (p *people) decide(address string) string {
	p.t.Helper()
	u, err := url.Parse(address)
	if err != nil || u.Scheme+"://"+u.Host+u.Path != p.URL+"/authorize" {
		p.t.Fatalf("the browser goes to %q", address)
	}
	to, err := p.Authorize(u.Query())
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimPrefix(to, publicURL)
}

// options let people log in: groups=admins operates, and eve only looks.
func (p *people) options(o *Options) {
	o.Login = &Login{
		Issuer: p.URL, ClientID: "server", ClientSecret: func(context.Context) (secret.Value, error) { return secret.New([]byte(p.ClientSecret)), nil },
		Operators: []string{"groups=admins"}, Viewers: []string{"eve"}, WorkspaceClaim: "tenant",
	}
}

// logIn goes through a login, and returns the page that it ends at.
func (b *browser) logIn(p *people, to string) page {
	b.t.Helper()
	begun := b.send(http.MethodGet, loginURL(to), nil)
	if begun.status != http.StatusSeeOther {
		b.t.Fatalf("%d %s", begun.status, begun.body)
	}
	return b.send(http.MethodGet, p.decide(begun.header.Get("Location")), nil)
}

// TestPeopleLogIn: an operator logs in and gets a token for the command, a viewer's changes nothing,
// and a person of a workspace gets none.
func TestPeopleLogIn(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	l := newLab(t, p.options)
	l.create("acme", "Pylon")
	for _, c := range []struct {
		name   string
		claims map[string]any
		shows  string
		create int // the status of a change with the token; 0 for no token
	}{
		{"operator", map[string]any{"groups": []string{"all", "admins"}}, `id="role">operator<`, http.StatusCreated},
		{"viewer", map[string]any{"sub": "eve"}, `id="role">viewer<`, http.StatusForbidden},
		{"person", map[string]any{"tenant": "acme"}, `id="workspace">acme<`, 0},
	} {
		p.Says = c.claims
		b := newBrowser(l)
		if end := b.logIn(p, accountPath); end.status != http.StatusSeeOther || end.header.Get("Location") != accountPath {
			t.Fatalf("%s: %d to %s: %s", c.name, end.status, end.header.Get("Location"), end.body)
		}
		b.wants(b.send(http.MethodGet, accountPath, nil), http.StatusOK, c.shows)
		made := b.send(http.MethodPost, ownTokenPath, url.Values{})
		if c.create == 0 {
			b.wants(made, http.StatusForbidden, "not logged in")
		} else {
			r := l.ask(http.MethodPost, adminapi.OrganizationsPath, made.text(t, "token"), map[string]any{"name": "org of " + c.name})
			if r.status != c.create {
				t.Errorf("%s: a change with the token is answered %d: %s", c.name, r.status, r.body)
			}
		}
		old := maps.Clone(b.cookies)
		b.wants(b.send(http.MethodPost, logoutPath, url.Values{}), http.StatusOK, "You may close this page")
		b.cookies = old
		if again := b.send(http.MethodGet, accountPath, nil); again.status != http.StatusSeeOther || !strings.HasPrefix(again.header.Get("Location"), signInPath+"?") {
			t.Errorf("%s: after a logout, the old cookie shows %d %s", c.name, again.status, again.body)
		}
	}
}

// TestForgedIdentities: what no issuer said of this login lets nobody in.
// threat: C5
func TestForgedIdentities(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	l := newLab(t, p.options)
	stranger, err := oauthsim.NewKey("one", "ES256")
	if err != nil {
		t.Fatal(err)
	}
	good := map[string]any{"groups": "admins"}
	forged := func(key *oauthsim.Key) string {
		claims := p.Claims(time.Now(), "server", good)
		if key == nil {
			text, err := oauthsim.Unsigned(map[string]any{"alg": "none"}, claims, nil)
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		text, err := key.Sign(claims, nil)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	shared, err := oauthsim.Unsigned(map[string]any{"alg": "HS256"}, p.Claims(time.Now(), "server", good), []byte(p.ClientSecret))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(){
		"nonce of another login":   func() { p.Says["nonce"] = "another" },
		"no nonce":                 func() { p.Says["nonce"] = nil },
		"for another client":       func() { p.Says["aud"] = "another" },
		"for several clients":      func() { p.Says["aud"] = []string{"server", "another"} },
		"given to another":         func() { p.Says["azp"] = "another" },
		"of another issuer":        func() { p.Says["iss"] = "https://login.example.com" },
		"expired":                  func() { p.Says["exp"] = time.Now().Add(-time.Minute).Unix() },
		"from the future":          func() { p.Says["iat"] = time.Now().Add(time.Hour).Unix() },
		"of nobody":                func() { p.Says["sub"] = "" },
		"of somebody without role": func() { p.Says["groups"] = "all" },
		"workspace of nobody":      func() { p.Says["groups"], p.Says["tenant"] = "all", "nowhere" },
		"not signed":               func() { p.IDToken = forged(nil) },
		"signed with the secret":   func() { p.IDToken = shared },
		"signed by a stranger":     func() { p.IDToken = forged(stranger) },
		"no ID token":              func() { p.IDToken = "x" },
	} {
		p.Says, p.IDToken = maps.Clone(good), ""
		change()
		b := newBrowser(l)
		if end := b.logIn(p, accountPath); end.status != http.StatusForbidden || len(b.cookies) != 0 {
			t.Errorf("%s: %d, cookies %v", name, end.status, b.cookies)
		} else if strings.Contains(end.body, p.ClientSecret) || strings.Contains(end.body, "canary") {
			t.Errorf("%s: the page tells %s", name, end.body)
		}
	}
	p.Says, p.IDToken = good, ""
	if end := newBrowser(l).logIn(p, accountPath); end.status != http.StatusSeeOther {
		t.Errorf("a good one is refused: %d %s", end.status, end.body)
	}
}

// TestForgedLoginAnswers: an answer counts once, in the browser that began, and only the issuer's.
// threat: C5
func TestForgedLoginAnswers(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.Says = map[string]any{"groups": "admins"}
	now := time.Now()
	var clock sync.Mutex
	l := newLab(t, p.options, func(o *Options) {
		o.Host.Seams.Now = func() time.Time {
			clock.Lock()
			defer clock.Unlock()
			return now
		}
	})
	begin := func(b *browser) string {
		t.Helper()
		return p.decide(b.send(http.MethodGet, loginURL(accountPath), nil).header.Get("Location"))
	}
	refused := func(name string, got page) {
		t.Helper()
		if got.status != http.StatusForbidden {
			t.Errorf("%s: %d to %q", name, got.status, got.header.Get("Location"))
		}
	}
	victim, attacker := newBrowser(l), newBrowser(l)
	refused("in a browser that did not begin", victim.send(http.MethodGet, begin(attacker), nil))
	own := begin(victim)
	refused("in a browser that began another login", victim.send(http.MethodGet, begin(attacker), nil))
	refused("after a wrong one", victim.send(http.MethodGet, own, nil))

	answer := begin(victim)
	cookies := maps.Clone(victim.cookies)
	if got := victim.send(http.MethodGet, answer, nil); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.body)
	}
	victim.cookies = cookies
	refused("twice", victim.send(http.MethodGet, answer, nil))

	for name, change := range map[string]func(url.Values){
		"another issuer":   func(q url.Values) { q.Set("iss", "https://evil.example") },
		"no issuer":        func(q url.Values) { q.Del("iss") },
		"another state":    func(q url.Values) { q.Set("state", "x") },
		"two states":       func(q url.Values) { q.Add("state", "x") },
		"no code":          func(q url.Values) { q.Del("code") },
		"code of nobody":   func(q url.Values) { q.Set("code", "x") },
		"a refused person": func(q url.Values) { q.Set("error", "access_denied") },
	} {
		b := newBrowser(l)
		u, err := url.Parse(begin(b))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		change(q)
		refused(name, b.send(http.MethodGet, signedInPath+"?"+q.Encode(), nil))
	}

	late := newBrowser(l)
	answer = begin(late)
	clock.Lock()
	now = now.Add(11 * time.Minute)
	clock.Unlock()
	refused("too late", late.send(http.MethodGet, answer, nil))
}

// TestSessionFixation: a cookie that somebody planted before the login is worth nothing after it.
// threat: D7
func TestSessionFixation(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	p.Says = map[string]any{"groups": "admins"}
	l := newLab(t, p.options)
	b := newBrowser(l)
	b.logIn(p, accountPath)
	planted := maps.Clone(b.cookies)
	victim := newBrowser(l)
	maps.Copy(victim.cookies, planted)
	victim.logIn(p, accountPath)
	thief := newBrowser(l)
	thief.cookies = planted
	if got := thief.send(http.MethodGet, accountPath, nil); got.status != http.StatusSeeOther {
		t.Errorf("the planted cookie shows %d", got.status)
	}
	victim.wants(victim.send(http.MethodGet, accountPath, nil), http.StatusOK, "operator")
}

// TestLoginLeadsNowhereElse: no text of a request leads a browser to another site after a login.
// threat: D7
func TestLoginLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "https://evil.example/", "//evil.example", `/\evil.example`, "/connect/../../evil", "/connect/\nx", "javascript:alert(1)", "/api/v1/x", "/connect%2f..", strings.Repeat("/connect/", 200)} {
		if got := localTarget(text); got != accountPath {
			t.Errorf("%.60q leads to %q", text, got)
		}
	}
	if got := localTarget(donePath); got != donePath {
		t.Errorf("%q leads to %q", donePath, got)
	}
}

// TestConfirmByLogin: a person of the workspace needs no code, and one of another workspace does.
// threat: D7
func TestConfirmByLogin(t *testing.T) {
	t.Parallel()
	p := newPeople(t)
	l := newLab(t, p.options)
	l.create("other", "Pylon")
	for tenant, want := range map[string]store.State{"acme": store.Ready, "other": store.Pending, "": store.Pending} {
		link := l.link(l.token, map[string]any{"workspace_name": "acme", "connector_type": "Pylon", "name": "Pylon of " + tenant})
		b := newBrowser(l)
		form := b.follow(http.MethodPost, link.URL, nil)
		done := b.follow(http.MethodPost, formPath, url.Values{"scheme": {form.scheme(t)}, "credentials.api_token": {vendorToken}})
		if to := done.attribute(t, "login", "href"); to != loginURL(donePath) {
			t.Errorf("the page leads to %q for a login", to)
		}
		p.Says = map[string]any{"tenant": tenant, "groups": "admins"}
		if end := b.logIn(p, donePath); end.header.Get("Location") != donePath {
			t.Fatalf("the login ends at %q: %s", end.header.Get("Location"), end.body)
		}
		b.send(http.MethodGet, donePath, nil)
		if state := l.stateOf(link.ConnectorID); state != string(want) {
			t.Errorf("a person of %q makes the connector %s", tenant, state)
		}
	}
}

// TestNoLoginWithoutIssuer: a server without an issuer has no pages for it.
func TestNoLoginWithoutIssuer(t *testing.T) {
	t.Parallel()
	b := newBrowser(newLab(t))
	for _, path := range []string{signInPath, accountPath, signedInPath} {
		if got := b.send(http.MethodGet, path, nil); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}
