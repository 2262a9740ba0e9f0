package sandbox

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"
)

// go-sdk instantiates and initialises a plugin. Its Plugin.Call would also move input, output and
// error through a kernel that our guests do not use, with seven calls of Wasm functions and 80 KB of
// garbage; so functions are called on the plugin's module itself. go-sdk hides that, but wazero
// passes it to a listener of the start function that the rewrite adds.

// callContext is the context of one call of a guest, or of making an instance. It has the values for
// host functions, without walking through the caller's contexts.
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

// initialise makes go-sdk initialise the guest, which it does at the first call. That call keeps the
// globals, if they can be restored.
func (in *instance) initialise(ctx context.Context) error {
	first := wasm.FuelExport
	if in.module.code.info.Snapshot {
		first = wasm.SaveExport
	}
	if err := in.call(newRunning(ctx, &Call{Export: "_initialize", Limits: initLimits()}, in.guest), first); err != nil {
		return err
	}
	in.initialised = true
	in.granted = int64(in.remaining())
	return nil
}

// remaining is the rest of the guest's last grant.
func (in *instance) remaining() int32 {
	if err := in.fuel.CallWithStack(context.Background(), in.result[:]); err != nil {
		return 0 // it reads a global
	}
	return int32(uint32(in.result[0]))
}

// invoke calls an exported function without parameters and returns its result, if any, or the exit
// code of a guest that exits, as go-sdk does.
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

// function looks an exported function up. execute is looked up when the instance is restored, while
// the caller goes on, and reused by the next call: looking it up takes 11.5 KB, half of what a small
// call allocates.
//
// Between calls it holds their stack. Guests cannot read what earlier calls left there, since Wasm has
// no pointers into it and locals start at 0. But wazero keeps a stack as large as it ever was, up to
// 100 MB, for which a guest needs little fuel: that memory would not be counted, and a later call
// could nest deeper than an earlier one. So a function is not reused if its stack has grown or its
// call failed.
func (in *instance) function(export string) api.Function {
	if in.execute != nil && export == hostfunc.ExportExecute {
		return in.execute
	}
	return in.main.ExportedFunction(export)
}

// stackOf returns the size of a function's stack in bytes, or -1 if unknown: wazero does not publish
// it.
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

// settle charges the fuel used since the last checkpoint.
func (in *instance) settle(r *running) {
	if r.stop == nil { // otherwise the checkpoint that stopped it did that
		r.fuel.settle(in.remaining())
	}
}
