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
// answered at once, of a connector written in Go and of a small one.
func sandboxTable(ctx context.Context, w io.Writer, o options) error {
	pylon, err := os.ReadFile(filepath.Join(o.plugins, "pylon.wasm"))
	if err != nil {
		return err
	}
	engine, err := sandbox.NewEngine(sandbox.Config{})
	if err != nil {
		return err
	}
	defer engine.Close(ctx)
	out := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	fmt.Fprintln(out, "the sandbox alone, get\tCPU, restoring included\tputting an instance back\tpages copied\ta fresh instance instead\tresident\tcalls later\tresident")
	for _, c := range []struct {
		name   string
		module []byte
	}{{"a connector in Go", pylon}, {"a small connector", small("{}", "{}")}} {
		got, err := alone(ctx, engine, c.module, o.calls)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%d\t%s\t%.1f MB\t%d\t%.1f MB\n", c.name, ms(got.cpu), ms(got.restore), got.pages, ms(got.fresh),
			float64(got.before)/1e6, o.calls, float64(got.after)/1e6)
	}
	return out.Flush()
}

// aloneFigures are what the sandbox costs by itself.
type aloneFigures struct {
	cpu, restore, fresh time.Duration // of a call, a restore, a new instance
	pages               int64
	before, after       int64 // resident bytes, with many calls between
}

func alone(ctx context.Context, engine *sandbox.Engine, wasm []byte, calls int) (got aloneFigures, err error) {
	module, err := engine.Load(ctx, wasm)
	if err != nil {
		return got, err
	}
	defer module.Close(ctx)
	input, err := json.Marshal(abi.Call{Entity: "issues", Action: "get", Params: json.RawMessage(`{"id":"x"}`)})
	if err != nil {
		return got, err
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
			return got, err
		}
	}
	var restored []time.Duration
	for range 500 {
		before := module.Stats()
		if err := run(ctx); err != nil {
			return got, err
		}
		if after := module.Stats(); after.Restores == before.Restores+1 {
			restored = append(restored, after.RestoreTime-before.RestoreTime)
			got.pages = after.Pages - before.Pages
		}
	}
	got.restore, got.fresh = median(restored), median(fresh)
	// Calls at the same time must not find nested above 0.
	nested = 0
	if err := callers(ctx, 4, calls/10, run); err != nil {
		return got, err
	}
	before := cpuTime()
	got.before = resident()
	if err := callers(ctx, 4, calls, run); err != nil {
		return got, err
	}
	got.cpu = (cpuTime() - before) / time.Duration(max(1, calls))
	got.after = resident()
	return got, nil
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
