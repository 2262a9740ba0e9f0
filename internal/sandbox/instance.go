package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"github.com/agenthost/agenthost/internal/fault"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/agenthost/agenthost/internal/turns"
	"github.com/agenthost/agenthost/pdk/abi"
	extism "github.com/extism/go-sdk"
	"github.com/hashicorp/go-hclog"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"
)

// instance is a module with a memory of its own. It runs one call at a time.
type instance struct {
	module *Module
	plugin *extism.Plugin
	main   api.Module // the plugin's
	guest  *linear    // the module's memory
	stdio  *stdio
	random *randomness
	clock  clock
	since  time.Time   // when it began to wait
	turn   *turns.Turn // of its call; nil takes no turns

	fuel, putBack api.Function // of the rewrite
	result        [1]uint64    // of the two
	execute       api.Function // for the next call; nil if it is not looked up
	stack         int          // bytes that execute began with
	initialised   bool         // or has such a state
	ready         bool         // for its first call; until then time stands still
	granted       int64        // the rest of the guest's first grant
}

// initLimits bound the initialisation of an instance.
func initLimits() Limits { return Limits{Fuel: 5_000_000_000}.withDefaults() }

// newInstance makes an instance in the module's first state.
func (m *Module) newInstance(ctx context.Context, turn *turns.Turn) (*instance, error) {
	in, err := m.instantiate(ctx)
	if err != nil {
		return nil, err
	}
	in.turn = turn
	if m.code.info.Snapshot {
		err = in.begin(ctx)
	} else {
		err = in.initialise(ctx)
	}
	if errors.Is(err, errTraining) {
		// Its state is unknown. Later ones are not trained.
		m.untrained.Store(true)
		in.close()
		return m.newInstance(ctx, turn)
	}
	if err != nil {
		in.close()
		return nil, err
	}
	in.random.source, in.ready = m.engine.config.Random, true
	m.engine.counts.made.Add(1)
	m.engine.counts.instances.Add(1)
	return in, nil
}

// instantiate makes an instance without running its code.
func (m *Module) instantiate(ctx context.Context) (in *instance, err error) {
	in = &instance{module: m, stdio: new(stdio)}
	in.random = &randomness{stdio: in.stdio, source: rand.NewChaCha8(m.seed)}
	in.clock = clock{loaded: m.loaded, now: func() time.Time {
		if in.ready {
			return m.engine.config.Now()
		}
		return m.loaded
	}}
	modules := wazero.NewModuleConfig().
		WithRandSource(in.random).
		WithStdout(in.stdio).
		WithStderr(in.stdio).
		// A resolution of a millisecond is too coarse for timing side channels.
		WithWalltime(func() (int64, int32) {
			t := in.clock.read().Truncate(time.Millisecond)
			return t.Unix(), int32(t.Nanosecond())
		}, sys.ClockResolution(time.Millisecond)).
		WithNanotime(in.clock.monotonic, sys.ClockResolution(time.Millisecond))
	allocator := &allocator{limit: maxPages << 16, reserve: m.engine.reserve}
	defer func() {
		// wazero panics without memory, and other panics must not end the process
		// either.
		p := recover()
		if p == nil {
			return
		}
		allocator.free()
		in, err = nil, panicked(m.log, "making an instance", p)
		if allocator.failed {
			err = limitExceeded("memory", "the system has no address space left for the connector's memory", "run fewer calls at a time, or raise the process's own limit (ulimit -v)")
		}
	}()
	ctx = experimental.WithMemoryAllocator(&callContext{Context: ctx, instance: in}, allocator)
	in.plugin, err = m.code.compiled.Instance(ctx, extism.PluginInstanceConfig{ModuleConfig: modules})
	if err != nil {
		return nil, (&abi.Error{Kind: abi.KindConnectorFault, Message: "cannot instantiate the module: " + firstLine(err)}).WithCause(err)
	}
	// Lines of go-sdk itself; guests log through us.
	in.plugin.SetLogger(func(_ extism.LogLevel, text string) { m.log.Trace(text) })
	in.guest = new(linear) // a module without a memory
	if len(allocator.memories) > 1 {
		in.guest = allocator.memories[1]
	}
	if in.main == nil {
		in.close()
		return nil, &abi.Error{Kind: abi.KindInternal, Message: "the sandbox failed: a plugin's module was not found"}
	}
	if in.guest.reserved != nil {
		in.guest.wazero = in.main.Memory()
	}
	in.putBack, in.fuel = in.main.ExportedFunction(wasm.RestoreExport), in.main.ExportedFunction(wasm.FuelExport)
	return in, nil
}

