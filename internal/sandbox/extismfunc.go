package sandbox

import (
	"context"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"math"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
	extism "github.com/extism/go-sdk"
)

// extismFunction is a function of hostfunc.ExtismModule: the same operations for plugins built with
// a plain Extism PDK. Such a guest passes offsets of blocks in Extism's shared memory, and handles,
// all as i64.
type extismFunction struct {
	name   string
	params int
	run    func(r *running, b blocks, a []uint64) (int64, *abi.Error)
}

// extismFunctions are what a guest may import from hostfunc.ExtismModule.
func extismFunctions() []extismFunction {
	return []extismFunction{
		{hostfunc.Input, 0, func(*running, blocks, []uint64) (int64, *abi.Error) { return inputHandle, nil }},
		{hostfunc.ValueLength, 1, func(r *running, _ blocks, a []uint64) (int64, *abi.Error) {
			v, err := r.value(handle(a[0]))
			if err != nil {
				return 0, err
			}
			return int64(len(v.data)), nil
		}},
		// value_read (handle) -> offset of a block with the whole value.
		{hostfunc.ValueRead, 1, func(r *running, b blocks, a []uint64) (int64, *abi.Error) {
			v, err := r.value(handle(a[0]))
			if err != nil {
				return 0, err
			}
			return b.write(v.data)
		}},
		{hostfunc.ValueKind, 1, func(r *running, _ blocks, a []uint64) (int64, *abi.Error) { return widen(r.kind(handle(a[0]))) }},
		{hostfunc.ValueCount, 1, func(r *running, _ blocks, a []uint64) (int64, *abi.Error) { return widen(r.count(handle(a[0]))) }},
		{hostfunc.ValuePart, 2, func(r *running, b blocks, a []uint64) (int64, *abi.Error) {
			pointer, err := b.read(a[1])
			if err != nil {
				return 0, err
			}
			return widen(r.part(handle(a[0]), pointer))
		}},
		{hostfunc.ValueDrop, 1, func(r *running, _ blocks, a []uint64) (int64, *abi.Error) { return 0, r.drop(handle(a[0])) }},
		// http_send (request, body) -> handle; 0 means no body.
		{hostfunc.HTTPSend, 2, func(r *running, b blocks, a []uint64) (int64, *abi.Error) {
			request, err := b.read(a[0])
			if err != nil {
				return 0, err
			}
			var body []byte
			if a[1] != 0 {
				if body, err = b.read(a[1]); err != nil {
					return 0, err
				}
			}
			return widen(r.send(request, body))
		}},
		{hostfunc.HTTPStatus, 1, func(r *running, _ blocks, a []uint64) (int64, *abi.Error) { return widen(r.status(handle(a[0]))) }},
		{hostfunc.HTTPHeader, 2, func(r *running, b blocks, a []uint64) (int64, *abi.Error) {
			name, err := b.read(a[1])
			if err != nil {
				return 0, err
			}
			return widen(r.header(handle(a[0]), name))
		}},
		{hostfunc.OutputWrite, 1, func(r *running, b blocks, a []uint64) (int64, *abi.Error) {
			p, err := b.read(a[0])
			if err != nil {
				return 0, err
			}
			return 0, r.write(p)
		}},
		{hostfunc.OutputPart, 1, func(r *running, _ blocks, a []uint64) (int64, *abi.Error) { return 0, r.writePart(handle(a[0])) }},
		{hostfunc.Log, 2, func(r *running, b blocks, a []uint64) (int64, *abi.Error) {
			text, err := b.read(a[1])
			if err != nil {
				return 0, err
			}
			r.logs.line(level(handle(a[0])), text[:min(len(text), maxLogLine)])
			return 0, nil
		}},
		{hostfunc.Sleep, 1, func(r *running, _ blocks, a []uint64) (int64, *abi.Error) { return 0, r.sleep(a[0]) }},
		{hostfunc.Section, 1, func(r *running, b blocks, a []uint64) (int64, *abi.Error) {
			name, err := b.read(a[0])
			if err != nil {
				return 0, err
			}
			return widen(r.section(name))
		}},
		{hostfunc.Error, 0, func(r *running, _ blocks, _ []uint64) (int64, *abi.Error) { return widen(r.lastError()) }},
	}
}

// handle narrows an i64 to a handle, 0 if it does not fit.
func handle(v uint64) int32 {
	if v > math.MaxInt32 {
		return -1
	}
	return int32(v)
}

func widen(v int32, err *abi.Error) (int64, *abi.Error) { return int64(v), err }

// blocks are the blocks of Extism's shared memory.
type blocks struct{ r *running }

func (b blocks) read(offset uint64) ([]byte, *abi.Error) {
	// No copy is needed: the guest waits.
	p := b.r.shared().block(offset)
	if p == nil {
		return nil, misuse("no block at %d", offset)
	}
	return p, nil
}

func (b blocks) write(p []byte) (int64, *abi.Error) {
	if len(p) == 0 {
		return 0, nil // Extism's name for an empty block
	}
	b.r.work(copied(len(p)))
	offset := b.r.shared().put(p)
	if offset == 0 {
		return 0, limitExceeded("memory", "Extism's memory has no room for the value", "read a smaller part")
	}
	return int64(offset), nil
}

// bindExtism makes the functions that go-sdk installs.
func bindExtism(functions []extismFunction) []extism.HostFunction {
	var bound []extism.HostFunction
	for _, f := range functions {
		name, n, run := hostfunc.ExtismPrefix+f.name, f.params, f.run
		callback := func(ctx context.Context, _ *extism.CurrentPlugin, stack []uint64) {
			r := fromContext(ctx)
			failure := int64(hostfunc.Failure)
			if r == nil {
				stack[0] = uint64(failure)
				return
			}
			r.work(0)
			trace := r.call.Trace != nil
			var args []uint64
			if trace {
				args = slices.Clone(stack[:n])
			}
			result, err := run(r, blocks{r}, stack)
			if err != nil {
				result = int64(r.failed(err))
			}
			if trace {
				r.traced(HostCall{Function: name, Args: args, Result: result})
			}
			stack[0] = uint64(result)
		}
		hf := extism.NewHostFunctionWithStack(name, callback, valueTypes(strings.Repeat("I", f.params)), valueTypes("I"))
		hf.SetNamespace(hostfunc.ExtismModule)
		bound = append(bound, hf)
	}
	return bound
}
