package vault

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/internal/vaultsim"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"
)

const (
	canary = "canary-71c0ffee42"
	token  = "hvs.CANARY-5d2b8e61aa"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newVault() *vaultsim.Vault {
	return &vaultsim.Vault{Token: token, Mounts: map[string]vaultsim.Mount{
		"secret/": {Kind: "kv", Version: "2", Deleted: map[string]bool{"gone": true}, Secrets: map[string]string{
			"pylon":       `{"api_token": "` + canary + `", "number": 12, "yes": true, "none": null, "nested": {"a": 1}, "empty": ""}`,
			"team/eu/one": `{"api_token": "deep"}`,
		}},
		"team/kv/": {Kind: "kv", Version: "2", Secrets: map[string]string{"pylon": `{"api_token": "in a mount with a slash"}`}},
		"old/":     {Kind: "kv", Version: "1", Secrets: map[string]string{"pylon": `{"api_token": "one"}`}},
		"older/":   {Kind: "generic", Secrets: map[string]string{"pylon": `{"api_token": "none"}`}},
		"pki/":     {Kind: "pki"},
	}}
}

// serve starts a Vault and returns its configuration.
func serve(t *testing.T, v *vaultsim.Vault) Config {
	t.Helper()
	server := httptest.NewTLSServer(v)
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return Config{Address: server.URL, Seams: seams.Seams{RootCAs: roots}, Token: tokenOf(token)}
}

func tokenOf(text string) func(context.Context) (secret.Value, error) {
	return func(context.Context) (secret.Value, error) { return secret.New([]byte(text)), nil }
}

func read(t *testing.T, c Config, name string) (string, error) {
	t.Helper()
	v, err := New(c).Read(t.Context(), name)
	var got string
	_ = v.Reveal(func(b []byte) error { got = string(b); return nil })
	return got, err
}

func wantError(t *testing.T, err error, kind abi.Kind, message, hint string) {
	t.Helper()
	e, ok := errors.AsType[*abi.Error](err)
	if !ok || e.Kind != kind || !strings.Contains(e.Message, message) || !strings.Contains(e.Hint, hint) || e.RequestSent {
		t.Errorf("got %#v, want %s with %q and %q", err, kind, message, hint)
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), token) {
			t.Errorf("the error holds a secret: %v", err)
		}
	}
}

