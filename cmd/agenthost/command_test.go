package main

import (
	"bytes"
	"os"
	"sync"
	"testing"
)

// command is the test binary under the name that makes it the command, which starts
// itself under that name again to compile.
func command(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	named := t.TempDir() + "/agenthost"
	if os.Link(exe, named) == nil {
		return named
	}
	data, err := os.ReadFile(exe) // another file system
	if err == nil {
		err = os.WriteFile(named, data, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	return named
}

// lockedText is what a process writes.
type lockedText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
