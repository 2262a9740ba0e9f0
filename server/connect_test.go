package server

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/internal/store"
)

const returnURL = "https://app.example/connected?from=agenthost"

// browser is a person's browser: it keeps cookies, and says which page a form is from.
type browser struct {
	t       *testing.T
	l       *lab
	cookies map[string]string
}

func newBrowser(l *lab) *browser {
	return &browser{t: l.t, l: l, cookies: make(map[string]string)}
}

// page is what a browser shows.
type page struct {
	status int
	at     string // path and query
	body   string
	header http.Header
}

// send sends one request to the server.
func (b *browser) send(method, target string, form url.Values, headers ...string) page {
	b.t.Helper()
	target = strings.TrimPrefix(target, publicURL)
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.l.http.URL+target, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Host = strings.TrimPrefix(publicURL, "https://")
	for name, value := range b.cookies {
		req.Header.Add("Cookie", name+"="+value)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", "null") // as the pages' policy for referrers has it
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range resp.Cookies() {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.SameSite != http.SameSiteLaxMode {
			b.t.Errorf("the cookie %s", c.Name)
		}
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	if resp.Header.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") || strings.Contains(string(body), "<script") {
		b.t.Errorf("%s %s: headers %v", method, target, resp.Header)
	}
	return page{resp.StatusCode, target, string(body), resp.Header}
}

// follow sends a request, and goes where the server sends the browser on its own pages.
func (b *browser) follow(method, target string, form url.Values, headers ...string) page {
	b.t.Helper()
	p := b.send(method, target, form, headers...)
	for range 5 {
		if p.status != http.StatusSeeOther {
			break
		}
		to := p.header.Get("Location")
		if !strings.HasPrefix(to, "/connect/") {
			b.t.Fatalf("%s %s leads to %s", method, target, to)
		}
		p = b.send(http.MethodGet, to, nil)
	}
	return p
}

// attribute returns the text of an attribute of the element with an id.
func (p page) attribute(t *testing.T, id, name string) string {
	t.Helper()
	tag := regexp.MustCompile(`<[^>]*\bid="` + id + `"[^>]*>`).FindString(p.body)
	found := regexp.MustCompile(`\b` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if found == nil {
		t.Fatalf("%s: no %s of #%s in\n%s", p.at, name, id, p.body)
	}
	return strings.NewReplacer("&amp;", "&", "&#43;", "+", "&#34;", `"`).Replace(found[1])
}

// text returns the text of the element with an id.
func (p page) text(t *testing.T, id string) string {
	t.Helper()
	found := regexp.MustCompile(`\bid="` + id + `"[^>]*>([^<]*)`).FindStringSubmatch(p.body)
	if found == nil {
		t.Fatalf("%s: no #%s in\n%s", p.at, id, p.body)
	}
	return found[1]
}

func (b *browser) wants(p page, status int, text string) {
	b.t.Helper()
	if p.status != status || !strings.Contains(p.body, text) {
		b.t.Fatalf("%s: %d, want %d with %q:\n%s", p.at, p.status, status, text, p.body)
	}
}

// returns registers the return URL of the tests with the first application.
func (l *lab) returns() {
	l.t.Helper()
	if err := l.s.store.SetReturnURLs(l.t.Context(), l.first.Organization, l.first.ClientID, []string{returnURL}); err != nil {
		l.t.Fatal(err)
	}
}

// link asks for a link.
func (l *lab) link(token string, body map[string]any) linkAnswer {
	l.t.Helper()
	var got linkAnswer
	l.ok(l.ask(http.MethodPost, linksPath, token, body), &got)
	if !strings.HasPrefix(got.URL, publicURL+"/connect/") || got.State != "new" || got.ID == "" || got.ConnectorID == "" {
		l.t.Fatalf("%+v", got)
	}
	return got
}

func (l *lab) confirm(token, id string, body map[string]any) reply {
	l.t.Helper()
	return l.ask(http.MethodPost, strings.ReplaceAll(confirmPath, "{link_id}", id), token, body)
}

// stateOf is the state of a connector.
func (l *lab) stateOf(id string) string {
	l.t.Helper()
	var one airbyteapi.Record
	l.ok(l.ask(http.MethodGet, at(airbyteapi.ConnectorPath, id), l.token, nil), &one)
	return one.State
}

// brought is what the browser brings to the return URL.
func brought(t *testing.T, p page) (id, code string) {
	t.Helper()
	u, err := url.Parse(strings.TrimPrefix(p.header.Get("Refresh"), "0; url="))
	if err != nil || u.Scheme+"://"+u.Host+u.Path != "https://app.example/connected" || u.Query().Get("from") != "agenthost" {
		t.Fatalf("the browser goes to %q", p.header.Get("Refresh"))
	}
	if p.attribute(t, "return", "href") != u.String() {
		t.Errorf("the button leads to %s", p.attribute(t, "return", "href"))
	}
	return u.Query().Get("connect_link"), u.Query().Get("code")
}

// TestConnectWithAKey: a person connects an account with a key; a wrong one is told at its field, and
// nothing can be used before the application confirms.
func TestConnectWithAKey(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.returns()
	b := newBrowser(l)
	link := l.link(l.token, map[string]any{"workspace_name": "acme", "connector_type": "Pylon", "return_url": returnURL})
	p := b.follow(http.MethodGet, link.URL, nil)
	for _, want := range []string{"acme", "default", "Pylon", "<strong>Read</strong>", "<strong>Create and change</strong>"} {
		b.wants(p, http.StatusOK, want)
	}
	p = b.follow(http.MethodPost, link.URL, nil)
	b.wants(p, http.StatusOK, `name="credentials.api_token"`)
	if p.at != formPath {
		t.Errorf("the form is at %s", p.at)
	}
	form := url.Values{"scheme": {p.scheme(t)}, "credentials.api_token": {"canary-wrong-key"}}
	p = b.follow(http.MethodPost, formPath, form)
	b.wants(p, http.StatusUnprocessableEntity, `aria-invalid="true"`)
	b.wants(p, http.StatusUnprocessableEntity, "Pylon does not take this.")
	if strings.Contains(p.body, "canary-wrong-key") || strings.Contains(p.body, "connect "+"[A-Z0-9]{26}") {
		t.Errorf("the page says\n%s", p.body)
	}
	form.Set("credentials.api_token", "")
	b.wants(b.follow(http.MethodPost, formPath, form), http.StatusUnprocessableEntity, "This is empty.")
	form.Set("credentials.api_token", " "+vendorToken+"\n")
	p = b.follow(http.MethodPost, formPath, form)
	b.wants(p, http.StatusOK, "You go back to")
	if state := l.stateOf(link.ConnectorID); state != string(store.Pending) {
		t.Errorf("the state is %s before somebody confirmed", state)
	}
	l.fails(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, link.ConnectorID), l.token, listUsers), http.StatusUnauthorized, "needs a login")
	id, code := brought(t, p)
	l.fails(l.confirm(l.token, id, map[string]any{"code": code}), http.StatusUnprocessableEntity, "workspace")
	l.fails(l.confirm(l.token, id, map[string]any{"code": code + "A", "workspace_name": "acme"}), http.StatusForbidden, "wrong")
	var made airbyteapi.Record
	l.ok(l.confirm(l.token, id, map[string]any{"code": code, "workspace_name": "acme"}), &made)
	if made.ID != link.ConnectorID || made.State != string(store.Ready) {
		t.Errorf("%+v", made)
	}
	l.ok(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, link.ConnectorID), l.token, listUsers), &answered{})
	b.wants(b.follow(http.MethodGet, donePath, nil), http.StatusOK, "is connected")
	l.fails(l.confirm(l.token, id, map[string]any{"code": code, "workspace_name": "acme"}), http.StatusConflict, "confirmed already")
}

