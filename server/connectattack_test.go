package server

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/canary"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/hashicorp/go-hclog"
)

// connectWith gives a key with a link, and returns the last page.
func (b *browser) connectWith(link linkAnswer) page {
	b.t.Helper()
	p := b.follow(http.MethodPost, link.URL, nil)
	b.wants(p, http.StatusOK, `name="scheme"`)
	p = b.follow(http.MethodPost, formPath, url.Values{"scheme": {p.scheme(b.t)}, "credentials.api_token": {vendorToken}})
	b.wants(p, http.StatusOK, "took what you gave")
	return p
}

// TestStolenLinks: a link is for one browser, once, for ten minutes; to look at it changes nothing.
//
// threat: D7
func TestStolenLinks(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	ask := func() linkAnswer {
		return l.link(l.token, map[string]any{"workspace_name": "acme", "connector_type": "Pylon"})
	}
	t.Run("preview", func(t *testing.T) {
		link, bot, b := ask(), newBrowser(l), newBrowser(l)
		for range 3 {
			bot.wants(bot.send(http.MethodGet, link.URL, nil), http.StatusOK, "Go on")
			bot.wants(bot.send(http.MethodHead, link.URL, nil), http.StatusOK, "")
		}
		if len(bot.cookies) != 0 {
			t.Error("a look sets a cookie")
		}
		b.connectWith(link)
	})
	t.Run("somebody else first", func(t *testing.T) {
		link, thief, b := ask(), newBrowser(l), newBrowser(l)
		thief.connectWith(link)
		b.wants(b.send(http.MethodGet, link.URL, nil), http.StatusGone, "Another browser")
		b.wants(b.follow(http.MethodPost, link.URL, nil), http.StatusGone, "Two browsers")
		thief.wants(thief.follow(http.MethodGet, donePath, nil), http.StatusGone, "over")
		if state := l.stateOf(link.ConnectorID); state != string(store.Pending) {
			t.Errorf("the state is %s", state)
		}
	})
	t.Run("twice", func(t *testing.T) {
		link, b := ask(), newBrowser(l)
		b.follow(http.MethodPost, link.URL, nil)
		first := b.cookies["__Host-agenthost-connect"]
		b.wants(b.follow(http.MethodPost, link.URL, nil), http.StatusOK, `name="scheme"`)
		if b.cookies["__Host-agenthost-connect"] != first {
			t.Error("the second press is another session")
		}
	})
	t.Run("older", func(t *testing.T) {
		old, b := ask(), newBrowser(l)
		ask()
		b.wants(b.send(http.MethodGet, old.URL, nil), http.StatusGone, "over")
		b.wants(b.follow(http.MethodPost, old.URL, nil), http.StatusGone, "over")
	})
	t.Run("fixed session", func(t *testing.T) {
		link, b := ask(), newBrowser(l)
		b.cookies["__Host-agenthost-connect"] = "CHOSEN-BY-AN-ATTACKER"
		b.follow(http.MethodPost, link.URL, nil)
		if got := b.cookies["__Host-agenthost-connect"]; len(got) < 26 || strings.Contains(got, "CHOSEN") {
			t.Errorf("the session is %q", got)
		}
	})
	t.Run("forged form", func(t *testing.T) {
		link, b := ask(), newBrowser(l)
		for _, from := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "", "Origin", "https://evil.example"}} {
			if r := rawForm(t, l, link.URL, from, ""); r != http.StatusForbidden {
				t.Errorf("%q: %d", from, r)
			}
		}
		b.wants(b.send(http.MethodGet, link.URL, nil), http.StatusOK, "Go on")
	})
}

