package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/google/go-cmp/cmp"
)

func TestParseSecrets(t *testing.T) {
	file := filepath.Join(t.TempDir(), "agenthost.yaml")
	dir := filepath.Dir(file)
	got, err := config.Parse(file, []byte(`
secrets:
  file: secrets.age
  identity: keyring:agenthost-identity
  tokens: ./tokens
  cache: 30s
  helpers:
    op: [op, read]
    own: {command: [./bin/own], env: [HOME, GNUPGHOME], timeout: 5s}
    abs: [/usr/bin/pass, show]
  vault:
    address: https://vault.example.com:8200
    token: age:vault
    namespace: team
    ca_file: vault.pem
    version: 2
`))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Secrets{
		File: filepath.Join(dir, "secrets.age"), Identity: "keyring:agenthost-identity", Tokens: filepath.Join(dir, "tokens"), Cache: 30 * time.Second,
		Helpers: map[string]config.Helper{
			"op":  {Command: []string{"op", "read"}},
			"own": {Command: []string{filepath.Join(dir, "bin", "own")}, Env: []string{"HOME", "GNUPGHOME"}, Timeout: 5 * time.Second},
			"abs": {Command: []string{"/usr/bin/pass", "show"}},
		},
		Vault: &config.Vault{Address: "https://vault.example.com:8200", Token: "age:vault", Namespace: "team", CAFile: filepath.Join(dir, "vault.pem"), Version: 2},
	}
	if diff := cmp.Diff(want, got.Secrets); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestParseOwnSchemes: references of a program's own sources are read where the program names
// their schemes.
func TestParseOwnSchemes(t *testing.T) {
	t.Parallel()
	text := []byte("secrets: {identity: corp:age}\nconnections: {a: {connector: pylon, credentials: {api_token: corp:pylon}}}\n")
	c, err := config.Parse("agenthost.yaml", text, "corp", "team")
	if err != nil || c.Connections["a"].Credentials["api_token"] != "corp:pylon" || c.Secrets.Identity != "corp:age" {
		t.Errorf("%v: %+v", err, c)
	}
	if _, err := config.Parse("agenthost.yaml", text); err == nil || !strings.Contains(err.Error(), "connections.a.credentials.api_token: unknown scheme") {
		t.Errorf("without the scheme: %v", err)
	}
	path := filepath.Join(t.TempDir(), "agenthost.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = config.Load(path, "corp"); err != nil || c.Connections["a"].Credentials["api_token"] != "corp:pylon" {
		t.Errorf("from a file: %v", err)
	}
}