// begin brings a new instance into the module's first state: the first one by running its code, all
// others with that one's image.
func (in *instance) begin(ctx context.Context) error {
	m := in.module
	if i := m.borrow(); i != nil {
		return in.adopt(i)
	}
	in.turn.Give() // while waiting for the call that makes the image
	select {
	case m.making <- struct{}{}:
		defer func() { <-m.making }()
	case <-ctx.Done():
		return fault.Ended(ctx)
	}
	if err := in.turn.Take(ctx); err != nil {
		return fault.Ended(ctx)
	}
	if i := m.borrow(); i != nil { // another call was faster
		return in.adopt(i)
	}
	if err := in.initialise(ctx); err != nil {
		return err
	}
	if !m.untrained.Load() {
		if err := in.train(ctx); err != nil {
			return err
		}
	}
	return in.adopt(m.publish(in))
}

// adopt gives the instance the state of an image, to which restore returns.
func (in *instance) adopt(i *image) error {
	failed := &abi.Error{Kind: abi.KindInternal, Message: "the sandbox failed: cannot restore a new instance"}
	if more := len(i.content) - int(in.guest.size); more > 0 {
		in.guest.limit = uint64(len(in.guest.reserved))
		if _, ok := in.main.Memory().Grow(uint32(more >> 16)); !ok {
			in.module.unshare(i)
			return failed
		}
	}
	in.guest.backTo(i, in.module.engine.pages)
	for n, value := range i.globals {
		global, ok := in.keptGlobal(n).(api.MutableGlobal)
		if !ok {
			return failed
		}
		global.Set(value)
	}
	in.initialised = true
	// The meter starts at 0 for every call, so that a call's fuel does not depend on the
	// instance's age.
	if !in.restore(context.Background()) {
		return failed
	}
	in.granted = 0
	return nil
}

// keptGlobal is a kept value of a global of the rewritten module.
func (in *instance) keptGlobal(n int) api.Global {
	return in.main.ExportedGlobal(wasm.KeptExport + strconv.Itoa(n))
}

func (in *instance) keptGlobals() []uint64 {
	values := make([]uint64, in.module.code.info.Kept)
	for n := range values {
		values[n] = in.keptGlobal(n).Get()
	}
	return values
}

func (in *instance) close() {
	if in.ready {
		in.ready = false
		in.module.engine.counts.instances.Add(-1)
	}
	// An error changes nothing: memory is freed anyway.
	if err := in.plugin.Close(context.Background()); err != nil {
		in.module.log.Debug("closing an instance", "error", firstLine(err))
	}
	if in.guest != nil {
		in.module.unshare(in.guest.image)
		in.guest.image = nil
	}
}

// restore puts the instance into the module's first state, after any end of the last call. A guest
// has no other state: its stack ended with the call, and modules that can change a table or drop a
// segment are not restored.
func (in *instance) restore(ctx context.Context) (ok bool) {
	start := time.Now()
	defer func() {
		if p := recover(); p != nil {
			ok = false
			_ = panicked(in.module.log, "putting an instance back", p)
		}
	}()
	if err := in.putBack.CallWithStack(context.Background(), in.result[:]); err != nil {
		in.module.log.Debug("cannot restore an instance", "error", firstLine(err))
		return false
	}
	in.stdio.current, in.stdio.partial = nil, in.stdio.partial[:0]
	if in.execute == nil || in.stack < 0 || stackOf(in.execute) != in.stack {
		in.execute = in.main.ExportedFunction(hostfunc.ExportExecute)
		in.stack = stackOf(in.execute)
	}
	pages, ok := in.guest.restore(ctx, in.turn)
	in.module.counters.restores.Add(1)
	in.module.engine.counts.restored.Add(1)
	in.module.counters.pages.Add(int64(pages))
	in.module.counters.restoreTime.Add(int64(time.Since(start)))
	return ok
}

// run runs an export of the ABI and reads its output. The outcome has the cost even if the guest
// failed.
func (in *instance) run(ctx context.Context, call *Call) (*Outcome, error) {
	r := newRunning(ctx, call, in.guest)
	if in.guest.size > uint64(r.limits.Memory) {
		return nil, limitExceeded("memory", fmt.Sprintf("the connector has %d bytes of memory before it starts, the limit is %d", in.guest.size, r.limits.Memory), "use a smaller connector")
	}
	r.fuel.granted = in.granted
	if call.Profile != nil && in.module.engine.config.Profile {
		r.profiler = newProfiler(in.module.code.info)
		defer func() { call.Profile(r.profiler.profile(r.fuel.used)) }()
	}
	err := in.call(r, call.Export)
	outcome := &Outcome{Fuel: r.fuel.used, Memory: int64(in.guest.size)}
	if err != nil {
		return outcome, err
	}
	if k := r.kernel; !r.wrote && k != nil {
		if err := r.write(k.take(k.output, math.MaxUint64)); err != nil {
			return outcome, err
		}
	}
	return outcome, r.read(outcome)
}

