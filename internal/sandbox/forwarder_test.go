package sandbox_test

import (
	"encoding/binary"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox"
	. "github.com/agenthost/agenthost/internal/wasmasm"
)

// A forwarder is a guest that calls the host functions which its input says, with the
// arguments that its input says. The input is records of recordSize bytes: the number of
// a function, then up to nine arguments of eight bytes, at offset 8. It writes an answer
// of its own only where the input ends with a record of number opAnswer.
const (
	recordSize = 80
	opAnswer   = 254
	programAt  = 1 << 16
	maxProgram = 1 << 16
)

// target is a host function that the forwarder can call.
type target struct{ module, name, sig string }

func targets() []target {
	signatures := map[string]string{
		hostfunc.Input: "", hostfunc.ValueLength: "i", hostfunc.ValueRead: "iiii", hostfunc.ValueKind: "i",
		hostfunc.ValueCount: "i", hostfunc.ValuePart: "iii", hostfunc.ValueDrop: "i", hostfunc.HTTPSend: "iiii",
		hostfunc.HTTPStatus: "i", hostfunc.HTTPHeader: "iii", hostfunc.OutputWrite: "ii", hostfunc.OutputPart: "i",
		hostfunc.Log: "iii", hostfunc.Error: "", hostfunc.Sleep: "i", hostfunc.Section: "ii",
	}
	blocks := map[string]string{
		hostfunc.Input: "", hostfunc.ValueLength: "I", hostfunc.ValueRead: "I", hostfunc.ValueKind: "I",
		hostfunc.ValueCount: "I", hostfunc.ValuePart: "II", hostfunc.ValueDrop: "I", hostfunc.HTTPSend: "II",
		hostfunc.HTTPStatus: "I", hostfunc.HTTPHeader: "II", hostfunc.OutputWrite: "I", hostfunc.OutputPart: "I",
		hostfunc.Log: "II", hostfunc.Error: "", hostfunc.Sleep: "I", hostfunc.Section: "I",
	}
	kernel := map[string]string{
		"alloc": "I:I", "free": "I:", "load_u8": "I:i", "load_u64": "I:I", "input_load_u8": "I:i", "input_load_u64": "I:I",
		"store_u8": "Ii:", "store_u64": "II:", "input_length": ":I", "input_offset": ":I", "input_set": "II:", "output_set": "II:",
		"output_length": ":I", "output_offset": ":I", "length": "I:I", "length_unsafe": "I:I", "reset": ":", "error_set": "I:",
		"error_get": ":I", "memory_bytes": ":I", "config_get": "I:I", "var_get": "I:I", "var_set": "II:", "log_trace": "I:",
		"log_debug": "I:", "log_info": "I:", "log_warn": "I:", "log_error": "I:", "get_log_level": ":i",
	}
	wasi := map[string]string{
		"args_get": "ii", "args_sizes_get": "ii", "environ_get": "ii", "environ_sizes_get": "ii", "clock_res_get": "ii",
		"clock_time_get": "iIi", "fd_close": "i", "fd_fdstat_get": "ii", "fd_fdstat_set_flags": "ii", "fd_filestat_get": "ii",
		"fd_pread": "iiiIi", "fd_prestat_get": "ii", "fd_prestat_dir_name": "iii", "fd_pwrite": "iiiIi", "fd_read": "iiii",
		"fd_readdir": "iiiIi", "fd_renumber": "ii", "fd_seek": "iIii", "fd_write": "iiii", "path_open": "iiiiiIIii",
		"path_filestat_get": "iiiii", "path_unlink_file": "iii", "poll_oneoff": "iiii", "random_get": "ii", "sched_yield": "",
		"sock_accept": "iii", "sock_send": "iiiii", "sock_recv": "iiiiii", "proc_raise": "i",
	}
	var all []target
	add := func(module string, list map[string]string, prefix, results string) {
		for _, name := range slices.Sorted(maps.Keys(list)) {
			sig := list[name]
			if !strings.Contains(sig, ":") {
				sig += ":" + results
			}
			all = append(all, target{module, prefix + name, sig})
		}
	}
	add(hostfunc.Module, signatures, "", "i")
	add(hostfunc.ExtismModule, blocks, hostfunc.ExtismPrefix, "I")
	add("extism:host/env", kernel, "", "")
	add("wasi_snapshot_preview1", wasi, "", "i")
	return all
}

// forwarder assembles the guest.
func forwarder(all []target) []byte {
	g := newGuest()
	read := g.Import(hostfunc.Module, hostfunc.ValueRead, "iiii:i")
	var funcs []int
	for _, t := range all {
		funcs = append(funcs, g.Import(t.module, t.name, t.sig))
	}
	const at = 0 // local: where the record is
	var dispatch []byte
	for i, t := range all {
		params, results, _ := strings.Cut(t.sig, ":")
		var call []byte
		for n, p := range params {
			call = append(call, Get(at)...)
			if p == 'I' {
				call = append(call, Load64(8+8*n)...)
			} else {
				call = append(call, Load32(8+8*n)...)
			}
		}
		call = append(call, Call(funcs[i])...)
		if results != "" {
			call = append(call, Drop)
		}
		dispatch = append(dispatch, Code(Get(at), Load8(0), I32(i), Eq, If(call))...)
	}
	return g.executes("ii",
		Call(read, I32(1), I32(0), I32(programAt), I32(maxProgram)), Set(1), // bytes of the program
		I32(programAt), Set(at),
		Loop(
			Get(1), I32(recordSize), LtS, If(I32(0), Return),
			Get(at), Load8(0), I32(opAnswer), Eq, If(g.answers()),
			dispatch,
			Get(at), I32(recordSize), Add, Set(at),
			Get(1), I32(recordSize), Sub, Set(1),
			Br(0)))
}

// program is an input of the forwarder.
type program struct {
	index map[string]byte
	text  []byte
}

func newProgram() *program {
	p := &program{index: make(map[string]byte)}
	for i, t := range targets() {
		p.index[t.module+"."+t.name] = byte(i)
	}
	return p
}

// call adds a call.
func (p *program) call(module, name string, args ...uint64) *program {
	op, ok := p.index[module+"."+name]
	if !ok {
		panic("no host function " + module + "." + name)
	}
	return p.op(op, args...)
}

func (p *program) op(op byte, args ...uint64) *program {
	record := make([]byte, recordSize)
	record[0] = op
	for i, a := range args {
		binary.LittleEndian.PutUint64(record[8+8*i:], a)
	}
	p.text = append(p.text, record...)
	return p
}

// ends adds the answer.
func (p *program) ends() []byte { return p.op(opAnswer).text }

// traced is a host function that ran.
type traced struct {
	name   string
	args   []uint64
	result int64
}

// trace makes a call remember the functions of the ABI that ran.
func trace(into *[]traced) func(sandbox.HostCall) {
	return func(c sandbox.HostCall) { *into = append(*into, traced{c.Function, c.Args, c.Result}) }
}

func loadForwarder(t testing.TB) *sandbox.Module { return load(t, forwarder(targets())) }
