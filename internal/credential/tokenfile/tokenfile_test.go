package tokenfile

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/durable"
	"github.com/agenthost/agenthost/internal/credential/logins"
	"github.com/agenthost/agenthost/pdk/abi"
)

func key(text string) func(context.Context) (secret.Value, error) {
	return func(context.Context) (secret.Value, error) { return secret.New([]byte(text)), nil }
}

func value(text string) secret.Value { return secret.New([]byte(text)) }

func binding() logins.Binding {
	return logins.Binding{Connection: "crm", Connector: "acme", Scheme: "oauth", TokenURL: "https://login.acme.example/token", Client: logins.Mark(value("id")), Origins: []string{"https://api.acme.example"}}
}

var row = logins.Row{Access: value("canary-access"), Refresh: value("canary-refresh"), Previous: value("canary-previous"), Until: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Seed: logins.Mark(value("seed")), Server: "https://own.acme.example", Stale: logins.Mark(value("stale"))}

func same(a, b logins.Row) bool {
	return a.Equal(b) && a.Server == b.Server && a.Stale == b.Stale && a.Seed == b.Seed
}

func wantUnusable(t *testing.T, name string, err error) {
	t.Helper()
	e, ok := errors.AsType[*abi.Error](err)
	if !ok || e.Kind != abi.KindAuthFailed || !strings.Contains(e.Message, "the login of connection") || !strings.Contains(e.Hint, "agenthost login") || strings.Contains(e.Message, "canary") {
		t.Errorf("%s: %#v", name, err)
	}
}

func TestRows(t *testing.T) {
	f := New(filepath.Join(t.TempDir(), "tokens"), key("k"))
	if _, found, err := f.Load(t.Context(), binding()); found || err != nil {
		t.Errorf("%t, %v", found, err)
	}
	if err := f.Save(t.Context(), binding(), row); err != nil {
		t.Fatal(err)
	}
	got, found, err := f.Load(t.Context(), binding())
	if err != nil || !found || !same(got, row) {
		t.Errorf("%t, %v, the row is another one", found, err)
	}
	sealed, err := os.ReadFile(f.Path("crm"))
	if err != nil || bytes.Contains(sealed, []byte("canary")) {
		t.Errorf("the file holds a token, or %v", err)
	}
	if f.Path("crm") == f.Path("CRM") || strings.EqualFold(f.Path("crm"), f.Path("CRM")) || filepath.Dir(f.Path("../x/../../y")) != filepath.Dir(f.Path("crm")) {
		t.Error("two connections share a file, or one is elsewhere")
	}
	if err := f.Remove("crm"); err != nil {
		t.Fatal(err)
	}
	if _, found, err := f.Load(t.Context(), binding()); found || err != nil {
		t.Errorf("%t, %v", found, err)
	}
}

// A row opens for what it was made for, and for nothing else. It only says whether a secret was there.
//
// threat: C9
func TestBinding(t *testing.T) {
	dir := t.TempDir()
	f := New(dir, key("k"))
	if err := f.Save(t.Context(), binding(), row); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*logins.Binding){
		"connector": func(b *logins.Binding) { b.Connector = "evil" },
		"scheme":    func(b *logins.Binding) { b.Scheme = "other" },
		"token URL": func(b *logins.Binding) { b.TokenURL = "https://login.evil.example/token" },
		"client":    func(b *logins.Binding) { b.Client = logins.Mark(value("other")) },
		"origins":   func(b *logins.Binding) { b.Origins = append(b.Origins, "https://evil.example") },
	} {
		b := binding()
		change(&b)
		got, found, err := f.Load(t.Context(), b)
		wantUnusable(t, name, err)
		moved, ok := errors.AsType[*logins.Moved](err)
		if found || !same(got, logins.Row{}) || !ok || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: a row comes out, or %v", name, err)
			continue
		}
		for secret, has := range map[string]bool{"seed": true, "canary-refresh": true, "canary-previous": true, "canary-access": false, "new": false} {
			if moved.Has(value(secret)) != has {
				t.Errorf("%s: it has %s: %t", name, secret, !has)
			}
		}
	}
	_, _, err := New(dir, key("another")).Load(t.Context(), binding())
	wantUnusable(t, "identity", err)
	// Two rows change places.
	other := binding()
	other.Connection = "hr"
	if err := f.Save(t.Context(), other, logins.Row{Access: value("other")}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Rename(f.Path("crm"), filepath.Join(dir, "x")), os.Rename(f.Path("hr"), f.Path("crm")), os.Rename(filepath.Join(dir, "x"), f.Path("hr"))); err != nil {
		t.Fatal(err)
	}
	for _, b := range []logins.Binding{binding(), other} {
		_, _, err := f.Load(t.Context(), b)
		wantUnusable(t, "swapped", err)
	}
}

// threat: C9
func TestTamper(t *testing.T) {
	f := New(t.TempDir(), key("k"))
	if err := f.Save(t.Context(), binding(), row); err != nil {
		t.Fatal(err)
	}
	sealed, err := os.ReadFile(f.Path("crm"))
	if err != nil {
		t.Fatal(err)
	}
	var changed [][]byte
	for i := range sealed {
		b := bytes.Clone(sealed)
		b[i] ^= 0x80
		changed = append(changed, b, sealed[:i])
	}
	for _, b := range append(changed, bytes.Repeat([]byte("x"), maxRow+1)) {
		if err := os.WriteFile(f.Path("crm"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := f.Load(t.Context(), binding())
		wantUnusable(t, "changed", err)
	}
}

func TestSaveFails(t *testing.T) {
	f := New(t.TempDir(), key("k"))
	if err := f.Save(t.Context(), binding(), row); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left")
	f.Writer.Before = func(s durable.Step) error {
		if s == durable.Sync {
			return full
		}
		return nil
	}
	err := f.Save(t.Context(), binding(), logins.Row{})
	if e, ok := errors.AsType[*abi.Error](err); !ok || e.Kind != abi.KindInternal || !errors.Is(err, full) {
		t.Errorf("got %#v", err)
	}
	if got, _, err := f.Load(t.Context(), binding()); err != nil || !same(got, row) {
		t.Errorf("the old row is gone, or %v", err)
	}
}

// TestOthersFolder: tokens are neither kept in a folder that others may write to nor taken
// from one, and the error says what to set.
func TestOthersFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no Unix permissions")
	}
	dir := filepath.Join(t.TempDir(), "tokens")
	f := New(dir, key("k"))
	release, err := f.Lock(t.Context(), "crm")
	if err != nil {
		t.Fatal(err)
	}
	release()
	if err := os.Chmod(dir, 0o770); err != nil {
		t.Fatal(err)
	}
	_, err = f.Lock(t.Context(), "crm")
	if e, ok := errors.AsType[*abi.Error](err); !ok || e.Kind != abi.KindDenied || !strings.Contains(e.Hint, "secrets: {tokens: FOLDER}") {
		t.Errorf("got %#v", err)
	}
}

// TestLockHeedsItsContext: who waits for another refresh of a token waits no longer than its call.
func TestLockHeedsItsContext(t *testing.T) {
	t.Parallel()
	f := New(t.TempDir(), key("k"))
	release, err := f.Lock(t.Context(), "lab")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = f.Lock(ctx, "lab")
	e, ok := errors.AsType[*abi.Error](err)
	if !ok || e.Kind != abi.KindCancelled || !strings.Contains(e.Message, "refreshed the token of connection lab") {
		t.Errorf("%v", err)
	}
}
