package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/sandbox/wasm"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
	extism "github.com/extism/go-sdk"
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
	since  time.Time // when it began to wait

	fuel, putBack api.Function // of the rewrite
	result        [1]uint64    // of the two
	execute       api.Function // for the next call; nil where it is not looked up
	initialised   bool         // or has the state of one that is
	ready         bool         // for its first call; until then time stands still
	granted       int64        // what the guest has left of its first grant
}

// initLimits bound the initialisation of an instance.
func initLimits() Limits { return Limits{Fuel: 5_000_000_000}.withDefaults() }

// newInstance makes an instance in the module's first state.
func (m *Module) newInstance(ctx context.Context) (*instance, error) {
	in, err := m.instantiate(ctx)
	if err != nil {
		return nil, err
	}
	if m.info.Snapshot {
		err = in.begin(ctx)
	} else {
		err = in.initialise(ctx)
	}
	if errors.Is(err, errTraining) {
		// Its state may be anything. The next one does without, and so do all others.
		m.untrained.Store(true)
		in.close()
		return m.newInstance(ctx)
	}
	if err != nil {
		in.close()
		return nil, err
	}
	in.random.source, in.ready = m.engine.config.Random, true
	return in, nil
}

// instantiate makes an instance of which no code has run.
func (m *Module) instantiate(ctx context.Context) (*instance, error) {
	in := &instance{module: m, stdio: new(stdio)}
	in.random = &randomness{stdio: in.stdio, source: rand.NewChaCha8(m.seed)}
	now := func() time.Time {
		if in.ready {
			return m.engine.config.Now()
		}
		return m.loaded
	}
	modules := wazero.NewModuleConfig().
		WithRandSource(in.random).
		WithStdout(in.stdio).
		WithStderr(in.stdio).
		// A clock with a resolution of a millisecond times nothing that is worth
		// timing in a side channel.
		WithWalltime(func() (int64, int32) {
			t := now().Truncate(time.Millisecond)
			return t.Unix(), int32(t.Nanosecond())
		}, sys.ClockResolution(time.Millisecond)).
		// It starts at a second, because Go's runtime refuses to start at 0.
		WithNanotime(func() int64 {
			return int64(time.Second + max(0, now().Sub(m.loaded).Truncate(time.Millisecond)))
		}, sys.ClockResolution(time.Millisecond))
	allocator := &allocator{limit: maxPages << 16}
	ctx = experimental.WithMemoryAllocator(&callContext{Context: ctx, instance: in}, allocator)
	var err error
	in.plugin, err = m.compiled.Instance(ctx, extism.PluginInstanceConfig{ModuleConfig: modules})
	if err != nil {
		return nil, (&abi.Error{Kind: abi.KindConnectorFault, Message: "the module cannot be instantiated: " + firstLine(err)}).WithCause(err)
	}
	// Lines of go-sdk itself; guests log through us.
	in.plugin.SetLogger(func(_ extism.LogLevel, text string) { m.log.Trace(text) })
	in.guest = new(linear) // a module without a memory has nothing to point into
	if len(allocator.memories) > 1 {
		in.guest = allocator.memories[1]
	}
	if in.main == nil {
		in.close()
		return nil, &abi.Error{Kind: abi.KindInternal, Message: "the sandbox failed: a plugin's module was not found"}
	}
	in.putBack, in.fuel = in.main.ExportedFunction(wasm.RestoreExport), in.main.ExportedFunction(wasm.FuelExport)
	return in, nil
}

// begin brings a new instance into the module's first state: the first one by running its
// code, all others by giving them what became of that one.
func (in *instance) begin(ctx context.Context) error {
	m := in.module
	if i := m.borrow(); i != nil {
		return in.adopt(i)
	}
	select {
	case m.making <- struct{}{}:
		defer func() { <-m.making }()
	case <-ctx.Done():
		return timeout(context.Cause(ctx))
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

// adopt gives the instance the state that an image holds, and makes it the one to go back
// to.
func (in *instance) adopt(i *image) error {
	failed := &abi.Error{Kind: abi.KindInternal, Message: "the sandbox failed: a new instance cannot be put into its first state"}
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
	// The meter starts at 0 for every call, the first one included: that makes
	// the fuel of a call the same however often the instance was used.
	if !in.restore() {
		return failed
	}
	in.granted = 0
	return nil
}

// keptGlobal is a value that the rewritten module goes back to.
func (in *instance) keptGlobal(n int) api.Global {
	return in.main.ExportedGlobal(wasm.KeptExport + strconv.Itoa(n))
}

func (in *instance) keptGlobals() []uint64 {
	values := make([]uint64, in.module.info.Kept)
	for n := range values {
		values[n] = in.keptGlobal(n).Get()
	}
	return values
}

func (in *instance) close() {
	// Memory is freed whatever the error; there is nothing else to do about one.
	if err := in.plugin.Close(context.Background()); err != nil {
		in.module.log.Debug("closing an instance", "error", firstLine(err))
	}
	if in.guest != nil {
		in.module.unshare(in.guest.image)
		in.guest.image = nil
	}
}

// restore puts the instance into the module's first state, however the last call ended.
// There is nothing else that a guest can change: its stack went with the call, and a
// module that can change a table or drop a segment has no such state.
func (in *instance) restore() bool {
	start := time.Now()
	if err := in.putBack.CallWithStack(context.Background(), in.result[:]); err != nil {
		in.module.log.Debug("an instance cannot be put back", "error", firstLine(err))
		return false
	}
	in.stdio.current, in.stdio.partial = nil, in.stdio.partial[:0]
	if in.execute == nil {
		in.execute = in.main.ExportedFunction(abi.ExportExecute)
	}
	pages, ok := in.guest.restore()
	in.module.counters.restores.Add(1)
	in.module.counters.pages.Add(int64(pages))
	in.module.counters.restoreTime.Add(int64(time.Since(start)))
	return ok
}

// run runs an export of the ABI and reads what it wrote. Where the guest failed, the
// outcome says what it cost all the same.
func (in *instance) run(ctx context.Context, call *Call) (*Outcome, error) {
	r := newRunning(ctx, call, in.guest)
	if in.guest.size > uint64(r.limits.Memory) {
		return nil, limitExceeded("memory", fmt.Sprintf("the connector has %d bytes of memory before it starts, the limit is %d", in.guest.size, r.limits.Memory), "use a smaller connector")
	}
	r.fuel.granted = in.granted
	if call.Profile != nil && in.module.engine.config.Profile {
		r.profiler = newProfiler(in.module.info)
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
	ctx := &callContext{Context: r.ctx, running: r, instance: in}
	rc, callErr := in.invoke(ctx, export)
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
		if r.last != nil && r.last.Kind == abi.KindLimitExceeded {
			// A guest whose output is full cannot write why it failed.
			return r.last
		}
		return &abi.Error{Kind: abi.KindConnectorFault, Message: fmt.Sprintf("the connector's %s failed with code %d", export, rc), Hint: "the connector's log may say more: --log-level debug"}
	}
	return nil
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
