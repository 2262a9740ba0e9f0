package client_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/backend/hosted/client"
	"github.com/agenthost/agenthost/internal/canary"
	"github.com/agenthost/agenthost/internal/credential/lease"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// nextSecret is what the application's secret is replaced with.
const nextSecret = "canary-client-secret-e1d70c93"

// vault is where the operator keeps the client secret.
type vault struct {
	mu     sync.Mutex
	secret string
	err    error
	reads  int
}

func (v *vault) read(context.Context) (id, clientSecret secret.Value, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.reads++
	if v.err != nil {
		return secret.Value{}, secret.Value{}, v.err
	}
	return value(clientID), value(v.secret), nil
}

// rotating is a lab whose client reads its secret from a vault.
type rotating struct {
	*lab
	vault *vault
	log   canary.Buffer
	watch *canary.Watch // over the log
}

func newRotating(t *testing.T, change ...func(*client.Config)) *rotating {
	t.Helper()
	r := &rotating{vault: &vault{secret: clientSecret}, watch: canary.NewWatch(clientSecret)}
	r.watch.For(nextSecret)
	r.watch.Over("the log", r.log.Bytes)
	r.lab = newLab(t, append(change, func(c *client.Config) {
		c.Renew = r.vault.read
		c.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: &r.log})
	})...)
	return r
}

// rotate replaces the secret in Airbyte and in the vault.
func (r *rotating) rotate() {
	r.service.RotateSecret(nextSecret)
	r.vault.secret = nextSecret
}

// call makes a request that needs a token.
func (r *rotating) call(t *testing.T) error {
	t.Helper()
	_, err := r.client.Workspaces(t.Context(), "")
	return err
}

// expect says how often the vault was read, and tokens were asked for, since the last time.
func (r *rotating) expect(t *testing.T, when string, reads, asked int) {
	t.Helper()
	if n := r.count("/token"); r.vault.reads != reads || n != asked {
		t.Errorf("%s: %d readings and %d requests for a token, want %d and %d", when, r.vault.reads, n, reads, asked)
	}
	r.vault.reads = 0
	r.server.Reset()
}

// TestReadingAgain reads what is old before a request for a token, and at no other time.
func TestReadingAgain(t *testing.T) {
	r := newRotating(t)
	for _, step := range []struct {
		when         string
		pass         time.Duration
		reads, asked int
	}{
		{"the first token", lease.Usual - 1, 0, 1},
		{"a token that is valid", 13 * time.Minute, 0, 0},
		{"the next token", time.Minute, 1, 1},
	} {
		r.clock.pass(step.pass)
		if err := r.call(t); err != nil {
			t.Fatal(err)
		}
		r.expect(t, step.when, step.reads, step.asked)
	}

	r = newRotating(t, func(c *client.Config) { c.RenewAfter = time.Hour })
	for range 3 {
		if err := r.call(t); err != nil {
			t.Fatal(err)
		}
		r.clock.pass(15 * time.Minute)
	}
	r.expect(t, "three tokens within an hour", 0, 3)
}

// TestRotatedSecret replaces the secret: a token that is valid is used on, a secret that
// was read long ago is read before it is sent, and one that is refused within the call.
func TestRotatedSecret(t *testing.T) {
	r := newRotating(t)
	if err := r.call(t); err != nil {
		t.Fatal(err)
	}
	r.expect(t, "before", 0, 1)
	r.rotate()
	if err := r.call(t); err != nil {
		t.Error(err)
	}
	r.expect(t, "with a token of the old secret", 0, 0)
	r.clock.pass(15 * time.Minute)
	if err := r.call(t); err != nil {
		t.Error(err)
	}
	r.expect(t, "after that", 1, 1)

	for _, status := range []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusUnprocessableEntity, http.StatusInternalServerError} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			r := newRotating(t)
			r.rotate()
			r.server.Inject(vendorsim.Fault{PathPrefix: "/api/v1/account", Count: -1, Effect: refuse(status, clientSecret)})
			if err := r.call(t); err != nil {
				t.Error(err)
			}
			asked := 2
			if status == http.StatusInternalServerError {
				asked = 5 // a 500 is worth another try
			}
			r.expect(t, "refused", 1, asked)
		})
	}
}

