package browsertest

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/agenthost/agenthost/internal/oauthsim"
)

// askingPage is where a person logs in at a simulated server.
var askingPage = template.Must(template.New("").Parse(`<!DOCTYPE html><html lang="en"><title>Log in</title><link rel="icon" href="data:,">
<main><h1>Log in</h1><p><a id="yes" href="{{.Yes}}">Yes</a> <a id="no" href="{{.No}}">No</a></p></main>`))

// asking serves a simulated server that says yes for each person, and asks the person first.
func asking(t *testing.T, server http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Referrer-Policy", "no-referrer")
		q := r.URL.Query()
		if r.URL.Path != "/authorize" || q.Has("yes") {
			q.Del("yes")
			r.URL.RawQuery = q.Encode()
			server.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = askingPage.Execute(w, struct{ Yes, No string }{
			"/authorize?yes&" + q.Encode(),
			q.Get("redirect_uri") + "?" + url.Values{"error": {"access_denied"}, "state": {q.Get("state")}}.Encode(),
		})
	}))
	t.Cleanup(s.Close)
	return s
}

// saysYes and saysNo are the person at a simulated server, who has a keyboard only.
func (p *tab) saysYes() { p.t.Helper(); p.await("#yes"); p.tabTo("yes"); p.enter() }
func (p *tab) saysNo()  { p.t.Helper(); p.await("#no"); p.tabTo("no"); p.enter() }

const clientSecret = "canary-client-secret-81c0"

// clientSecretFile is the reference to the secret of a client.
func clientSecretFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "client")
	if err := os.WriteFile(file, []byte(clientSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	return "file:" + file
}

// peopleServer is a server over a simulated Pylon at which people log in: who is of groups=admins
// operates it, and eve only looks. Each write asks a person.
func peopleServer(t *testing.T, configuration string) (*served, *application, *oauthsim.People) {
	t.Helper()
	issuer, err := oauthsim.NewPeople("server", clientSecret, "")
	if err != nil {
		t.Fatal(err)
	}
	issuer.URL = asking(t, issuer).URL
	s := serve(t, configuration+`
serve:
  connectors: {pylon: {server: "`+pylonVendor(t)+`", allow: {effects: [read, write, delete], ask: [write, delete]}}}
  workspace_claim: tenant
  oidc: {issuer: "`+issuer.URL+`", client_id: server, client_secret: "`+clientSecretFile(t)+`", operators: [groups=admins], viewers: [eve]}
`)
	issuer.RedirectURI = s.url + "/login/callback"
	return s, newApplication(t, s), issuer
}
