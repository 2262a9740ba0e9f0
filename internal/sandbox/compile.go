package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/agenthost/agenthost/internal/sandbox/compileworker"
	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/tetratelabs/wazero"
)

// ServeCompile compiles one module in a process of its own: the command of
// [Config.CompileWorker] calls it, with the arguments after its own. It reads the module from in,
// answers on out, and writes only to the folder in the arguments. It puts limits on the whole
// process, and ends it with exit, which is os.Exit, if one is reached. For [Engine.Check] it
// calls check instead of compiling.
func ServeCompile(ctx context.Context, arguments []string, in io.Reader, out io.Writer, exit func(code int), check func(ctx context.Context, declaration []byte) error) error {
	return compileworker.Serve(ctx, arguments, in, out, compileworker.Work{Build: build(), Compile: compileInto, Check: check, Exit: exit})
}

// rewrite returns the module that is compiled.
func rewrite(module []byte) ([]byte, wasm.Info, error) {
	parsed, err := vet(module)
	if err != nil {
		return nil, wasm.Info{}, err
	}
	rewritten, info, err := parsed.Rewrite(wasm.Options{Meter: true, Snapshot: true, Rename: renamedImports()})
	if err != nil {
		return nil, wasm.Info{}, refused(err)
	}
	return rewritten, info, nil
}

// compileInto makes an entry of the cache in a folder, without its seal.
func compileInto(ctx context.Context, module []byte, folder string) error {
	rewritten, info, err := rewrite(module)
	if err != nil {
		return err
	}
	c := new(code)
	given, err := compileNative(c.compileContext(ctx), rewritten, folder)
	if err != nil {
		return err
	}
	// Once more, as it will be loaded: go-sdk's kernel goes into the cache too.
	if err := c.open(ctx, given, info, filepath.Join(folder, nativeDir)); err != nil {
		return err
	}
	if err := c.close(ctx); err != nil {
		return err
	}
	found, err := json.Marshal(info)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(folder, moduleFile), given, 0o600),
		os.WriteFile(filepath.Join(folder, infoFile), found, 0o600))
}

// compileNative compiles a module and returns its skeleton, with which wazero finds the code.
// wazero names code after a sum of the module's bytes, so the module's code is renamed to the
// skeleton's name.
func compileNative(ctx context.Context, rewritten []byte, folder string) (given []byte, err error) {
	whole := filepath.Join(folder, "whole")
	defer func() { err = errors.Join(err, os.RemoveAll(whole)) }()
	code, err := compileFile(ctx, rewritten, whole)
	if err != nil || code == "" {
		return rewritten, err // wazero's interpreter, which keeps no code
	}
	skeleton, err := wasm.Skeleton(rewritten)
	if err != nil {
		return nil, err
	}
	place, err := compileFile(ctx, skeleton, filepath.Join(folder, nativeDir))
	if err != nil {
		return nil, err
	}
	return skeleton, os.Rename(code, place)
}

// compileFile compiles a module and returns the file in which wazero keeps the code.
func compileFile(ctx context.Context, module []byte, folder string) (_ string, err error) {
	knowVersion()
	cache, err := wazero.NewCompilationCacheWithDir(folder)
	if err != nil {
		return "", err
	}
	runtime := wazero.NewRuntimeWithConfig(ctx, runtimeConfig().WithCompilationCache(cache))
	// Compiling is not interrupted by ctx; closing must not be either.
	defer func() {
		err = errors.Join(err, runtime.Close(context.WithoutCancel(ctx)), cache.Close(context.WithoutCancel(ctx)))
	}()
	if _, err := runtime.CompileModule(ctx, module); err != nil {
		return "", doesNotCompile(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*", "*"))
	if err != nil || len(files) == 0 {
		return "", err
	}
	if len(files) > 1 {
		return "", fmt.Errorf("wazero keeps code in %d files", len(files))
	}
	return files[0], nil
}

// version is done once wazero knows its own version. It finds it at its first use and keeps it in
// a variable without a lock (internal/version of v1.12.0), but several goroutines open modules.
var version sync.Once

// knowVersion makes wazero find its version. It names an invalid folder, so that nothing else
// happens.
func knowVersion() {
	version.Do(func() { _, _ = wazero.NewCompilationCacheWithDir("\x00") })
}

func runtimeConfig() wazero.RuntimeConfig {
	return wazero.NewRuntimeConfig().WithMemoryLimitPages(maxPages)
}

func doesNotCompile(err error) *abi.Error {
	return (&abi.Error{Kind: abi.KindConnectorFault, Message: "the module does not compile: " + firstLine(err), Hint: "build it for the WebAssembly core specification 2.0"}).WithCause(err)
}

func cacheFault(err error) *abi.Error {
	return (&abi.Error{
		Kind: abi.KindInternal, Field: "cache", Message: "cannot use the cache of compiled modules: " + firstLine(err),
		Hint: "check that its folder is writable and that the disk is not full",
	}).WithCause(err)
}
