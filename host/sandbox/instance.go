package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/sandbox/wasm"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"
)

// instance is a module with a memory of its own. It runs one call at a time.
type instance struct {
	module *Module
	plugin *extism.Plugin
	guest  *linear // the module's memory
	stdio  *stdio
	since  time.Time // when it began to wait
}

// initLimits bound the initialisation of an instance.
func initLimits() Limits { return Limits{Fuel: 5_000_000_000}.withDefaults() }

// newInstance makes an instance, initialises it, and keeps its state to go back to.
func (m *Module) newInstance(ctx context.Context) (*instance, error) {
	in := &instance{module: m, stdio: new(stdio)}
	config := m.engine.config
	start := config.Now()
	modules := wazero.NewModuleConfig().
		WithRandSource(randomness{in.stdio, config.Random}).
		WithStdout(in.stdio).
		WithStderr(in.stdio).
		// A clock with a resolution of a millisecond times nothing that is worth
		// timing in a side channel.
		WithWalltime(func() (int64, int32) {
			t := config.Now().Truncate(time.Millisecond)
			return t.Unix(), int32(t.Nanosecond())
		}, sys.ClockResolution(time.Millisecond)).
		// It starts at a second, because Go's runtime refuses to start at 0.
		WithNanotime(func() int64 {
			return int64(time.Second + max(0, config.Now().Sub(start).Truncate(time.Millisecond)))
		}, sys.ClockResolution(time.Millisecond))
	allocator := &allocator{limit: maxPages << 16}
	var err error
	in.plugin, err = m.compiled.Instance(experimental.WithMemoryAllocator(ctx, allocator), extism.PluginInstanceConfig{ModuleConfig: modules})
	if err != nil {
		return nil, (&abi.Error{Kind: abi.KindConnectorFault, Message: "the module cannot be instantiated: " + firstLine(err)}).WithCause(err)
	}
	// Lines of go-sdk itself; guests log through us.
	in.plugin.SetLogger(func(_ extism.LogLevel, text string) { m.log.Trace(text) })
	in.guest = new(linear) // a module without a memory has nothing to point into
	if len(allocator.memories) > 1 {
		in.guest = allocator.memories[1]
	}
	// go-sdk initialises a guest on the first call of anything; saving its
	// globals is the first call.
	r := newRunning(ctx, &Call{Export: "_initialize", Limits: initLimits()}, in.guest)
	first := wasm.SaveExport
	if !m.info.Snapshot {
		first = wasm.FuelExport
	}
	if err := in.call(r, first); err != nil {
		in.close()
		return nil, err
	}
	in.guest.save()
	// The meter starts at 0 for every call, the first one included: that makes
	// the fuel of a call the same however often the instance was used.
	if m.info.Snapshot && !in.restore() {
		in.close()
		return nil, &abi.Error{Kind: abi.KindInternal, Message: "the sandbox failed: a new instance cannot be put back"}
	}
	return in, nil
}

func (in *instance) close() {
	// Memory is freed whatever the error; there is nothing else to do about one.
	if err := in.plugin.Close(context.Background()); err != nil {
		in.module.log.Debug("closing an instance", "error", firstLine(err))
	}
}

// restore puts the instance into the state that newInstance left it in.
func (in *instance) restore() bool {
	if rc, _, err := in.plugin.Call(wasm.RestoreExport, nil); err != nil {
		in.module.log.Debug("an instance cannot be put back", "rc", rc, "error", firstLine(err))
		return false
	}
	in.stdio.current, in.stdio.partial = nil, in.stdio.partial[:0]
	_, ok := in.guest.restore()
	return ok
}

// run runs an export of the ABI and reads what it wrote.
func (in *instance) run(ctx context.Context, call *Call) (*Outcome, error) {
	r := newRunning(ctx, call, in.guest)
	if err := in.call(r, call.Export); err != nil {
		return nil, err
	}
	if k := r.kernel; !r.wrote && k != nil {
		if err := r.write(k.take(k.output, math.MaxUint64)); err != nil {
			return nil, err
		}
	}
	outcome := &Outcome{Fuel: r.fuel.used, Memory: int64(in.guest.size)}
	return outcome, r.read(outcome)
}

