package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// Profile says where a call spent its fuel. It accounts for all of [Outcome.Fuel], and is the same
// on every machine.
type Profile struct {
	// Fuel is the cost of the call: the sum of Self of all functions, and a negligible cost
	// outside of them.
	Fuel int64 `json:"fuel"`
	// Functions are the functions that ran, by Self, the largest first.
	Functions []FunctionCost `json:"functions"`
}

// FunctionCost is the cost of one function in a call, in counts of fuel.
type FunctionCost struct {
	// Name is the name in the module's name section, or $ and its index without one. Functions
	// of the host have the name of their module in front: agenthost.value_part.
	Name string `json:"name"`
	// Host says that it is a function of the host; its cost is the host's work.
	Host bool `json:"host,omitempty"`
	// Calls is how often it was called.
	Calls int64 `json:"calls"`
	// Self is its cost without the functions that it called, Total with them. Recursion counts
	// once in Total.
	Self  int64 `json:"self"`
	Total int64 `json:"total"`
}

// unnamed is before the number of a function without a name.
const unnamed = "$"

// Named reports whether any function of the guest has a name.
func (p *Profile) Named() bool {
	return slices.ContainsFunc(p.Functions, func(f FunctionCost) bool { return !f.Host && !strings.HasPrefix(f.Name, unnamed) })
}

// profiler counts the cost of the functions in one call. It listens to every function: the counts
// between two events belong to the running one.
type profiler struct {
	counter   int // the global that counts, by its index
	functions map[api.FunctionDefinition]*functionCost
	stack     []*functionCost
	at        int64 // the fuel used when a function was last entered or left
}

type functionCost struct {
	FunctionCost
	active int   // how often it is on the stack
	since  int64 // when it was first entered of those times
}

func newProfiler(info wasm.Info) *profiler {
	return &profiler{counter: info.Counter, functions: make(map[api.FunctionDefinition]*functionCost)}
}

// used is the fuel that the call has used, including the last grant.
func (p *profiler) used(r *running, m api.Module) int64 {
	module, ok := m.(experimental.InternalModule)
	if !ok || p.counter >= module.NumGlobal() {
		return r.fuel.used
	}
	return r.fuel.used + r.fuel.granted - int64(int32(uint32(module.Global(p.counter).Get())))
}

// spend charges the fuel used since the last function was entered or left.
func (p *profiler) spend(now int64) {
	if n := len(p.stack); n > 0 {
		p.stack[n-1].Self += now - p.at
	}
	p.at = now
}

func (p *profiler) enter(d api.FunctionDefinition, now int64) {
	p.spend(now)
	f := p.functions[d]
	if f == nil {
		f = &functionCost{FunctionCost: FunctionCost{Name: functionName(d), Host: d.GoFunction() != nil}}
		p.functions[d] = f
	}
	if f.active == 0 {
		f.since = now
	}
	f.active++
	f.Calls++
	p.stack = append(p.stack, f)
}

func (p *profiler) leave(now int64) {
	n := len(p.stack) - 1
	if n < 0 {
		return
	}
	p.spend(now)
	f := p.stack[n]
	p.stack = p.stack[:n]
	if f.active--; f.active == 0 {
		f.Total += now - f.since
	}
}

// profile returns the profile of an ended call. In a stopped call some functions did not return.
func (p *profiler) profile(fuel int64) *Profile {
	for len(p.stack) > 0 {
		p.leave(max(p.at, fuel))
	}
	list := &Profile{Fuel: fuel, Functions: make([]FunctionCost, 0, len(p.functions))}
	for _, f := range p.functions {
		list.Functions = append(list.Functions, f.FunctionCost)
	}
	slices.SortFunc(list.Functions, func(a, b FunctionCost) int {
		return cmp.Or(cmp.Compare(b.Self, a.Self), cmp.Compare(b.Total, a.Total), strings.Compare(a.Name, b.Name))
	})
	return list
}

// functionName is the author's name of a function: the kernel and WASI have their imported names.
func functionName(d api.FunctionDefinition) string {
	if d.GoFunction() == nil {
		if name := d.Name(); name != "" {
			return name
		}
		return fmt.Sprintf("%s%d", unnamed, d.Index()-1) // the rewrite imports the checkpoint before it
	}
	module := d.ModuleName()
	switch module {
	case kernelOwn:
		module = kernelModule
	case wasiOwn:
		module = wasiModule
	}
	return module + "." + d.Name()
}

// profileListener tells the profiler of a call about a function.
type profileListener struct{}

// NewFunctionListener implements experimental.FunctionListenerFactory. The rewrite's functions and
// the checkpoint are not part of the guest.
func (profileListener) NewFunctionListener(d api.FunctionDefinition) experimental.FunctionListener {
	if d.ModuleName() == hostfunc.Module && d.Name() == wasm.CheckpointName {
		return nil
	}
	for _, own := range []string{wasm.SaveExport, wasm.RestoreExport, wasm.StartExport, wasm.FuelExport} {
		if slices.Contains(d.ExportNames(), own) {
			return nil
		}
	}
	return profileListener{}
}

// Before implements experimental.FunctionListener.
func (profileListener) Before(ctx context.Context, m api.Module, d api.FunctionDefinition, _ []uint64, _ experimental.StackIterator) {
	if r := fromContext(ctx); r != nil && r.profiler != nil {
		r.profiler.enter(d, r.profiler.used(r, m))
	}
}

// After implements experimental.FunctionListener.
func (profileListener) After(ctx context.Context, m api.Module, _ api.FunctionDefinition, _ []uint64) {
	if r := fromContext(ctx); r != nil && r.profiler != nil {
		r.profiler.leave(r.profiler.used(r, m))
	}
}

// Abort implements experimental.FunctionListener. profile handles the functions of a stopped call.
func (profileListener) Abort(context.Context, api.Module, api.FunctionDefinition, error) {}
