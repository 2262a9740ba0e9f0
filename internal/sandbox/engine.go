package sandbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/owned"
	"github.com/agenthost/agenthost/internal/sandbox/compileworker"
	"github.com/agenthost/agenthost/internal/sandbox/pages"
	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/agenthost/agenthost/internal/turns"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Engine loads modules. It is safe for concurrent use.
type Engine struct {
	config   Config
	compiles compiles
	cache    *cache       // nil if there is no folder
	pages    *pages.Table // nil if the kernel does not report written pages
	held     atomic.Int64 // bytes of waiting instances, of images and of what these lie over
	turns    *turns.Turns
	counts   engineCounts

	// reserve reserves address space for a memory, or returns nil.
	reserve func(size uint64) []byte

	mu      sync.Mutex
	modules map[*Module]struct{}
	codes   map[string]*code // by digest
	closed  bool
}

// maxPages is the largest size of a linear memory, in Wasm pages of 64 KiB.
const maxPages = 4096

// NewEngine returns an engine. Close it when its modules are no longer needed.
func NewEngine(config Config) (*Engine, error) {
	if config.Logger == nil {
		config.Logger = hclog.NewNullLogger()
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Random == nil {
		config.Random = rand.Reader
	}
	if config.MaxIdleBytes == 0 {
		config.MaxIdleBytes = 256 << 20
	}
	config.IdleTimeout = cmp.Or(config.IdleTimeout, 15*time.Second)
	config.CompileTimeout = cmp.Or(config.CompileTimeout, 60*time.Second)
	if config.CompileMemory == 0 {
		config.CompileMemory = 1 << 30
	}
	if config.RunWorker == nil {
		config.RunWorker = compileworker.Run
	}
	e := &Engine{config: config, reserve: reserve, modules: make(map[*Module]struct{}), codes: make(map[string]*code)}
	switch {
	case config.Profile: // other processes cannot use what it compiles
	case config.Cache != "":
		if err := privateFolder(config.Cache); err != nil {
			return nil, err
		}
		var err error
		if e.cache, err = openCache(config.Cache, config.Logger); err != nil {
			return nil, cacheFault(err)
		}
	case len(config.CompileWorker) > 0:
		return nil, &abi.Error{Kind: abi.KindInvalidParams, Field: "compile_worker", Message: "a compile worker needs a cache to write to", Hint: "set cache, or remove compile_worker"}
	}
	e.turns = turns.New(config.Running, nil)
	e.pages = pages.Open()
	return e, nil
}

// privateFolder ensures that no other user can put code into the cache.
func privateFolder(dir string) error {
	err := owned.Folder(dir)
	var refused *owned.Error
	switch {
	case errors.As(err, &refused):
		return &abi.Error{Kind: abi.KindDenied, Field: "cache", Rule: "private_cache", Message: refused.What, Hint: "its content runs as native code: " + refused.Hint}
	case err != nil:
		return &abi.Error{Kind: abi.KindInternal, Field: "cache", Message: fmt.Sprintf("cannot make the cache folder: %v", err), Hint: "set cache to a writable folder"}
	}
	return nil
}

// Turns are the guests' time, of which [Call.Share] is a share.
func (e *Engine) Turns() *turns.Turns { return e.turns }

// Close closes all modules. It waits for running calls, and new ones fail.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	modules := make([]*Module, 0, len(e.modules))
	for m := range e.modules {
		modules = append(modules, m)
	}
	e.mu.Unlock()
	var errs []error
	for _, m := range modules {
		errs = append(errs, m.Close(ctx))
	}
	if e.pages != nil {
		e.pages.Close() // no memory is left
	}
	return errors.Join(errs...)
}

// Modules is the number of loaded modules.
func (e *Engine) Modules() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.modules)
}

// Codes is how many modules' native code is in memory: modules that differ only in what their guests
// read share it.
func (e *Engine) Codes() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.codes)
}

// Counts are what an engine has done, and what it has in memory.
type Counts struct {
	// Modules and Codes are [Engine.Modules] and [Engine.Codes].
	Modules, Codes int
	// Instances are those that run or wait, and Made counts all that were made, and Restored how
	// often one was put into its first state.
	Instances, Made, Restored int64
	// WaitingBytes is the memory of instances that wait, and of what they share.
	WaitingBytes int64
	// Compiles counts the modules that were compiled, and CompileTime is how long that took in all.
	Compiles    int64
	CompileTime time.Duration
}

type engineCounts struct{ instances, made, restored, compiles, compileTime atomic.Int64 }

// compiled counts a compile that began at a time.
func (c *engineCounts) compiled(start time.Time) {
	c.compiles.Add(1)
	c.compileTime.Add(int64(time.Since(start)))
}

