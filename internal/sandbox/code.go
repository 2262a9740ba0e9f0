package sandbox

import (
	"context"
	"errors"
	"path/filepath"
	"sync"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/sandbox/pages"
	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// code is the native code of all modules that differ only in their sections for the guest, such as
// those of tables. Instances run it with a state of their own: nothing in it changes.
type code struct {
	engine   *Engine // nil in a compile worker
	digest   string  // of [wasm.Module.Code], or for a module without sections its own
	info     wasm.Info
	cache    wazero.CompilationCache
	compiled *extism.CompiledPlugin

	users int // modules, and those that wait for opening; Engine.mu guards it

	// opening is a lock with room for one: a code is opened in 20 ms, or compiled in seconds, while
	// others wait for this one only.
	opening   chan struct{}
	opened    bool
	compiling chan struct{} // closed once a compile has begun
	begun     bool

	mu   sync.Mutex
	base *pages.File // that the images of modules lie over; nil before the first
	held int64       // bytes of base
}

// code returns the code of a digest for one more user, who calls release. If it is not in memory,
// open opens it, or leaves it closed if it does not find it: the result is nil then. Waits, if not
// nil, is called if another caller is compiling it.
func (e *Engine) code(ctx context.Context, digest string, waits func(), open func(*code) error) (*code, error) {
	e.mu.Lock()
	c := e.codes[digest]
	if c == nil {
		c = &code{engine: e, digest: digest, opening: make(chan struct{}, 1), compiling: make(chan struct{})}
		e.codes[digest] = c
	}
	c.users++
	e.mu.Unlock()
	opened := false
	err := c.lock(ctx, waits)
	if err == nil {
		if !c.opened {
			err = open(c)
		}
		opened = c.opened
		<-c.opening
	}
	if !opened {
		_ = c.release(ctx) // there is nothing to close
		return nil, err
	}
	return c, nil
}

// lock takes c.opening.
func (c *code) lock(ctx context.Context, waits func()) error {
	compiling := c.compiling
	if waits == nil {
		compiling = nil
	}
	for {
		select {
		case c.opening <- struct{}{}:
			return nil
		case <-compiling:
			compiling = nil
			waits()
		case <-ctx.Done():
			return fault.Ended(ctx)
		}
	}
}

// begin tells those who wait that a compile begins. The caller holds c.opening.
func (c *code) begin() {
	if !c.begun {
		c.begun = true
		close(c.compiling)
	}
}

// release takes a user from the code, and frees it after the last.
func (c *code) release(ctx context.Context) error {
	e := c.engine
	e.mu.Lock()
	c.users--
	last := c.users == 0
	if last {
		delete(e.codes, c.digest)
	}
	e.mu.Unlock()
	if !last || !c.opened {
		return nil
	}
	if c.base != nil {
		c.base.Close()
		e.held.Add(-c.held)
	}
	return c.close(ctx)
}

// close frees the native code. The cache last, because it owns the runtime's code.
func (c *code) close(ctx context.Context) error {
	err := c.compiled.Close(ctx)
	if c.cache != nil {
		err = errors.Join(err, c.cache.Close(ctx))
	}
	return err
}

// find opens the code if the cache has it.
func (c *code) find(ctx context.Context) error {
	if found := c.engine.cache.load(c.digest); found != nil && found.code == "" {
		return c.openEntry(ctx, found)
	}
	return nil
}

// openEntry opens an entry of the cache. It leaves the code closed if the entry is gone, or if wazero
// did not find the code and compiled the skeleton.
func (c *code) openEntry(ctx context.Context, found *entry) error {
	before := found.files()
	err := c.open(ctx, found.module, found.info, filepath.Join(found.dir, nativeDir))
	if found.files() == before {
		return err
	}
	if c.opened {
		c.opened = false
		_ = c.close(ctx) // nobody has used it
	}
	c.engine.config.Logger.Warn("a compiled module in the cache does not match; compiling it again", "folder", found.dir)
	c.engine.cache.remove(found.dir)
	return nil
}

// open compiles a skeleton or a rewritten module, or finds its code in the folder native, unless that
// is "".
func (c *code) open(ctx context.Context, module []byte, info wasm.Info, native string) (err error) {
	// One cache object per code: wazero's in-memory cache would tie the entries of two
	// runtimes together.
	knowVersion()
	config := runtimeConfig()
	c.info = info
	if native != "" {
		c.cache, err = wazero.NewCompilationCacheWithDir(native)
		if err != nil {
			return cacheFault(err)
		}
		config = config.WithCompilationCache(c.cache)
	}
	functions := append(bind(hostFunctions()), bindExtism(extismFunctions())...)
	functions = append(append(functions, bindKernel()...), bindWASI()...)
	functions = append(functions, bindCheckpoint())
	c.compiled, err = extism.NewCompiledPlugin(c.compileContext(ctx),
		extism.Manifest{
			Wasm:   []extism.Wasm{extism.WasmData{Data: module, Name: "main"}},
			Memory: &extism.ManifestMemory{}, // no response bodies and no variables in go-sdk's kernel
		},
		extism.PluginConfig{EnableWasi: true, RuntimeConfig: config},
		functions)
	if err != nil {
		if c.cache != nil {
			_ = c.cache.Close(ctx)
		}
		if ctx.Err() != nil {
			return fault.Ended(ctx)
		}
		return doesNotCompile(err)
	}
	c.opened = true
	return nil
}

// compileContext is the context for all compiling, from and into the cache.
func (c *code) compileContext(ctx context.Context) context.Context {
	listeners := experimental.FunctionListenerFactory(finder{})
	if c.engine != nil && c.engine.config.Profile {
		listeners = experimental.MultiFunctionListenerFactory(listeners, profileListener{})
	}
	return experimental.WithFunctionListenerFactory(ctx, listeners)
}
