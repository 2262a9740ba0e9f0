//go:build unix

package modulefile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What is not a regular file hung whoever listed the folder, and SIGTERM did not end that.
func TestWhatIsNoModule(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := syscall.Mkfifo(at("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	huge, err := os.Create(at("huge"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(huge.Truncate(Max+1), huge.Close(), os.Mkdir(at("folder"), 0o700), os.Symlink("fifo", at("to fifo")),
		os.Symlink("/dev/zero", at("to device")), os.Symlink("loop", at("loop")), os.Symlink("nothing", at("to nothing"))); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"fifo": "a pipe", "to fifo": "a pipe", "to device": "a device", "folder": "a folder", "huge": "the limit is 67108864",
		"loop": "too many levels", "to nothing": "no such file", "none": "no such file",
	} {
		_, read := Read(t.Context(), at(name))
		_, sum := Digest(t.Context(), at(name))
		for _, err := range []error{read, sum} {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), dir) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.wasm")
	content := strings.Repeat("module", 1<<19)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := Read(t.Context(), path); err != nil || string(data) != content {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if sum, err := Digest(t.Context(), path); err != nil || len(sum) != 64 {
		t.Errorf("%s, %v", sum, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := Digest(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
