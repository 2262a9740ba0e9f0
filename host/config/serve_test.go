package config_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/inflight"
	"github.com/google/go-cmp/cmp"
)

func TestServedMCP(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, err := config.Parse(filepath.Join(dir, "agenthost.yaml"), []byte(`
serve:
  workspace_claim: tenant
  organization: acme
  mcp:
    form: search
    threshold: 60
    text_only: true
    sessions: false
    issuer: https://login.example.com/acme
    issuer_ca_file: ca.pem
    audience: agenthost
    scopes: [tools]
`))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Serve{WorkspaceClaim: "tenant", Organization: "acme", Sessionless: true, MCP: config.MCP{
		Options: tool.Options{Form: tool.FormSearch, Threshold: 60}, TextOnly: true,
		HTTP: config.MCPHTTP{Issuer: "https://login.example.com/acme", IssuerCAFile: filepath.Join(dir, "ca.pem"), Audience: "agenthost", Scopes: []string{"tools"}},
	}}
	if diff := cmp.Diff(want, c.Serve); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestServedDatabaseAway(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"90s": 90 * time.Second, "0": -1, "0s": -1} {
		c, err := config.Parse("agenthost.yaml", []byte("serve: {database_away: "+text+"}"))
		if err != nil || c.Serve.DatabaseAway != want {
			t.Errorf("%s: %v, %v", text, c, err)
		}
	}
	for _, text := range []string{"60", "-1s", "[1s]", "soon"} {
		if _, err := config.Parse("agenthost.yaml", []byte("serve: {database_away: "+text+"}")); err == nil || !strings.Contains(err.Error(), "database_away") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestServedLimits(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("agenthost.yaml", []byte("serve: {limits: {calls: 20, bytes: 64MiB, queue: 50, wait: 3s}}"))
	if err != nil {
		t.Fatal(err)
	}
	want := inflight.Limits{Calls: 20, Bytes: 64 << 20, Queue: 50, Wait: 3 * time.Second}
	if c.Serve.Limits != want {
		t.Errorf("%+v", c.Serve.Limits)
	}
	for _, wrong := range []string{"calls: 0", "calls: many", "bytes: 1MiB", "queue: -1", "wait: 3", "guests: 3"} {
		if _, err := config.Parse("agenthost.yaml", []byte("serve: {limits: {"+wrong+"}}")); err == nil || !strings.Contains(err.Error(), "serve.limits") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func TestServedLogins(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("agenthost.yaml", []byte(`
serve:
  oidc:
    issuer: https://login.example.com/
    client_id: server
    client_secret: env:SECRET
    scopes: [groups]
    operators: [ada, groups=admins]
    viewers: [eve]
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &config.OIDC{
		Issuer: "https://login.example.com/", ClientID: "server", ClientSecret: "env:SECRET",
		Scopes: []string{"groups"}, Operators: []string{"ada", "groups=admins"}, Viewers: []string{"eve"},
	}
	if diff := cmp.Diff(want, c.Serve.OIDC); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for text, problem := range map[string]string{
		"{client_id: server}":                                               "lacks issuer or client_id",
		"{issuer: https://login.example.com}":                               "lacks issuer or client_id",
		"{issuer: login.example.com, client_id: server}":                    "not an http or https URL",
		"{issuer: https://a.example, client_id: s, claim: x}":               "claim",
		"{issuer: https://a.example, client_id: s, client_secret: hunter2}": "reference",
	} {
		_, err := config.Parse("agenthost.yaml", []byte("serve: {oidc: "+text+"}"))
		if err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: %v, want %q", text, err, problem)
		}
	}
}

// Copies of records are kept unless the configuration says false.
func TestServedContextStore(t *testing.T) {
	t.Parallel()
	for text, none := range map[string]bool{"{limits: {calls: 2}}": false, "{context_store: true}": false, "{context_store: false}": true} {
		c, err := config.Parse("agenthost.yaml", []byte("serve: "+text))
		if err != nil || c.Serve.NoContextStore != none {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"never", "0", "[]", "{folder: x}"} {
		if _, err := config.Parse("agenthost.yaml", []byte("serve: {context_store: "+text+"}")); err == nil || !strings.Contains(err.Error(), "context_store") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
