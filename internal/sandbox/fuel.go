package sandbox

import (
	"context"
	"errors"
	"fmt"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/hostfunc"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	extism "github.com/extism/go-sdk"
)

// interval is how many counts a guest runs between two checkpoints: 10 to 50
// microseconds. A checkpoint costs 0.14 of them. It is also where the Go scheduler and
// collector get a word in, so it must not be rare.
const interval = 100_000

// fuel is a call's CPU budget, in counts of the guest's meter. The same call on the
// same module costs the same count on any machine.
type fuel struct {
	left    int64
	used    int64
	granted int64
	unseen  int64 // work that the host did since the last checkpoint
}

// settle books what the guest used of its last grant, and leaves it without one.
func (f *fuel) settle(remaining int32) {
	spent := f.granted - int64(remaining)
	f.granted = 0
	f.used += spent
	f.left -= spent
}

// grant gives the guest its next allotment.
func (f *fuel) grant() int32 {
	f.granted = min(interval, f.left)
	return int32(f.granted)
}

// spend books work that the host did for the guest.
func (f *fuel) spend(counts int64) {
	f.used += counts
	f.left -= counts
	f.unseen += counts
}

// What a host function costs besides the call itself, in counts: so much that a guest
// gains nothing by letting the host work for it.

// copied is the cost of copying bytes, the same as inside the guest.
func copied(bytes int) int64 { return int64(bytes) / 16 }

// scanned is the cost of reading bytes as JSON.
func scanned(bytes int) int64 { return int64(bytes) }

// work books what a host function is about to do, and ends the guest if its time or its
// fuel is up. Every host function calls it before it does anything, because many calls
// fit between two checkpoints. It may be called only while the guest runs.
func (r *running) work(counts int64) {
	r.fuel.spend(counts)
	r.bounded()
	if r.fuel.unseen >= interval {
		r.pass()
	}
}

// pass lets others run where it is time.
func (r *running) pass() {
	r.fuel.unseen = 0
	r.goOn(r.turn.Checkpoint(r.ctx))
}

// goOn ends the guest where it got no turn before its time was up.
func (r *running) goOn(err error) {
	if err != nil {
		r.stop = fault.Ended(r.ctx)
		panic(errStopped)
	}
}

func (r *running) bounded() {
	if err := r.ctx.Err(); err != nil {
		r.stop = fault.Ended(r.ctx)
		panic(errStopped)
	}
	if r.fuel.left <= 0 {
		r.stop = limitExceeded("fuel", fmt.Sprintf("the connector used up its %d counts of fuel", r.limits.Fuel), "ask for less")
		panic(errStopped)
	}
}

// boundStack ends a guest whose stack and memory are larger together than its memory may
// be. wazero doubles a stack that is full, up to 84 MB and whatever the memory's limit is.
// It does so between two checkpoints as well; the meter charges calls for their frames, so
// that not much more than ten megabytes fit in between.
func (r *running) boundStack() {
	deep := stackOf(r.function)
	if deep <= r.stack || int64(r.memory.size)+int64(deep) <= r.limits.Memory {
		return
	}
	r.stop = limitExceeded("memory", fmt.Sprintf("the connector calls itself so often that its stack has %d bytes, beside %d of memory", deep, r.memory.size), "report it to the connector's author")
	panic(errStopped)
}

// errStopped unwinds a guest that the host ends; the reason is in running.stop.
var errStopped = errors.New("stopped by the host")

// checkpoint is what a metered guest calls when its allotment is used up. It stops
// the guest by panicking, which wazero turns into the error of the call.
func checkpoint(ctx context.Context, _ *extism.CurrentPlugin, stack []uint64) {
	r := fromContext(ctx)
	if r == nil {
		panic(errStopped)
	}
	r.fuel.settle(int32(uint32(stack[0])))
	r.bounded()
	r.boundStack()
	r.pass()
	stack[0] = uint64(uint32(r.fuel.grant()))
}

func bindCheckpoint() extism.HostFunction {
	i32 := []extism.ValueType{extism.ValueTypeI32}
	f := extism.NewHostFunctionWithStack(wasm.CheckpointName, checkpoint, i32, i32)
	f.SetNamespace(hostfunc.Module)
	return f
}
