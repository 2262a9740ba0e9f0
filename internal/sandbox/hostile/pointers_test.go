package hostile_test

import (
	"context"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"net/http"
	"strings"

	"github.com/agenthost/agenthost/internal/sandbox"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// vendor answers every request the same.
func vendor(context.Context, *abi.Request, []byte) (*sandbox.Response, error) {
	return &sandbox.Response{Status: 200, Header: http.Header{"X-Id": {"a", "b"}}, Body: []byte(`{"data":[1,{"x":null}],"n":-1e3}`)}, nil
}

// function is a function of the host and where its arguments are pointers, lengths and
// handles: p, l, h, and n for other numbers. A capital letter is an i64.
type function struct{ module, name, args, results string }

func (f function) sig() string {
	sig := make([]byte, len(f.args))
	for i, c := range f.args {
		sig[i] = 'i'
		if c < 'a' {
			sig[i] = 'I'
		}
	}
	return string(sig) + ":" + f.results
}

// functions are those that look into the guest's memory, or name something of the
// host's by a number.
func functions() []function {
	list := []function{
		{hostfunc.Module, hostfunc.ValueLength, "h", "i"},
		{hostfunc.Module, hostfunc.ValueRead, "hnpl", "i"},
		{hostfunc.Module, hostfunc.ValueKind, "h", "i"},
		{hostfunc.Module, hostfunc.ValueCount, "h", "i"},
		{hostfunc.Module, hostfunc.ValuePart, "hpl", "i"},
		{hostfunc.Module, hostfunc.ValueDrop, "h", "i"},
		{hostfunc.Module, hostfunc.HTTPSend, "plpl", "i"},
		{hostfunc.Module, hostfunc.HTTPStatus, "h", "i"},
		{hostfunc.Module, hostfunc.HTTPHeader, "hpl", "i"},
		{hostfunc.Module, hostfunc.Log, "npl", "i"},
		{wasi, "args_get", "pp", "i"},
		{wasi, "environ_sizes_get", "pp", "i"},
		{wasi, "clock_time_get", "nNp", "i"},
		{wasi, "fd_fdstat_get", "np", "i"},
		{wasi, "fd_filestat_get", "np", "i"},
		{wasi, "fd_pread", "nplNp", "i"},
		{wasi, "fd_prestat_get", "np", "i"},
		{wasi, "fd_prestat_dir_name", "npl", "i"},
		{wasi, "fd_read", "nplp", "i"},
		{wasi, "fd_readdir", "nplNp", "i"},
		{wasi, "fd_seek", "nNnp", "i"},
		{wasi, "fd_write", "nplp", "i"},
		{wasi, "path_open", "nnplnNNnp", "i"},
		{wasi, "path_rename", "nplnpl", "i"},
		{wasi, "poll_oneoff", "pplp", "i"},
		{wasi, "random_get", "pl", "i"},
		{wasi, "sock_recv", "nplnpp", "i"},
	}
	for _, name := range []string{"free", "error_set", "log_info"} {
		list = append(list, function{env, name, "P", ""})
	}
	for _, name := range []string{"load_u64", "input_load_u64", "length", "length_unsafe", "var_get", "config_get"} {
		list = append(list, function{env, name, "P", "I"})
	}
	for _, name := range []string{"store_u64", "input_set", "output_set", "var_set"} {
		list = append(list, function{env, name, "PL", ""})
	}
	for _, name := range []string{hostfunc.ValueRead, hostfunc.HTTPStatus, hostfunc.ValueDrop} {
		list = append(list, function{hostfunc.ExtismModule, hostfunc.ExtismPrefix + name, "H", "I"})
	}
	for _, name := range []string{hostfunc.ValuePart, hostfunc.HTTPHeader, hostfunc.HTTPSend} {
		list = append(list, function{hostfunc.ExtismModule, hostfunc.ExtismPrefix + name, "HP", "I"})
	}
	return list
}

// edges are numbers around which a check of bounds is wrong if it is.
func edges(letter byte) []int64 {
	switch letter {
	case 'p':
		return []int64{0, 1, 1024, memorySize - 1, memorySize, memorySize + 1, 1<<31 - 1, 1 << 31, 1<<32 - 1}
	case 'l':
		return []int64{0, 1, 2, memorySize - 1, memorySize, memorySize + 1, 1 << 31, 1<<32 - 1}
	case 'h':
		return []int64{0, 1, 2, 3, 4, 1<<31 - 1, 1 << 31, 1<<32 - 1}
	case 'P', 'L', 'H':
		return []int64{0, 1, 63, 64, 65, 1 << 31, 1 << 32, 1<<32 + 1, 1<<62 - 1, -1 << 63, -1, -8}
	}
	return []int64{0, 1, 2, 3, 7, 1 << 31, 1<<32 - 1}
}

// pointers call every function with every combination of edges, and go on. A function
// that fails says so to the guest; none of them ends the call, and the answer at its end
// is good.
// threat: E8, E9, E12 in TestCorpus/attacks/pointers
func pointers() []attack {
	var attacks []attack
	for _, f := range functions() {
		attacks = append(attacks, attack{
			name: "edges of " + f.name + " of " + f.module, send: vendor, input: `{"a":"b"}`,
			build: func(g *guest) []byte { return g.edges(f, nil) },
		})
	}
	for _, f := range functions() {
		if f.module != hostfunc.Module {
			continue
		}
		// Memory moves or not when it grows; either way the bounds are the new
		// ones at once.
		attacks = append(attacks, attack{
			name: "edges of " + f.name + " while memory grows", send: vendor, input: `{"a":"b"}`, limits: sandbox.Limits{Memory: 16 << 20},
			build: func(g *guest) []byte { return g.edges(f, Code(I32(1), Grow(), Drop)) },
		})
	}
	// What these write when their arguments are good is in the way of the answer.
	for _, f := range []function{
		{hostfunc.Module, hostfunc.OutputPart, "h", "i"},
		{hostfunc.Module, hostfunc.OutputWrite, "pl", "i"},
		{hostfunc.ExtismModule, hostfunc.ExtismPrefix + hostfunc.OutputPart, "H", "I"},
		{hostfunc.ExtismModule, hostfunc.ExtismPrefix + hostfunc.OutputWrite, "P", "I"},
	} {
		attacks = append(attacks, attack{
			name: "edges of " + f.name + " of " + f.module, send: vendor, input: `{"a":"b"}`, kind: abi.KindConnectorFault, says: "unexpected output",
			build: func(g *guest) []byte { return g.edges(f, nil) },
		})
	}
	return append(attacks,
		attack{name: "bounds after memory has grown", send: vendor, build: func(g *guest) []byte {
			read, send := g.host(hostfunc.ValueRead, "iiii:i"), g.host(hostfunc.HTTPSend, "iiii:i")
			return g.executes("",
				Call(send, I32(0), I32(2), I32(0), I32(0)), Drop,
				fails(1, Call(read, I32(2), I32(0), I32(memorySize), I32(1)), I32(-1), ne),
				I32(1), Grow(), Drop,
				fails(2, Call(read, I32(2), I32(0), I32(memorySize), I32(1)), I32(1), ne),
				fails(3, I32(memorySize), Load8(0), I32('{'), ne),
				fails(4, Call(read, I32(2), I32(0), I32(memorySize+65535), I32(2)), I32(-1), ne))
		}},
		attack{name: "memory that grew while a request was under way", send: vendor, build: func(g *guest) []byte {
			// The request and its body lie in the page that is new.
			send := g.host(hostfunc.HTTPSend, "iiii:i")
			return g.executes("", I32(1), Grow(), Drop,
				I32(memorySize+65534), I32('{'), 0x3a, 0, 0, I32(memorySize+65535), I32('}'), 0x3a, 0, 0,
				fails(1, Call(send, I32(memorySize+65534), I32(2), I32(memorySize), I32(65536)), I32(0), LtS))
		}},
		attack{name: "a value read over the code that reads it", input: strings.Repeat("\xff", memorySize+100), build: func(g *guest) []byte {
			// All memory is overwritten, the answer included; there is no code in it.
			read := g.host(hostfunc.ValueRead, "iiii:i")
			return g.executes("", fails(1, Call(read, I32(1), I32(0), I32(0), I32(memorySize)), I32(memorySize), ne))
		}, kind: abi.KindConnectorFault, says: "not a JSON object"},
		attack{name: "a handle of another call", send: vendor, build: func(g *guest) []byte {
			// Handles start anew with every call: 2 names nothing before a request.
			length, send := g.host(hostfunc.ValueLength, "i:i"), g.host(hostfunc.HTTPSend, "iiii:i")
			return g.executes("", fails(1, Call(length, I32(2)), I32(-1), ne), Call(send, I32(0), I32(2), I32(0), I32(0)), Drop,
				fails(2, Call(length, I32(2)), I32(0), LtS))
		}, times: 5},
		attack{name: "execute is a function of the host", build: func(*guest) []byte {
			return assemble(func(a *assembly) {
				a.sections[2] = vector(Code(hostfunc.Module, hostfunc.Input, 0, typeExport))
				a.sections[7] = vector(Code(hostfunc.ExportDescribe, 0, 0), Code(hostfunc.ExportAuthSchema, 0, 0), Code(hostfunc.ExportExecute, 0, 0))
				a.sections[3], a.sections[10] = vector(), vector()
			})
		}, kind: abi.KindConnectorFault, says: "failed with code 1", poisoned: true},
		attack{name: "_initialize is a function of the host", build: func(*guest) []byte {
			return assemble(func(a *assembly) {
				a.sections[1] = vector(Code(0x60, 0, 1, 0x7f), Code(0x60, 2, 0x7f, 0x7f, 1, 0x7f), Code(0x60, 0, 0))
				a.sections[2] = vector(Code(hostfunc.Module, hostfunc.OutputWrite, 0, typeWrite), Code(env, "reset", 0, 2))
				a.sections[7] = vector(Code("_initialize", 0, 1), Code(hostfunc.ExportDescribe, 0, 2), Code(hostfunc.ExportAuthSchema, 0, 3), Code(hostfunc.ExportExecute, 0, 4))
			})
		}},
	)
}

// edges makes the module whose execute calls a function with every combination of edges.
func (g *guest) edges(f function, between []byte) []byte {
	send := g.host(hostfunc.HTTPSend, "iiii:i")
	alloc := g.Import(env, "alloc", "I:I")
	target := g.Import(f.module, f.name, f.sig())
	setup := Code(Call(send, I32(0), I32(2), I32(0), I32(0)), Drop, Call(alloc, I64(8)), Drop)
	code := setup
	var funcs [][]byte
	n := 0
	for _, args := range combinations(f.args) {
		code = append(code, Call(target, args...)...)
		if f.results != "" {
			code = append(code, Drop)
		}
		code = append(code, between...)
		// A function of the guest may not have too many places that lead out of it.
		if n++; n%500 == 0 {
			funcs, code = append(funcs, code), nil
		}
	}
	funcs = append(funcs, code)
	var calls []byte
	for _, c := range funcs {
		calls = append(calls, Call(g.Func("", ":", "", c))...)
	}
	// What the guest wrote over its answer is mended.
	text := func(at int, s string) (b []byte) {
		for i := range s {
			b = append(b, Code(I32(at+i), I32(int(s[i])), 0x3a, 0, 0)...)
		}
		return b
	}
	return g.executes("", calls, text(16, answer))
}

// mostCombinations keeps functions of nine arguments from having millions.
var mostCombinations = trimmed(700, 100)

// combinations are the arguments of every call, as code.
func combinations(letters string) [][][]byte {
	total := 1
	for i := range len(letters) {
		total *= len(edges(letters[i]))
	}
	step := 1
	for total/step > mostCombinations {
		step += 2
	}
	var all [][][]byte
	for n := 0; n < total; n += step {
		var args [][]byte
		for i, rest := 0, n; i < len(letters); i++ {
			list := edges(letters[i])
			v := list[rest%len(list)]
			rest /= len(list)
			if letters[i] < 'a' {
				args = append(args, I64(v))
			} else {
				args = append(args, I32(int(v)))
			}
		}
		all = append(all, args)
	}
	return all
}

// floods ask for as much as they can.
// threat: E7, N17 in TestCorpus/attacks/floods
func floods() []attack {
	fuel := sandbox.Limits{Fuel: 2_000_000}
	big := strings.Repeat("x", 60_000)
	return []attack{
		{name: "output without end", limits: sandbox.Limits{OutputBytes: 1 << 20}, build: func(g *guest) []byte {
			return g.executes("", Loop(Call(g.write, I32(0), I32(memorySize)), Eqz, BrIf(0)), I32(3), Return)
		}, kind: abi.KindLimitExceeded, says: "longer than 1048576 bytes"},
		{name: "output without end, unheeding", limits: sandbox.Limits{OutputBytes: 1 << 20, Fuel: 2_000_000}, build: func(g *guest) []byte {
			return g.executes("", forever(Call(g.write, I32(0), I32(memorySize)), Drop))
		}, kind: abi.KindLimitExceeded, says: "fuel"},
		{name: "output byte by byte", limits: fuel, build: func(g *guest) []byte {
			return g.executes("", forever(Call(g.write, I32(0), I32(1)), Drop))
		}, kind: abi.KindLimitExceeded, says: "fuel"},
		{name: "output of nothing", limits: fuel, build: func(g *guest) []byte {
			return g.executes("", forever(Call(g.write, I32(0), I32(0)), Drop))
		}, kind: abi.KindLimitExceeded, says: "fuel"},
		{name: "the input as output, for ever", limits: sandbox.Limits{Fuel: 2_000_000, OutputBytes: 1 << 20}, input: `"` + big + `"`, build: func(g *guest) []byte {
			part := g.host(hostfunc.OutputPart, "i:i")
			return g.executes("", forever(Call(part, I32(1)), Drop))
		}, kind: abi.KindLimitExceeded, says: "fuel"},
		{name: "describe without end", export: hostfunc.ExportDescribe, limits: fuel, build: func(g *guest) []byte {
			return g.in(hostfunc.ExportDescribe, "", forever(Call(g.write, I32(0), I32(memorySize)), Drop))
		}, kind: abi.KindLimitExceeded, says: "fuel"},
		{name: "log lines without end", limits: fuel, build: func(g *guest) []byte {
			log := g.host(hostfunc.Log, "iii:i")
			return g.executes("", forever(Call(log, I32(2), I32(0), I32(4096)), Drop))
		}, kind: abi.KindLimitExceeded, says: "fuel"},
		{name: "Extism's log without end", limits: fuel, build: func(g *guest) []byte {
			alloc, log := g.Import(env, "alloc", "I:I"), g.Import(env, "log_error", "I:")
			return g.executes("", forever(Call(log, Call(alloc, I64(4096)))))
		}, kind: abi.KindLimitExceeded, says: "fuel"},
		{name: "standard error without end", limits: fuel, build: func(g *guest) []byte {
			write := g.Import(wasi, "fd_write", "iiii:i")
			g.Data(1024, "\x00\x00\x00\x00\x00\x00\x01\x00")
			return g.executes("", forever(Call(write, I32(2), I32(1024), I32(1), I32(2048)), Drop))
		}, kind: abi.KindLimitExceeded, says: "fuel"},
		{name: "values without end", limits: sandbox.Limits{Values: 50, Fuel: 2_000_000}, input: `{"a":1}`, build: func(g *guest) []byte {
			part := g.host(hostfunc.ValuePart, "iii:i")
			g.Data(1024, "/a")
			return g.executes("i", Loop(Get(0), I32(1), Add, Tee(0), I32(50), LtS, If(fails(1, Call(part, I32(1), I32(1024), I32(2)), I32(0), LtS), Br(1))),
				fails(2, Call(part, I32(1), I32(1024), I32(2)), I32(-1), ne))
		}},
		{name: "dropped values without end", limits: sandbox.Limits{Values: 50, Fuel: 2_000_000}, input: `{"a":1}`, build: func(g *guest) []byte {
			part, drop := g.host(hostfunc.ValuePart, "iii:i"), g.host(hostfunc.ValueDrop, "i:i")
			return g.executes("", forever(Call(drop, Call(part, I32(1), I32(0), I32(0))), Drop))
		}, kind: abi.KindLimitExceeded, says: "fuel"},
		{name: "requests without end", send: vendor, limits: fuel, build: func(g *guest) []byte {
			send := g.host(hostfunc.HTTPSend, "iiii:i")
			return g.executes("", forever(Call(send, I32(0), I32(2), I32(0), I32(0)), Drop))
		}, kind: abi.KindLimitExceeded, says: "fuel"},
		{name: "errors without end", limits: fuel, build: func(g *guest) []byte {
			fault := g.host(hostfunc.Error, ":i")
			return g.executes("", forever(Call(g.write, I32(-1), I32(1)), Drop, Call(fault), Drop))
		}, kind: abi.KindLimitExceeded, says: "fuel"},
		{name: "a pointer of 4,096 steps", input: strings.Repeat(`{"":`, 4000) + "1" + strings.Repeat("}", 4000), limits: fuel, build: func(g *guest) []byte {
			part := g.host(hostfunc.ValuePart, "iii:i")
			g.Data(1024, strings.Repeat("/", 4096))
			return g.executes("", forever(Call(part, I32(1), I32(1024), I32(4096)), Drop))
		}, kind: abi.KindLimitExceeded, says: "fuel"},
		{name: "input nested too deep to read", input: strings.Repeat("[", 200_000), limits: sandbox.Limits{Fuel: 200_000_000}, build: func(g *guest) []byte {
			kindOf, part := g.host(hostfunc.ValueKind, "i:i"), g.host(hostfunc.OutputPart, "i:i")
			return g.executes("", fails(1, Call(kindOf, I32(1))), fails(2, Call(part, I32(1)), I32(-1), ne))
		}},
		{name: "a request without a network", build: func(g *guest) []byte {
			send := g.host(hostfunc.HTTPSend, "iiii:i")
			return g.executes("", fails(1, Call(send, I32(0), I32(2), I32(0), I32(0)), I32(-1), ne))
		}},
		{name: "a request in describe", export: hostfunc.ExportDescribe, build: func(g *guest) []byte {
			send := g.host(hostfunc.HTTPSend, "iiii:i")
			return g.in(hostfunc.ExportDescribe, "", fails(1, Call(send, I32(0), I32(2), I32(0), I32(0)), I32(-1), ne))
		}},
		{name: "a request in _initialize", send: vendor, build: func(g *guest) []byte {
			send := g.host(hostfunc.HTTPSend, "iiii:i")
			return g.in("_initialize", "", Call(send, I32(0), I32(2), I32(0), I32(0)), I32(-1), ne, If(Unreachable))
		}},
	}
}
