package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// sandbox measures the sandbox without a network: a call whose request is answered at once, of
// a connector in Go and of a small one. The ratios are to the processor time of plain Go's get,
// which makes about as many syscalls and runs about as much code.
func (b *bench) sandbox(ctx context.Context) error {
	engine, err := sandbox.NewEngine(sandbox.Config{})
	if err != nil {
		return err
	}
	defer engine.Close(ctx)
	t := b.out.table("the sandbox alone, get", "CPU, restoring included", "putting an instance back", "pages copied", "a fresh instance instead", "resident", "resident, many calls later")
	for _, connector := range []struct{ name, file string }{{"a connector in Go", "pylon"}, {"a small connector", "small"}} {
		call := row{Name: "the sandbox alone, " + connector.name, Base: "CPU of plain Go's get", Worse: higher, Unit: "µs"}
		restore := row{Name: "putting an instance back, " + connector.name, Base: "CPU of plain Go's get", Worse: higher, Unit: "ms", Goal: seenGoal(0.015)}
		if !b.wants(call.Name, restore.Name) {
			continue
		}
		got, err := b.alone(ctx, engine, filepath.Join(b.lab.plugins, connector.file+".wasm"))
		if err != nil {
			return err
		}
		call.Seen, restore.Seen = 1e6*got.median(clockOf(1)), 1e3*got.median(clockOf(2))
		b.add(call.with(got.runs(clockRatio(1))))
		b.add(restore.with(got.runs(clockRatio(2))))
		t.line(connector.name, us(got.median(clockOf(1))), us(got.median(clockOf(2))), number(got.pages), us(got.fresh), mb(got.before), mb(got.after))
	}
	return t.end()
}

// aloneFigures are what the sandbox costs. The sides are plain Go's get, a call, and a call
// whose clock is the time to put instances back.
type aloneFigures struct {
	comparison
	fresh         float64 // seconds that a new instance takes
	pages         float64 // that putting one back copies
	before, after int64   // resident bytes, with many calls between
}

func (b *bench) alone(ctx context.Context, engine *sandbox.Engine, file string) (got aloneFigures, err error) {
	wasm, err := os.ReadFile(file)
	if err != nil {
		return got, err
	}
	module, err := engine.Load(ctx, wasm)
	if err != nil {
		return got, err
	}
	defer module.Close(ctx)
	guest, err := newAlone(module)
	if err != nil {
		return got, err
	}
	if got.fresh, err = guest.fresh(ctx); err != nil {
		return got, err
	}
	got.before = resident()
	start := module.Stats()
	got.comparison, err = compare(ctx, b.pace, looping, b.lab.plain.get(getPath(b.lab.issue)),
		side{call: guest.run},
		side{call: guest.run, clock: func() time.Duration { return module.Stats().RestoreTime }, after: true})
	end := module.Stats()
	got.pages = float64(end.Pages-start.Pages) / float64(max(1, end.Restores-start.Restores))
	got.after = resident()
	return got, err
}

// alone runs a module whose requests are answered at once.
type alone struct {
	module *sandbox.Module
	input  []byte
	nested int // how many calls answer a request, one within the other
	times  []float64
}

func newAlone(module *sandbox.Module) (*alone, error) {
	input, err := json.Marshal(abi.Call{Entity: "issues", Action: "get", Params: json.RawMessage(`{"id":"x"}`)})
	return &alone{module: module, input: input}, err
}

func (a *alone) run(ctx context.Context) error {
	outcome, err := a.module.Run(ctx, sandbox.Call{Export: hostfunc.ExportExecute, Input: a.input, Send: a.send})
	if err == nil && outcome.Err != nil {
		err = outcome.Err
	}
	return err
}

func (a *alone) send(ctx context.Context, _ *abi.Request, _ []byte) (*sandbox.Response, error) {
	if a.nested > 0 {
		a.nested--
		before := a.module.Stats()
		if err := a.run(ctx); err != nil {
			return nil, err
		}
		// The innermost call comes first, and its instance is all that was made.
		if after := a.module.Stats(); after.Instances == before.Instances+1 {
			a.times = append(a.times, (after.InstanceTime - before.InstanceTime).Seconds())
		}
	}
	return &sandbox.Response{Status: http.StatusOK, Header: http.Header{}, Body: []byte(`{"data":{"id":"x"},"request_id":"y"}`)}, nil
}

// fresh is how long a new instance takes, in seconds. Each call within another needs one.
func (a *alone) fresh(ctx context.Context) (float64, error) {
	for want := 1; want <= 16; want++ {
		a.nested = want
		if err := a.run(ctx); err != nil {
			return 0, err
		}
	}
	a.nested = 0
	return median(a.times), nil
}
