package credential

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/authfield"
	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestServiceAccount: a connection whose credential is the key of a service account gets tokens with
// it, keeps them for other processes, and a call may bring its own.
func TestServiceAccount(t *testing.T) {
	t.Parallel()
	key, err := oauthsim.NewKey("", "RS256")
	if err != nil {
		t.Fatal(err)
	}
	text, err := key.PEM()
	if err != nil {
		t.Fatal(err)
	}
	account, err := json.Marshal(map[string]string{"client_email": "robot@acme.example", "private_key": string(text)})
	if err != nil {
		t.Fatal(err)
	}
	l := newLab(t)
	l.env["ACCOUNT"] = string(account)
	scheme := oauthScheme(abi.GrantJWTBearer)
	scheme.Fields = []abi.AuthField{{Name: authfield.CredentialsJSON, Secret: true, Required: true}}
	scheme.OAuth2.ClientAuth = abi.ClientAuthNone
	settings := config.Connection{Credentials: map[string]string{authfield.CredentialsJSON: "env:ACCOUNT"}}
	c := l.connection(settings, scheme)
	held := client(t, c)
	if got := l.vendor.requests(); got != "POST /token  urn:ietf:params:oauth:grant-type:jwt-bearer" {
		t.Errorf("asked for a token with %s", got)
	}
	if got := l.sends(held); got != "access-token-0123456789" {
		t.Errorf("sent %s", got)
	}
	client(t, l.connection(settings, scheme))
	if got := l.vendor.requests(); got != "" {
		t.Errorf("another process asked again: %s", got)
	}
	once, err := l.connection(config.Connection{}, scheme).Once(t.Context(), map[string]secret.Value{authfield.CredentialsJSON: value(string(account))})
	if err != nil {
		t.Fatal(err)
	}
	defer once.Close()
	if got := l.vendor.requests(); !strings.HasPrefix(got, "POST /token") {
		t.Errorf("a call with its own key asked with %q", got)
	}
	if err := c.Login(t.Context(), Login{}); err == nil || !strings.Contains(err.Error(), "needs no login") {
		t.Errorf("a login: %v", err)
	}
}
