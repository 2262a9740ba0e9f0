package hostile_test

import (
	"github.com/agenthost/agenthost/internal/hostfunc"
	"strings"

	"github.com/agenthost/agenthost/internal/sandbox"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// traps are every trap that the specification has.
func traps() []attack {
	trap := func(name, says string, code ...any) attack {
		return attack{name: name, kind: abi.KindConnectorFault, says: says, build: func(g *guest) []byte {
			g.Table(4)
			return g.executes("", code...)
		}}
	}
	load := func(op int, at int) []byte { return Code(I32(at), op, 0, 0, Drop) }
	attacks := []attack{
		trap("unreachable", "unreachable", Unreachable),
		trap("division by zero", "divide by zero", I32(1), I32(0), divS, Drop),
		trap("remainder by zero", "divide by zero", I32(1), I32(0), remS, Drop),
		trap("the least number divided by -1", "overflow", I32(1<<31), I32(-1), divS, Drop),
		trap("a float too large for an integer", "integer overflow", Code(0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f), 0xaa, Drop),
		trap("load at the end", "out of bounds", Code(I32(memorySize-3), Load32(0), Drop)),
		trap("load beyond 4 GB", "out of bounds", Code(I32(-1), 0x28, 2, U(1<<32-1), Drop)),
		trap("load of a byte at the end", "out of bounds", load(0x2d, memorySize)),
		trap("store at the end", "out of bounds", Code(I32(memorySize-3), I32(0), Store32(0))),
		trap("fill beyond the end", "out of bounds", Code(I32(memorySize-1), I32(0), I32(2), Fill())),
		trap("copy beyond the end", "out of bounds", Code(I32(0), I32(memorySize-1), I32(2), copyMemory())),
		trap("copy of -1 bytes", "out of bounds", Code(I32(0), I32(0), I32(-1), copyMemory())),
		trap("table.get beyond the end", "table", Code(I32(4), tableGet(), Drop)),
		trap("table.fill beyond the end", "table", Code(I32(1), nullFunc(), I32(4), fillTable())),
		trap("call of an empty entry", "table", Code(I32(0), I32(0), I32(0), CallIndirect(0), Drop)),
		trap("call beyond the table", "table", Code(I32(0), I32(0), I32(4), CallIndirect(0), Drop)),
		{name: "call of another type", kind: abi.KindConnectorFault, says: "indirect call type mismatch", build: func(g *guest) []byte {
			typ := g.TypeIndex("IIII:I")
			g.Table(1, 0)
			return g.executes("", I64(0), I64(0), I64(0), I64(0), I32(0), CallIndirect(typ), Drop)
		}},
		{name: "stack overflow", kind: abi.KindConnectorFault, says: "stack overflow", build: func(g *guest) []byte {
			f := g.Func("", ":", "", Code(0x10, U(1)))
			return g.executes("", Call(f))
		}},
		{name: "stack overflow with large frames", kind: abi.KindConnectorFault, says: "stack overflow", build: func(g *guest) []byte {
			var keep []byte
			for i := range 200 {
				keep = append(keep, Code(Call(1), Set(i))...)
			}
			g.Func("", ":i", strings.Repeat("i", 200), keep, Get(199))
			return g.executes("", Call(1), Drop)
		}},
		{name: "stack overflow through the table", kind: abi.KindConnectorFault, says: "stack overflow", build: func(g *guest) []byte {
			typ := g.TypeIndex(":")
			g.Table(1, 1)
			g.Func("", ":", "", I32(0), CallIndirect(typ))
			return g.executes("", Call(1))
		}},
		{name: "trap in describe", export: hostfunc.ExportDescribe, kind: abi.KindConnectorFault, says: "describe failed", build: func(g *guest) []byte {
			return g.in(hostfunc.ExportDescribe, "", Unreachable)
		}},
		{name: "trap in auth_schema", export: hostfunc.ExportAuthSchema, kind: abi.KindConnectorFault, says: "auth_schema failed", build: func(g *guest) []byte {
			return g.in(hostfunc.ExportAuthSchema, "", Unreachable)
		}},
		{name: "trap in _initialize", kind: abi.KindConnectorFault, says: "_initialize", poisoned: true, build: func(g *guest) []byte {
			return g.in("_initialize", "", Unreachable)
		}},
		{name: "stack overflow in _initialize", kind: abi.KindConnectorFault, says: "stack overflow", poisoned: true, build: func(g *guest) []byte {
			f := g.Func("", ":", "", Code(0x10, U(1)))
			return g.in("_initialize", "", Call(f))
		}},
		{name: "data beyond memory", kind: abi.KindConnectorFault, says: "cannot instantiate the module", poisoned: true, build: func(g *guest) []byte {
			g.Data(memorySize-1, "ab")
			return g.executes("")
		}},
		{name: "elements beyond the table", build: func(g *guest) []byte {
			// wazero leaves them out, where the specification has a trap.
			g.Table(1, 0, 0)
			return g.executes("", fails(1, tableSize(), I32(1), ne))
		}},
		{name: "a trap after an answer", kind: abi.KindConnectorFault, says: "unreachable", build: func(g *guest) []byte {
			return g.executes("", Call(g.write, I32(16), I32(len(answer))), Drop, Unreachable)
		}},
		{name: "hs_init of another type", kind: abi.KindConnectorFault, says: "_initialize", poisoned: true, build: func(g *guest) []byte {
			g.Func("hs_init", "iii:", "")
			return g.executes("")
		}},
	}
	return attacks
}

// exits leave by proc_exit or with a code.
func exits() []attack {
	var attacks []attack
	for _, export := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema, hostfunc.ExportExecute, "_initialize", "__wasm_call_ctors"} {
		run, says, before := export, "exited with code 3", strings.HasPrefix(export, "_")
		if before {
			run, says = hostfunc.ExportExecute, "exit_code(3)"
		}
		attacks = append(attacks, attack{
			name: "proc_exit in " + export, export: run, kind: abi.KindConnectorFault, says: says, poisoned: before,
			build: func(g *guest) []byte {
				exit := g.Import(wasi, "proc_exit", "i:")
				return g.in(export, "", Call(exit, I32(3)))
			},
		})
	}
	code := func(n int) attack {
		return attack{name: "code " + string(rune('a'+n%26)), kind: abi.KindConnectorFault, says: "failed with code", build: func(g *guest) []byte {
			return g.executes("", I32(n), Return)
		}}
	}
	return append(attacks, code(1), code(-1), code(1<<31),
		attack{name: "proc_exit with 0 without an answer", kind: abi.KindConnectorFault, says: "not a JSON object", build: func(g *guest) []byte {
			exit := g.Import(wasi, "proc_exit", "i:")
			return g.executes("", Call(exit, I32(0)))
		}},
		attack{name: "proc_exit deep in a stack", kind: abi.KindConnectorFault, says: "code 3", build: func(g *guest) []byte {
			exit := g.Import(wasi, "proc_exit", "i:")
			self := exit + 1
			g.Func("", "i:", "", Get(0), Eqz, If(Call(exit, I32(3))), Call(self, Code(Get(0), I32(1), Sub)))
			return g.executes("", Call(self, I32(1000)))
		}},
		attack{name: "proc_raise", build: func(g *guest) []byte {
			raise := g.Import(wasi, "proc_raise", "i:i")
			return g.executes("", fails(1, Call(raise, I32(9)), Eqz))
		}},
		attack{name: "an Extism error of a megabyte", kind: abi.KindConnectorFault, says: "execute failed", build: func(g *guest) []byte {
			alloc, set := g.Import(env, "alloc", "I:I"), g.Import(env, "error_set", "I:")
			return g.executes("", Call(set, Call(alloc, I64(1<<20))), I32(1), Return)
		}},
	)
}

