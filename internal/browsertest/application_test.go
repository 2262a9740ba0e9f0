package browsertest

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// application is a program that uses a server, with pages of its own that a browser comes back to.
type application struct {
	s     *served
	id    string
	token string
	site  string // its origin
	back  string // its return URL
}

// newApplication is the first application of a server.
func newApplication(t *testing.T, s *served) *application {
	t.Helper()
	a := &application{s: s}
	var first struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	text, err := os.ReadFile(filepath.Join(s.folder, "data", "bootstrap.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &first); err != nil {
		t.Fatal(err)
	}
	a.id = first.ID
	var got struct {
		Token string `json:"access_token"`
	}
	a.asks("/api/v1/account/applications/token", map[string]any{"client_id": first.ID, "client_secret": first.Secret}, &got)
	a.token = got.Token

	site := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Referrer-Policy", "no-referrer")
		_, _ = fmt.Fprint(w, `<!DOCTYPE html><html lang="en"><title>The application</title><link rel="icon" href="data:,"><main><h1 id="application">The application</h1></main>`)
	}))
	site.TLS = &tls.Config{Certificates: []tls.Certificate{newCertificate(t, "application.test")}, MinVersion: tls.VersionTLS12}
	site.StartTLS()
	t.Cleanup(site.Close)
	u, err := url.Parse(site.URL)
	if err != nil {
		t.Fatal(err)
	}
	a.site = "https://application.test:" + u.Port()
	a.back = a.site + "/connected"
	if out, err := s.command("app", "return-urls", a.id, a.back, "--data", "data").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return a
}

// asks sends a request of the application that succeeds.
func (a *application) asks(path string, body, answer any) {
	a.s.t.Helper()
	if status, text := a.ask(http.MethodPost, path, body); status >= http.StatusMultipleChoices {
		a.s.t.Fatalf("%s: %d %s", path, status, text)
	} else if err := json.Unmarshal([]byte(text), answer); err != nil {
		a.s.t.Fatal(err)
	}
}

// ask sends a request of the application.
func (a *application) ask(method, path string, body any) (status int, answer string) {
	t := a.s.t
	t.Helper()
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	u, err := url.Parse(a.s.url)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, "https://127.0.0.1:"+u.Port()+path, bytes.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = u.Host
	r.Header.Set("Content-Type", "application/json")
	if a.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // the server's certificate is of this test
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// link is a link with which a person connects an account.
type link struct {
	ID        string `json:"id"`
	URL       string `json:"url"`
	Connector string `json:"connector_id"`
	path      string
}

// link asks for a link for the workspace acme.
func (a *application) link(kind string, back bool) (l link) {
	a.s.t.Helper()
	body := map[string]any{"workspace_name": "acme", "connector_type": kind}
	if back {
		body["return_url"] = a.back
	}
	a.asks("/api/v1/agenthost/connect_links", body, &l)
	l.path = strings.TrimPrefix(l.URL, a.s.url)
	return l
}

// renew asks for a link for another login of a connector.
func (a *application) renew(connector string) (l link) {
	a.s.t.Helper()
	a.asks("/api/v1/agenthost/connect_links", map[string]any{"connector_id": connector}, &l)
	l.path = strings.TrimPrefix(l.URL, a.s.url)
	return l
}

// disconnects deletes a connector.
func (a *application) disconnects(l link) {
	a.s.t.Helper()
	if status, text := a.ask(http.MethodDelete, "/api/v1/integrations/connectors/"+l.Connector, nil); status >= http.StatusMultipleChoices {
		a.s.t.Fatalf("%d %s", status, text)
	}
}

// confirm says that the person is the user of the workspace acme.
func (a *application) confirm(l link, code string) int {
	a.s.t.Helper()
	status, _ := a.ask(http.MethodPost, "/api/v1/agenthost/connect_links/"+l.ID+"/confirm", map[string]any{"code": code, "workspace_name": "acme"})
	return status
}

// runs runs an operation of a connector, and returns the status.
func (a *application) runs(l link, entity string) int {
	a.s.t.Helper()
	status, _ := a.calls(l.Connector, entity, "list", map[string]any{"limit": 1})
	return status
}

// calls calls an operation of a connector.
func (a *application) calls(connector, entity, action string, params map[string]any) (status int, answer string) {
	a.s.t.Helper()
	return a.ask(http.MethodPost, "/api/v1/integrations/connectors/"+connector+"/execute", map[string]any{"entity": entity, "action": action, "params": params})
}

// connects connects an account of Pylon without a person, and returns the connector.
func (a *application) connects(workspace string) string {
	a.s.t.Helper()
	var made struct {
		ID string `json:"id"`
	}
	a.asks("/api/v1/integrations/connectors", map[string]any{"workspace_name": workspace, "connector_type": "Pylon", "credentials": map[string]string{"api_token": key}}, &made)
	return made.ID
}
