package hostile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/agenthost/agenthost/pdk/abi"
	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"
)

// reference is the other host: the functions of docs/abi.md in the plainest way, with
// encoding/json, Extism's own kernel and wazero's own WASI. It has no limits and no
// meter, and keeps its instance.
type reference struct {
	plugin *extism.Plugin
	memory *plainMemory
	// The rest is of one call.
	input  []byte
	send   sandbox.Send
	values []referenceValue
	last   *abi.Error
	output bytes.Buffer
}

type referenceValue struct {
	data     []byte
	response *sandbox.Response
}

// still is the time of every guest.
var still = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

// zeros is the randomness of every guest.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// newReference instantiates a module.
func newReference(t testing.TB, config wazero.RuntimeConfig, module []byte) (*reference, error) {
	t.Helper()
	r := new(reference)
	manifest := extism.Manifest{Wasm: []extism.Wasm{extism.WasmData{Data: module, Name: "main"}}}
	compiled, err := extism.NewCompiledPlugin(context.Background(), manifest, extism.PluginConfig{EnableWasi: true, RuntimeConfig: config.WithMemoryLimitPages(4096)}, r.functions())
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = compiled.Close(context.Background()) })
	memories := new(plainAllocator)
	r.plugin, err = compiled.Instance(experimental.WithMemoryAllocator(context.Background(), memories), extism.PluginInstanceConfig{
		ModuleConfig: wazero.NewModuleConfig().WithRandSource(zeros{}).
			WithWalltime(func() (int64, int32) { return still.Unix(), 0 }, sys.ClockResolution(time.Millisecond)).
			WithNanotime(func() int64 { return int64(time.Second) }, sys.ClockResolution(time.Millisecond)),
	})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = r.plugin.Close(context.Background()) })
	r.plugin.SetLogger(func(extism.LogLevel, string) {})
	r.memory = new(plainMemory)
	if len(*memories) > 1 {
		r.memory = (*memories)[1] // the first is that of Extism's kernel
	}
	return r, nil
}

