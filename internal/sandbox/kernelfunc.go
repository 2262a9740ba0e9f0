package sandbox

import (
	"context"
	"fmt"
	"github.com/agenthost/agenthost/pdk/abi"

	extism "github.com/extism/go-sdk"
	"github.com/hashicorp/go-hclog"
)

// kernelModule is the module of Extism's kernel; the rewrite renames it to kernelOwn, since go-sdk
// does not permit functions of ours there.
const (
	kernelModule = "extism:host/env"
	kernelOwn    = "agenthost:extism"
)

// kernelFunction is a function of Extism's kernel, with the parameters and results of go-sdk v1.7.1.
// They never fail: as in Extism's own kernel, an offset outside blocks reads as zero and ignores
// writes.
type kernelFunction struct {
	params, results string
	run             func(r *running, k *kernel, a []uint64) uint64
}

// kernelFunctions are what a guest may import from kernelModule, without the HTTP functions: requests
// must go through http_send and our egress.
var kernelFunctions = map[string]kernelFunction{
	"alloc": {"I", "I", func(r *running, k *kernel, a []uint64) uint64 {
		at := k.alloc(a[0])
		if at != 0 {
			r.work(copied(int(a[0])))
		}
		return at
	}},
	"free":     {"I", "", func(_ *running, k *kernel, a []uint64) uint64 { k.free(a[0]); return 0 }},
	"load_u8":  {"I", "i", func(_ *running, k *kernel, a []uint64) uint64 { return k.load(a[0], 1) }},
	"load_u64": {"I", "I", func(_ *running, k *kernel, a []uint64) uint64 { return k.load(a[0], 8) }},
	"input_load_u8": {"I", "i", func(_ *running, k *kernel, a []uint64) uint64 {
		return k.loadInput(a[0], 1)
	}},
	"input_load_u64": {"I", "I", func(_ *running, k *kernel, a []uint64) uint64 {
		return k.loadInput(a[0], 8)
	}},
	"store_u8":      {"Ii", "", func(_ *running, k *kernel, a []uint64) uint64 { k.store(a[0], 1, a[1]); return 0 }},
	"store_u64":     {"II", "", func(_ *running, k *kernel, a []uint64) uint64 { k.store(a[0], 8, a[1]); return 0 }},
	"input_length":  {"", "I", func(_ *running, k *kernel, _ []uint64) uint64 { return k.input.length }},
	"input_offset":  {"", "I", func(_ *running, k *kernel, _ []uint64) uint64 { return k.input.at }},
	"input_set":     {"II", "", func(_ *running, k *kernel, a []uint64) uint64 { k.input = k.within(a[0], a[1]); return 0 }},
	"output_set":    {"II", "", func(_ *running, k *kernel, a []uint64) uint64 { k.output = k.within(a[0], a[1]); return 0 }},
	"output_length": {"", "I", func(_ *running, k *kernel, _ []uint64) uint64 { return k.output.length }},
	"output_offset": {"", "I", func(_ *running, k *kernel, _ []uint64) uint64 { return k.output.at }},
	"length":        {"I", "I", func(_ *running, k *kernel, a []uint64) uint64 { return uint64(len(k.block(a[0]))) }},
	"length_unsafe": {"I", "I", func(_ *running, k *kernel, a []uint64) uint64 { return uint64(len(k.block(a[0]))) }},
	"reset": {"", "", func(r *running, _ *kernel, _ []uint64) uint64 {
		r.kernel = newKernel(r.limits.Memory, nil)
		return 0
	}},
	"error_set": {"I", "", func(_ *running, k *kernel, a []uint64) uint64 {
		k.fault = k.within(a[0], uint64(len(k.block(a[0]))))
		return 0
	}},
	"error_get":    {"", "I", func(_ *running, k *kernel, _ []uint64) uint64 { return k.fault.at }},
	"memory_bytes": {"", "I", func(_ *running, k *kernel, _ []uint64) uint64 { return uint64(k.used) }},
	"config_get":   {"I", "I", func(*running, *kernel, []uint64) uint64 { return 0 }},
	"var_get": {"I", "I", func(r *running, k *kernel, a []uint64) uint64 {
		name := k.block(a[0])
		if len(name) > maxPointer {
			return 0
		}
		value := k.vars[string(name)]
		r.work(copied(len(value)))
		return k.put(value)
	}},
	"var_set": {"II", "", func(r *running, k *kernel, a []uint64) uint64 {
		name, value := k.block(a[0]), k.block(a[1])
		if len(name) > maxPointer || len(value) > maxVarBytes {
			r.logs.line(hclog.Warn, []byte("a variable was dropped: it is too long"))
			return 0
		}
		r.work(copied(len(value)) + int64(len(k.vars)))
		if a[1] == 0 {
			delete(k.vars, string(name))
		} else if !k.setVar(string(name), value) {
			r.logs.line(hclog.Warn, []byte(fmt.Sprintf("a variable was dropped: all of them are longer than %d bytes", maxVarBytes)))
		}
		return 0
	}},
	"log_trace": kernelLog(hclog.Trace),
	"log_debug": kernelLog(hclog.Debug),
	"log_info":  kernelLog(hclog.Info),
	"log_warn":  kernelLog(hclog.Warn),
	"log_error": kernelLog(hclog.Error),
	// PDKs drop lines below this level themselves.
	"get_log_level": {"", "i", func(r *running, _ *kernel, _ []uint64) uint64 {
		return uint64(min(abi.LogError, max(abi.LogTrace, int(r.logs.out().GetLevel())-int(hclog.Trace))))
	}},
}

// kernelLog logs a block and frees it, as Extism does. go-sdk would drop the line unless the process
// had set a level.
func kernelLog(level hclog.Level) kernelFunction {
	return kernelFunction{"I", "", func(r *running, k *kernel, a []uint64) uint64 {
		text := k.block(a[0])
		r.logs.line(level, text[:min(len(text), maxLogLine)])
		k.free(a[0])
		return 0
	}}
}

func (k *kernel) loadInput(offset, width uint64) uint64 {
	if offset >= k.input.length || width > k.input.length-offset {
		return 0
	}
	return k.load(k.input.at+offset, width)
}

// shared returns the call's kernel.
func (r *running) shared() *kernel {
	if r.kernel == nil {
		r.kernel = newKernel(r.limits.Memory, r.call.Input)
	}
	return r.kernel
}

// bindKernel makes the functions that go-sdk installs.
func bindKernel() []extism.HostFunction {
	var bound []extism.HostFunction
	for name, f := range kernelFunctions {
		run, results := f.run, f.results
		callback := func(ctx context.Context, _ *extism.CurrentPlugin, stack []uint64) {
			r := fromContext(ctx)
			if r == nil {
				clear(stack)
				return
			}
			r.work(0)
			result := run(r, r.shared(), stack)
			if results != "" {
				stack[0] = result
			}
		}
		hf := extism.NewHostFunctionWithStack(name, callback, valueTypes(f.params), valueTypes(results))
		hf.SetNamespace(kernelOwn)
		bound = append(bound, hf)
	}
	return bound
}

// valueTypes reads a signature for go-sdk: i is i32, I is i64.
func valueTypes(letters string) []extism.ValueType {
	ts := make([]extism.ValueType, len(letters))
	for i := range letters {
		ts[i] = extism.ValueTypeI32
		if letters[i] == 'I' {
			ts[i] = extism.ValueTypeI64
		}
	}
	return ts
}
