package sandbox

import (
	"context"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
	extism "github.com/extism/go-sdk"
)

// hostFunction is a function of hostfunc.Module: i32 parameters, one i32 result, and
// pointers into the guest's own memory.
type hostFunction struct {
	name   string
	params int
	run    func(r *running, a arguments) (int32, *abi.Error)
}

// arguments are the parameters of a host function.
type arguments []uint64

// first is a signed one, such as a handle; the others are lengths and pointers.
func (a arguments) first() int32     { return int32(uint32(a[0])) }
func (a arguments) u32(i int) uint32 { return uint32(a[i]) }

// hostFunctions are what a guest may import from hostfunc.Module. With any arguments, they do not
// panic or block longer than the call's context.
func hostFunctions() []hostFunction {
	return []hostFunction{
		{hostfunc.Input, 0, func(*running, arguments) (int32, *abi.Error) { return inputHandle, nil }},
		{hostfunc.ValueLength, 1, func(r *running, a arguments) (int32, *abi.Error) {
			v, err := r.value(a.first())
			if err != nil {
				return 0, err
			}
			return int32(len(v.data)), nil
		}},
		{hostfunc.ValueRead, 4, valueRead},
		{hostfunc.ValueKind, 1, func(r *running, a arguments) (int32, *abi.Error) { return r.kind(a.first()) }},
		{hostfunc.ValueCount, 1, func(r *running, a arguments) (int32, *abi.Error) { return r.count(a.first()) }},
		{hostfunc.ValuePart, 3, func(r *running, a arguments) (int32, *abi.Error) {
			pointer, err := r.guestBytes(a.u32(1), a.u32(2))
			if err != nil {
				return 0, err
			}
			return r.part(a.first(), pointer)
		}},
		{hostfunc.ValueDrop, 1, func(r *running, a arguments) (int32, *abi.Error) { return 0, r.drop(a.first()) }},
		{hostfunc.HTTPSend, 4, httpSend},
		{hostfunc.HTTPStatus, 1, func(r *running, a arguments) (int32, *abi.Error) { return r.status(a.first()) }},
		{hostfunc.HTTPHeader, 3, func(r *running, a arguments) (int32, *abi.Error) {
			name, err := r.guestBytes(a.u32(1), a.u32(2))
			if err != nil {
				return 0, err
			}
			return r.header(a.first(), name)
		}},
		{hostfunc.OutputWrite, 2, func(r *running, a arguments) (int32, *abi.Error) {
			p, err := r.guestBytes(a.u32(0), a.u32(1))
			if err != nil {
				return 0, err
			}
			return 0, r.write(p)
		}},
		{hostfunc.OutputPart, 1, func(r *running, a arguments) (int32, *abi.Error) { return 0, r.writePart(a.first()) }},
		{hostfunc.Log, 3, func(r *running, a arguments) (int32, *abi.Error) {
			text, err := r.guestBytes(a.u32(1), min(a.u32(2), maxLogLine))
			if err != nil {
				return 0, err
			}
			r.logs.line(level(a.first()), text)
			return 0, nil
		}},
		{hostfunc.Sleep, 1, func(r *running, a arguments) (int32, *abi.Error) { return 0, r.sleep(uint64(a.u32(0))) }},
		{hostfunc.Section, 2, func(r *running, a arguments) (int32, *abi.Error) {
			name, err := r.guestBytes(a.u32(0), a.u32(1))
			if err != nil {
				return 0, err
			}
			return r.section(name)
		}},
		{hostfunc.Error, 0, func(r *running, _ arguments) (int32, *abi.Error) { return r.lastError() }},
	}
}

func (r *running) traced(hc HostCall) {
	hc.Memory, hc.Pointer = r.memory.bytes(), r.pointer
	r.pointer = ""
	r.call.Trace(hc)
}

// guestBytes returns a range of the guest's memory, valid until the guest runs again.
func (r *running) guestBytes(ptr, length uint32) ([]byte, *abi.Error) {
	memory := r.memory.bytes()
	if end := uint64(ptr) + uint64(length); end > uint64(len(memory)) {
		return nil, misuse("bytes %d to %d of a memory of %d bytes", ptr, end, len(memory))
	}
	return memory[ptr : uint64(ptr)+uint64(length)], nil
}

func valueRead(r *running, a arguments) (int32, *abi.Error) {
	v, err := r.value(a.first())
	if err != nil {
		return 0, err
	}
	offset := a.u32(1)
	if uint64(offset) > uint64(len(v.data)) {
		return 0, misuse("offset %d of a value of %d bytes", offset, len(v.data))
	}
	into, err := r.guestBytes(a.u32(2), a.u32(3))
	if err != nil {
		return 0, err
	}
	r.work(copied(min(len(into), len(v.data)-int(offset))))
	return int32(copy(into, v.data[offset:])), nil
}

func httpSend(r *running, a arguments) (int32, *abi.Error) {
	request, err := r.guestBytes(a.u32(0), a.u32(1))
	if err != nil {
		return 0, err
	}
	body, err := r.guestBytes(a.u32(2), a.u32(3))
	if err != nil {
		return 0, err
	}
	// The guest does not run while its request is sent, and its memory does not move, so no
	// copy is needed.
	return r.send(request, body)
}

// bind makes the functions that go-sdk installs.
func bind(functions []hostFunction) []extism.HostFunction {
	var bound []extism.HostFunction
	for _, f := range functions {
		name, n, run := f.name, f.params, f.run
		callback := func(ctx context.Context, _ *extism.CurrentPlugin, stack []uint64) {
			r := fromContext(ctx)
			if r == nil {
				// No guest code runs outside a call or an initialisation.
				failure := int32(hostfunc.Failure)
				stack[0] = uint64(uint32(failure))
				return
			}
			r.work(0)
			trace := r.call.Trace != nil
			var args []uint64
			if trace {
				args = slices.Clone(stack[:n])
				for i := range args {
					args[i] = uint64(uint32(args[i])) // wazero leaves the rest undefined
				}
			}
			result, err := run(r, arguments(stack))
			if err != nil {
				result = r.failed(err)
			}
			if trace {
				r.traced(HostCall{Function: name, Args: args, Result: int64(result)})
			}
			stack[0] = uint64(uint32(result))
		}
		hf := extism.NewHostFunctionWithStack(f.name, callback, valueTypes(strings.Repeat("i", f.params)), valueTypes("i"))
		hf.SetNamespace(hostfunc.Module)
		bound = append(bound, hf)
	}
	return bound
}