// rewritten is the module as the sandbox rewrites it, for a reference host.
func rewritten(t testing.TB, module []byte) []byte {
	t.Helper()
	parsed, err := wasm.Parse(module)
	if err != nil {
		t.Fatal(err)
	}
	known := make(wasm.Imports)
	for _, imported := range parsed.Imports() {
		known[imported.ImportName] = imported.Type
	}
	if err := parsed.Vet(wasm.DefaultLimits(), known); err != nil {
		t.Fatal(err)
	}
	out, _, err := parsed.Rewrite(wasm.Options{Meter: true, Snapshot: true})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// plainMemory is a memory that moves whenever it grows.
type plainMemory struct{ bytes []byte }

func (m *plainMemory) Reallocate(size uint64) []byte {
	grown := make([]byte, size)
	copy(grown, m.bytes)
	m.bytes = grown
	return grown
}

func (m *plainMemory) Free() {}

type plainAllocator []*plainMemory

func (a *plainAllocator) Allocate(_, _ uint64) experimental.LinearMemory {
	m := new(plainMemory)
	*a = append(*a, m)
	return m
}

// run runs an export and returns the output as it was written.
func (r *reference) run(export string, input []byte, send sandbox.Send) (output []byte, err error) {
	r.input, r.send, r.last = input, send, nil
	r.values = []referenceValue{{data: input}}
	r.output.Reset()
	code, kernelOutput, err := r.plugin.Call(export, input)
	if err != nil {
		return nil, err
	}
	if code != 0 {
		return nil, fmt.Errorf("failed with code %d", code)
	}
	if r.output.Len() == 0 {
		return bytes.Clone(kernelOutput), nil
	}
	return bytes.Clone(r.output.Bytes()), nil
}

func (r *reference) value(handle uint64) (referenceValue, error) {
	if handle == 0 || handle > uint64(len(r.values)) {
		return referenceValue{}, errors.New("no such value")
	}
	return r.values[handle-1], nil
}

func (r *reference) add(v referenceValue) uint64 {
	r.values = append(r.values, v)
	return uint64(len(r.values))
}

// failed keeps an error for the guest.
func (r *reference) failed(err error) uint64 {
	if !errors.As(err, &r.last) {
		r.last = &abi.Error{Kind: abi.KindConnectorFault, Message: err.Error()}
	}
	return ^uint64(0)
}

// operations are the functions whose arguments are handles and numbers, or texts that
// were read already: they are the same for both kinds of guests.
func (r *reference) operations() map[string]func(handle uint64, texts ...[]byte) (uint64, error) {
	of := func(f func(v referenceValue, texts [][]byte) (uint64, error)) func(uint64, ...[]byte) (uint64, error) {
		return func(handle uint64, texts ...[]byte) (uint64, error) {
			v, err := r.value(handle)
			if err != nil {
				return 0, err
			}
			return f(v, texts)
		}
	}
	return map[string]func(uint64, ...[]byte) (uint64, error){
		hostfunc.Input:       func(uint64, ...[]byte) (uint64, error) { return 1, nil },
		hostfunc.ValueLength: of(func(v referenceValue, _ [][]byte) (uint64, error) { return uint64(len(v.data)), nil }),
		hostfunc.ValueKind:   of(func(v referenceValue, _ [][]byte) (uint64, error) { return jsonKind(v.data), nil }),
		hostfunc.ValueCount:  of(func(v referenceValue, _ [][]byte) (uint64, error) { return jsonCount(v.data), nil }),
		hostfunc.ValueDrop:   of(func(referenceValue, [][]byte) (uint64, error) { return 0, nil }),
		hostfunc.ValuePart: of(func(v referenceValue, texts [][]byte) (uint64, error) {
			part, ok := jsonPart(v.data, string(texts[0]))
			if !ok {
				return 0, nil
			}
			return r.add(referenceValue{data: part}), nil
		}),
		hostfunc.HTTPStatus: of(func(v referenceValue, _ [][]byte) (uint64, error) { return uint64(v.response.Status), nil }),
		hostfunc.HTTPHeader: of(func(v referenceValue, texts [][]byte) (uint64, error) {
			values := v.response.Header.Values(string(texts[0]))
			if len(values) == 0 {
				return 0, nil
			}
			return r.add(referenceValue{data: []byte(strings.Join(values, ", "))}), nil
		}),
		hostfunc.HTTPSend: func(_ uint64, texts ...[]byte) (uint64, error) {
			if r.send == nil {
				return 0, &abi.Error{Kind: abi.KindDenied, Message: "no network"}
			}
			var req abi.Request
			if err := json.Unmarshal(texts[0], &req); err != nil {
				return 0, err
			}
			resp, err := r.send(context.Background(), &req, texts[1])
			if err != nil {
				return 0, err
			}
			return r.add(referenceValue{resp.Body, resp}), nil
		},
		hostfunc.OutputWrite: func(_ uint64, texts ...[]byte) (uint64, error) { r.output.Write(texts[0]); return 0, nil },
		hostfunc.OutputPart: of(func(v referenceValue, _ [][]byte) (uint64, error) {
			if !json.Valid(v.data) {
				return 0, errors.New("no JSON")
			}
			r.output.Write(bytes.TrimSpace(v.data))
			return 0, nil
		}),
		hostfunc.Log: func(uint64, ...[]byte) (uint64, error) { return 0, nil },
		hostfunc.Error: func(uint64, ...[]byte) (uint64, error) {
			if r.last == nil {
				return 0, nil
			}
			text, err := json.Marshal(r.last)
			return r.add(referenceValue{data: text}), err
		},
	}
}

// functions are the host functions of both modules, and the checkpoint of metered ones.
func (r *reference) functions() []extism.HostFunction {
	i32, i64 := []extism.ValueType{extism.ValueTypeI32}, []extism.ValueType{extism.ValueTypeI64}
	checkpoint := extism.NewHostFunctionWithStack(wasm.CheckpointName, func(_ context.Context, _ *extism.CurrentPlugin, stack []uint64) { stack[0] = 10_000 }, i32, i32)
	checkpoint.SetNamespace(wasm.CheckpointModule)
	all := []extism.HostFunction{checkpoint}
	add := func(module, name string, params int, typ []extism.ValueType, run func(p *extism.CurrentPlugin, a []uint64) (uint64, error)) {
		f := extism.NewHostFunctionWithStack(name, func(_ context.Context, p *extism.CurrentPlugin, stack []uint64) {
			result, err := run(p, stack)
			if err != nil {
				result = r.failed(err)
			}
			if typ[0] == extism.ValueTypeI32 {
				result = uint64(uint32(result))
			}
			stack[0] = result
		}, bytes2types(typ[0], params), typ)
		f.SetNamespace(module)
		all = append(all, f)
	}
	operations := r.operations()
	// Where the texts of a function are: a pointer and a length here, a block there.
	texts := map[string]struct{ handle, texts int }{
		hostfunc.Input: {}, hostfunc.ValueLength: {1, 0}, hostfunc.ValueKind: {1, 0}, hostfunc.ValueCount: {1, 0}, hostfunc.ValueDrop: {1, 0},
		hostfunc.ValuePart: {1, 1}, hostfunc.HTTPStatus: {1, 0}, hostfunc.HTTPHeader: {1, 1}, hostfunc.HTTPSend: {0, 2},
		hostfunc.OutputWrite: {0, 1}, hostfunc.OutputPart: {1, 0}, hostfunc.Log: {1, 1}, hostfunc.Error: {},
	}
	for name, shape := range texts {
		operation := operations[name]
		handle := func(a []uint64) uint64 {
			if shape.handle == 0 {
				return 0
			}
			return a[0]
		}
		add(hostfunc.Module, name, shape.handle+2*shape.texts, i32, func(_ *extism.CurrentPlugin, a []uint64) (uint64, error) {
			var list [][]byte
			for i := range shape.texts {
				at, length := uint64(uint32(a[shape.handle+2*i])), uint64(uint32(a[shape.handle+2*i+1]))
				if at+length > uint64(len(r.memory.bytes)) {
					return 0, errors.New("out of memory's bounds")
				}
				list = append(list, bytes.Clone(r.memory.bytes[at:at+length]))
			}
			return operation(uint64(uint32(handle(a))), list...)
		})
		add(hostfunc.ExtismModule, hostfunc.ExtismPrefix+name, shape.handle+shape.texts, i64, func(p *extism.CurrentPlugin, a []uint64) (uint64, error) {
			var list [][]byte
			for i := range shape.texts {
				text, err := p.ReadBytes(a[shape.handle+i])
				if err != nil {
					return 0, err
				}
				list = append(list, bytes.Clone(text))
			}
			return operation(handle(a), list...)
		})
	}
	add(hostfunc.Module, hostfunc.ValueRead, 4, i32, func(_ *extism.CurrentPlugin, a []uint64) (uint64, error) {
		v, err := r.value(uint64(uint32(a[0])))
		offset, at, length := uint64(uint32(a[1])), uint64(uint32(a[2])), uint64(uint32(a[3]))
		if err != nil || offset > uint64(len(v.data)) || at+length > uint64(len(r.memory.bytes)) {
			return 0, errors.New("out of bounds")
		}
		return uint64(copy(r.memory.bytes[at:at+length], v.data[offset:])), nil
	})
	add(hostfunc.ExtismModule, hostfunc.ExtismPrefix+hostfunc.ValueRead, 1, i64, func(p *extism.CurrentPlugin, a []uint64) (uint64, error) {
		v, err := r.value(a[0])
		if err != nil || len(v.data) == 0 {
			return 0, err
		}
		return p.WriteBytes(v.data)
	})
	return all
}

func bytes2types(typ extism.ValueType, n int) []extism.ValueType {
	types := make([]extism.ValueType, n)
	for i := range types {
		types[i] = typ
	}
	return types
}

func jsonKind(data []byte) uint64 {
	if !json.Valid(data) {
		return hostfunc.JSONInvalid
	}
	switch bytes.TrimSpace(data)[0] {
	case '{':
		return hostfunc.JSONObject
	case '[':
		return hostfunc.JSONArray
	case '"':
		return hostfunc.JSONString
	case 't', 'f':
		return hostfunc.JSONBool
	case 'n':
		return hostfunc.JSONNull
	}
	return hostfunc.JSONNumber
}

func jsonCount(data []byte) uint64 {
	var list []json.RawMessage
	if json.Unmarshal(data, &list) == nil {
		return uint64(len(list))
	}
	var object map[string]json.RawMessage
	_ = json.Unmarshal(data, &object)
	return uint64(len(object))
}

// jsonPart follows a JSON Pointer.
func jsonPart(data []byte, pointer string) (part []byte, ok bool) {
	if !json.Valid(data) {
		return nil, false
	}
	if pointer == "" {
		return bytes.TrimSpace(data), true
	}
	for _, token := range strings.Split(pointer, "/")[1:] {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		switch jsonKind(data) {
		case hostfunc.JSONObject:
			var object map[string]json.RawMessage
			if json.Unmarshal(data, &object) != nil || object[token] == nil {
				return nil, false
			}
			data = object[token]
		case hostfunc.JSONArray:
			var list []json.RawMessage
			i, err := strconv.Atoi(token)
			if json.Unmarshal(data, &list) != nil || err != nil || i < 0 || i >= len(list) {
				return nil, false
			}
			data = list[i]
		default:
			return nil, false
		}
	}
	return data, true
}