// scheme is the way to connect that a page's only form has.
func (p page) scheme(t *testing.T) string {
	t.Helper()
	found := regexp.MustCompile(`name="scheme" value="([^"]*)"`).FindStringSubmatch(p.body)
	if found == nil {
		t.Fatalf("no scheme in\n%s", p.body)
	}
	return found[1]
}

// TestConnectByTypedCode: without a return URL, the person types eight characters, as they like.
func TestConnectByTypedCode(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	b := newBrowser(l)
	scoped := l.scoped("acme")
	link := l.link(scoped, map[string]any{"connector_type": "Pylon"})
	p := b.follow(http.MethodPost, link.URL, nil)
	p = b.follow(http.MethodPost, formPath, url.Values{"scheme": {p.scheme(t)}, "credentials.api_token": {vendorToken}})
	code := p.text(t, "code")
	if !regexp.MustCompile(`^[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}$`).MatchString(code) {
		t.Fatalf("the code is %q", code)
	}
	if again := b.follow(http.MethodGet, donePath, nil).text(t, "code"); again != code {
		t.Errorf("the page shows %s, and then %s", code, again)
	}
	l.ok(l.confirm(scoped, link.ID, map[string]any{"code": " " + strings.ToLower(strings.ReplaceAll(code, "-", " "))}), &airbyteapi.Record{})
	if state := l.stateOf(link.ConnectorID); state != string(store.Ready) {
		t.Errorf("the state is %s", state)
	}
}

// loginOptions gives the server a client of the CRM.
func loginOptions(account *oauthsim.Server) func(*Options) {
	return func(o *Options) {
		o.OAuthClient = func(connector, _, _ string) (string, secret.Value) {
			if connector != "crm" {
				return "", secret.Value{}
			}
			return account.ClientID, secret.New([]byte(account.ClientSecret))
		}
	}
}

