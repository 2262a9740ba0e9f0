package main

import (
	"encoding/json"
	"os"
	"path/filepath"

	asking "github.com/agenthost/agenthost/host/ask"
	"github.com/rogpeppe/go-internal/testscript"
)

// askIDCommand finds the pending ask of an operation with parameters in the folder asks, and sets a
// variable to its id and DIGEST to its digest: askid NAME entity.action PARAMS.
func askIDCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: askid NAME entity.action PARAMS")
	}
	files, err := filepath.Glob(ts.MkAbs("asks/*.json"))
	ts.Check(err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		ts.Check(err)
		var a asking.Ask
		ts.Check(json.Unmarshal(data, &a))
		if a.Plan.Entity+"."+a.Plan.Action == args[1] && string(a.Plan.Params) == args[2] {
			ts.Setenv(args[0], a.ID)
			ts.Setenv("DIGEST", a.Digest)
			return
		}
	}
	ts.Fatalf("there is no ask of %s with %s among %d", args[1], args[2], len(files))
}
