package keyring

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
	gokeyring "github.com/zalando/go-keyring"
	"go.uber.org/goleak"
)

const canary = "canary-5b1e77a0c3"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// session is an environment with a session bus.
func session(string) (string, bool) { return "unix:path=/nowhere", true }

func reveal(s *Source, name string) (string, error) {
	v, err := s.Read(context.Background(), name)
	var got string
	_ = v.Reveal(func(b []byte) error { got = string(b); return nil })
	return got, err
}

func wantError(t *testing.T, err error, kind abi.Kind, message, hint string) {
	t.Helper()
	e, ok := errors.AsType[*abi.Error](err)
	if !ok || e.Kind != kind || !strings.Contains(e.Message, message) || !strings.Contains(e.Hint, hint) {
		t.Errorf("got %#v, want %s with %q and %q", err, kind, message, hint)
	}
}

func TestKeyring(t *testing.T) {
	gokeyring.MockInit()
	for account, service := range map[string]string{"pylon": Service, "ada@example.org": "my app"} {
		if err := gokeyring.Set(service, account, canary+account); err != nil {
			t.Fatal(err)
		}
	}
	if err := gokeyring.Set(Service, "empty", ""); err != nil {
		t.Fatal(err)
	}
	s := New(session)
	for name, want := range map[string]string{"pylon": canary + "pylon", "agenthost/pylon": canary + "pylon", "my app/ada@example.org": canary + "ada@example.org"} {
		if got, err := reveal(s, name); err != nil || got != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	_, err := reveal(s, "pilon")
	wantError(t, err, abi.KindAuthFailed, "no such entry", "pilon")
	_, err = reveal(s, "other/pylon")
	wantError(t, err, abi.KindAuthFailed, "no such entry", "other")
	_, err = reveal(s, "empty")
	wantError(t, err, abi.KindAuthFailed, "is empty", "")
	_, err = reveal(s, "a\nb")
	wantError(t, err, abi.KindInvalidParams, "keyring: needs", "")
}

// A Source without an environment of its own has the process's.
func TestEnvironmentOfTheProcess(t *testing.T) {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		t.Skip("the keyring is behind no bus")
	}
	gokeyring.MockInit()
	if err := gokeyring.Set(Service, "pylon", canary); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
	if got, err := reveal(New(nil), "pylon"); err != nil || got != canary {
		t.Errorf("%q, %v", got, err)
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	_, err := reveal(New(nil), "pylon")
	wantError(t, err, abi.KindAuthFailed, "", "")
}

func TestKeyringFails(t *testing.T) {
	gokeyring.MockInitWithError(errors.New("the bus says: " + canary))
	_, err := reveal(New(session), "pylon")
	wantError(t, err, abi.KindAuthFailed, "cannot reach", "on a server, use age:")
	if strings.Contains(err.Error(), canary) {
		t.Error("what the bus said is public")
	}
}

// A keyring that waits for a person does not hold up the call.
func TestKeyringWaits(t *testing.T) {
	gokeyring.MockInit()
	s := New(session)
	s.busy <- struct{}{} // somebody is asked to unlock it
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Read(ctx, "pylon")
	wantError(t, err, abi.KindCancelled, "ended before the keyring answered", "unlocked")
	<-s.busy
	if _, err := s.Read(t.Context(), "pylon"); err == nil {
		t.Error("an entry appeared")
	}
}
