package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/inflight"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// compiled is the cache of the whole test run: a module is compiled once.
var compiled string

func TestMain(m *testing.M) {
	var err error
	if compiled, err = wasmtest.CacheFolder(); err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}

const (
	vendorToken = "canary-vendor-token-5e1f0c7d"
	publicURL   = "https://agents.example.com"
	nobody      = "0b6c1d9e-4c5f-4c55-9d0a-6b1f8f0f6a99" // an id that nothing has
)

// patience is how long a test waits for what has to happen: the machine may have much else to do.
const patience = 2 * time.Minute

// lab is a server over a simulated vendor.
type lab struct {
	t      *testing.T
	s      *Server
	http   *httptest.Server
	vendor *vendorsim.Server
	first  *Bootstrap // nil if the folder was not empty
	token  string     // of the first application

	mu      sync.Mutex
	queries []string
}

// newLab opens a server on an empty folder.
func newLab(t *testing.T, change ...func(*Options)) *lab {
	t.Helper()
	l := &lab{t: t}
	var err error
	if l.vendor, err = vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: vendorToken, Seed: 7, Scale: pylon.SmallScale()}), vendorsim.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.vendor.Close() })
	o := Options{
		Data: t.TempDir(), URL: publicURL,
		Host:       host.Options{Plugins: wasmtest.Folder(t, "plugins/pylon"), Cache: compiled, WorkspaceLimits: inflight.Limits{Wait: patience}},
		Connectors: map[string]host.Connection{"pylon": {Server: l.vendor.URL}},
	}
	o.Bootstrap = func(b *Bootstrap) error { l.first = b; return nil }
	o.onQuery = func(name string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.queries = append(l.queries, name)
	}
	for _, c := range change {
		c(&o)
	}
	if err := os.Chmod(o.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	if l.s, err = New(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	l.http = httptest.NewServer(l.s.Handler(t.Context()))
	t.Cleanup(l.http.Close)
	if b := l.first; b != nil {
		l.token = l.tokenOf(b.ClientID, b.ClientSecret)
	}
	return l
}

// asked returns the names of the database queries since the last call.
func (l *lab) asked() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := l.queries
	l.queries = nil
	return names
}

// tokenOf gets a token for an application.
func (l *lab) tokenOf(id string, password secret.Value) string {
	l.t.Helper()
	var text string
	_ = password.Reveal(func(b []byte) error { text = string(b); return nil })
	var got airbyteapi.Token
	l.ok(l.ask(http.MethodPost, airbyteapi.TokenPath, "", map[string]string{"client_id": id, "client_secret": text}), &got)
	return got.AccessToken
}

// reply is an answer of the server.
type reply struct {
	status int
	body   string
	header http.Header
}

// ask sends a request. Body is text as it is, or anything that marshals; nil is no body.
func (l *lab) ask(method, path, token string, body any, headers ...string) reply {
	l.t.Helper()
	var text []byte
	switch b := body.(type) {
	case nil:
	case string:
		text = []byte(b)
	default:
		var err error
		if text, err = json.Marshal(body); err != nil {
			l.t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(l.t.Context(), method, l.http.URL+path, bytes.NewReader(text))
	if err != nil {
		l.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if req.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	resp, err := l.http.Client().Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	if strings.Contains(string(answer), vendorToken) || strings.Contains(string(answer), "CANARY-") {
		l.t.Errorf("%s %s answers the credential: %s", method, path, answer)
	}
	return reply{resp.StatusCode, string(answer), resp.Header}
}

// ok reads a good answer.
func (l *lab) ok(r reply, into any) {
	l.t.Helper()
	if r.status >= 300 {
		l.t.Fatalf("%d %s", r.status, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), into); err != nil {
		l.t.Fatalf("%v in %s", err, r.body)
	}
}

// fails checks that a request is refused in Airbyte's form, and returns what it says.
func (l *lab) fails(r reply, status int, want string) airbyteapi.Failure {
	l.t.Helper()
	f := airbyteapi.ReadFailure([]byte(r.body))
	if r.status != status || !strings.Contains(f.String(), want) || f.Code() == "" {
		l.t.Errorf("%d %s, want %d with %q", r.status, r.body, status, want)
	}
	return f
}

// create creates a connector of Pylon in a workspace.
func (l *lab) create(workspace, name string) string {
	l.t.Helper()
	var made airbyteapi.Record
	l.ok(l.ask(http.MethodPost, airbyteapi.ConnectorsPath, l.token, map[string]any{
		"workspace_name": workspace, "name": name, "connector_type": "Pylon",
		"credentials": map[string]string{"api_token": vendorToken}, "replication_config": map[string]string{"start_date": "2026-01-01T00:00:00Z"},
	}), &made)
	return made.ID
}

// at is the path of a connector.
func at(pattern, id string) string { return strings.ReplaceAll(pattern, "{connector_id}", id) }

// scoped gets a token for one workspace.
func (l *lab) scoped(workspace string, scopes ...string) string {
	l.t.Helper()
	body := map[string]any{"workspace_name": workspace}
	if scopes != nil {
		body["scopes"] = scopes
	}
	var got airbyteapi.ScopedToken
	l.ok(l.ask(http.MethodPost, airbyteapi.ScopedTokenPath, l.token, body), &got)
	return got.Token
}

// another makes another organization, and returns a token of its application.
func (l *lab) another() string {
	l.t.Helper()
	organization, err := l.s.store.CreateOrganization(l.t.Context(), "another")
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := l.s.store.CreateWorkspace(l.t.Context(), organization.ID, "default"); err != nil {
		l.t.Fatal(err)
	}
	return l.applicationToken(organization.ID)
}

// applicationToken returns a token of a new application of an organization.
func (l *lab) applicationToken(organization string) string {
	l.t.Helper()
	a, password, err := l.s.store.CreateApplication(l.t.Context(), organization, "app", nil)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.tokenOf(a.ID, password)
}