// TestConnectWithALogin: a person logs in at the vendor, whose address depends on a value; the tokens
// are refreshed from then on with the operator's client.
func TestConnectWithALogin(t *testing.T) {
	t.Parallel()
	l := newLoginLab(t)
	account := l.accounts.Add("our client")
	account.Issuer, account.Redirects = l.url, []string{publicURL + callbackPath}
	l.restart(t, loginOptions(account))
	b := newBrowser(l.lab)
	link := l.link(l.token, map[string]any{"workspace_name": "acme", "connector_type": "CRM", "name": "Our CRM"})
	b.wants(b.follow(http.MethodGet, link.URL, nil), http.StatusOK, "Our CRM")
	p := b.follow(http.MethodPost, link.URL, nil)
	b.wants(p, http.StatusOK, `id="form-login"`)
	if strings.Contains(p.body, "field-login-client_id") {
		t.Error("the page asks a person for the operator's client")
	}
	b.wants(b.follow(http.MethodPost, loginPath, url.Values{"scheme": {"login"}, "environment.tenant": {"Not Good"}}), http.StatusUnprocessableEntity, `aria-invalid="true"`)
	p = b.follow(http.MethodPost, loginPath, url.Values{"scheme": {"login"}, "environment.tenant": {"acme"}})
	b.wants(p, http.StatusOK, "You log in at")
	p = b.follow(http.MethodGet, answerTo(t, p.attribute(t, "login", "href")), nil)
	code := p.text(t, "code")
	if n := len(account.Grants()); n != 1 {
		t.Errorf("%q", account.Grants())
	}
	l.is(link.ConnectorID, store.Pending)
	l.ok(l.confirm(l.token, link.ID, map[string]any{"code": code, "workspace_name": "acme"}), &airbyteapi.Record{})
	l.is(link.ConnectorID, store.Ready)
	l.ok(l.me(link.ConnectorID), &answered{})
	if got := account.Grants(); !slices.Equal(got, []string{"authorization_code"}) {
		t.Errorf("the vendor was asked for %q", got)
	}
	account.Expire()
	l.ok(l.me(link.ConnectorID), &answered{})
	l.restart(t, loginOptions(account))
	l.ok(l.me(link.ConnectorID), &answered{})
	if got := account.Grants(); !slices.Equal(got, []string{"authorization_code", "refresh_token"}) {
		t.Errorf("the vendor was asked for %q", got)
	}
}

// answerTo logs a person in at the vendor, and returns where the vendor sends the browser.
func answerTo(t *testing.T, address string) string {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	to := resp.Header.Get("Location")
	if resp.StatusCode != http.StatusFound || !strings.HasPrefix(to, publicURL+callbackPath+"?") {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("the vendor answers %d %s %s to %s", resp.StatusCode, to, body, address)
	}
	return to
}

// TestErrorsOfferALink: a call that a login would mend says where to log in, to those who may connect
// and to nobody else, and says the same when it is asked again.
func TestErrorsOfferALink(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	link := l.link(l.token, map[string]any{"workspace_name": "acme", "connector_type": "Pylon"})
	path := at(airbyteapi.ExecutePath, link.ConnectorID)
	if f := l.fails(l.ask(http.MethodPost, path, l.token, listUsers), http.StatusUnauthorized, "needs a login"); strings.Contains(f.String(), "/connect/") {
		t.Errorf("a link that somebody asked for is replaced: %s", f)
	}
	b := newBrowser(l)
	b.wants(b.follow(http.MethodGet, link.URL, nil), http.StatusOK, "Pylon")
	b.follow(http.MethodPost, link.URL, nil)
	b.wants(b.follow(http.MethodPost, cancelPath, nil), http.StatusOK, "Nothing is connected")
	offered := func(token string) string {
		t.Helper()
		r := l.ask(http.MethodPost, path, token, listUsers)
		l.fails(r, http.StatusUnauthorized, "needs a login")
		return regexp.MustCompile(regexp.QuoteMeta(publicURL) + `/connect/[A-Z2-7]{26}`).FindString(r.body)
	}
	first := offered(l.token)
	if first == "" || offered(l.token) != first || !strings.Contains(l.ask(http.MethodPost, path, l.token, listUsers).body, `"connect_url":"`+first+`"`) {
		t.Errorf("the link is %q, and then %q", first, offered(l.token))
	}
	if got := offered(l.scoped("acme", "read")); got != "" {
		t.Errorf("a caller without the scope connect gets %s", got)
	}
	b.wants(b.follow(http.MethodGet, first, nil), http.StatusOK, "Pylon")
	b.follow(http.MethodPost, first, nil)
	if got := offered(l.token); got != "" {
		t.Errorf("while a person is at work there is another link, %s", got)
	}
}
