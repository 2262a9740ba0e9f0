package sandbox

import (
	"context"
	"errors"
	"github.com/agenthost/agenthost/internal/fault"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// training is how often an instance runs auth_schema before its state is kept: the first
// time it makes what it needs, the second time what a program needs that has it.
const training = 2

// What that may cost. More than ten milliseconds and a megabyte is no warming up.
const (
	trainingFuel   = 20_000_000
	trainingMemory = 1 << 20
)

// train lets an instance do what it does but once: sort a table, fill a free list, grow a
// stack. All calls start from the state after it, so that none of them pays for that.
//
// Auth_schema is the export for that: it has no input, sends nothing, and answers the
// same each time, so a connector that is true to the ABI is as good after it as before.
// What it answers is dropped.
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
		r := newRunning(ctx, &Call{Export: abi.ExportAuthSchema, Limits: limits}, in.guest)
		r.fuel.granted = in.granted
		if err := in.call(r, abi.ExportAuthSchema); err != nil {
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

// errTraining says that an instance is of no use after it was trained.
var errTraining = errors.New("cannot warm up the module")
