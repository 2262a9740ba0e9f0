package sandbox

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
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
	running  *running // nil if an instance is made
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
	if r := fromContext(ctx); r != nil {
		r.function, r.stack = f, stackOf(f)
	}
	in.result[0] = 0
	if err = f.CallWithStack(ctx, in.result[:]); err != nil {
		in.execute = nil
		var exit *sys.ExitError
		if errors.As(err, &exit) {
			if exit.ExitCode() == 0 {
				err = nil
			}
			return exit.ExitCode(), err
		}
	}
	return api.DecodeU32(in.result[0]), err
}

// function looks an exported function up. That of execute is looked up when the instance is
// put back, off the caller's path, and is used again by the next call while it is as it was:
// looking it up takes 11.5 KB, half of what a small call allocates.
//
// What it holds between two calls is the stack that they run on. No guest can read what
// earlier calls left there, since Wasm has no pointers into it and locals start at 0. But wazero keeps
// a stack as large as it ever had to be, up to 100 MB, which a guest brings about with a few
// counts of fuel: that would be held unseen, and would let a later call go deeper than
// an earlier one. So a function whose stack has grown is not used again, and neither is one whose
// call ended in an error.
func (in *instance) function(export string) api.Function {
	if in.execute != nil && export == abi.ExportExecute {
		return in.execute
	}
	return in.main.ExportedFunction(export)
}

// stackOf returns the size of a function's stack in bytes, and -1 where it cannot be told.
// wazero does not publish it.
func stackOf(f api.Function) int {
	v := reflect.ValueOf(f)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return -1
	}
	stack := v.Elem().FieldByName("stack")
	if !stack.IsValid() || stack.Kind() != reflect.Slice || stack.Type().Elem().Kind() != reflect.Uint8 {
		return -1
	}
	return stack.Len()
}

// settle books the fuel that was used since the last checkpoint.
func (in *instance) settle(r *running) {
	if r.stop == nil { // or it was settled at the checkpoint that stopped it
		r.fuel.settle(in.remaining())
	}
}
