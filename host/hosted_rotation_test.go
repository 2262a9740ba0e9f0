package host_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/credential/lease"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestRotatedAirbyteSecret replaces the client secret in Airbyte and in the file that the
// configuration refers to, while the host runs: the next call finds it. Neither secret comes
// out of the host.
//
// threat: C1
func TestRotatedAirbyteSecret(t *testing.T) {
	t.Parallel()
	const second, third = "canary-client-secret-0f83d2be", "canary-client-secret-75ac19e4"
	file := filepath.Join(t.TempDir(), "airbyte-secret")
	write := func(secret string) {
		if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(airbyteSecret)
	now := &clock{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	pass := func() { _ = now.Sleep(t.Context(), lease.Pause) }
	watch, observe := watched(t, airbyteSecret)
	watch.For(second)
	watch.For(third)
	v := pylonOnTheWire()
	l := v.hosted(t, func(so *airbyte.Options) { so.Now = now.Now }, func(o *host.Options) {
		o.Now, o.Sleep = now.Now, now.Sleep
		o.Connections.(host.StaticConnections)["hosted"].Airbyte.ClientSecret = "file:" + file
		observe(o)
	})
	l.create(t, "lab")
	me := func() error {
		result, err := l.h.Execute(t.Context(), "hosted", host.Call{Entity: "me", Action: "get"})
		(&canaryLab{watch: watch}).see(t, "a call", result, err)
		return err
	}
	rotate := func(secret string) {
		l.service.RotateSecret(secret)
		l.service.RevokeTokens()
		l.airbyte.Reset()
	}

	rotate(second)
	write(second)
	if err := me(); err != nil {
		t.Error(err)
	}
	if n := l.requests("/token"); n != 2 {
		t.Errorf("%d tokens were asked for, want one with each secret", n)
	}

	// The service does not know the secret, and the file has gone: the error names the
	// setting. The file is not read by every call.
	pass()
	rotate(third)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	gone := func(when string) {
		err := me()
		var e *host.Error
		if !errors.As(err, &e) || e.Kind != abi.KindAuthFailed || e.Field != "connections.hosted.airbyte.client_secret" || e.RequestSent || !strings.Contains(e.Message, "no secret at file:") {
			t.Errorf("%s: the error is %#v", when, err)
		}
	}
	gone("at once")
	write(third)
	gone("within the pause")
	pass()
	if err := me(); err != nil {
		t.Error(err)
	}

	// The service echoes the secret and the one before.
	echo := vendorsim.Respond(http.StatusUnauthorized, nil, `{"message":"`+second+" "+third+`"}`)
	l.airbyte.Inject(vendorsim.Fault{PathPrefix: "/api/v1/account", Count: -1, Effect: echo})
	l.service.RevokeTokens()
	if err := me(); err == nil || !strings.Contains(err.Error(), "does not know this client id and secret: the Airbyte API answered 401: [redacted] [redacted]") {
		t.Errorf("the error is %v", err)
	}
	watch.Check(t)
}
