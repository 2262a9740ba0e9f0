package sandbox_test

import (
	"encoding/binary"
	"errors"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// FuzzHostFunctions calls host functions with arbitrary arguments. Whatever they are, a
// call ends with a result or with an error of the guest's, never with one of the host's,
// and the next call is served as if nothing had happened.
// threat: E8
func FuzzHostFunctions(f *testing.F) {
	all := targets()
	for op := range all {
		f.Add([]byte{byte(op), 2, 0, 0, 0, 0, 0, 0, 0, 0})
		f.Add([]byte{byte(op), 1, 255, 255, 0, 6, 3, 16, 2, 2})
	}
	m := loadForwarder(f)
	good := newProgram().ends()
	f.Fuzz(func(t *testing.T, data []byte) {
		p := newProgram().
			call(hostfunc.Module, hostfunc.HTTPSend, 0, 2, 0, 0).
			call("extism:host/env", "alloc", 100).
			call("extism:host/env", "alloc", 9)
		for len(data) >= 10 && len(p.text) < maxProgram-2*recordSize {
			p.op(data[0]%byte(len(all)), arguments(data[1:10])...)
			data = data[10:]
		}
		limits := sandbox.Limits{Fuel: 20_000_000, Memory: 8 << 20, OutputBytes: 1 << 20, LogBytes: 1 << 12, Values: 500}
		_, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: p.ends(), Send: vendor, Sleep: noSleep, Limits: limits})
		var e *abi.Error
		switch {
		case err == nil:
		case !errors.As(err, &e):
			t.Fatalf("%v is no *abi.Error", err)
		case e.Kind != abi.KindConnectorFault && e.Kind != abi.KindLimitExceeded:
			t.Fatalf("%v", errors.Join(err, e.Unwrap()))
		}
		out, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: good, Limits: limits})
		if err != nil || string(out.Data) != "{}" {
			t.Fatalf("the next call: %v", err)
		}
	})
}

// arguments makes arguments of bytes: mostly small numbers, which name handles, blocks
// and memory, with the edges of each among them.
func arguments(data []byte) []uint64 {
	edges := []uint64{
		0, 1, 2, 3, 64, memory - 1, memory, memory + 1, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<63 - 1, 1 << 63, 1<<64 - 1,
		1 << 20, 8<<20 - 1, 8 << 20, 63, 65, 163, 164, 176, 184,
	}
	args := make([]uint64, len(data))
	for i, b := range data {
		switch {
		case b < 100:
			args[i] = uint64(b)
		case b < 200:
			args[i] = edges[int(b)%len(edges)]
		default:
			args[i] = binary.LittleEndian.Uint64(append([]byte{b, data[(i+1)%len(data)]}, make([]byte, 6)...))
		}
	}
	return args
}
