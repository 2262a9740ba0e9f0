package agefile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/durable"
	"github.com/agenthost/agenthost/internal/credential/source"
	"github.com/agenthost/agenthost/pdk/abi"
)

const canary = "canary-\u00e9\"2d90b1"

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

func fixed(identity interface{ String() string }) Identity {
	return func(context.Context) (secret.Value, error) { return secret.New([]byte(identity.String() + "\n")), nil }
}

// store returns a Store with two secrets.
func store(t *testing.T, identity Identity) *Store {
	t.Helper()
	s := New(filepath.Join(t.TempDir(), "made", "secrets.age"), identity)
	for name, value := range map[string]string{"pylon": canary, "ashby": "other"} {
		if err := s.Set(t.Context(), name, secret.New([]byte(value))); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func read(t *testing.T, s *Store, name string) (string, error) {
	t.Helper()
	v, err := s.Read(t.Context(), name)
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
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.Contains(err.Error(), canary[:6]) || strings.Contains(err.Error(), "AGE-SECRET") {
			t.Errorf("the error holds a secret: %v", err)
		}
	}
}

func TestStore(t *testing.T) {
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for _, identity := range []Identity{fixed(newIdentity(t)), fixed(hybrid)} {
		s := store(t, identity)
		for name, want := range map[string]string{"pylon": canary, "ashby": "other"} {
			if got, err := read(t, s, name); err != nil || got != want {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
		sealed, err := os.ReadFile(s.Path())
		if err != nil || bytes.Contains(sealed, []byte("pylon")) || !bytes.HasPrefix(sealed, []byte("-----BEGIN AGE")) {
			t.Errorf("%.80q, %v", sealed, err)
		}
		if names, err := s.Names(t.Context()); err != nil || !slices.Equal(names, []string{"ashby", "pylon"}) {
			t.Errorf("%q, %v", names, err)
		}
		if err := s.Remove(t.Context(), "ashby"); err != nil {
			t.Error(err)
		}
		_, err = read(t, s, "ashby")
		wantError(t, err, abi.KindAuthFailed, "has no secret of that name", "secret set ashby")
		_, err = read(t, s, "pilon")
		wantError(t, err, abi.KindAuthFailed, "has no secret of that name", "did you mean age:pylon?")
		_, err = read(t, s, "PYLON")
		wantError(t, err, abi.KindAuthFailed, "has no secret of that name", "did you mean age:pylon?")
		wantError(t, s.Remove(t.Context(), "ashby"), abi.KindNotFound, "no secret of that name", "pylon")
	}
}

func TestStoreRefuses(t *testing.T) {
	s := New(filepath.Join(t.TempDir(), "secrets.age"), fixed(newIdentity(t)))
	_, err := read(t, s, "pylon")
	wantError(t, err, abi.KindAuthFailed, "does not exist", "secret set pylon")
	if names, err := s.Names(t.Context()); err != nil || len(names) > 0 {
		t.Errorf("%q, %v", names, err)
	}
	for _, name := range []string{"*", "../pylon", "a b", "p\u0443lon"} {
		wantError(t, s.Set(t.Context(), name, secret.New([]byte("x"))), abi.KindInvalidParams, "age: needs", "letters")
	}
	wantError(t, s.Set(t.Context(), "a", secret.Value{}), abi.KindInvalidParams, "empty", "secret rm")
	wantError(t, s.Set(t.Context(), "a", secret.New([]byte("\xff"))), abi.KindInvalidParams, "not UTF-8", "base64")
	wantError(t, s.Set(t.Context(), "a", secret.New(bytes.Repeat([]byte("x"), source.MaxSize+1))), abi.KindInvalidParams, "larger than 64 KiB", "")
	for _, text := range []string{"", "AGE-SECRET-KEY-1QQQ", "ssh-ed25519 AAAA", newIdentity(t).String() + "\n" + newIdentity(t).String()} {
		bad := New(s.Path(), func(context.Context) (secret.Value, error) { return secret.New([]byte(text)), nil })
		wantError(t, bad.Set(t.Context(), "a", secret.New([]byte("x"))), abi.KindAuthFailed, "not a single age identity", "AGE-SECRET-KEY-")
	}
}

// A file that was changed, cut short or made by somebody else is refused, at every byte.
//
// threat: C9
func TestTamper(t *testing.T) {
	identity := newIdentity(t)
	s := store(t, fixed(identity))
	sealed, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	put := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(s.Path(), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i < len(sealed); i += 3 {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		put(changed)
		if got, err := read(t, s, "pylon"); err == nil {
			t.Fatalf("byte %d may change: %q", i, got)
		}
		if err := s.Set(t.Context(), "pylon", secret.New([]byte("x"))); err == nil {
			t.Fatalf("byte %d may change, and the file is overwritten", i)
		}
	}
	for n := range len(sealed) - 1 { // the last byte is a line break, which armor does not need
		put(sealed[:n])
		if _, err := read(t, s, "pylon"); err == nil {
			t.Fatalf("the first %d bytes are accepted", n)
		}
	}
	put(bytes.Repeat([]byte("x"), MaxSize+1))
	_, err = read(t, s, "pylon")
	wantError(t, err, abi.KindAuthFailed, "larger than 4 MiB", "right file")
	put([]byte("hello"))
	_, err = read(t, s, "pylon")
	wantError(t, err, abi.KindAuthFailed, "was changed or damaged", "backup")
	put(sealed)
	if got, err := read(t, s, "pylon"); err != nil || got != canary {
		t.Errorf("%q, %v", got, err)
	}
	_, err = read(t, New(s.Path(), fixed(newIdentity(t))), "pylon")
	wantError(t, err, abi.KindAuthFailed, "for another identity", "secrets: {identity")
}

// Who knows the public half of an identity can encrypt to it, and gets nothing accepted:
// neither values of their own, nor two secrets that changed places.
//
// threat: C9
func TestForgery(t *testing.T) {
	identity := newIdentity(t)
	s := store(t, fixed(identity))
	genuine, err := parse(secret.New([]byte(identity.String())))
	if err != nil {
		t.Fatal(err)
	}
	code, err := genuine.authenticate(map[string]string{"pylon": canary, "ashby": "other"})
	if err != nil {
		t.Fatal(err)
	}
	for name, forged := range map[string]any{
		"no code":      map[string]any{"version": 1, "secrets": map[string]string{"pylon": "mine"}},
		"another code": content{1, map[string]string{"pylon": "mine"}, bytes.Repeat([]byte{1}, 32)},
		"swapped":      content{1, map[string]string{"pylon": "other", "ashby": canary}, code},
		"one less":     content{1, map[string]string{"pylon": canary}, code},
		"not JSON":     json.RawMessage(`"x"`),
	} {
		plain, err := json.Marshal(forged)
		if err != nil {
			t.Fatal(err)
		}
		var sealed bytes.Buffer
		armored := armor.NewWriter(&sealed)
		w, err := age.Encrypt(armored, identity.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(plain); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Close(), armored.Close(), os.WriteFile(s.Path(), sealed.Bytes(), 0o600)); err != nil {
			t.Fatal(err)
		}
		got, err := read(t, s, "pylon")
		if got != "" {
			t.Errorf("%s: %q", name, got)
		}
		wantError(t, err, abi.KindAuthFailed, "was not written by agenthost with this identity", "backup")
	}
}

func TestCrashKeepsSecrets(t *testing.T) {
	s := store(t, fixed(newIdentity(t)))
	crash := errors.New("crash")
	s.writer.Before = func(step durable.Step) error {
		if step == durable.Rename {
			return crash
		}
		return nil
	}
	err := s.Set(t.Context(), "pylon", secret.New([]byte("new")))
	wantError(t, err, abi.KindInternal, "cannot be written", "disk is not full")
	if got, err := read(t, s, "pylon"); err != nil || got != canary {
		t.Errorf("%q, %v", got, err)
	}
}

func TestSetAtOnce(t *testing.T) {
	s := store(t, fixed(newIdentity(t)))
	var group sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		group.Go(func() {
			if err := s.Set(t.Context(), name, secret.New([]byte(name))); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if names, err := s.Names(t.Context()); err != nil || len(names) != 8 {
		t.Errorf("%q, %v", names, err)
	}
}

func TestCreateIdentity(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "identity.txt")
	var texts []string
	for range 2 {
		if err := CreateIdentity(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	if texts[0] != texts[1] {
		t.Error("an identity was overwritten")
	}
	if _, err := parse(secret.New([]byte(texts[0]))); err != nil {
		t.Error(err)
	}
}
