package config_test

import (
	"path/filepath"
	"testing"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/google/go-cmp/cmp"
)

func TestMCP(t *testing.T) {
	dir := t.TempDir()
	c, err := config.Parse(filepath.Join(dir, "agenthost.yaml"), []byte(`
mcp:
  form: operations
  threshold: 60
  budget: 30000
  connections: [support, hiring]
  http:
    address: 127.0.0.1:8080
    token: file:token
    tokens: {ada: env:ADA_TOKEN, nightly-job: keyring:agenthost-nightly}
    hosts: [mcp.example.com, "localhost:8080"]
    origins: ["https://app.example.com"]
    sessions: true
    max_connections: 200
    issuer: https://login.example.com/acme
    issuer_ca_file: ca.pem
    resource: https://mcp.example.com
    audience: agenthost
    scopes: [tools]
`))
	if err != nil {
		t.Fatal(err)
	}
	want := config.MCP{
		Connections: []string{"support", "hiring"},
		Options:     tool.Options{Form: tool.FormOperations, Threshold: 60, Budget: 30000},
		HTTP: config.MCPHTTP{
			Address: "127.0.0.1:8080", Token: "file:" + filepath.Join(dir, "token"),
			Tokens: map[string]string{"ada": "env:ADA_TOKEN", "nightly-job": "keyring:agenthost-nightly"},
			Hosts:  []string{"mcp.example.com", "localhost:8080"}, Origins: []string{"https://app.example.com"}, Sessions: true, MaxConnections: 200,
			Issuer: "https://login.example.com/acme", IssuerCAFile: filepath.Join(dir, "ca.pem"), Resource: "https://mcp.example.com", Audience: "agenthost", Scopes: []string{"tools"},
		},
	}
	if diff := cmp.Diff(want, c.MCP); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
