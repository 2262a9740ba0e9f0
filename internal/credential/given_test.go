package credential

import (
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/authfield"
	"github.com/agenthost/agenthost/pdk/abi"
)

// givenScheme has an access token that a person has already.
func givenScheme() abi.AuthScheme {
	s := oauthScheme(abi.GrantRefreshToken)
	s.Fields = append(s.Fields, abi.AuthField{Name: authfield.AccessToken, Secret: true})
	for i := range s.Fields {
		s.Fields[i].Required = false
	}
	return s
}

// TestGivenAccessToken: a configured access token is used until the vendor refuses it, then a
// refreshed one, and a configured one again when it is another one.
func TestGivenAccessToken(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.env["ACCESS"] = "given-token-0123456789"
	c := l.connection(config.Connection{Credentials: map[string]string{
		"client_id": "corp:id", "client_secret": "corp:secret", "refresh_token": "corp:refresh", "access_token": "env:ACCESS",
	}}, givenScheme())
	first := client(t, c)
	if got := l.vendor.requests(); got != "" {
		t.Errorf("asked for a token with %s", got)
	}
	if got := l.sends(first); got != "given-token-0123456789" {
		t.Errorf("sent %s", got)
	}
	second, err := c.Renew(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if got := l.vendor.requests(); !strings.Contains(got, "POST /token") || strings.Count(got, "POST") != 1 {
		t.Errorf("a refusal asked with %q", got)
	}
	if got := l.sends(second); got != "access-token-0123456789" {
		t.Errorf("sent %s after a refusal", got)
	}
	// Another process knows of the refusal.
	other := client(t, c.again())
	if got := l.vendor.requests(); got != "" {
		t.Errorf("another process asked with %q", got)
	}
	if got := l.sends(other); got != "access-token-0123456789" {
		t.Errorf("another process sent %s", got)
	}
	l.later.Store(60) // a refusal asks sources that cost something only now and then
	l.env["ACCESS"] = "another-token-0123456789"
	third, err := c.Renew(t.Context(), second)
	if err != nil {
		t.Fatal(err)
	}
	if got := l.sends(third); got != "another-token-0123456789" {
		t.Errorf("sent %s after another one was configured", got)
	}
	if got := l.sends(client(t, c.again())); got != "another-token-0123456789" {
		t.Errorf("another process sent %s after another one was configured", got)
	}
}

// again is the same credential in another process.
func (c *Credential) again() *Credential { return c.store.For(c.config) }

// TestGivenAccessTokenAlone: without a way to another one, a refused token stays, and nobody is asked.
func TestGivenAccessTokenAlone(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.env["ACCESS"] = "given-token-0123456789"
	c := l.connection(config.Connection{Credentials: map[string]string{"access_token": "env:ACCESS"}}, givenScheme())
	first := client(t, c)
	again, err := c.Renew(t.Context(), first)
	if err != nil || again != first {
		t.Errorf("%v, another client: %t", err, again != first)
	}
	if got := l.vendor.requests(); got != "" {
		t.Errorf("asked for a token with %s", got)
	}
	none := l.connection(config.Connection{}, givenScheme())
	if _, err := none.Client(t.Context()); err == nil || !strings.Contains(err.Error(), "access_token") {
		t.Errorf("without a credential: %v", err)
	}
}

// TestNoCredential: a vendor that wants no credential gets none.
func TestNoCredential(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	c := l.connection(config.Connection{}, bearer(), abi.AuthScheme{ID: "none", Type: abi.AuthNone})
	l.vendor.requests()
	if _, err := me(t.Context(), client(t, c)); err != nil {
		t.Fatal(err)
	}
	if got := l.vendor.requests(); got != "GET /me" {
		t.Errorf("sent %q", got)
	}
}
