package sandbox

import (
	"context"
	"errors"
	"github.com/agenthost/agenthost/internal/fault"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox/wasm"
)

// training is how often an instance runs auth_schema before its state is kept: the first
// time it makes what it needs, the second time what a program needs that has it.
const training = 2

// What that may cost. More than ten milliseconds and a megabyte is no warming up.
const (
	trainingFuel   = 20_000_000
	trainingMemory = 1 << 20
)

// train lets an instance do its one-time work: sort a table, fill a free list, grow a stack. All calls
// start from the state after it, and do not pay for that.
//
// It runs auth_schema, and drops the answer: the export has no input, sends no requests, and answers
// the same each time, so a connector that follows the ABI is as good after it as before.
func (in *instance) train(ctx context.Context) error {
	failed := func(err error) error {
		if ctx.Err() != nil {
			return fault.Ended(ctx) // not the module's fault
		}
		in.module.log.Debug("cannot warm up a module", "error", err)
		return errTraining
	}
	limits := Limits{Fuel: trainingFuel, Memory: int64(in.guest.size) + trainingMemory}.withDefaults()
	for range training {
		r := newRunning(ctx, &Call{Export: hostfunc.ExportAuthSchema, Limits: limits}, in.guest)
		r.fuel.granted = in.granted
		if err := in.call(r, hostfunc.ExportAuthSchema); err != nil {
			return failed(err)
		}
		if r.exited {
			return failed(errors.New("it exits"))
		}
		in.granted = int64(in.remaining())
	}
	if _, err := in.main.ExportedFunction(wasm.SaveExport).Call(context.WithoutCancel(ctx)); err != nil {
		return failed(err)
	}
	return nil
}

// errTraining means that an instance is unusable after training.
var errTraining = errors.New("cannot warm up the module")