// refuse answers requests that hold a secret with a status, and an echo of it.
func refuse(status int, clientSecret string) vendorsim.Effect {
	return func(w http.ResponseWriter, r *http.Request, vendor http.Handler) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !strings.Contains(string(body), clientSecret) {
			vendor.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"message":"do not know ` + clientSecret + `"}`))
	}
}

// TestRefusalOfTheSameSecret leaves the vault alone for a while where it has no other
// secret than the one that is refused.
func TestRefusalOfTheSameSecret(t *testing.T) {
	r := newRotating(t)
	r.service.RotateSecret(nextSecret)
	for range 5 {
		e := want(t, r.call(t), abi.KindAuthFailed, "does not know this client id and secret", "client_secret")
		if e.RequestSent {
			t.Error("a request for a token counts as the operation")
		}
	}
	r.expect(t, "five calls at once", 1, 5)
	r.clock.pass(lease.Pause)
	want(t, r.call(t), abi.KindAuthFailed)
	r.expect(t, "after the pause", 1, 1)
	r.clock.pass(lease.Pause)
	r.vault.secret = nextSecret
	if err := r.call(t); err != nil {
		t.Error(err)
	}
	r.expect(t, "replaced in the vault as well", 1, 2)
	r.watch.Check(t)
}

// TestNeitherSecretIsKnown asks twice and not more often.
func TestNeitherSecretIsKnown(t *testing.T) {
	r := newRotating(t)
	r.service.RotateSecret("something else")
	r.vault.secret = nextSecret
	want(t, r.call(t), abi.KindAuthFailed, "does not know this client id and secret")
	r.expect(t, "refused twice", 1, 2)
}

// TestVaultDoesNotAnswer goes on with the old secret for as long as it is not too old.
func TestVaultDoesNotAnswer(t *testing.T) {
	away := &abi.Error{Kind: abi.KindNetwork, Message: "no route to the vault", Field: "connections.x.airbyte.client_secret", Retryable: true}
	r := newRotating(t)
	if err := r.call(t); err != nil {
		t.Fatal(err)
	}
	r.vault.err = away
	r.clock.pass(14 * time.Minute)
	if err := r.call(t); err != nil {
		t.Error(err)
	}
	r.expect(t, "away for a while", 1, 2)
	if !strings.Contains(string(r.log.Bytes()), "[WARN]  cannot read the client id and secret again; using the old ones: error=\"network: no route to the vault\"") {
		t.Errorf("the log is\n%s", r.log.Bytes())
	}
	r.clock.pass(14 * time.Minute)
	if e := want(t, r.call(t), abi.KindNetwork, "no route", away.Field); e.RequestSent || !e.Retryable {
		t.Errorf("the error is %#v", e)
	}
	r.expect(t, "away for too long", 1, 0)
	r.vault.err = nil
	if err := r.call(t); err != nil {
		t.Error(err)
	}

	r.clock.pass(14 * time.Minute)
	r.vault.err = &abi.Error{Kind: abi.KindAuthFailed, Message: "the secret is gone"}
	want(t, r.call(t), abi.KindAuthFailed, "the secret is gone")

	r = newRotating(t)
	r.service.RotateSecret(nextSecret)
	r.vault.err = away
	for range 3 {
		want(t, r.call(t), abi.KindNetwork, "no route")
	}
	r.expect(t, "refused while it is away", 1, 3)
	r.watch.Check(t)

	r = newRotating(t)
	r.service.RotateSecret(nextSecret)
	r.vault.secret = ""
	want(t, r.call(t), abi.KindAuthFailed, "is missing")
}

// TestConcurrentCallsReadOnce lets two hundred calls meet a token that was revoked and a
// secret that was replaced.
func TestConcurrentCallsReadOnce(t *testing.T) {
	r := newRotating(t)
	id := r.create(t, "support")
	r.service.RevokeTokens()
	r.rotate()
	r.executeTogether(t, id, 200)
	r.expect(t, "two hundred calls", 1, 2)
}

// TestRotatedSecretsAreRedacted lets a service that knows both secrets echo them wherever
// it can, before, while and after one takes the place of the other.
func TestRotatedSecretsAreRedacted(t *testing.T) {
	r := newRotating(t)
	both := `{"message":"` + clientSecret + ` ` + nextSecret + `","errors":[{"field":"` + nextSecret + `","message":"` + clientSecret + `"}]}`
	echo := vendorsim.Fault{Count: -1, Effect: vendorsim.Respond(http.StatusUnprocessableEntity, http.Header{"X-Request-Id": {nextSecret}}, both)}
	old := echo
	old.Effect = refuse(http.StatusUnauthorized, clientSecret)

	// The old secret is refused, and there is no other one.
	r.server.Inject(old)
	want(t, r.call(t), abi.KindAuthFailed, "[redacted]")

	// The new one is refused as well.
	r.clock.pass(lease.Pause)
	r.vault.secret = nextSecret
	r.server.ClearFaults()
	r.server.Inject(echo)
	want(t, r.call(t), abi.KindAuthFailed, "[redacted]")

	// It is known, and calls with its token are answered so.
	r.service.RotateSecret(nextSecret)
	r.server.ClearFaults()
	if err := r.call(t); err != nil {
		t.Fatal(err)
	}
	r.server.Inject(echo)
	want(t, r.call(t), abi.KindInvalidParams, "[redacted]")
	_, err := r.client.Create(t.Context(), pylon("support"))
	want(t, err, abi.KindInvalidParams, "[redacted]")
	r.watch.Check(t)
}

// A token that has the client id, as a JWT does in base64, is sent as it came.
func TestTokenMayHaveTheClientID(t *testing.T) {
	t.Parallel()
	const id = "0f1c6c1e-5a54-4a3e-9d0d-8f1f5b1f3f10"
	token := "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"azp":"`+id+`"}`)) + ".c2ln"
	sent := make(chan string, 1)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/token") {
			_, _ = io.WriteString(w, `{"access_token":"`+token+`","token_type":"bearer","expires_in":900}`)
			return
		}
		sent <- r.Header.Get("Authorization")
		_, _ = io.WriteString(w, `{"data":[]}`)
	}))
	t.Cleanup(service.Close)
	c := open(t, client.Config{BaseURL: service.URL, ClientID: value(id), ClientSecret: value(clientSecret)})
	if _, err := c.Workspaces(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if got := <-sent; got != "Bearer "+token {
		t.Errorf("the service got %q", got)
	}
}