func TestRead(t *testing.T) {
	v := newVault()
	c := serve(t, v)
	for name, want := range map[string]string{
		"secret/pylon#api_token":       canary,
		"secret/pylon#number":          "12",
		"secret/pylon#yes":             "true",
		"secret/team/eu/one#api_token": "deep",
		"team/kv/pylon#api_token":      "in a mount with a slash",
		"old/pylon#api_token":          "one",
		"older/pylon#api_token":        "none",
	} {
		if got, err := read(t, c, name); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
	if v.Header().Get("X-Vault-Request") != "true" || v.Header().Get("X-Vault-Namespace") != "" {
		t.Errorf("headers: %v", v.Header())
	}
}

// A version that the configuration names is not asked for.
func TestVersion(t *testing.T) {
	v := newVault()
	c := serve(t, v)
	c.Version = 2
	if got, err := read(t, c, "secret/pylon#api_token"); err != nil || got != canary {
		t.Errorf("%q, %v", got, err)
	}
	if want := []string{"GET /v1/secret/data/pylon"}; !slices.Equal(v.Seen(), want) {
		t.Errorf("requests %q", v.Seen())
	}
	v.Old, c.Version = true, 0
	if got, err := read(t, c, "old/pylon#api_token"); err != nil || got != "one" {
		t.Errorf("a Vault that cannot say: %q, %v", got, err)
	}
	_, err := read(t, c, "secret/pylon#api_token")
	wantError(t, err, abi.KindAuthFailed, "no secret at this path", "vault kv get")
}

func TestNamespace(t *testing.T) {
	v := newVault()
	v.Namespace = "team-a"
	c := serve(t, v)
	_, err := read(t, c, "secret/pylon#api_token")
	wantError(t, err, abi.KindAuthFailed, "refuses the token", "policy")
	c.Namespace = "team-a"
	if got, err := read(t, c, "secret/pylon#api_token"); err != nil || got != canary {
		t.Errorf("%q, %v", got, err)
	}
}

func TestReadFails(t *testing.T) {
	c := serve(t, newVault())
	for _, test := range []struct{ name, message, hint string }{
		{"secret/nothing#api_token", "no secret at this path", "secrets.vault.namespace"},
		{"secret/gone#api_token", "newest version was deleted", "vault kv undelete"},
		{"secret/pylon#api_tokn", "no such field", "did you mean api_token?"},
		{"secret/pylon#none", "is not text", "string"},
		{"secret/pylon#nested", "is not text", "string"},
		{"secret/pylon#empty", "is empty", "write"},
		{"nowhere/pylon#x", "refuses the token, or its access to this path", "policy"},
		{"pki/pylon#x", "not a KV engine", "vault secrets list"},
	} {
		_, err := read(t, c, test.name)
		wantError(t, err, abi.KindAuthFailed, test.message, test.hint)
	}
	_, err := read(t, c, "secret/../sys#x")
	wantError(t, err, abi.KindInvalidParams, "vault: needs", "vault:MOUNT/PATH#FIELD")
	c.Token = tokenOf("hvs.wrong")
	_, err = read(t, c, "secret/pylon#api_token")
	wantError(t, err, abi.KindAuthFailed, "refuses the token", "renew the token")
	c.Token = func(context.Context) (secret.Value, error) { return secret.Value{}, errors.New("no token") }
	if _, err = read(t, c, "secret/pylon#api_token"); err == nil || err.Error() != "no token" {
		t.Errorf("got %v", err)
	}
	c.Token = tokenOf("")
	_, err = read(t, c, "secret/pylon#api_token")
	wantError(t, err, abi.KindAuthFailed, "token is missing", "")
}

func TestAddress(t *testing.T) {
	for address, message := range map[string]string{
		"":                           "no address",
		"vault.example.com":          "not a URL",
		"http://vault.example.com":   "does not start with https://",
		"http://10.0.0.1:8200":       "does not start with https://",
		"ftp://127.0.0.1":            "does not start with https://",
		"https://u:p@vault.example":  "no user name or password",
		"https://vault.example/?a=b": "query",
	} {
		_, err := read(t, Config{Address: address, Token: tokenOf(token)}, "secret/pylon#x")
		wantError(t, err, abi.KindInvalidParams, message, "")
	}
	_, err := read(t, Config{Address: "https://169.254.169.254", Token: tokenOf(token)}, "secret/pylon#x")
	if e, ok := errors.AsType[*abi.Error](err); !ok || e.Kind != abi.KindDenied {
		t.Errorf("a metadata service: %#v", err)
	}
}

// A server that lies or fails gets no token to another place, and no secret into an error.
// A Vault that fails over answers 503 for a moment: reading a secret is repeated.
func TestReadIsRepeated(t *testing.T) {
	v, failing := newVault(), true
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/pylon") && failing {
			failing = false
			vaultsim.Fail(w, 503, "failing over")
			return
		}
		v.ServeHTTP(w, r)
	}))
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	c := Config{Address: server.URL, Token: tokenOf(token), Seams: seams.Seams{RootCAs: roots, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}}
	if got, err := read(t, c, "secret/pylon#api_token"); err != nil || got != canary || failing {
		t.Errorf("%q, %v, failing %t", got, err, failing)
	}
}

func TestHostileServer(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the token went elsewhere: %v", r.Header)
	}))
	defer other.Close()
	v := newVault()
	c := serve(t, v)
	var log bytes.Buffer
	c.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: &log})
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		kind    abi.Kind
		message string
	}{
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
		}, abi.KindDenied, "another origin"},
		{"sealed", func(w http.ResponseWriter, _ *http.Request) { vaultsim.Fail(w, 503, "Vault is sealed "+canary) }, abi.KindVendorError, "status 503"},
		{"standby", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(473) }, abi.KindRateLimited, "473"},
		{"a web page", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>" + canary)) }, abi.KindVendorError, "not from a Vault"},
		{"its token", func(w http.ResponseWriter, r *http.Request) { vaultsim.Fail(w, 400, r.Header.Get("X-Vault-Token")) }, abi.KindVendorError, "status 400"},
		{"another mount", func(w http.ResponseWriter, _ *http.Request) {
			vaultsim.Answer(w, map[string]any{"path": "sys/", "type": "kv", "options": map[string]string{"version": "2"}})
		}, abi.KindVendorError, "cannot be used"},
		{"too large", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte(" "), 2<<20)) }, abi.KindLimitExceeded, "larger than"},
		{"closed", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, abi.KindNetwork, "closed the connection"},
	} {
		v.Override = test.handler
		_, err := read(t, c, "secret/pylon#api_token")
		if e, ok := errors.AsType[*abi.Error](err); !ok || e.Kind != test.kind || !strings.Contains(e.Message, test.message) {
			t.Errorf("%s: %#v", test.name, err)
		} else {
			wantError(t, err, test.kind, test.message, "")
		}
	}
	if s := log.String(); strings.Contains(s, canary) || strings.Contains(s, token) || !strings.Contains(s, "GET") {
		t.Errorf("the log: %s", s)
	}
	c.RootCAs = x509.NewCertPool()
	_, err := read(t, c, "secret/pylon#api_token")
	wantError(t, err, abi.KindNetwork, "from an authority that this machine does not trust", "secrets.vault.address")
}
