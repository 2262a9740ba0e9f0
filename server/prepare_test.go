package server

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
)

// The server has no application whose credential nobody kept: the credential is kept first.
func TestBootstrapIsKeptFirst(t *testing.T) {
	t.Parallel()
	o := Options{Data: filepath.Join(t.TempDir(), "data"), URL: publicURL, Host: host.Options{Plugins: t.TempDir(), Cache: compiled}}
	if _, err := New(t.Context(), o); err == nil || !strings.Contains(err.Error(), "nobody keeps") {
		t.Fatalf("without Bootstrap: %v", err)
	}
	full := errors.New("the disk is full")
	o.Bootstrap = func(*Bootstrap) error { return full }
	if _, err := New(t.Context(), o); !errors.Is(err, full) {
		t.Fatalf("Bootstrap fails: %v", err)
	}
	var kept []Bootstrap
	o.Bootstrap = func(b *Bootstrap) error { kept = append(kept, *b); return nil }
	for range 2 {
		s, err := New(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if len(kept) != 1 {
			t.Fatalf("%d credentials were kept", len(kept))
		}
		if _, err := s.authenticate(t.Context(), kept[0].ClientID, kept[0].ClientSecret); err != nil {
			t.Error(err)
		}
		if all, err := s.store.Applications(t.Context(), kept[0].Organization, store.Page{}); err != nil || len(all) != 1 {
			t.Errorf("%d applications, %v", len(all), err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// What an interrupted start left is replaced.
	path := filepath.Join(o.Data, "bootstrap.json")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := kept[0].WriteFile(path, publicURL); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), kept[0].ClientID) {
		t.Errorf("%s, %v", text, err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// The folder is looked at before a master key is read from it or written into it, and the key is
// nobody else's.
//
// threat: K3
func TestMasterKeyIsOurs(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no Unix permissions")
	}
	o := Options{Data: filepath.Join(t.TempDir(), "data"), URL: publicURL, Host: host.Options{Plugins: t.TempDir(), Cache: compiled}, Bootstrap: func(*Bootstrap) error { return nil }}
	if err := os.Mkdir(o.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	denied := func(why string) {
		t.Helper()
		s, err := New(t.Context(), o)
		if err == nil {
			_ = s.Close(t.Context())
		}
		if e, ok := errors.AsType[*abi.Error](err); !ok || e.Kind != abi.KindDenied || e.Field != "data" || e.Hint == "" {
			t.Errorf("%s: %v", why, err)
		}
	}
	mode := func(path string, mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	key := filepath.Join(o.Data, store.MasterFile)
	mode(o.Data, 0o777)
	denied("a folder of everybody")
	if _, err := os.Lstat(key); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the key was made: %v", err)
	}
	mode(o.Data, 0o700)
	s, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	mode(key, 0o644)
	denied("a key that everybody can read")
	mode(key, 0o600)
	if err := errors.Join(os.Rename(key, key+".real"), os.Symlink(key+".real", key)); err != nil {
		t.Fatal(err)
	}
	denied("a link")
}
