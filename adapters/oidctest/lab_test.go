package oidctest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/mcp/accesstoken"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/server"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

// The clients of the issuer: the server itself, and a client of MCP.
const (
	serverID     = "agenthost"
	serverSecret = "canary-secret-of-the-server"
	agentID      = "agent"
	agentReturn  = "http://127.0.0.1:1/callback"
)

// lab is a server with TLS, whose people log in at an issuer.
type lab struct {
	t      *testing.T
	issuer *issuer
	s      *server.Server
	http   *httptest.Server
	url    string
	first  *server.Bootstrap
	later  atomic.Int64 // how much later than the issuer's the server's clock is
}

// newLab starts a server on a folder.
func newLab(t *testing.T, i *issuer, data string, change ...func(*server.Options)) *lab {
	t.Helper()
	l := &lab{t: t, issuer: i, http: httptest.NewUnstartedServer(nil)}
	l.url = "https://" + l.http.Listener.Addr().String()
	i.set(func() {
		i.clients[serverID] = client{Client: storage.WebClient(serverID, "", l.url+"/login/callback")}
		i.clients[agentID] = client{Client: storage.NativeClient(agentID, agentReturn), audience: l.url + "/mcp"}
	})
	around := seams.Seams{Now: func() time.Time { return time.Now().Add(time.Duration(l.later.Load())) }}
	verifier, err := accesstoken.New(accesstoken.Config{Issuer: i.url, Audience: l.url + "/mcp", Scopes: []string{"read"}, Seams: around})
	if err != nil {
		t.Fatal(err)
	}
	plugins := t.TempDir()
	if err := os.WriteFile(filepath.Join(plugins, "notes.wasm"), notes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(data, 0o700); err != nil {
		t.Fatal(err)
	}
	o := server.Options{
		Data: data, URL: l.url, Host: host.Options{Plugins: plugins, Cache: t.TempDir(), Seams: around},
		Bootstrap: func(b *server.Bootstrap) error { l.first = b; return nil },
		MCP:       server.MCP{Tools: tool.Options{Form: "operations"}, Issuer: i.url, Verifier: verifier, Scopes: []string{"read"}, WorkspaceClaim: "tenant"},
		Login: &server.Login{
			Issuer: i.url, ClientID: serverID, WorkspaceClaim: "tenant", Operators: []string{"groups=operators"},
			ClientSecret: func(context.Context) (secret.Value, error) { return secret.New([]byte(serverSecret)), nil },
		},
	}
	for _, c := range change {
		c(&o)
	}
	if l.s, err = server.New(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	l.http.Config.Handler = l.s.Handler(t.Context())
	l.http.StartTLS()
	t.Cleanup(l.close)
	return l
}

// close ends the server. A test that starts another one on its folder calls it first.
func (l *lab) close() {
	if err := l.s.Close(context.WithoutCancel(l.t.Context())); err != nil {
		l.t.Error(err)
	}
	l.http.Close()
}

// notes is a connector whose only operation sends nothing.
func notes() []byte {
	return wasmtest.Static(`{
		"abi": 1, "name": "notes", "title": "Notes", "version": "1.0.0", "description": "Notes of a test.",
		"servers": [{"id": "main", "url": "https://notes.example"}],
		"operations": [{"entity": "notes", "action": "list", "description": "All notes.", "effect": "read", "params": {"type": "object"}, "requests": []}]
	}`, `{"schemes": [{"id": "token", "type": "bearer", "origins": ["https://notes.example"],
		"fields": [{"name": "token", "secret": true, "required": true}],
		"inject": [{"in": "header", "name": "Authorization", "value": "Bearer {token}"}]}]}`, `{"data": [], "meta": {}}`)
}

// ask sends a request to the APIs of the server, and reads its answer.
func ask[T any](l *lab, method, path, token string, body any) (answer T) {
	l.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		l.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(l.t.Context(), method, l.url+path, bytes.NewReader(text))
	if err != nil {
		l.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := l.http.Client().Do(r)
	if err != nil {
		l.t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	if response.StatusCode/100 != 2 {
		l.t.Fatalf("%s %s: %d %s", method, path, response.StatusCode, got)
	}
	if err := json.Unmarshal(got, &answer); err != nil {
		l.t.Fatalf("%v: %s", err, got)
	}
	return answer
}

// connect makes a workspace that has a connection with a name.
func (l *lab) connect(application string, password secret.Value, workspace, connection string) {
	l.t.Helper()
	var text string
	_ = password.Reveal(func(b []byte) error { text = string(b); return nil }) // which returns nil
	token := ask[airbyteapi.Token](l, http.MethodPost, airbyteapi.TokenPath, "", map[string]string{"client_id": application, "client_secret": text})
	ask[map[string]any](l, http.MethodPost, airbyteapi.ConnectorsPath, token.AccessToken, map[string]any{
		"workspace_name": workspace, "name": connection, "connector_type": "Notes", "credentials": map[string]string{"token": "a-token"},
	})
}

// second makes a second organization as an operator, and returns its application.
func (l *lab) second(operator string) adminapi.MadeApplication {
	l.t.Helper()
	made := ask[adminapi.Organization](l, http.MethodPost, adminapi.OrganizationsPath, operator, adminapi.Named{Name: "second"})
	path := strings.Replace(adminapi.ApplicationsPath, "{organization_id}", made.ID, 1)
	return ask[adminapi.MadeApplication](l, http.MethodPost, path, operator, adminapi.NewApplication{Name: "backend"})
}

// browser is one with cookies, which follows where it is sent.
type browser struct {
	t *testing.T
	*http.Client
	// stop ends a way at an address, which it does not visit.
	stop func(*url.URL) bool
}

// page is where a browser ended.
type page struct {
	status int
	at     *url.URL
	body   string
}

func (l *lab) browser() *browser {
	l.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		l.t.Fatal(err)
	}
	b := &browser{t: l.t, stop: func(*url.URL) bool { return false }}
	b.Client = &http.Client{Jar: jar, Transport: l.http.Client().Transport, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if b.stop(r.URL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return b
}

// send visits an address; with a form, it posts that.
func (b *browser) send(address string, form url.Values) page {
	b.t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, address, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	response, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	p := page{response.StatusCode, response.Request.URL, string(text)}
	if to, err := response.Location(); err == nil {
		p.at = to // where it would have gone
	}
	return p
}

// begin opens the page of logins, and returns the issuer's form.
func (l *lab) begin(b *browser) page {
	l.t.Helper()
	form := b.send(l.url+"/login", nil)
	if form.status != http.StatusOK || !strings.HasPrefix(form.at.String(), l.issuer.url+"/login?id=") {
		l.t.Fatalf("the login leads to %s: %d %s", form.at, form.status, form.body)
	}
	return form
}

// says sends the issuer's form, as a person.
func (b *browser) says(form page, name string) page {
	b.t.Helper()
	return b.send(form.at.String(), url.Values{"name": {name}, "password": {password}})
}

// logIn goes all the way.
func (l *lab) logIn(b *browser, name string) page {
	l.t.Helper()
	return b.says(l.begin(b), name)
}

// operator logs in, and takes a token for the command.
func (l *lab) operator() string {
	l.t.Helper()
	b := l.browser()
	l.wants("the operator's login", l.logIn(b, "grace"), http.StatusOK, `id="role">operator<`)
	_, rest, found := strings.Cut(b.send(l.url+"/login/token", url.Values{}).body, "aho_")
	end := strings.IndexAny(rest, `<"`)
	if !found || end < 0 {
		l.t.Fatal("the page shows no token")
	}
	return "aho_" + rest[:end]
}

// wants checks a page.
func (l *lab) wants(what string, p page, status int, text string) {
	l.t.Helper()
	if p.status != status || !strings.Contains(p.body, text) {
		l.t.Errorf("%s: %d at %s, want %d and %s: %s", what, p.status, p.at, status, text, p.body)
	}
	if strings.Contains(p.body, serverSecret) {
		l.t.Errorf("%s: the page has the client's secret", what)
	}
}
