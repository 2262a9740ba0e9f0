package browsertest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/adminapi"
)

// TestLogInAndOut: an operator logs in, gets a token for the command, which works, and logs out. Who
// says no at the issuer, and who has no access, is told so.
func TestLogInAndOut(t *testing.T) {
	t.Parallel()
	s, _, issuer := peopleServer(t, "")
	issuer.Says = map[string]any{"groups": "all"}
	p := newTab(t, s.url)
	p.goes(issuer.URL)
	p.open("/login/account")
	p.saysNo()
	p.wantsTitle("You are not logged in")
	p.looks("login-refused")
	p.tabTo("again")
	p.enter()
	p.saysYes()
	p.wantsTitle("You have no access")
	p.looks("login-no-access")

	issuer.Says = map[string]any{"groups": "admins"}
	p.open("/login")
	p.saysYes()
	if at := p.at(); at != s.url+"/login/account" {
		t.Errorf("the login ends at %s", at)
	}
	p.wantsTitle("You are logged in")
	p.looks("account")
	p.tabTo("make-token")
	p.enter()
	token := p.text("#token")
	p.looks("account-token")
	operator := application{s: s, token: token}
	if status, text := operator.ask(http.MethodGet, adminapi.OrganizationsPath, nil); status != http.StatusOK {
		t.Errorf("the token is answered %d %s", status, text)
	}
	p.tabTo("logout")
	p.enter()
	p.wantsTitle("You are logged out")
	p.looks("logged-out")
	p.open("/login/account")
	p.await("#yes")
	for _, address := range p.addresses() {
		if strings.Contains(address, token) || strings.Contains(address, clientSecret) {
			t.Errorf("a secret is in the address %s", address)
		}
	}
}

// TestConfirmByLogin: who logs in as one of the workspace types no code, and who is of another one does.
func TestConfirmByLogin(t *testing.T) {
	t.Parallel()
	s, a, issuer := peopleServer(t, "")
	a.connects("other")
	for _, c := range []struct {
		workspace string
		status    int
	}{{"other", http.StatusUnauthorized}, {"acme", http.StatusOK}} {
		issuer.Says = map[string]any{"sub": "ann", "tenant": c.workspace}
		l := a.link("Pylon", false)
		p := newTab(t, s.url)
		p.goes(issuer.URL)
		p.open(l.path)
		p.tabTo("go-on")
		p.enter()
		p.tabTo(p.passwordField())
		p.types(key)
		p.enter()
		p.tabTo("login")
		p.enter()
		p.saysYes()
		if at := p.at(); at != s.url+"/connect/done" {
			t.Errorf("%s: the login ends at %s", c.workspace, at)
		}
		if c.status == http.StatusOK {
			p.await("#connected")
			p.looks("connect-by-login")
		} else {
			p.await("#code")
			p.looks("connect-code-or-login")
		}
		if status := a.runs(l, "accounts"); status != c.status {
			t.Errorf("%s: the account is used with %d", c.workspace, status)
		}
	}
}
