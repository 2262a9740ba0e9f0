package browsertest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// crm is a connector whose vendor people log in to. Where it is depends on a value of the connection.
func crm() []byte {
	const vendor = `https://{tenant}.crm.example`
	return wasmtest.Sending(`{
		"abi": 1, "name": "crm", "title": "CRM", "version": "1.0.0", "description": "A vendor with OAuth 2.0.",
		"servers": [{"id": "main", "url": "`+vendor+`"}],
		"config": [{"name": "tenant", "title": "Your tenant", "description": "What stands before .crm.example in the address of your browser.", "required": true, "pattern": "[a-z]+"}],
		"check": {"entity": "me", "action": "get"},
		"operations": [{"entity": "me", "action": "get", "description": "Who is logged in.", "effect": "read", "params": {"type": "object"}, "requests": [{"method": "GET", "path": "/me"}]}]
	}`, `{"schemes": [{"id": "login", "title": "Your login", "type": "oauth2", "origins": ["`+vendor+`"],
		"inject": [{"in": "header", "name": "Authorization", "value": "Bearer {access_token}"}],
		"fields": [{"name": "client_id"}, {"name": "client_secret", "secret": true}, {"name": "refresh_token", "secret": true}, {"name": "access_token", "secret": true}],
		"oauth2": {"grant": "refresh_token", "token_url": "`+vendor+`/token", "authorize_url": "`+vendor+`/authorize", "revoke_url": "`+vendor+`/revoke"}
	}]}`, `{"method": "GET", "path": "/me"}`)
}

// crmServer is a server over a simulated CRM, with its first application.
func crmServer(t *testing.T) (s *served, a *application, vendor *oauthsim.Server, at string) {
	t.Helper()
	built(t, "") // or the test is skipped
	vendor = &oauthsim.Server{ClientID: "our client", ClientSecret: clientSecret, Prefix: "canary-", Lifetime: time.Hour}
	at = asking(t, vendor).URL
	s = serveWith(t, `
serve:
  connectors: {crm: {server: "`+at+`"}}
  oauth: {crm: {client_id: our client, client_secret: "`+clientSecretFile(t)+`"}}
`, "crm.wasm", crm())
	vendor.Redirects = []string{s.url + "/connect/callback"}
	return s, newApplication(t, s), vendor, at
}

// toVendor goes from the link to the vendor's login.
func (p *tab) toVendor(l link) {
	p.t.Helper()
	p.open(l.path)
	p.tabTo("go-on")
	p.enter()
	p.toLogin("acme")
	p.enter()
}

// toLogin goes from the form to the button that leads to the vendor.
func (p *tab) toLogin(tenant string) {
	p.t.Helper()
	p.await("#form-login")
	p.tabTo(p.field())
	p.types(tenant)
	p.enter()
	p.await("#login")
	p.tabTo("login")
}

// field is the id of the only field of the form.
func (p *tab) field() string { return p.attribute("#form-login input[type=text]", "id") }

// TestConnectWithLogin: a person logs in at the vendor, with the keyboard only. Who says no there comes
// back to the form; then the application confirms the account. It is disconnected, which ends the login
// at the vendor, and connected again.
func TestConnectWithLogin(t *testing.T) {
	t.Parallel()
	s, a, vendor, at := crmServer(t)
	l := a.link("CRM", true)
	p := newTab(t, s.url)
	p.goes(a.site, at)
	p.open(l.path)
	p.tabTo("go-on")
	p.enter()
	p.looks("login-form")
	p.tabTo(p.field())
	p.types("NOT ONE")
	p.enter()
	p.await("#" + p.field() + "-wrong")
	p.looks("login-form-wrong")
	p.toLogin("acme")
	p.looks("login-leads")
	p.enter()
	p.saysNo()
	if got := p.text("#problem"); got != "The login did not work. You said no at CRM, or it did not let you in. You can log in again." {
		t.Errorf("the form says %q", got)
	}
	p.looks("login-form-refused")
	if got := p.attribute("#"+p.field(), "value"); got != "acme" {
		t.Errorf("the form has forgotten what the person typed: %q", got)
	}
	p.toLogin("acme")
	p.enter()
	p.saysYes()
	code := p.brings(a, l)
	if status, text := a.calls(l.Connector, "me", "get", nil); status != http.StatusUnauthorized {
		t.Errorf("an account that nobody confirmed: %d %s", status, text)
	}
	if status := a.confirm(l, code); status != http.StatusOK {
		t.Errorf("the code is answered with %d", status)
	}
	if status, text := a.calls(l.Connector, "me", "get", nil); status != http.StatusOK {
		t.Errorf("the account is connected: %d %s", status, text)
	}

	// Another login takes the place of this one.
	renewed := a.renew(l.Connector)
	p.open(renewed.path)
	p.await("#renew")
	p.looks("connect-renew")

	access := vendor.Access()
	a.disconnects(l)
	for until := time.Now().Add(patience); vendor.Access() == access; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("the login has not ended at the vendor")
		}
	}
	p.open(renewed.path)
	p.wantsTitle("This link is over")
	if status, _ := a.calls(l.Connector, "me", "get", nil); status != http.StatusNotFound {
		t.Errorf("an account that is not connected any more: %d", status)
	}
	again := a.link("CRM", true)
	p.toVendor(again)
	p.saysYes()
	if status := a.confirm(again, p.brings(a, again)); status != http.StatusOK {
		t.Errorf("the code is answered with %d", status)
	}
	if status, text := a.calls(again.Connector, "me", "get", nil); status != http.StatusOK {
		t.Errorf("the account is connected again: %d %s", status, text)
	}
	for _, address := range p.addresses() {
		for _, never := range []string{clientSecret, access, vendor.Access(), vendor.Refresh()} {
			if strings.Contains(address, never) {
				t.Errorf("a secret is in the address %s", address)
			}
		}
	}
}
