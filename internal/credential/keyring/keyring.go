// Package keyring reads secrets from the keyring of the system: the Secret Service on
// Linux and the BSDs, the Keychain on macOS, the Credential Manager on Windows.
package keyring

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/source"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/zalando/go-keyring"
)

// Service is the default service of a reference.
const Service = "agenthost"

// Source reads references such as keyring:pylon, which is the account pylon of
// [Service], and keyring:SERVICE/ACCOUNT. It may be used by several goroutines.
type Source struct {
	lookupEnv func(string) (string, bool)
	// busy permits one request at a time. A keyring may ask a person to unlock it, which
	// should happen once, and cannot be cancelled.
	busy chan struct{}
}

// New returns the Source of the user's keyring. A nil lookupEnv means os.LookupEnv.
func New(lookupEnv func(string) (string, bool)) *Source {
	if lookupEnv == nil {
		lookupEnv = os.LookupEnv
	}
	return &Source{lookupEnv, make(chan struct{}, 1)}
}

var _ secret.Source = (*Source)(nil)

// Read returns an entry of the keyring. It returns when ctx ends, even if the keyring still
// waits for a person.
//
// # Errors
//
// An *[abi.Error]: auth_failed if there is no keyring or no such entry, timeout if
// ctx ended.
func (s *Source) Read(ctx context.Context, name string) (secret.Value, error) {
	ref, err := secret.ParseRef("keyring:" + name)
	if err != nil {
		return secret.Value{}, err
	}
	if !s.reachable() {
		return secret.Value{}, unreachable(ref, nil)
	}
	service, account, found := strings.Cut(name, "/")
	if !found {
		service, account = Service, name
	}
	select {
	case s.busy <- struct{}{}:
	case <-ctx.Done():
		return secret.Value{}, ended(ctx)
	}
	answered := make(chan answer, 1)
	go func() {
		defer func() { <-s.busy }()
		text, err := keyring.Get(service, account)
		answered <- answer{secret.New([]byte(text)), err}
	}()
	select {
	case a := <-answered:
		return a.value, a.explain(ref, service, account)
	case <-ctx.Done():
		return secret.Value{}, ended(ctx)
	}
}

// reachable reports whether there is a session bus, on systems whose keyring needs one. Without
// its address go-keyring would start dbus-launch, with our environment.
func (s *Source) reachable() bool {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		return true
	}
	address, _ := s.lookupEnv("DBUS_SESSION_BUS_ADDRESS")
	return address != "" && !strings.HasPrefix(address, "autolaunch:")
}

type answer struct {
	value secret.Value
	err   error
}

func (a answer) explain(ref secret.Ref, service, account string) error {
	switch {
	case errors.Is(a.err, keyring.ErrNotFound):
		return source.Missing(ref, "the keyring has no such entry", add(service, account), a.err)
	case a.err != nil:
		return unreachable(ref, a.err)
	case a.value.IsZero():
		return source.Missing(ref, "the entry is empty", add(service, account), nil)
	}
	return nil
}

// add is the command that makes an entry; it asks for the secret.
func add(service, account string) string {
	switch runtime.GOOS {
	case "darwin":
		return "security add-generic-password -s '" + service + "' -a '" + account + "' -w"
	case "windows":
		return `cmdkey /generic:"` + service + ":" + account + `" /user:"` + account + `" /pass`
	}
	return "secret-tool store --label='" + account + "' service '" + service + "' username '" + account + "'"
}

func unreachable(ref secret.Ref, cause error) error {
	return source.Missing(ref, "cannot reach the system's keyring", "it needs the session of a logged-in user; on a server, use age:, vault: or file:", cause)
}

func ended(ctx context.Context) error {
	e := fault.EndedWith(ctx, "the call ended before the keyring answered")
	e.Hint = "the keyring may be waiting to be unlocked"
	return e
}