// call calls an export and turns every kind of end into an error of ours.
func (in *instance) call(r *running, export string) (err error) {
	in.stdio.current, r.turn, r.clock, r.sections = r, in.turn, &in.clock, in.module.sections
	in.clock.ahead = 0
	defer func() {
		in.stdio.flush()
		r.logs.end()
		in.stdio.current = nil
		if p := recover(); p != nil {
			err = panicked(in.module.log, "running "+export, p) // outside host functions
		}
	}()
	ctx := &callContext{Context: r.ctx, running: r, instance: in}
	rc, callErr := in.invoke(ctx, export)
	in.settle(r)
	switch {
	case r.stop != nil:
		return r.stop
	case r.ctx.Err() != nil && callErr != nil:
		return fault.Ended(r.ctx)
	case callErr != nil && strings.Contains(callErr.Error(), "(recovered by wazero)"):
		// wazero turns panics of host functions into errors that say so, and go-sdk some
		// of them into plain text. This one is a bug of ours or of the engine.
		// The first line quotes the panic, which may quote the guest.
		_, stack, _ := strings.Cut(callErr.Error(), "\n")
		in.module.log.Error("BUG: panic in a host function", "export", export, "stack", stack)
		return failed()
	case callErr != nil && in.isProgram():
		e := faulted(r.call.Export, callErr)
		e.Message, e.Hint = e.Message+": "+isProgram, buildLibrary
		return e
	case callErr != nil:
		return faulted(r.call.Export, callErr)
	case rc != 0 && r.call.Export == export:
		if k := r.kernel; k != nil && k.fault.length > 0 {
			return faulted(export, errors.New(printable(k.take(k.fault, maxLogLine))))
		}
		if r.last != nil && r.last.Kind == abi.KindLimitExceeded {
			// A guest whose output is full cannot write why it failed.
			return r.last
		}
		return &abi.Error{Kind: abi.KindConnectorFault, Message: fmt.Sprintf("the connector's %s failed with code %d", export, rc), Hint: "the connector's log may have details: --log-level debug"}
	}
	return nil
}

// The error and the hint for a module that was built to run its main function.
const (
	isProgram    = "the module is a program, which exports _start and no _initialize; build it as a library, in Go with -buildmode=c-shared"
	buildLibrary = "in Rust, build a cdylib; with clang, use -mexec-model=reactor"
)

// isProgram reports whether the module has no initialisation.
func (in *instance) isProgram() bool {
	return in.main != nil && in.main.ExportedFunction("_start") != nil && in.main.ExportedFunction("_initialize") == nil
}

// panicked logs an unexpected panic and returns the error of the call. The log has the panic's type
// and stack, but not its value, which may quote data.
func panicked(log hclog.Logger, doing string, p any) *abi.Error {
	log.Error("BUG: panic in the sandbox", "doing", doing, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
	return failed()
}

func failed() *abi.Error {
	return &abi.Error{Kind: abi.KindInternal, Message: "the sandbox failed; this is a bug of the host", Hint: "please report it, with the log at level error"}
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
		Hint:    "this is a bug in the connector; its log may have details: --log-level debug",
	}).WithCause(err)
}

// maxError is the size of a guest's largest error.
const maxError = 1 << 20

// read reads the output: whole for describe and auth_schema, in parts for execute.
func (r *running) read(into *Outcome) error {
	members, err := r.output.Object(func(int) error { return r.ctx.Err() })
	switch {
	case err != nil && r.ctx.Err() != nil:
		return fault.Ended(r.ctx)
	case err != nil:
		return badOutput("its output is not a JSON object: %v", err)
	}
	if r.call.Export != hostfunc.ExportExecute {
		into.Output = r.output.Bytes()
		return nil
	}
	if raw, ok := members["error"]; ok && rawjson.KindOf(raw) != rawjson.Null {
		if len(raw) > maxError {
			return badOutput("its error has %d bytes, the limit is %d", len(raw), maxError)
		}
		into.Err = new(abi.Error)
		if err := json.Unmarshal(raw, into.Err); err != nil {
			return badOutput("its error is not an abi.Error: %v", err)
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
		return badOutput("its meta is not a JSON object")
	}
	return nil
}

func badOutput(format string, args ...any) *abi.Error {
	return &abi.Error{Kind: abi.KindConnectorFault, Message: "unexpected output from the connector: " + fmt.Sprintf(format, args...), Hint: "this is a bug in the connector; docs/abi.md has the format"}
}
