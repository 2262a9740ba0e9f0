package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/agenthost/agenthost/host/sandbox/wasm"
	"github.com/agenthost/agenthost/pdk/abi"
	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"
)

// go-sdk instantiates and initialises a plugin. Its Plugin.Call would also move input,
// output and error through a kernel that no guest of ours reaches, at seven calls of
// Wasm functions and 80 KB of garbage for each call of ours; so functions are called on
// the plugin's module itself. go-sdk keeps that to itself, but wazero hands it to a
// listener of the start function that the rewrite adds.

// callContext is the context of one call of a guest, and of the making of an instance. It
// answers what host functions ask for without walking through the caller's contexts.
type callContext struct {
	context.Context
	running  *running // nil where an instance is made
	instance *instance
}

type callKey struct{}

// Value implements [context.Context].
func (c *callContext) Value(key any) any {
	switch key {
	case callKey{}:
		return c
	case pluginKey: // go-sdk asks for each host function
		return c.instance.plugin
	}
	return c.Context.Value(key)
}

var pluginKey any = extism.PluginCtxKey("plugin")

// fromContext returns the call that a host function runs in.
func fromContext(ctx context.Context) *running {
	if c, ok := ctx.Value(callKey{}).(*callContext); ok {
		return c.running
	}
	return nil
}

// finder listens to the start function and finds an instance's module.
type finder struct{}

// NewFunctionListener implements experimental.FunctionListenerFactory.
func (f finder) NewFunctionListener(d api.FunctionDefinition) experimental.FunctionListener {
	if slices.Contains(d.ExportNames(), wasm.StartExport) {
		return f
	}
	return nil
}

// Before implements experimental.FunctionListener.
func (finder) Before(ctx context.Context, m api.Module, _ api.FunctionDefinition, _ []uint64, _ experimental.StackIterator) {
	if c, ok := ctx.Value(callKey{}).(*callContext); ok {
		c.instance.main = m
	}
}

// After implements experimental.FunctionListener.
func (finder) After(context.Context, api.Module, api.FunctionDefinition, []uint64) {}

// Abort implements experimental.FunctionListener.
func (finder) Abort(context.Context, api.Module, api.FunctionDefinition, error) {}

// initialise lets go-sdk initialise the guest, which it does on the first call of
// anything. Keeping the globals is that call, where there is something to go back to.
func (in *instance) initialise(ctx context.Context) error {
	first := wasm.FuelExport
	if in.module.info.Snapshot {
		first = wasm.SaveExport
	}
	if err := in.call(newRunning(ctx, &Call{Export: "_initialize", Limits: initLimits()}, in.guest), first); err != nil {
		return err
	}
	in.initialised = true
	in.granted = int64(in.remaining())
	return nil
}

// remaining is what the guest has left of its last grant.
func (in *instance) remaining() int32 {
	if err := in.fuel.CallWithStack(context.Background(), in.result[:]); err != nil {
		return 0 // it reads a global
	}
	return int32(uint32(in.result[0]))
}

// invoke calls an exported function without parameters and with at most one result, and
// returns that as go-sdk does: a guest that exits has returned its exit code.
func (in *instance) invoke(ctx context.Context, export string) (rc uint32, err error) {
	if !in.initialised {
		rc, _, err = in.plugin.CallWithContext(ctx, export, nil)
		return rc, err
	}
	f := in.function(export)
	if f == nil {
		return 0, fmt.Errorf("unknown function %q", export)
	}
	results, err := f.Call(ctx)
	if err != nil {
		var exit *sys.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == 0 {
			return 0, nil
		}
		if exit != nil {
			return exit.ExitCode(), err
		}
	}
	if len(results) > 0 {
		rc = api.DecodeU32(results[0])
	}
	return rc, err
}

// function looks an exported function up, for one call: it keeps the largest stack that a
// call of it needed, which a guest can make large. That of execute has been looked up when
// the instance was put back, off the caller's path.
func (in *instance) function(export string) api.Function {
	if f := in.execute; f != nil && export == abi.ExportExecute {
		in.execute = nil
		return f
	}
	return in.main.ExportedFunction(export)
}

// settle books the fuel that was used since the last checkpoint.
func (in *instance) settle(r *running) {
	if r.stop == nil { // or it was settled at the checkpoint that stopped it
		r.fuel.settle(in.remaining())
	}
}
