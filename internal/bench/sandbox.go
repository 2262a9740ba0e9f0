package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/agenthost/agenthost/host/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// sandboxTable prints what the sandbox costs by itself: a call whose request is
// answered at once.
func sandboxTable(ctx context.Context, w io.Writer, o options) error {
	wasm, err := os.ReadFile(filepath.Join(o.plugins, "pylon.wasm"))
	if err != nil {
		return err
	}
	engine, err := sandbox.NewEngine(sandbox.Config{})
	if err != nil {
		return err
	}
	defer engine.Close(ctx)
	module, err := engine.Load(ctx, wasm)
	if err != nil {
		return err
	}
	input, err := json.Marshal(abi.Call{Entity: "issues", Action: "get", Params: json.RawMessage(`{"id":"x"}`)})
	if err != nil {
		return err
	}
	// A request is answered at once, and by another call as long as nested is above 0:
	// each of those needs an instance of its own.
	nested := 0
	var fresh []time.Duration
	var run func(context.Context) error
	send := func(ctx context.Context, _ *abi.Request, _ []byte) (*sandbox.Response, error) {
		if nested > 0 {
			nested--
			before := module.Stats()
			if err := run(ctx); err != nil {
				return nil, err
			}
			// The innermost call comes first, and its instance is all that was made.
			if after := module.Stats(); after.Instances == before.Instances+1 {
				fresh = append(fresh, after.InstanceTime-before.InstanceTime)
			}
		}
		return &sandbox.Response{Status: http.StatusOK, Header: http.Header{}, Body: []byte(`{"data":{"id":"x"},"request_id":"y"}`)}, nil
	}
	run = func(ctx context.Context) error {
		outcome, err := module.Run(ctx, sandbox.Call{Export: abi.ExportExecute, Input: input, Send: send})
		if err == nil && outcome.Err != nil {
			err = outcome.Err
		}
		return err
	}
	const instances = 16
	for want := 1; want <= instances; want++ {
		nested = want
		if err := run(ctx); err != nil {
			return err
		}
	}
	var restored []time.Duration
	var pages int64
	for range 500 {
		before := module.Stats()
		if err := run(ctx); err != nil {
			return err
		}
		if after := module.Stats(); after.Restores == before.Restores+1 {
			restored = append(restored, after.RestoreTime-before.RestoreTime)
			pages = after.Pages - before.Pages
		}
	}
	// Calls at the same time must not find nested above 0.
	nested = 0
	if err := callers(ctx, 4, o.calls/10, run); err != nil {
		return err
	}
	before, cpu := resident(), cpuTime()
	if err := callers(ctx, 4, o.calls, run); err != nil {
		return err
	}
	cpu = cpuTime() - cpu
	after := resident()

	out := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	fmt.Fprintf(out, "the sandbox alone, get\t%s of CPU, restoring included\n", ms(cpu/time.Duration(max(1, o.calls))))
	fmt.Fprintf(out, "putting an instance back\t%s, %d pages copied\n", ms(median(restored)), pages)
	fmt.Fprintf(out, "a fresh instance instead\t%s\n", ms(median(fresh)))
	fmt.Fprintf(out, "resident memory\t%.1f MB, and %.1f MB after %d more calls\n", float64(before)/1e6, float64(after)/1e6, o.calls)
	return out.Flush()
}

// callers makes calls from several goroutines.
func callers(ctx context.Context, goroutines, calls int, run func(context.Context) error) error {
	errs := make([]error, goroutines)
	var group sync.WaitGroup
	for g := range goroutines {
		group.Go(func() {
			for range calls / goroutines {
				if errs[g] = run(ctx); errs[g] != nil {
					return
				}
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// resident is what the process has in memory, in bytes, or 0 where the system does not
// say.
func resident() int64 {
	debug.FreeOSMemory()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
