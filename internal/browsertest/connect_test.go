package browsertest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const key = "canary-key-of-the-vendor-3f81"

// pylonServer is a server over a simulated Pylon, with its first application.
func pylonServer(t *testing.T) (*served, *application) {
	t.Helper()
	s := serve(t, "serve: {connectors: {pylon: {server: "+pylonVendor(t)+"}}}\n")
	return s, newApplication(t, s)
}

// pylonVendor is the address of a simulated Pylon.
func pylonVendor(t *testing.T) string {
	t.Helper()
	built(t, "") // or the test is skipped
	v, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: key, Seed: 7}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v.URL
}

// wantsTitle looks at the title of the page.
func (p *tab) wantsTitle(want string) {
	p.t.Helper()
	if got := p.title(); got != want {
		p.t.Errorf("the title is %q, want %q\n%s", got, want, p.tell())
	}
}

// brings waits until the browser is back at the application, and returns the code that it brings.
func (p *tab) brings(a *application, l link) string {
	p.t.Helper()
	at, err := url.Parse(p.arrives(a.back))
	if err != nil {
		p.t.Fatal(err)
	}
	code := at.Query().Get("code")
	if at.Query().Get("connect_link") != l.ID || code == "" {
		p.t.Fatalf("the browser brings %s", at)
	}
	return code
}

// passwordField is the id of the field for a secret.
func (p *tab) passwordField() string { return p.attribute("input[type=password]", "id") }

// TestConnectWithKey connects an account with the keyboard only: a wrong key is told at its field,
// the browser comes back to the application, and no address that it asked for has the key.
func TestConnectWithKey(t *testing.T) {
	t.Parallel()
	s, a := pylonServer(t)
	l := a.link("Pylon", true)
	p := newTab(t, s.url)
	p.goes(a.site)
	p.open(l.path)
	p.wantsTitle("Connect Pylon")
	p.looks("connect-consent")
	p.tabTo("read")
	p.do(chromedp.KeyEvent(kb.Enter))
	if open := result(p, chromedp.Evaluate[bool](`document.getElementById("read").parentElement.open`)); !open {
		t.Error("the Enter key does not open what is allowed")
	}
	p.looks("connect-consent-open")
	p.tabTo("go-on")
	p.space()
	if at := p.at(); at != s.url+"/connect/form" {
		t.Errorf("the form is at %s", at)
	}
	p.looks("connect-form")

	field := p.passwordField()
	p.tabTo(field)
	p.types("a-wrong-key")
	p.enter()
	wrong := p.text("#" + field + "-wrong")
	if described := result(p, chromedp.Evaluate[string](`document.getElementById("`+field+`").getAttribute("aria-describedby") || ""`)); wrong == "" || !strings.Contains(described, field+"-wrong") {
		t.Errorf("the field is described by %q, and says %q", described, wrong)
	}
	p.looks("connect-wrong")

	p.tabTo(field)
	p.types(key)
	p.enter()
	code := p.brings(a, l)
	if status := a.runs(l, "accounts"); status != http.StatusUnauthorized {
		t.Errorf("an account that nobody confirmed: %d", status)
	}
	if status := a.confirm(l, code); status != http.StatusOK {
		t.Errorf("the code is answered with %d", status)
	}
	if status := a.runs(l, "accounts"); status != http.StatusOK {
		t.Errorf("the account is connected: %d", status)
	}
	p.open("/connect/done")
	p.await("#connected")
	p.looks("connect-done")
	for _, address := range p.addresses() {
		if strings.Contains(address, key) {
			t.Errorf("the key is in the address %s", address)
		}
	}
}

// TestConnectWithCode: without a return URL, the person sees a code; the back button and a second
// visit of the link break nothing.
func TestConnectWithCode(t *testing.T) {
	t.Parallel()
	s, a := pylonServer(t)
	l := a.link("Pylon", false)
	p := newTab(t, s.url)
	p.open(l.path)
	p.tabTo("go-on")
	p.enter()
	p.await("input[type=password]")
	p.back()
	p.open(l.path)
	p.await("input[type=password]")
	p.tabTo(p.passwordField())
	p.types(key)
	p.enter()
	code := p.text("#code")
	p.looks("connect-code")
	if status := a.confirm(l, strings.ToLower(code)); status != http.StatusOK {
		t.Errorf("the code %s is answered with %d", code, status)
	}
	p.open("/connect/form")
	p.await("#connected")
}

// TestConnectLinkOver: another browser with the same link is told so, and the person who does not
// want to connect says so.
func TestConnectLinkOver(t *testing.T) {
	t.Parallel()
	s, a := pylonServer(t)
	l := a.link("Pylon", false)
	p := newTab(t, s.url)
	p.open(l.path)
	p.tabTo("go-on")
	p.enter()
	other := newTab(t, s.url)
	other.open(l.path)
	other.wantsTitle("This link was opened")
	other.looks("connect-opened")
	p.tabTo("cancel")
	p.enter()
	p.await("#cancelled")
	p.looks("connect-cancelled")
	p.open(l.path)
	p.wantsTitle("This link is over")
	p.looks("connect-over")
	other.open("/connect/form")
	other.wantsTitle("This browser has no link")
}

// TestConnectDoubleClick: who presses a button twice has connected once.
func TestConnectDoubleClick(t *testing.T) {
	t.Parallel()
	s, a := pylonServer(t)
	l := a.link("Pylon", false)
	p := newTab(t, s.url)
	p.open(l.path)
	p.do(chromedp.DoubleClick(chromedp.ID("go-on")))
	p.await("input[type=password]")
	p.do(chromedp.SendKeys(chromedp.CSS("input[type=password]"), key), chromedp.DoubleClick(chromedp.CSS("form[id] button")))
	p.await("#code")
}
