package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var instrumented = flag.Bool("instrumented", false, "run the command of every script with the race detector, if the test has it")

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
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-race=false", "-vet=off", "-o", filepath.Join(dir, "agenthost"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return dir
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