// rawForm sends a form without what a browser of ours adds, and returns the status.
func rawForm(t *testing.T, l *lab, target string, headers []string, form string) int {
	t.Helper()
	r := l.ask(http.MethodPost, strings.TrimPrefix(target, publicURL), "", form, append([]string{"Host", "agents.example.com", "Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
	return r.status
}

// TestAccountsOfOthers: neither is the account of a victim usable in the workspace of an attacker, nor
// the other way round.
//
// threat: D7
func TestAccountsOfOthers(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.returns()
	link := l.link(l.token, map[string]any{"workspace_name": "attacker", "connector_type": "Pylon", "return_url": returnURL})
	l.link(l.token, map[string]any{"workspace_name": "victim", "connector_type": "Pylon", "return_url": returnURL})
	victim := newBrowser(l)
	id, code := brought(t, victim.connectWith(link))
	// The application knows that the browser is the victim's.
	l.fails(l.confirm(l.token, id, map[string]any{"code": code, "workspace_name": "victim"}), http.StatusNotFound, "the workspace has no such link")
	l.fails(l.confirm(l.scoped("victim"), id, map[string]any{"code": code}), http.StatusNotFound, "no such link")
	l.fails(l.confirm(l.another(), id, map[string]any{"code": code, "workspace_name": "default"}), http.StatusNotFound, "no such link")
	l.fails(l.confirm(l.applicationToken(l.first.Organization), id, map[string]any{"code": code, "workspace_name": "attacker"}), http.StatusNotFound, "no such link")
	l.fails(l.confirm(l.scoped("attacker", "read"), id, map[string]any{"code": code}), http.StatusForbidden, "scope")
	// The attacker does not have the code, and cannot guess it.
	for range 5 {
		l.fails(l.confirm(l.token, id, map[string]any{"code": "AAAAAAAA", "workspace_name": "attacker"}), http.StatusForbidden, "wrong")
	}
	l.fails(l.confirm(l.token, id, map[string]any{"code": code, "workspace_name": "attacker"}), http.StatusNotFound, "no such link")
	if state := l.stateOf(link.ConnectorID); state != string(store.Pending) {
		t.Errorf("the state is %s", state)
	}
	l.fails(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, link.ConnectorID), l.token, listUsers), http.StatusUnauthorized, "needs a login")
}

// TestOpenRedirects: a browser goes to registered addresses only, letter for letter.
//
// threat: D7
func TestOpenRedirects(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.returns()
	for _, to := range []string{"https://evil.example", returnURL + "x", returnURL + "#x", strings.ToUpper(returnURL), "https://app.example/connected", "https://app.example@evil.example/connected?from=agenthost", "//app.example/connected?from=agenthost", "javascript:alert(1)"} {
		l.fails(l.ask(http.MethodPost, linksPath, l.token, map[string]any{"workspace_name": "acme", "connector_type": "Pylon", "return_url": to}), http.StatusUnprocessableEntity, "return URL")
	}
	// Another application's is not this one's.
	l.fails(l.ask(http.MethodPost, linksPath, l.applicationToken(l.first.Organization), map[string]any{"workspace_name": "acme", "connector_type": "Pylon", "return_url": returnURL}), http.StatusUnprocessableEntity, "return URL")
}

// TestForgedLogins: the answer of a vendor counts for the browser, the login and the issuer that it is
// of, and once.
//
// threat: C5, D7
func TestForgedLogins(t *testing.T) {
	t.Parallel()
	l := newLoginLab(t)
	account := l.accounts.Add("our client")
	account.Issuer, account.Redirects = l.url, []string{publicURL + callbackPath}
	l.restart(t, loginOptions(account))
	begin := func() (*browser, string) {
		b := newBrowser(l.lab)
		link := l.link(l.token, map[string]any{"workspace_name": "acme", "connector_type": "CRM"})
		b.follow(http.MethodPost, link.URL, nil)
		p := b.follow(http.MethodPost, loginPath, url.Values{"scheme": {"login"}, "environment.tenant": {"acme"}})
		return b, answerTo(t, p.attribute(t, "login", "href"))
	}
	change := func(answer, name, value string) string {
		u, err := url.Parse(answer)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set(name, value)
		u.RawQuery = q.Encode()
		return u.String()
	}
	b, answer := begin()
	before := len(account.Grants())
	other := newBrowser(l.lab)
	other.wants(other.follow(http.MethodGet, answer, nil), http.StatusForbidden, "no link")
	b.wants(b.follow(http.MethodGet, change(answer, "state", "x"), nil), http.StatusForbidden, "another login")
	values := b.cookies["__Host-agenthost-connect-values"]
	b.cookies["__Host-agenthost-connect-values"] = encodeConfig(map[string]string{"tenant": "evil"})
	b.wants(b.follow(http.MethodGet, answer, nil), http.StatusForbidden, "another login")
	b.cookies["__Host-agenthost-connect-values"] = values
	b.wants(b.follow(http.MethodGet, change(answer, "iss", "https://evil.example"), nil), http.StatusUnprocessableEntity, "wrong server")
	if n := len(account.Grants()); n != before {
		t.Errorf("a code of another issuer was sent to this one: %q", account.Grants())
	}
	b.wants(b.follow(http.MethodGet, answer, nil), http.StatusForbidden, "another login") // the state has counted
	// A code of another login does not fit the verifier of this one.
	_, theirs := begin()
	b, answer = begin()
	u, err := url.Parse(theirs)
	if err != nil {
		t.Fatal(err)
	}
	b.wants(b.follow(http.MethodGet, change(answer, "code", u.Query().Get("code")), nil), http.StatusUnprocessableEntity, "did not work")
	b, answer = begin()
	b.wants(b.follow(http.MethodGet, answer, nil), http.StatusOK, "Type this code")
	b.wants(b.follow(http.MethodGet, answer, nil), http.StatusOK, "Type this code")
	if grants := account.Grants(); len(grants) != before+2 {
		t.Errorf("the vendor was asked for %q", grants)
	}
}

// TestNoPageTellsASecret: what a link, a browser and a person have is in no log, and a credential is
// on no page.
//
// threat: D8
func TestNoPageTellsASecret(t *testing.T) {
	t.Parallel()
	var log canary.Buffer
	l := newLab(t, func(o *Options) { o.Host.Logger = hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Trace}) })
	b := newBrowser(l)
	link := l.link(l.token, map[string]any{"workspace_name": "acme", "connector_type": "Pylon"})
	p := b.connectWith(link)
	code := p.text(t, "code")
	for what, text := range map[string]string{
		"the link": strings.TrimPrefix(link.URL, publicURL+connectPath), "the session": b.cookies["__Host-agenthost-connect"],
		"the code": code, "the key": vendorToken,
	} {
		if text == "" || strings.Contains(string(log.Bytes()), text) {
			t.Errorf("the log has %s", what)
		}
	}
	for _, at := range []string{donePath, formPath} {
		if p := b.follow(http.MethodGet, at, nil); strings.Contains(p.body, vendorToken) || strings.Contains(p.body, strings.TrimPrefix(link.URL, publicURL)) {
			t.Errorf("%s shows a secret:\n%s", at, p.body)
		}
	}
}

