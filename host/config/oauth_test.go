package config_test

import (
	"testing"

	"github.com/agenthost/agenthost/host/config"
	"github.com/google/go-cmp/cmp"
)

// What is wrong with the key is in testdata/bad/oauth.yaml.
func TestParseOAuth(t *testing.T) {
	for text, want := range map[string]*config.OAuth{
		"":          nil,
		"oauth: {}": {},
		"oauth: {token_url: 'http://127.0.0.1:8080/token'}": {TokenURL: "http://127.0.0.1:8080/token"},
		`oauth:
      token_url: https://login.example.com/token
      authorize_url: https://login.example.com/authorize
      revoke_url: https://login.example.com/revoke
      issuer: https://login.example.com
      scopes: [read, "urn:write"]`: {
			TokenURL: "https://login.example.com/token", AuthorizeURL: "https://login.example.com/authorize", RevokeURL: "https://login.example.com/revoke",
			Issuer: "https://login.example.com", Scopes: []string{"read", "urn:write"},
		},
	} {
		got, err := config.Parse("agenthost.yaml", []byte("connections:\n  acme:\n    connector: acme\n    "+text+"\n"))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got.Connections["acme"].OAuth); diff != "" {
			t.Errorf("%s (-want +got)\n%s", text, diff)
		}
	}
}