// Counts returns the counts so far.
func (e *Engine) Counts() Counts {
	c := &e.counts
	return Counts{
		Modules: e.Modules(), Codes: e.Codes(), Instances: c.instances.Load(), Made: c.made.Load(), Restored: c.restored.Load(),
		WaitingBytes: e.held.Load(), Compiles: c.compiles.Load(), CompileTime: time.Duration(c.compileTime.Load()),
	}
}

// Digest is the name of a module: the SHA-256 of the file, in hexadecimal.
func Digest(module []byte) string {
	sum := sha256.Sum256(module)
	return hex.EncodeToString(sum[:])
}

// Vet checks whether a module may run, without compiling it. The error has kind connector_fault and
// says what is wrong with the module.
func Vet(module []byte) error {
	_, err := vet(module)
	return err
}

func vet(module []byte) (*wasm.Module, error) {
	parsed, err := wasm.Parse(module)
	if err != nil {
		return nil, refused(err)
	}
	if err := parsed.Vet(wasm.DefaultLimits(), knownImports()); err != nil {
		return nil, refused(err)
	}
	return parsed, checkExports(parsed)
}

func refused(err error) *abi.Error {
	e := &abi.Error{Kind: abi.KindConnectorFault, Message: err.Error(), Hint: "a connector must be a WebAssembly core module; docs/abi.md has the rules"}
	var refusal *wasm.Refusal
	if errors.As(err, &refusal) && refusal.Hint != "" {
		e.Hint = refusal.Hint
	}
	return e.WithCause(err)
}

// checkExports looks for the three functions of the ABI.
func checkExports(m *wasm.Module) error {
	want := wasm.Func(nil, wasm.I32)
	found := make(map[string]wasm.FuncType)
	var names []string
	for _, e := range m.Exports() {
		if e.Kind == wasm.KindFunc {
			found[e.Name] = e.Type
			names = append(names, e.Name)
		}
	}
	for _, name := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema, hostfunc.ExportExecute} {
		switch have, ok := found[name]; {
		case !ok:
			if slices.Contains(names, "_start") && !slices.Contains(names, "_initialize") {
				return &abi.Error{Kind: abi.KindConnectorFault, Field: name, Message: fmt.Sprintf("the module does not export %q: %s", name, isProgram), Hint: buildLibrary}
			}
			hint := "a connector exports describe, auth_schema and execute"
			if near := fault.Nearest(name, names); near != "" {
				hint += "; this module exports " + near
			}
			return &abi.Error{Kind: abi.KindConnectorFault, Field: name, Message: fmt.Sprintf("the module does not export %q", name), Hint: hint}
		case have != want:
			return &abi.Error{Kind: abi.KindConnectorFault, Field: name, Message: fmt.Sprintf("the module exports %q as %s, want %s", name, have, want), Hint: "an export has no parameters and returns 0 on success"}
		}
	}
	return nil
}

// Load vets, rewrites and compiles a module. The first compile takes about a second; later ones find
// it in the cache. An error has kind connector_fault if the module is at fault.
func (e *Engine) Load(ctx context.Context, module []byte) (*Module, error) {
	m, err := e.LoadCached(ctx, Digest(module))
	if m != nil || err != nil {
		return m, err
	}
	return e.Compile(ctx, module, nil)
}

// LoadCached returns the module of a digest if the cache has it, or nil, without reading the file.
// The seal of the cache entry covers the digest.
func (e *Engine) LoadCached(ctx context.Context, digest string) (*Module, error) {
	if e.cache == nil {
		return nil, nil
	}
	found := e.cache.load(digest)
	if found == nil {
		return nil, nil
	}
	codeDigest, open := digest, func(c *code) error { return c.openEntry(ctx, found) }
	if found.code != "" {
		codeDigest, open = found.code, func(c *code) error { return c.find(ctx) }
	}
	c, err := e.code(ctx, codeDigest, nil, open)
	if c == nil {
		return nil, err
	}
	return e.newModule(ctx, digest, c, found.sections)
}

// newModule makes a module of code, which it releases, and of sections for its guest.
func (e *Engine) newModule(ctx context.Context, digest string, c *code, sections map[string][]byte) (*Module, error) {
	m := &Module{
		engine:   e,
		digest:   digest,
		code:     c,
		sections: sections,
		log:      e.config.Logger.With("module", digest[:12]),
		loaded:   e.config.Now(),
		making:   make(chan struct{}, 1),
		share:    e.turns.NewShare(),
	}
	_, err := io.ReadFull(e.config.Random, m.seed[:])
	if err != nil {
		err = (&abi.Error{Kind: abi.KindInternal, Message: "cannot get random bytes"}).WithCause(err)
	}
	e.mu.Lock()
	if e.closed && err == nil {
		err = &abi.Error{Kind: abi.KindInternal, Message: "the host is closed"}
	}
	if err == nil {
		e.modules[m] = struct{}{}
	}
	e.mu.Unlock()
	if err != nil {
		_ = c.release(ctx) // no call has used it
		return nil, err
	}
	return m, nil
}
