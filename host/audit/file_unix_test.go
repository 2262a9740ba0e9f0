//go:build darwin || linux

package audit

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

// fullDisk is a process whose files may not grow: writes end short, as on a disk that is
// full, and go on when there is room again.
func fullDisk(path string) int {
	signal.Ignore(syscall.SIGXFSZ)
	f, err := Open(path, FileOptions{})
	if err != nil {
		return 2
	}
	line := uint64(len(appendLine(nil, full())))
	limit := func(n uint64) {
		// The field has another type on some systems.
		l := syscall.Rlimit{}
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			panic(err)
		}
		l.Cur = l.Max
		if n > 0 {
			l.Cur = min(l.Max, n)
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			panic(err)
		}
	}
	for i, step := range []struct {
		limit uint64
		fails bool
	}{{0, false}, {line + line/2, true}, {line + line/2, true}, {0, false}, {0, false}} {
		limit(step.limit)
		if err := f.Write(context.Background(), full()); (err != nil) != step.fails {
			fmt.Fprintln(os.Stderr, i, err)
			return 1
		}
	}
	return 0
}

func TestFullDiskIsAnErrorAndThenGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := child(t, "full", path).Run(); err != nil {
		t.Fatal(err)
	}
	assertCallers(t, path, "ada ! ada ada")
}

// A process that holds the lock, and does nothing, holds up nobody.
func TestRotationDoesNotWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := openFile(t, path, FileOptions{MaxSize: 1})
	write(t, f, "a")
	other, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	unlock, ok := lock(other)
	if !ok {
		t.Fatal("not locked")
	}
	write(t, f, "b")
	if rotated, err := rotatedFiles(path); err != nil || len(rotated) != 0 {
		t.Error(rotated, err)
	}
	unlock()
	write(t, f, "c")
	if rotated, err := rotatedFiles(path); err != nil || len(rotated) != 1 {
		t.Error(rotated, err)
	}
	assertCallers(t, path, "a b c")
	if err := other.Close(); err != nil {
		t.Error(err)
	}
}

func TestPipeIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	if _, err := Open(path, FileOptions{}); err == nil {
		t.Error("a pipe was opened")
	}
}
