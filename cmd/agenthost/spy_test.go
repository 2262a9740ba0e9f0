package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/agenthost/agenthost/internal/canary"
	"github.com/rogpeppe/go-internal/testscript"
)

// spyCommand runs a command, however it ends, and looks for the vendor's tokens in what it
// wrote: to standard output, to standard error, and to files anywhere below $WORK but in
// the folders that hold them on purpose, named given*.
//
//	spy agenthost ...
func spyCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: spy command ...")
	}
	_ = ts.Exec(args[0], args[1:]...)
	look := func(where string, data []byte) {
		for name, c := range canaries() {
			if form, found := c.Find(data); found {
				ts.Fatalf("%s holds the %s (%s)", where, name, form)
			}
		}
	}
	stdout, stderr := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	if stdout == "" && stderr == "" {
		ts.Fatalf("nothing was written, so that it holds no secret proves nothing")
	}
	look("standard output", []byte(stdout))
	look("standard error", []byte(stderr))
	ts.Check(filepath.WalkDir(ts.Getenv("WORK"), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), "given"):
			return filepath.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		data, err := os.ReadFile(path)
		look(path, data)
		return err
	}))
}

// canaries are the secrets of the scripts. The scripts' command is this very program, so
// they are not made before they are needed.
var canaries = sync.OnceValue(func() map[string]*canary.Canary {
	return map[string]*canary.Canary{"token": canary.New(fullToken), "second token": canary.New(readToken)}
})
