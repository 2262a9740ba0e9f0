//go:build unix

package source_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/agenthost/agenthost/internal/credential/source"
)

func TestPipeDoesNotBlock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	_, err := resolve(t, source.Options{}, "file:"+path)
	wantMissing(t, err, path, "not a regular file")
}
