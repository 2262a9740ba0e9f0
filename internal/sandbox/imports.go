package sandbox

import (
	"github.com/agenthost/agenthost/internal/hostfunc"
	"strings"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
)

// knownImports are the functions that a module may import: ours, those of Extism's kernel, and those
// of WASI, which give no access.
func knownImports() wasm.Imports {
	known := make(wasm.Imports)
	add := func(module, name string, params string, results string) {
		known[wasm.ImportName{Module: module, Name: name}] = wasm.Func(types(params), types(results)...)
	}
	for _, f := range hostFunctions() {
		add(hostfunc.Module, f.name, strings.Repeat("i", f.params), "i")
	}
	for _, f := range extismFunctions() {
		add(hostfunc.ExtismModule, hostfunc.ExtismPrefix+f.name, strings.Repeat("I", f.params), "I")
	}
	for name, f := range kernelFunctions {
		add(kernelModule, name, f.params, f.results)
	}
	for name, params := range wasi {
		results := "i"
		if name == "proc_exit" {
			results = ""
		}
		add(wasiModule, name, params, results)
	}
	return known
}

// renamedImports are the imports that the rewrite renames to functions of ours.
func renamedImports() map[wasm.ImportName]wasm.ImportName {
	renamed := make(map[wasm.ImportName]wasm.ImportName)
	rename := func(from, to, name string) {
		renamed[wasm.ImportName{Module: from, Name: name}] = wasm.ImportName{Module: to, Name: name}
	}
	for name := range kernelFunctions {
		rename(kernelModule, kernelOwn, name)
	}
	for name := range wasi {
		if !wasiNative[name] {
			rename(wasiModule, wasiOwn, name)
		}
	}
	return renamed
}

// types reads a signature: i is i32, I is i64.
func types(letters string) []wasm.ValType {
	ts := make([]wasm.ValType, len(letters))
	for i := range letters {
		ts[i] = wasm.I32
		if letters[i] == 'I' {
			ts[i] = wasm.I64
		}
	}
	return ts
}
