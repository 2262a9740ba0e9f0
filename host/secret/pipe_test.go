//go:build unix

package secret_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/agenthost/agenthost/host/secret"
)

func TestPipeDoesNotBlock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	_, err := resolve(t, secret.Options{}, "file:"+path)
	wantMissing(t, err, path, "not a regular file")
}
