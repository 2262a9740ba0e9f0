package oidctest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/server"
)

// TestPeopleLogIn: people get what the issuer says of them, the issuer was asked with PKCE, state and
// nonce, and a logout ends it.
func TestPeopleLogIn(t *testing.T) {
	t.Parallel()
	l := newLab(t, startIssuer(t), t.TempDir())
	l.connect(l.first.ClientID, l.first.ClientSecret, "acme", "ours")
	for _, c := range []struct {
		name   string
		status int
		shows  string
	}{
		{"grace", http.StatusOK, `id="role">operator<`},
		{"ada", http.StatusOK, `id="workspace">acme<`},
		{"bob", http.StatusForbidden, "nothing here is yours"}, // whose workspace is nowhere
		{"eve", http.StatusForbidden, "nothing here is yours"},
	} {
		b := l.browser()
		l.wants(c.name, l.logIn(b, c.name), c.status, c.shows)
		asked := l.issuer.last()
		if asked.CodeChallengeMethod != "S256" || len(asked.CodeChallenge) != 43 || len(asked.State) < 32 || len(asked.Nonce) < 32 || asked.ClientID != serverID {
			t.Errorf("%s: the issuer was asked %+v", c.name, asked)
		}
		if c.status != http.StatusOK {
			continue
		}
		l.wants(c.name+" comes back", b.send(l.url+"/login/account", nil), http.StatusOK, c.shows)
		account := &url.URL{Scheme: "https", Host: strings.TrimPrefix(l.url, "https://"), Path: "/login/account"}
		kept := b.Jar.Cookies(account)
		l.wants(c.name+" leaves", b.send(l.url+"/logout", url.Values{}), http.StatusOK, "You may close this page")
		if left := b.Jar.Cookies(account); len(kept) == 0 || len(left) != 0 {
			t.Errorf("%s: %d cookies before the logout, %d after it", c.name, len(kept), len(left))
		}
		b.Jar.SetCookies(account, kept)
		if p := b.send(l.url+"/login/account", nil); !strings.HasPrefix(p.at.String(), l.issuer.url) {
			t.Errorf("%s: after the logout the page is %s", c.name, p.at)
		}
	}
}

// TestAnswersOfOthers: what the issuer did not answer to this browser, about this login, lets nobody in.
// threat: C5
func TestAnswersOfOthers(t *testing.T) {
	t.Parallel()
	i := startIssuer(t)
	l := newLab(t, i, t.TempDir())
	// answer stops before the server sees what the issuer answers.
	answer := func(b *browser) *url.URL {
		t.Helper()
		b.stop = func(u *url.URL) bool { return u.Path == "/login/callback" }
		p := l.logIn(b, "grace")
		b.stop = func(*url.URL) bool { return false }
		if p.at.Query().Get("code") == "" {
			t.Fatalf("no code: %d at %s", p.status, p.at)
		}
		return p.at
	}
	refused := func(what string, p page) {
		t.Helper()
		l.wants(what, p, http.StatusForbidden, "You are not logged in")
	}

	b := l.browser()
	good := answer(b)
	refused("in a browser that did not begin", l.browser().send(good.String(), nil))
	l.wants("in the one that did", b.send(good.String(), nil), http.StatusOK, "operator")
	refused("twice", b.send(good.String(), nil))

	// The code of another browser, in the answer to a login of one's own: the issuer refuses it, as the
	// verifier of PKCE is another.
	thief := l.browser()
	own, stolen := answer(thief).Query(), answer(l.browser()).Query()
	own.Set("code", stolen.Get("code"))
	refused("the code of another browser", thief.send(l.url+"/login/callback?"+own.Encode(), nil))

	for name, change := range map[string]func(url.Values){
		"another state":  func(q url.Values) { q.Set("state", stolen.Get("state")) },
		"no state":       func(q url.Values) { q.Del("state") },
		"another issuer": func(q url.Values) { q.Set("iss", "https://evil.example") },
		"no code":        func(q url.Values) { q.Del("code") },
	} {
		b := l.browser()
		q := answer(b).Query()
		change(q)
		refused(name, b.send(l.url+"/login/callback?"+q.Encode(), nil))
	}

	for name, c := range map[string]struct{ wrong, right func() }{
		"a nonce of another login":  {func() { i.nonce = "another" }, func() { i.nonce = "" }},
		"tokens of another issuer":  {func() { i.says = "https://evil.example" }, func() { i.says = i.url }},
		"a key that it never shows": {func() { i.shown = nil }, func() { i.shown = []*key{i.signs} }},
	} {
		if name == "a key that it never shows" {
			i.rotate(t) // the server knows the one before
		}
		b := l.browser()
		answered := answer(b)
		i.set(c.wrong)
		refused(name, b.send(answered.String(), nil))
		i.set(c.right)
	}
	l.wants("afterwards", l.logIn(l.browser(), "grace"), http.StatusOK, "operator")
}

// TestWrongIssuer: nobody is sent to an issuer that says that it is another one.
// threat: C5
func TestWrongIssuer(t *testing.T) {
	t.Parallel()
	i := startIssuer(t)
	i.set(func() { i.says = "https://evil.example" })
	l := newLab(t, i, t.TempDir())
	b := l.browser()
	l.wants("an issuer with another name", b.send(l.url+"/login", nil), http.StatusBadGateway, "You cannot log in now")
	i.set(func() { i.says = i.url })
	l.wants("the right one", l.logIn(b, "grace"), http.StatusOK, "operator")
}

// TestIssuerRotatesItsKey: a login goes on with a new key at once.
func TestIssuerRotatesItsKey(t *testing.T) {
	t.Parallel()
	i := startIssuer(t)
	l := newLab(t, i, t.TempDir())
	for _, when := range []string{"with the first key", "with the second one", "with the third one"} {
		l.wants(when, l.logIn(l.browser(), "grace"), http.StatusOK, "operator")
		i.rotate(t)
		if when != "with the first key" {
			i.forget()
		}
	}
}

// TestNamedOrganization: people and their agents reach the workspaces of the organization that the
// operator names.
func TestNamedOrganization(t *testing.T) {
	t.Parallel()
	i, data := startIssuer(t), t.TempDir()
	l := newLab(t, i, data)
	l.connect(l.first.ClientID, l.first.ClientSecret, "acme", "ours")
	application := l.second(l.operator())
	l.connect(application.ID, application.ClientSecret.Secret(), "other", "theirs")
	// Made while the server runs, it changes nothing.
	l.wants("ada, before", l.logIn(l.browser(), "ada"), http.StatusOK, `id="workspace">acme<`)
	l.wants("bob, before", l.logIn(l.browser(), "bob"), http.StatusForbidden, "nothing here is yours")
	l.hasTools("ada", "ours_notes_list")
	l.hasTools("bob")
	l.close()

	l = newLab(t, i, data, func(o *server.Options) { o.Organization = "second" })
	l.wants("ada, in the second", l.logIn(l.browser(), "ada"), http.StatusForbidden, "nothing here is yours")
	l.wants("bob, in the second", l.logIn(l.browser(), "bob"), http.StatusOK, `id="workspace">other<`)
	l.hasTools("ada")
	l.hasTools("bob", "theirs_notes_list")
}
