package hostile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCommand runs a part of the corpus through the real command, as a process of its
// own, against a vendor on loopback.
//
// threat: N1, N7, N8, N9, N11
func TestCommand(t *testing.T) {
	t.Parallel()
	every := 12
	if underRace || testing.Short() {
		every = 48
	}
	dir := t.TempDir()
	command := filepath.Join(dir, "agenthost")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", command, "github.com/agenthost/agenthost/cmd/agenthost")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	n := 0
	for _, table := range []string{"requests", "headers", "redirects", "reflection"} {
		for _, a := range corpus()[table] {
			// A name leads to loopback in the command's world as well, and is refused there.
			if !a.lab && table == "redirects" || a.zone != nil || a.refused != "" {
				continue
			}
			if n++; n%every != 0 {
				continue
			}
			t.Run(table+"/"+a.name, func(t *testing.T) { a.runCommand(t, command, filepath.Join(dir, "cache")) })
		}
	}
}

// runCommand runs an attack with the command.
func (a *attack) runCommand(t *testing.T, command, cache string) {
	p := newPlace(t, a)
	d := honest()
	if a.declare != nil {
		a.declare(d)
	}
	requests := a.requests
	if requests == nil {
		requests = []string{a.request}
		if a.request == "" {
			requests = []string{request("")}
		}
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"evil.wasm":      assemble(t, d, requests, a.body),
		"agenthost.yaml": fmt.Appendf(nil, "plugins: .\nconnections:\n  evil: {connector: evil, server: %q, credentials: {token: env:TOKEN}}\n", p.vendor.URL),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) (stdout, stderr string, code int) {
		cmd := exec.CommandContext(t.Context(), command, args...)
		cmd.Dir = dir
		cmd.Env = []string{"TOKEN=" + canary, "XDG_CACHE_HOME=" + cache, "HOME=" + dir, "PATH=" + os.Getenv("PATH")}
		var out, err bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &err
		var exit *exec.ExitError
		if failure := cmd.Run(); errors.As(failure, &exit) {
			code = exit.ExitCode()
		} else if failure != nil {
			t.Fatal(failure)
		}
		return out.String(), err.String(), code
	}
	if _, stderr, code := run("plugin", "approve", "evil.wasm", "--yes"); code != 0 {
		t.Fatal(stderr)
	}
	stdout, stderr, code := run("exec", "evil", "things", "get", "--log-level", "trace", "-o", "json", "--timeout", "20s")
	if leaks(stdout) || leaks(stderr) {
		t.Errorf("the credential got out: %s\n%s", stdout, stderr)
	}
	a.judgeCommand(t, p, stdout, stderr, code)
	// Nothing that the command leaves behind has the credential either.
	for _, folder := range []string{dir, cache} {
		leftBehind(t, folder)
	}
}

func (a *attack) judgeCommand(t *testing.T, p *place, stdout, stderr string, code int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.problems)+len(p.knocks) > 0 {
		t.Errorf("%q, and connections to %q", p.problems, p.knocks)
	}
	said := regexp.MustCompile(`(?m)^\{"error":.*$`).FindString(stderr)
	if a.kind == "" {
		if code != 0 || len(p.seen) == 0 || !strings.Contains(stdout, a.answer) {
			t.Errorf("exit code %d, the vendor saw %q: %s%s", code, p.seen, stdout, said)
		}
		return
	}
	if code == 0 || !strings.Contains(said, `"kind":"`+string(a.kind)+`"`) || a.rule != "" && !strings.Contains(said, `"rule":"`+a.rule+`"`) ||
		a.hint != "" && !strings.Contains(said, `"hint":"`) || len(p.seen) > 0 != a.arrives {
		t.Errorf("exit code %d, the vendor saw %q, and the command says %s; want %s by %q", code, p.seen, said, a.kind, a.rule)
	}
}

// leftBehind looks for the credential in every file of a folder.
func leftBehind(t *testing.T, folder string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && leaks(string(data)) {
			t.Errorf("%s has the credential", path)
		}
		return err
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
