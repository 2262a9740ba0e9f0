package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var instrumented = flag.Bool("instrumented", false, "run the command of every script and of tests that kill it with the race detector, if the test has it")

// plain is the folder of plainFolder, which is made once.
var plain struct {
	once   sync.Once
	folder string
	err    error
}

// tests are all of them, with what is removed after the last.
type tests struct{ *testing.M }

// Run implements testscript.TestingM.
func (t tests) Run() int {
	code := t.M.Run()
	if plain.folder != "" {
		_ = os.RemoveAll(plain.folder) // a folder of the system for temporary files
	}
	return code
}

// plainFolder returns a folder with the command, built without the race detector, and nothing
// where the test has none.
//
// Most scripts start dozens of processes that live for a tenth of a second, one after the other,
// and are about words and exit codes. The race detector makes each take five times as long, and
// sees in them what it sees in the tests of the packages behind them. A script whose command
// lives long or does several things at once begins with the line instrumented.
func plainFolder(t *testing.T) string {
	t.Helper()
	if !raceDetector || *instrumented {
		return ""
	}
	plain.once.Do(func() {
		if plain.folder, plain.err = os.MkdirTemp("", "agenthost-plain"); plain.err != nil { //nolint:usetesting // it is for several tests
			return
		}
		build := exec.CommandContext(context.WithoutCancel(t.Context()), "go", "test", "-c", "-race=false", "-vet=off", "-o", filepath.Join(plain.folder, "agenthost"), ".")
		if out, err := build.CombinedOutput(); err != nil {
			plain.err = fmt.Errorf("build: %w\n%s", err, out)
		}
	})
	if plain.err != nil {
		t.Fatal(plain.err)
	}
	return plain.folder
}

// plainCommand is [command] without the race detector, for tests that start dozens of processes. A process that is
// killed tells nobody of a race, and with the detector it is killed before it has begun to work.
func plainCommand(t *testing.T) string {
	t.Helper()
	if folder := plainFolder(t); folder != "" {
		return filepath.Join(folder, "agenthost")
	}
	return command(t)
}

type plainKey struct{}

// setPlain lets a script find the plain command first, if there is one.
func setPlain(e *testscript.Env, folder string) {
	if folder == "" {
		return
	}
	e.Values[plainKey{}] = folder + string(os.PathListSeparator)
	e.Setenv("PATH", folder+string(os.PathListSeparator)+e.Getenv("PATH"))
}

// instrumentedCommand lets the race detector watch the command of a script from now on, if the
// test has it.
//
//	instrumented
func instrumentedCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: instrumented")
	}
	if plain, ok := ts.Value(plainKey{}).(string); ok {
		ts.Setenv("PATH", strings.TrimPrefix(ts.Getenv("PATH"), plain))
	}
}