// call calls an export and turns every way in which it can end into an error of ours.
func (in *instance) call(r *running, export string) (err error) {
	in.stdio.current = r
	defer func() {
		in.stdio.flush()
		in.stdio.current = nil
		if p := recover(); p != nil {
			// A panic outside host functions, which is a bug as well.
			in.module.log.Error("BUG: panic in the sandbox", "export", export, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = &abi.Error{Kind: abi.KindInternal, Message: "the sandbox failed; this is a bug of the host"}
		}
	}()
	ctx := context.WithValue(r.ctx, runningKey{}, r)
	rc, _, callErr := in.plugin.CallWithContext(ctx, export, nil)
	in.settle(r)
	switch {
	case r.stop != nil:
		return r.stop
	case r.ctx.Err() != nil && callErr != nil:
		return timeout(context.Cause(r.ctx))
	case callErr != nil && strings.Contains(callErr.Error(), "(recovered by wazero)"):
		// wazero turns panics of host functions into errors that say so, and
		// go-sdk makes plain text of some. This is one that nobody meant: a bug
		// of ours or of the engine.
		in.module.log.Error("BUG: panic in a host function", "export", export, "error", callErr)
		return (&abi.Error{Kind: abi.KindInternal, Message: "the sandbox failed; this is a bug of the host"}).WithCause(callErr)
	case callErr != nil:
		return faulted(r.call.Export, callErr)
	case rc != 0 && r.call.Export == export:
		if k := r.kernel; k != nil && k.fault.length > 0 {
			return faulted(export, errors.New(printable(k.take(k.fault, maxLogLine))))
		}
		return &abi.Error{Kind: abi.KindConnectorFault, Message: fmt.Sprintf("the connector's %s failed with code %d", export, rc), Hint: "the connector's log may say more: --log-level debug"}
	}
	return nil
}

// settle books the fuel that was used since the last checkpoint.
func (in *instance) settle(r *running) {
	if r.stop != nil {
		return // settled at the checkpoint that stopped it
	}
	if rc, _, err := in.plugin.Call(wasm.FuelExport, nil); err == nil {
		r.fuel.settle(int32(rc))
	}
}

func faulted(export string, err error) *abi.Error {
	message := firstLine(err)
	var exit *sys.ExitError
	if errors.As(err, &exit) {
		message = fmt.Sprintf("it exited with code %d", exit.ExitCode())
	}
	return (&abi.Error{
		Kind:    abi.KindConnectorFault,
		Message: fmt.Sprintf("the connector's %s failed: %s", export, message),
		Hint:    "this is a bug of the connector; its log may say more: --log-level debug",
	}).WithCause(err)
}

// read reads the output: whole for describe and auth_schema, in parts for execute.
func (r *running) read(into *Outcome) error {
	members, err := r.output.Object()
	if err != nil {
		return badOutput("its output is no JSON object: %v", err)
	}
	if r.call.Export != abi.ExportExecute {
		into.Output = r.output.Bytes()
		return nil
	}
	if raw, ok := members["error"]; ok && rawjson.KindOf(raw) != rawjson.Null {
		into.Err = new(abi.Error)
		if err := json.Unmarshal(raw, into.Err); err != nil {
			return badOutput("its error is no abi.Error: %v", err)
		}
		return nil
	}
	into.Data, into.Meta = members["data"], members["meta"]
	if into.Data == nil {
		return badOutput("its output has neither data nor error")
	}
	if into.Meta == nil {
		into.Meta = []byte("{}")
	}
	if rawjson.KindOf(into.Meta) != rawjson.Object {
		return badOutput("its meta is no JSON object")
	}
	return nil
}

func badOutput(format string, args ...any) *abi.Error {
	return &abi.Error{Kind: abi.KindConnectorFault, Message: "the connector answered nonsense: " + fmt.Sprintf(format, args...), Hint: "this is a bug of the connector; docs/abi.md has the format"}
}