// TestHostileWordsOnPages: names that others chose are text, and none of it is hidden.
//
// threat: D8
func TestHostileWordsOnPages(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	name := `<script>alert(1)</script>" onload="x`
	link := l.link(l.token, map[string]any{"workspace_name": name, "connector_type": "Pylon", "name": `<img src=x onerror=alert(1)>`})
	b := newBrowser(l)
	p := b.follow(http.MethodGet, link.URL, nil)
	b.wants(p, http.StatusOK, "&lt;script&gt;alert(1)&lt;/script&gt;")
	if strings.Contains(p.body, "<img") || strings.Contains(p.body, `" onload="`) {
		t.Errorf("%s", p.body)
	}
}

// TestHostileManifestOnPages: what a connector and an issuer say stays text on the pages of a login. No
// connector has a character that nobody sees.
//
// threat: D7, D8
func TestHostileManifestOnPages(t *testing.T) {
	t.Parallel()
	const markup = `<b onload=alert(1)>\"'</b>{{.}}`
	title := markup + strings.Repeat("W", 100)
	hostile := strings.NewReplacer(`"CRM"`, `"`+title+`"`, `"required": true, "pattern": "[a-z]+"`, `"title": "`+markup+`", "description": "`+markup+`", "required": true, "pattern": "[a-z]+"`,
		`"id": "key",`, `"id": "key", "title": "`+markup+`", "description": "`+markup+`",`, `"name": "api_key",`, `"name": "api_key", "title": "`+markup+`", "description": "`+markup+`",`)
	people := newPeople(t)
	l := newLoginLab(t)
	account := l.accounts.Add("our client")
	account.Redirects = []string{publicURL + callbackPath}
	l.restart(t, loginOptions(account), people.options, func(o *Options) {
		if err := os.WriteFile(filepath.Join(o.Host.Plugins, "crm.wasm"), crmWith(hostile), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	var seen []page
	b := newBrowser(l.lab)
	look := func(p page) page { seen = append(seen, p); return p }
	link := l.link(l.token, map[string]any{"workspace_name": "acme", "connector_type": strings.ReplaceAll(title, `\"`, `"`)})
	look(b.follow(http.MethodGet, link.URL, nil))
	look(b.follow(http.MethodPost, link.URL, nil))
	look(b.follow(http.MethodPost, loginPath, url.Values{"scheme": {"login"}, "environment.tenant": {"<i>"}}))
	p := look(b.follow(http.MethodPost, loginPath, url.Values{"scheme": {"login"}, "environment.tenant": {"acme"}}))
	look(b.follow(http.MethodGet, answerTo(t, p.attribute(t, "login", "href")), nil))
	people.Says = map[string]any{"sub": `<script>ann</script>` + "\u202e", "groups": "admins"}
	b.logIn(people, accountPath)
	b.wants(look(b.send(http.MethodGet, accountPath, nil)), http.StatusOK, "[U+202E]")
	for i, p := range seen {
		if p.status != http.StatusOK && p.status != http.StatusUnprocessableEntity {
			t.Errorf("page %d: %d %s", i, p.status, p.body)
		}
		if !strings.Contains(p.body, "&lt;") {
			t.Errorf("page %d has no hostile words:\n%s", i, p.body)
		}
		for _, never := range []string{"<b onload", "<script", "<i>", "\u202e"} {
			if strings.Contains(p.body, never) {
				t.Errorf("page %d has %q:\n%s", i, never, p.body)
			}
		}
	}
}
