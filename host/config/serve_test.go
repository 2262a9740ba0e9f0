package config_test

import (
	"path/filepath"
	"testing"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/google/go-cmp/cmp"
)

func TestServedMCP(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, err := config.Parse(filepath.Join(dir, "agenthost.yaml"), []byte(`
serve:
  workspace_claim: tenant
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
	want := config.Serve{WorkspaceClaim: "tenant", Sessionless: true, MCP: config.MCP{
		Options: tool.Options{Form: tool.FormSearch, Threshold: 60}, TextOnly: true,
		HTTP: config.MCPHTTP{Issuer: "https://login.example.com/acme", IssuerCAFile: filepath.Join(dir, "ca.pem"), Audience: "agenthost", Scopes: []string{"tools"}},
	}}
	if diff := cmp.Diff(want, c.Serve); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
