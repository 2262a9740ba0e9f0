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

// interval is how many counts a guest runs between two checkpoints: 10 to 50 microseconds. A
// checkpoint costs 0.14 microseconds. It also lets the Go scheduler and collector run, so it must
// not be rare.
const interval = 100_000

// fuel is a call's CPU budget, in counts of the guest's meter. The same call on the
// same module costs the same count on any machine.
type fuel struct {
	left    int64
	used    int64
	granted int64
	unseen  int64 // the host's work since the last checkpoint
}

// settle charges what the guest used of its last grant, and ends the grant.
func (f *fuel) settle(remaining int32) {
	spent := f.granted - int64(remaining)
	f.granted = 0
	f.used += spent
	f.left -= spent
}

// grant returns the guest's next allotment.
func (f *fuel) grant() int32 {
	f.granted = min(interval, f.left)
	return int32(f.granted)
}

// spend charges the host's work for the guest.
func (f *fuel) spend(counts int64) {
	f.used += counts
	f.left -= counts
	f.unseen += counts
}

// What a host function costs besides the call itself, in counts: at least as much as the same work
// in the guest.

// copied is the cost of copying bytes, the same as inside the guest.
func copied(bytes int) int64 { return int64(bytes) / 16 }

// scanned is the cost of reading bytes as JSON.
func scanned(bytes int) int64 { return int64(bytes) }

// work charges a host function's work in advance, and ends the guest if its time or fuel is used up.
// Every host function calls it first, because many calls fit between two checkpoints. It may be
// called only while the guest runs.
func (r *running) work(counts int64) {
	r.fuel.spend(counts)
	r.bounded()
	if r.fuel.unseen >= interval {
		r.pass()
	}
}

// pass lets other guests run if it is time.
func (r *running) pass() {
	r.fuel.unseen = 0
	r.goOn(r.turn.Checkpoint(r.ctx))
}

// goOn ends the guest if its time ended before it got a turn.
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

// boundStack ends a guest whose stack and memory together exceed its limit of memory. wazero doubles
// a full stack, up to 84 MB, regardless of that limit and also between two checkpoints. The meter
// charges calls for their frames, so that little more than ten megabytes fit between two.
func (r *running) boundStack() {
	deep := stackOf(r.function)
	if deep <= r.stack || int64(r.memory.size)+int64(deep) <= r.limits.Memory {
		return
	}
	r.stop = limitExceeded("memory", fmt.Sprintf("the connector calls itself so often that its stack has %d bytes, beside %d of memory", deep, r.memory.size), "report it to the connector's author")
	panic(errStopped)
}

// errStopped ends a guest; the reason is in running.stop.
var errStopped = errors.New("stopped by the host")

// checkpoint is called by a metered guest when its allotment is used up. It stops the guest with a
// panic, which wazero turns into the error of the call.
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
