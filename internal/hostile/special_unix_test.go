//go:build unix

package hostile_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// special makes something that is not a regular file.
func special(t *testing.T, s *source, folder, path string) {
	pipe := filepath.Join(folder, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	target := one(s, pipe, "/dev/zero", "/dev/tty", folder, path)
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}
