package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/sandbox/compileworker"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// compileWorkerArgument makes the test binary the worker of its own tests.
const compileWorkerArgument = "compile-worker"

// serveCompile is the worker.
func serveCompile(arguments []string) int {
	if err := sandbox.ServeCompile(context.Background(), arguments, os.Stdin, os.Stdout, os.Exit, nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// withWorker is an engine that compiles in the worker.
func withWorker(t *testing.T, config sandbox.Config) *sandbox.Engine {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	config.CompileWorker = []string{self, compileWorkerArgument}
	if config.Cache == "" {
		config.Cache = t.TempDir()
	}
	return newEngine(t, config)
}

func TestCompileWorker(t *testing.T) {
	dir := t.TempDir()
	m, err := withWorker(t, sandbox.Config{Cache: dir}).Load(t.Context(), answering())
	if err != nil {
		t.Fatal(err)
	}
	works(t, m)
	// What the worker made is what this process would have made.
	m, err = newEngine(t, sandbox.Config{Cache: dir}).LoadCached(t.Context(), sandbox.Digest(answering()))
	if m == nil || err != nil {
		t.Fatalf("it is not in the cache: %v", err)
	}
	works(t, m)
}

// What is compiled ahead is found by who comes next, and was made at the lowest priority; a
// caller's own is not.
func TestCompileAhead(t *testing.T) {
	var lowest []bool
	e := withWorker(t, sandbox.Config{RunWorker: func(ctx context.Context, job compileworker.Job, module []byte) error {
		lowest = append(lowest, job.Lowest)
		return compileworker.Run(ctx, job, module)
	}})
	digest := sandbox.Digest(answering())
	if e.Compiled(digest) {
		t.Fatal("the cache is not empty")
	}
	for range 2 {
		if err := e.CompileAhead(t.Context(), answering()); err != nil {
			t.Fatal(err)
		}
	}
	m, err := e.LoadCached(t.Context(), digest)
	if m == nil || err != nil || !e.Compiled(digest) {
		t.Fatalf("it is not in the cache: %v", err)
	}
	works(t, m)
	begins := 0
	if _, err := e.Compile(t.Context(), large(), func() { begins++ }); err != nil || begins != 1 {
		t.Errorf("%v, told %d times", err, begins)
	}
	if _, err := e.Compile(t.Context(), []byte("no module"), func() { begins++ }); err == nil || begins != 1 {
		t.Errorf("a module that is refused: %v, told %d times", err, begins)
	}
	if want := []bool{true, false}; !slices.Equal(lowest, want) {
		t.Errorf("workers of the lowest priority: %v, want %v", lowest, want)
	}
	for name, config := range map[string]sandbox.Config{"no worker": {Cache: t.TempDir()}, "no cache": {}} {
		if err := newEngine(t, config).CompileAhead(t.Context(), answering()); kindOf(t, err) != abi.KindInvalidParams {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := e.CompileAhead(t.Context(), []byte("no module")); kindOf(t, err) != abi.KindConnectorFault {
		t.Error(err)
	}
}

// A module that takes too much is refused, names the limit, and leaves nothing behind.
// threat: E4
func TestCompileLimits(t *testing.T) {
	for name, tt := range map[string]struct {
		config sandbox.Config
		rule   string
		says   string
	}{
		"time":   {sandbox.Config{CompileTimeout: time.Nanosecond}, "compile_timeout", "limit of 1ns"},
		"memory": {sandbox.Config{CompileMemory: 1 << 20}, "compile_memory", "limit of 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.config.Cache = t.TempDir()
			_, err := withWorker(t, tt.config).Load(t.Context(), large())
			var e *abi.Error
			if kindOf(t, err) != abi.KindConnectorFault || !errors.As(err, &e) || e.Rule != tt.rule || !strings.Contains(e.Message, tt.says) {
				t.Errorf("%#v, want %s", err, tt.rule)
			}
			left, err := filepath.Glob(filepath.Join(tt.config.Cache, "modules", "*-*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %q, %v", left, err)
			}
		})
	}
}

// large is a module that takes a while to compile: a thousand branches in a row.
func large() []byte {
	var body []any
	for range 1000 {
		body = append(body, I32(1), If(I32(1), Drop))
	}
	return newGuest().executes("", Code(body...))
}

func TestCompileWorkerNeedsACache(t *testing.T) {
	_, err := sandbox.NewEngine(sandbox.Config{CompileWorker: []string{"worker"}})
	if kindOf(t, err) != abi.KindInvalidParams {
		t.Error(err)
	}
}
