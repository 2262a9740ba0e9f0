package durable_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/agenthost/agenthost/internal/credential/durable"
)

// A crash before any step leaves the old content or the new one, and the next write works.
func TestCrash(t *testing.T) {
	crash := errors.New("crash")
	for _, at := range []durable.Step{durable.Create, durable.Write, durable.Sync, durable.Rename, durable.SyncFolder} {
		path := filepath.Join(t.TempDir(), "made", "file")
		if err := (durable.Writer{}).Replace(path, []byte("old")); err != nil {
			t.Fatal(err)
		}
		err := durable.Writer{Before: func(s durable.Step) error {
			if s == at {
				return crash
			}
			return nil
		}}.Replace(path, []byte("new"))
		if !errors.Is(err, crash) {
			t.Errorf("%s: %v", at, err)
		}
		want := "old"
		if at == durable.SyncFolder {
			want = "new"
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v, want %q", at, got, err, want)
		}
		if err := (durable.Writer{}).Replace(path, []byte("next")); err != nil {
			t.Errorf("%s: the next write fails: %v", at, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "next" {
			t.Errorf("%s: %q, %v", at, got, err)
		}
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(entries) != 1 {
			t.Errorf("%s: something was left behind: %v, %v", at, entries, err)
		}
	}
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing there")
	}
	path := filepath.Join(t.TempDir(), "made", "file")
	if err := (durable.Writer{}).Replace(path, []byte("x")); err != nil {
		t.Fatal(err)
	}
	file, err := os.Stat(path)
	if err != nil || file.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", file.Mode(), err)
	}
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil || folder.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", folder.Mode(), err)
	}
}

// A link in the place of the new file is not followed.
func TestLinkIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "file")
	if err := os.Symlink(victim, path+".new"); err != nil {
		t.Skip(err)
	}
	if err := (durable.Writer{}).Replace(path, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(victim); err != nil || string(got) != "mine" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRemove(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for range 2 {
		if err := (durable.Writer{}).Remove(path); err != nil {
			t.Error(err)
		}
		if err := (durable.Writer{}).Replace(path, []byte("x")); err != nil {
			t.Error(err)
		}
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "file")
	var group sync.WaitGroup
	// Atomic, as the race detector does not know that a lock on a file orders memory.
	var inside atomic.Int32
	for range 8 {
		group.Go(func() {
			release, err := durable.Lock(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			defer release()
			if inside.Add(1) != 1 {
				t.Error("two have the lock")
			}
			inside.Add(-1)
		})
	}
	group.Wait()
	release, err := durable.Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := durable.Lock(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("a lock that is held: %v", err)
	}
}
