//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPipeHangsNoRead has pipes that nobody writes to, named and in a folder.
func TestPipeHangsNoRead(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	pipe := filepath.Join(folder, "connector.yaml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if files, err := airbyteDocuments(folder); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("%v, %v", files, err)
	}
	if _, err := readRegular(t.Context(), pipe, 10); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := readAtMost(ctx, pipe, 10); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	// A pipe that somebody writes to is read. Both ends open it, so that neither waits.
	end, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	if _, err := end.WriteString("0123456789abcdefghij"); err != nil {
		t.Fatal(err)
	}
	if data, err := readAtMost(t.Context(), pipe, 10); err != nil || len(data) != 10 {
		t.Errorf("%q, %v", data, err)
	}
}
