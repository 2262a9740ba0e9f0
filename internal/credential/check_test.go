package credential

import (
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/oauth"
	"github.com/agenthost/agenthost/pdk/abi"
)

func TestOpenChecksItsOptions(t *testing.T) {
	t.Parallel()
	helper := func(name string, h config.Helper) config.Secrets {
		return config.Secrets{Helpers: map[string]config.Helper{name: h}}
	}
	for name, test := range map[string]struct {
		secrets config.Secrets
		field   string // of the error; empty where there is none
	}{
		"nothing":              {config.Secrets{}, ""},
		"a cache":              {config.Secrets{Cache: time.Second}, ""},
		"a negative cache":     {config.Secrets{Cache: -1}, "secrets.cache"},
		"version 1":            {config.Secrets{Vault: &config.Vault{Address: "https://vault.example", Token: "env:T", Version: 1}}, ""},
		"version 2":            {config.Secrets{Vault: &config.Vault{Address: "https://vault.example", Token: "env:T", Version: 2}}, ""},
		"any version":          {config.Secrets{Vault: &config.Vault{Address: "https://vault.example", Token: "env:T"}}, ""},
		"version 3":            {config.Secrets{Vault: &config.Vault{Address: "https://vault.example", Token: "env:T", Version: 3}}, "secrets.vault.version"},
		"version -1":           {config.Secrets{Vault: &config.Vault{Address: "https://vault.example", Token: "env:T", Version: -1}}, "secrets.vault.version"},
		"a token in the vault": {config.Secrets{Vault: &config.Vault{Address: "https://vault.example", Token: "vault:a#b"}}, "secrets.vault.token"},
		"an identity in age":   {config.Secrets{Identity: "age:identity"}, "secrets.identity"},
		"a helper":             {helper("pass", config.Helper{Command: []string{"/bin/pass"}}), ""},
		"a patient helper":     {helper("pass", config.Helper{Command: []string{"/bin/pass"}, Timeout: 1}), ""},
		"an impatient helper":  {helper("pass", config.Helper{Command: []string{"/bin/pass"}, Timeout: -1}), "secrets.helpers.pass.timeout"},
		"no program":           {helper("pass", config.Helper{}), "secrets.helpers.pass"},
		"an empty program":     {helper("pass", config.Helper{Command: []string{"", "x"}}), "secrets.helpers.pass"},
		"a helper with a path": {helper("../pass", config.Helper{Command: []string{"/bin/pass"}}), "secrets.helpers.../pass"},
	} {
		_, err := Open(Options{Secrets: test.secrets})
		switch {
		case test.field != "":
			t.Run(name, func(t *testing.T) { wantError(t, err, abi.KindInvalidParams, test.field, "") })
		case err != nil:
			t.Errorf("%s: %v", name, err)
		}
	}
}

// After a logout no client has the token any more.
func TestLogoutEndsTheClient(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	scheme := oauthScheme(abi.GrantRefreshToken)
	scheme.OAuth2.AuthorizeURL = declaredOrigin + "/authorize"
	c := l.connection(config.Connection{Credentials: map[string]string{"client_id": "corp:id", "client_secret": "corp:secret"}, OAuth: &config.OAuth{TokenURL: l.vendor.URL + "/token", AuthorizeURL: l.vendor.URL + "/authorize"}}, scheme)
	_, tokens, err := c.person(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := tokens.Keep(t.Context(), oauth.Token{Access: value("access-of-the-login"), Refresh: value("refresh-of-the-login"), Until: time.Now().Add(time.Hour)}, secret.Value{}); err != nil {
		t.Fatal(err)
	}
	client, err := c.Client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := me(t.Context(), client); err != nil || l.vendor.requests() != "GET /me Bearer access-of-the-login" {
		t.Fatal(err)
	}
	if _, err := c.Logout(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	_, err = c.Client(t.Context())
	wantError(t, err, abi.KindAuthFailed, "connections.lab", "login")
}
