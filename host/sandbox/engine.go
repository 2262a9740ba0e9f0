package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/sandbox/pages"
	"github.com/agenthost/agenthost/host/sandbox/wasm"
	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/pdk/abi"
	extism "github.com/extism/go-sdk"
	"github.com/hashicorp/go-hclog"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// Engine loads modules. It is safe for concurrent use.
type Engine struct {
	config Config
	pages  *pages.Table // nil where the kernel does not tell what a guest wrote

	mu      sync.Mutex
	modules map[*Module]struct{}
	closed  bool
}

// maxPages is the limit of any linear memory, in Wasm pages of 64 KiB: what
// Limits.Memory may at most ask for.
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
	if config.MaxIdle == 0 {
		config.MaxIdle = 32
	}
	if config.IdleTimeout == 0 {
		config.IdleTimeout = 15 * time.Second
	}
	if config.Cache != "" {
		if err := privateFolder(config.Cache); err != nil {
			return nil, err
		}
	}
	return &Engine{config: config, pages: pages.Open(), modules: make(map[*Module]struct{})}, nil
}

// privateFolder makes sure that nobody else can put code into the cache.
func privateFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return &abi.Error{Kind: abi.KindInternal, Field: "cache", Message: fmt.Sprintf("the cache folder cannot be made: %v", err), Hint: "set cache to a folder that you may write to"}
	}
	info, err := os.Stat(dir)
	if err != nil {
		return &abi.Error{Kind: abi.KindInternal, Field: "cache", Message: fmt.Sprintf("the cache folder cannot be read: %v", err)}
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 {
		return &abi.Error{
			Kind: abi.KindDenied, Field: "cache", Rule: "private_cache",
			Message: fmt.Sprintf("others may write to the cache folder %s (mode %04o)", dir, info.Mode().Perm()),
			Hint:    "its content runs as native code: chmod 700 " + dir,
		}
	}
	return nil
}

// Close ends all modules. It waits for the calls that run, and new ones end with an
// error.
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
		e.pages.Close() // every memory is gone
	}
	return errors.Join(errs...)
}

// Digest is how modules are named: the SHA-256 of the file, in hexadecimal.
func Digest(module []byte) string {
	sum := sha256.Sum256(module)
	return hex.EncodeToString(sum[:])
}

// Vet reads a module and refuses one that may not run, without compiling it. The
// error has kind connector_fault and says what is wrong with the module.
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
	e := &abi.Error{Kind: abi.KindConnectorFault, Message: err.Error(), Hint: "a connector is a WebAssembly core module; docs/abi.md says what it may contain"}
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
	for _, name := range []string{abi.ExportDescribe, abi.ExportAuthSchema, abi.ExportExecute} {
		switch have, ok := found[name]; {
		case !ok:
			hint := "a connector exports describe, auth_schema and execute"
			if near := nearest.Of(name, names); near != "" {
				hint += "; this module exports " + near
			}
			return &abi.Error{Kind: abi.KindConnectorFault, Field: name, Message: fmt.Sprintf("the module does not export %q", name), Hint: hint}
		case have != want:
			return &abi.Error{Kind: abi.KindConnectorFault, Field: name, Message: fmt.Sprintf("the module exports %q as %s, want %s", name, have, want), Hint: "an export takes nothing and returns 0 where its output is good"}
		}
	}
	return nil
}

// Load vets, rewrites and compiles a module. The first use of a module compiles it,
// which takes a second or so; later ones find it in the cache. An error has kind
// connector_fault where the module is at fault.
func (e *Engine) Load(ctx context.Context, module []byte) (*Module, error) {
	parsed, err := vet(module)
	if err != nil {
		return nil, err
	}
	rewritten, info, err := parsed.Rewrite(wasm.Options{Meter: true, Snapshot: true, Rename: renamedImports()})
	if err != nil {
		return nil, refused(err)
	}
	m := &Module{
		engine: e,
		digest: Digest(module),
		info:   info,
		log:    e.config.Logger.With("module", Digest(module)[:12]),
		loaded: e.config.Now(),
	}
	if _, err := io.ReadFull(e.config.Random, m.seed[:]); err != nil {
		return nil, (&abi.Error{Kind: abi.KindInternal, Message: "there are no random bytes"}).WithCause(err)
	}
	if err := m.compile(ctx, rewritten); err != nil {
		return nil, err
	}
	e.mu.Lock()
	closed := e.closed
	if !closed {
		e.modules[m] = struct{}{}
	}
	e.mu.Unlock()
	if closed {
		_ = m.Close(ctx) // nobody has used it
		return nil, &abi.Error{Kind: abi.KindInternal, Message: "the host is closed"}
	}
	return m, nil
}

// compile makes native code, or finds it in the cache.
func (m *Module) compile(ctx context.Context, rewritten []byte) (err error) {
	// One cache object per module: wazero's in-memory cache ties the entries of
	// two runtimes together, and what they share is on disk anyway.
	config := wazero.NewRuntimeConfig().WithMemoryLimitPages(maxPages)
	if dir := m.engine.config.Cache; dir != "" {
		m.cache, err = wazero.NewCompilationCacheWithDir(filepath.Join(dir, "compiled"))
		if err != nil {
			return (&abi.Error{Kind: abi.KindInternal, Field: "cache", Message: "the compilation cache cannot be opened"}).WithCause(err)
		}
		config = config.WithCompilationCache(m.cache)
	}
	functions := append(bind(hostFunctions()), bindExtism(extismFunctions())...)
	functions = append(append(functions, bindKernel()...), bindWASI()...)
	functions = append(functions, bindCheckpoint())
	m.compiled, err = extism.NewCompiledPlugin(experimental.WithFunctionListenerFactory(ctx, finder{m.firstExport()}),
		extism.Manifest{
			Wasm:   []extism.Wasm{extism.WasmData{Data: rewritten, Name: "main"}},
			Memory: &extism.ManifestMemory{}, // no response bodies and no variables in go-sdk's kernel
		},
		extism.PluginConfig{EnableWasi: true, RuntimeConfig: config},
		functions)
	if err != nil {
		if m.cache != nil {
			_ = m.cache.Close(ctx)
		}
		if ctx.Err() != nil {
			return timeout(ctx.Err())
		}
		return (&abi.Error{Kind: abi.KindConnectorFault, Message: "the module does not compile: " + firstLine(err), Hint: "build it for the WebAssembly core specification 2.0"}).WithCause(err)
	}
	return nil
}
