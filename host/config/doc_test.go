package config

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// everything has a value for each mapping that a configuration can have, so that reading it
// meets every key.
const everything = `
plugins: {folder: a, from: {notes: "ghcr.io/acme/notes:1"}, mirror: a, registries: {"host.example": {blobs: [b.example]}}}
proxy: {url: "http://proxy.example.com:3128"}
audit: {log: true}
limits: {host_bytes: 2MiB}
secrets:
  helpers: {NAME: {command: [a]}}
  vault: {version: 1}
mcp:
  http: {tokens: {NAME: env:A}}
asks: {wait: 1s}
trust:
  root: a.json
  signers: {notes: [{identity: a@b.example, issuer: "https://a.example"}]}
  revoked: [{identity: a@b.example}]
context_store: {folder: a}
serve:
  limits: {calls: 1}
  connectors:
    NAME: {server: eu, tls: {ca_file: a.pem}, oauth: {scopes: [a]}, allow: {effects: [read]}, limits: {timeout: 1s}, rate_limit: "off"}
  oauth:
    NAME: {client_id: a, client_secret: env:A, organizations: {ORGANIZATION: {client_id: a, client_secret: env:A}}}
connections:
  NAME:
    connector: pylon
    config: {VALUE: a}
    tls: {ca_file: a.pem}
    credentials: {FIELD: env:A}
    oauth: {scopes: [a]}
    airbyte: {workspace_name: a}
    mode: hosted
    allow: {operations: [a.b], params: {a.b: {PARAM: {values: [a]}}}}
    limits: {timeout: 1s}
`

// TestEveryKeyIsDocumented: the tables of docs/configuration.md have each key that the code
// reads with its type, default and meaning, and no other.
func TestEveryKeyIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := make(map[string]bool)
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Za-z_.]+)` \\|(.*)\\|$").FindAllStringSubmatch(string(text), -1) {
		cells := strings.Split(m[2], " | ")
		if len(cells) == 1 {
			continue // a row of another table
		}
		if len(cells) != 3 || slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) == "" }) {
			t.Errorf("%s needs a type, a default and a meaning: %q", m[1], cells)
		}
		if documented[m[1]] {
			t.Errorf("%s is documented twice", m[1])
		}
		documented[m[1]] = true
	}
	read := keysRead(t)
	if len(read) < 75 {
		t.Fatalf("only %d keys were found", len(read))
	}
	for _, name := range slices.Sorted(maps.Keys(read)) {
		if !documented[name] {
			t.Errorf("docs/configuration.md does not have %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(documented)) {
		if !read[name] {
			t.Errorf("docs/configuration.md has %s, which the code does not read", name)
		}
	}
}

// keysRead are the keys that the code reads, without those that only hold others.
func keysRead(t *testing.T) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	r := &reader{file: "agenthost.yaml", dir: filepath.Dir("agenthost.yaml"), meets: func(path string) {
		// The operation of a rule has a dot in it.
		path = strings.Replace(path, ".a.b.", ".OPERATION.", 1)
		// What the operator decides for a connector has the form that it has in a connection.
		path = strings.Replace(path, "serve.connectors.NAME.", "connections.NAME.", 1)
		path = strings.Replace(path, "trust.signers.notes.", "trust.signers.NAME.", 1)
		path = strings.Replace(path, "registries.host.example.", "registries.HOST.", 1)
		found[strings.Replace(path, "organizations.ORGANIZATION.", "", 1)] = true
	}}
	r.config(r.parse([]byte(everything)))
	for _, p := range r.problems {
		t.Fatal(p)
	}
	// What a configuration names itself is no key of a mapping with known keys.
	for _, named := range []string{"connections.NAME.credentials.FIELD", "connections.NAME.config.VALUE", "plugins.from.NAME", "secrets.helpers.NAME", "mcp.http.tokens.NAME", "serve.connectors.NAME", "serve.oauth.NAME.organizations.ORGANIZATION", "connections.NAME.allow.params.OPERATION.PARAM"} {
		found[named] = true
	}
	for name := range found {
		holds := slices.ContainsFunc(slices.Collect(maps.Keys(found)), func(other string) bool { return strings.HasPrefix(other, name+".") })
		if holds && !strings.HasSuffix(name, ".PARAM") && name != "secrets.helpers.NAME" {
			delete(found, name)
		}
	}
	return found
}
