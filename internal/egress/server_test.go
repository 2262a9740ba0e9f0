package egress

import (
	"testing"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/pdk/abi"
)

func TestNewRefuses(t *testing.T) {
	for _, test := range []struct {
		name        string
		change      func(*Config)
		kind        abi.Kind
		field, part string
	}{
		{"no server", func(c *Config) { c.Servers = nil }, abi.KindInvalidParams, "servers", "no server"},
		{"http server", func(c *Config) { c.Servers[0].URL = "http://api.example.com" }, abi.KindInvalidParams, "servers[0].url", "does not use https"},
		{"bad base path", func(c *Config) { c.Servers[1].URL += "/../x" }, abi.KindInvalidParams, "servers[1].url", `".."`},
		{"parameter in base path", func(c *Config) { c.Servers[1].URL += "/{x}" }, abi.KindInvalidParams, "servers[1].url", ""},
		{"same id", func(c *Config) { c.Servers[1].ID = "us" }, abi.KindInvalidParams, "servers[1].id", "duplicate"},
		{"unknown server", func(c *Config) { c.Server = "eo" }, abi.KindInvalidParams, "server", "did you mean eu?"},
		{"bad override", func(c *Config) { c.Override = "127.0.0.1:9003" }, abi.KindInvalidParams, "server", "http://127.0.0.1:9003"},
		{"override with a query", func(c *Config) { c.Override = "http://127.0.0.1?x=y" }, abi.KindInvalidParams, "server", "query"},
		{"metadata name", func(c *Config) { c.Servers[0].URL = "https://metadata.google.internal" }, abi.KindDenied, "", "metadata service"},
		{"metadata override", func(c *Config) { c.Override = "http://metadata.google.internal" }, abi.KindDenied, "", "metadata service"},
		{"no origins", func(c *Config) { c.Auth.Origins = nil }, abi.KindInvalidParams, "auth.origins", "lists no origin"},
		{"bad origin", func(c *Config) { c.Auth.Origins = []string{"https://*.example.com"} }, abi.KindInvalidParams, "auth.origins[0]", ""},
		{"nowhere to go", func(c *Config) { c.Auth.Inject = nil }, abi.KindInvalidParams, "auth.inject", "has neither inject nor basic"},
		{"bad place", func(c *Config) { c.Auth.Inject[0].In = "headers" }, abi.KindInvalidParams, "auth.inject[0].in", "did you mean header?"},
		{"bad header", func(c *Config) { c.Auth.Inject[0].Name = "X Y" }, abi.KindInvalidParams, "auth.inject[0].name", "not a header name"},
		{"reserved header", func(c *Config) { c.Auth.Inject[0].Name = "host" }, abi.KindInvalidParams, "auth.inject[0].name", "chooses where"},
		{"same header", func(c *Config) { c.Auth.Inject = append(c.Auth.Inject, c.Auth.Inject[0]) }, abi.KindInvalidParams, "auth.inject[1].name", "injected twice"},
		{"unknown field", func(c *Config) { c.Auth.Inject[0].Value = "Bearer {other}" }, abi.KindInvalidParams, "auth.inject", "{other}"},
		{"open brace", func(c *Config) { c.Auth.Inject[0].Value = "Bearer {api_token" }, abi.KindInvalidParams, "auth.inject", "open brace"},
		{"missing credential", func(c *Config) { c.Credentials = nil }, abi.KindAuthFailed, "credentials.api_token", "api_token: env:NAME"},
		{"credential with a line break", func(c *Config) { c.Credentials["api_token"] = secret.New([]byte(canary + "\n")) }, abi.KindAuthFailed, "credentials.api_token", "line break"},
		{"oauth2 without a token", func(c *Config) { c.Auth.Type = abi.AuthOAuth2; c.Auth.Inject[0].Value = "Bearer {access_token}" }, abi.KindAuthFailed, "credentials.access_token", "missing"},
		{"colon in user name", func(c *Config) { c.Auth.Basic = &abi.Basic{Username: "a:{api_token}"} }, abi.KindAuthFailed, "", "colon"},
		{"user agent", func(c *Config) { c.UserAgent = "a\r\nb" }, abi.KindInvalidParams, "user_agent", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := baseConfig()
			test.change(&config)
			_, err := New(config)
			if e := want(t, err, test.kind, test.part); e.Field != test.field || e.Hint == "" {
				t.Errorf("%#v, want field %q and a hint", e, test.field)
			}
		})
	}
}

// A credential is meant for an origin, and what only looks like that origin is another.
// threat: N10
func TestAudience(t *testing.T) {
	scheme := bearer("https://api.x.com")
	for s, want := range map[string]bool{
		"https://api.x.com": true, "https://API.X.COM:443": true, "https://api.x.com.evil": false, "https://x.com": false, "https://a.api.x.com": false,
		"http://api.x.com": false, "https://api.x.com:8443": false,
	} {
		o, err := origin.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := audience(scheme, o); got != want {
			t.Errorf("%s: %v", s, got)
		}
	}
}