// outputs are answers that are none.
func outputs() []attack {
	nonsense := func(name, text string) attack {
		return attack{name: name, kind: abi.KindConnectorFault, says: "unexpected output", build: func(g *guest) []byte { return g.outputs(text) }}
	}
	spliced := func(name, before, after string) attack {
		return attack{name: name, input: `"}],\"error\":null,\""`, kind: abi.KindConnectorFault, says: "unexpected output", build: func(g *guest) []byte {
			part := g.host(hostfunc.OutputPart, "i:i")
			g.Data(1024, before+after)
			return g.executes("", Call(g.write, I32(1024), I32(len(before))), Drop, Call(part, I32(1)), Drop,
				Call(g.write, I32(1024+len(before)), I32(len(after))), Drop, I32(0), Return)
		}}
	}
	large := strings.Repeat("[", 30_000)
	attacks := []attack{
		nonsense("no output", ""),
		nonsense("white space", " \n\t"),
		nonsense("plain text", "hello"),
		nonsense("a number", "7"),
		nonsense("an array", `[{"data":1}]`),
		nonsense("cut off", `{"data":[1,2`),
		nonsense("two objects", `{"data":1}{"data":2}`),
		nonsense("a comma too many", `{"data":1,}`),
		nonsense("a comment", `{"data":1/*x*/}`),
		nonsense("NaN", `{"data":NaN}`),
		nonsense("a number of another language", `{"data":0x1F}`),
		nonsense("a leading zero", `{"data":01}`),
		nonsense("half a string", `{"data":"a`),
		nonsense("a control character in a string", "{\"data\":\"a\nb\"}"),
		nonsense("a zero byte at the end", "{\"data\":1}\x00"),
		nonsense("a byte order mark", "\ufeff{\"data\":1}"),
		nonsense("an error that is a text", `{"error":"oops"}`),
		nonsense("an error that is a list", `{"error":[1]}`),
		nonsense("an error whose status is a text", `{"error":{"kind":"denied","message":"x","status":"five"}}`),
		nonsense("neither data nor error", `{"meta":{}}`),
		nonsense("meta that is a list", `{"data":1,"meta":[]}`),
		nonsense("nested 30,000 deep", `{"data":`+large),
		nonsense("nested 20,000 deep, closed", `{"data":`+large[:20_000]+strings.Repeat("]", 20_000)+`}`),
		spliced("a part in a string", `{"data":"`, `"}`),
		spliced("a part as a name", `{"data":1,`, `:2}`),
		spliced("a part behind a value", `{"data":1`, `}`),
		spliced("a part outside", `{"data":1}`, ``),
		spliced("a part that ends an escape", `{"data":"\`, `"}`),
		{name: "a part that is no JSON", input: `{"a":1}}`, build: func(g *guest) []byte {
			part := g.host(hostfunc.OutputPart, "i:i")
			return g.executes("", fails(1, Call(part, I32(1)), I32(-1), ne))
		}},
		{name: "bytes that are no UTF-8", build: func(g *guest) []byte {
			// Vendors send such bytes too, and they are handed on as they are.
			return g.outputs("{\"data\":\"\xff\xfe\"}")
		}},
		{name: "Extism's output is no JSON", kind: abi.KindConnectorFault, says: "unexpected output", build: func(g *guest) []byte {
			alloc, set := g.Import(env, "alloc", "I:I"), g.Import(env, "output_set", "II:")
			return g.executes("I", Call(alloc, I64(100)), Tee(0), Call(set, nil, I64(100)), I32(0), Return)
		}},
		{name: "output of 8 MB", limits: sandbox.Limits{OutputBytes: 16 << 20}, build: func(g *guest) []byte {
			// A long text is good, if it is within the limit.
			g.Data(256, `{"data":""}`)
			return g.executes("i", I32(1024), I32('x'), I32(100_000), Fill(),
				Call(g.write, I32(256), I32(9)), Drop,
				Loop(Call(g.write, I32(1024), I32(100_000)), Drop, Get(0), I32(1), Add, Tee(0), I32(80), LtS, BrIf(0)),
				Call(g.write, I32(265), I32(2)), Drop, I32(0), Return)
		}},
	}
	return attacks
}
