package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// TestNoCoreFile crashes the command while it waits for a vendor, and so holds a
// credential. Whatever the shell's limits are, no core file comes of it.
//
// threat: C8
func TestNoCoreFile(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	server, err := vendorsim.Start(t.Context(), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-answer
	}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	defer close(answer)
	dir := t.TempDir()
	plugins := wasmtest.Folder(t, "plugins/pylon")
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -S -c "$(ulimit -H -c)"; exec "$@"`, "sh",
		command(t), "exec", "pylon", "accounts", "list", "--plugins", plugins)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Env = append(os.Environ(), "GOTRACEBACK=crash", "AGENTHOST_PYLON_API_TOKEN="+fullToken, "AGENTHOST_PYLON_SERVER="+server.URL,
		"XDG_CACHE_HOME="+wasmtest.Home(t), firstPartyVariable+"="+asFirstParty(t, plugins))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-asked:
	case err := <-ended:
		t.Fatalf("the command ended: %v\n%s", err, stderr.Bytes())
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^Max core file size +[01] +[01] `).Match(limits) {
		t.Errorf("the limits are\n%s", limits)
	}
	if err := cmd.Process.Signal(syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := <-ended; !errors.As(err, &exit) || !exit.Sys().(syscall.WaitStatus).Signaled() || exit.Sys().(syscall.WaitStatus).CoreDump() {
		t.Errorf("the command ended with %v", err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) > 0 {
		t.Errorf("it left %q", files)
	}
	// What the runtime prints of a crash holds addresses and no bytes.
	if strings.Contains(stderr.String(), "CANARY") || !strings.Contains(stderr.String(), "SIGABRT") {
		t.Errorf("the crash says %.2000s", stderr.Bytes())
	}
}
