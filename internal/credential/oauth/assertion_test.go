package oauth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/logins"
	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// signed is a lab whose client signs with a key, and the key.
func signed(t *testing.T) (*lab, string) {
	t.Helper()
	l := newLab(t, abi.ClientAuthNone)
	key, err := oauthsim.NewKey("1", "RS256")
	if err != nil {
		t.Fatal(err)
	}
	text, err := key.PEM()
	if err != nil {
		t.Fatal(err)
	}
	l.server.Assertions = &oauthsim.Assertions{Issuer: "robot@acme.example", Audience: l.url + "/token", Scope: "read write", Key: key, Now: l.clock}
	l.client.config.ClientID, l.client.config.ClientSecret = secret.Value{}, secret.Value{}
	l.client.config.ServiceAccount = account("robot@acme.example", string(text))
	return l, string(text)
}

func account(email, key string) secret.Value {
	text, _ := json.Marshal(map[string]string{"type": "service_account", "client_email": email, "private_key": key, "private_key_id": canary + "id"})
	return secret.New(text)
}

// TestAssertion: the client signs what a server for service accounts takes, asks once while the token
// is good, and again with another key.
func TestAssertion(t *testing.T) {
	l, text := signed(t)
	want := Want{Client: l.client, Grant: abi.GrantJWTBearer, Scopes: []string{"read", "write"}}
	first, err := l.start().Token(t.Context(), want)
	if err != nil || !first.Refresh.IsZero() {
		t.Fatalf("%v", err)
	}
	if again, err := l.start().Token(t.Context(), want); err != nil || !again.Access.Equal(first.Access) {
		t.Errorf("another process asked again: %v", err)
	}
	l.later(time.Hour)
	if next, err := l.start().Token(t.Context(), want); err != nil || next.Access.Equal(first.Access) {
		t.Errorf("an old token: %v", err)
	}
	// The same key, as a client's own: the server knows no difference, but the token is another one.
	l.client.config.ServiceAccount, l.client.config.PrivateKey, l.client.config.ClientID = secret.Value{}, value(text), value("robot@acme.example")
	if _, err := l.start().Token(t.Context(), want); err != nil {
		t.Error(err)
	}
	if got := len(l.server.Grants()); got != 3 {
		t.Errorf("%d requests for tokens, want 3", got)
	}
}

// TestRefusedAssertions: what a server refuses is said in words that help.
func TestRefusedAssertions(t *testing.T) {
	l, text := signed(t)
	another, err := oauthsim.NewKey("2", "RS256")
	if err != nil {
		t.Fatal(err)
	}
	good := *l.server.Assertions
	for name, test := range map[string]struct {
		change func(a *oauthsim.Assertions)
		says   string
	}{
		"another key":          {func(a *oauthsim.Assertions) { a.Key = another }, "signature"},
		"another audience":     {func(a *oauthsim.Assertions) { a.Audience = "https://other.example/token" }, "audience"},
		"another issuer":       {func(a *oauthsim.Assertions) { a.Issuer = "other@acme.example" }, "issuer"},
		"another scope":        {func(a *oauthsim.Assertions) { a.Scope = "read" }, "scope"},
		"a clock that is fast": {func(a *oauthsim.Assertions) { a.Now = func() time.Time { return l.clock().Add(-time.Minute) } }, "in the future"},
		"a clock that is slow": {func(a *oauthsim.Assertions) { a.Now = func() time.Time { return l.clock().Add(time.Hour) } }, "expired"},
	} {
		a := good
		test.change(&a)
		l.server.Assertions = &a
		_, err := l.client.Assertion(t.Context(), []string{"read", "write"})
		wantError(t, err, abi.KindAuthFailed, test.says, "clock")
		if err != nil && strings.Contains(err.Error(), "agenthost login") {
			t.Errorf("%s: %v: there is no login", name, err)
		}
	}
	l.server.Assertions = &good
	l.client.config.ServiceAccount = account("", text)
	_, err = l.client.Assertion(t.Context(), nil)
	wantError(t, err, abi.KindAuthFailed, "whose name is empty", "")
}

// TestUnusableKeys: nothing of a key that cannot be used is in the error, and nothing is sent.
//
// threat: C14
func TestUnusableKeys(t *testing.T) {
	l, good := signed(t)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	for name, key := range map[string]string{
		"empty": "", "no PEM": canary, "two keys": good + good, "something behind": good + canary, "an encrypted one": block("ENCRYPTED PRIVATE KEY", der), "a public one": block("PUBLIC KEY", der),
		"a curve": block("PRIVATE KEY", der), "no DER": block("RSA PRIVATE KEY", []byte(canary)), "too long": block("PRIVATE KEY", make([]byte, 6000)), "much too long": strings.Repeat(canary, 5000),
	} {
		l.client.config.ServiceAccount, l.client.config.PrivateKey, l.client.config.ClientID = account("robot@acme.example", key), secret.Value{}, secret.Value{}
		_, err := l.client.Assertion(t.Context(), nil)
		wantError(t, err, abi.KindAuthFailed, "the credential credentials_json of connection crm is ", "PEM")
		if name == "empty" {
			continue // is no credential
		}
		l.client.config.ServiceAccount, l.client.config.PrivateKey, l.client.config.ClientID = secret.Value{}, value(key), value("robot")
		_, err = l.client.Assertion(t.Context(), nil)
		wantError(t, err, abi.KindAuthFailed, "the credential private_key of connection crm is ", "PEM")
	}
	for _, text := range []string{canary, "[]", `{"client_email":7}`, `{"private_key":"` + canary + `"}`, strings.Repeat("[", 20_000)} {
		l.client.config.ServiceAccount = value(text)
		_, err := l.client.Assertion(t.Context(), nil)
		wantError(t, err, abi.KindAuthFailed, "credentials_json", "")
	}
	l.client.config.ServiceAccount = account("robot@acme.example\n", good)
	_, err = l.client.Assertion(t.Context(), nil)
	wantError(t, err, abi.KindAuthFailed, "odd character", "")
	if got := l.server.Grants(); len(got) > 0 {
		t.Errorf("asked for tokens: %q", got)
	}
}

// TestKeysHaveTokensOfTheirOwn: a token is not used with another key or other scopes.
func TestKeysHaveTokensOfTheirOwn(t *testing.T) {
	t.Parallel()
	marks := make(map[string]string)
	for name, c := range map[string]Config{
		"a secret": {ClientSecret: value("x")}, "an account": {ServiceAccount: value("y")}, "another account": {ServiceAccount: value("z")}, "a key": {PrivateKey: value("k")},
	} {
		mark := NewClient(c).mark([]string{"read"})
		if other, known := marks[mark]; known {
			t.Errorf("%s and %s share a token", name, other)
		}
		marks[mark] = name
	}
	if logins.Mark(value("x"))+" read" != NewClient(Config{ClientSecret: value("x")}).mark([]string{"read"}) {
		t.Error("tokens of client secrets are asked for anew")
	}
}
