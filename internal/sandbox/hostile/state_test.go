package hostile_test

import (
	"github.com/agenthost/agenthost/internal/hostfunc"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// state is what a call may try to leave for the next one. Each fails with a code where
// it finds something, and then leaves it. They run often enough that instances are used
// again.
// threat: E11 in TestCorpus/attacks/state
func state() []attack {
	attacks := []attack{
		{name: "a global", build: func(g *guest) []byte {
			n := g.Global(5)
			return g.executes("", fails(1, GlobalGet(n), I32(5), ne), I32(6), GlobalSet(n))
		}},
		{name: "globals of every type", build: func(*guest) []byte {
			return assemble(func(a *assembly) {
				a.sections[6] = vector(Code(0x7f, 1, I32(1), End), Code(0x7e, 1, I64(2), End), Code(0x7d, 1, 0x43, 0, 0, 0, 0, End),
					Code(0x7c, 1, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, End), Code(0x70, 1, 0xd0, 0x70, End))
				a.execute = Code(
					fails(1, GlobalGet(0), I32(1), ne), fails(2, GlobalGet(1), Wrap, I32(2), ne),
					fails(3, GlobalGet(2), 0xbc), fails(4, GlobalGet(3), 0xbd, Wrap), fails(5, GlobalGet(4), isNull, Eqz),
					I32(-1), GlobalSet(0), I64(-1), GlobalSet(1), Code(0x43, 1, 1, 1, 1), GlobalSet(2),
					Code(0x44, 1, 1, 1, 1, 1, 1, 1, 1), GlobalSet(3), Code(0xd2, 3), GlobalSet(4))
			})
		}},
		{name: "memory", build: func(g *guest) []byte {
			return g.executes("", fails(1, I32(60_000), Load32(0)), I32(60_000), I32(1), Store32(0))
		}},
		{name: "the first and the last byte of memory", build: func(g *guest) []byte {
			return g.executes("", fails(1, I32(0), Load8(0), I32('{'), ne), fails(2, I32(memorySize-1), Load8(0)),
				I32(0), I32(0), 0x3a, 0, 0, I32(memorySize-1), I32(1), 0x3a, 0, 0)
		}},
		{name: "all of memory", build: func(g *guest) []byte {
			return g.executes("", fails(1, I32(1000), Load32(0)), fails(2, I32(memorySize-4), Load32(0)),
				I32(64), I32(0xee), I32(memorySize-64), Fill())
		}},
		{name: "the size of memory", build: func(g *guest) []byte {
			return g.executes("", fails(1, Size(), I32(memorySize>>16), ne), I32(10), Grow(), Drop, I32(memorySize), I32(1), Store32(0))
		}},
		{name: "memory behind what there was", build: func(g *guest) []byte {
			return g.executes("", I32(10), Grow(), Drop, fails(1, I32(memorySize+5000), Load32(0)), I32(memorySize+5000), I32(1), Store32(0))
		}},
		{name: "memory that a trap left", build: func(g *guest) []byte {
			return g.executes("", fails(1, I32(60_000), Load32(0)), I32(60_000), I32(1), Store32(0), Unreachable)
		}, kind: abi.KindConnectorFault, says: "unreachable"},
		{name: "an entry of a table", build: func(g *guest) []byte {
			g.Table(2, 0)
			return g.executes("", fails(1, I32(0), tableGet(), isNull), fails(2, I32(1), tableGet(), isNull, Eqz),
				I32(1), I32(0), tableGet(), tableSet(), I32(0), nullFunc(), tableSet())
		}},
		{name: "a table filled", build: func(g *guest) []byte {
			g.Table(4)
			f := g.Func("f", ":", "")
			return g.executes("", fails(1, I32(3), tableGet(), isNull, Eqz), I32(0), Code(0xd2, U(f)), I32(4), fillTable())
		}},
		{name: "a table copied", build: func(g *guest) []byte {
			g.Table(4, 0)
			return g.executes("", fails(1, I32(3), tableGet(), isNull, Eqz), I32(3), I32(0), I32(1), Code(0xfc, 14, 0, 0))
		}},
		{name: "the size of a table", build: func(g *guest) []byte {
			g.Table(2, 0)
			return g.executes("", fails(1, tableSize(), I32(2), ne), nullFunc(), I32(5), growTable(), Drop)
		}},
		{name: "a data segment dropped", build: func(*guest) []byte {
			return assemble(func(a *assembly) {
				a.sections[11] = vector(Code(0, I32(0), End, "{}"), Code(0, I32(16), End, answer), Code(1, "smuggled"))
				a.sections[12] = U(3)
				// memory.init of a segment that was dropped traps.
				a.execute = Code(I32(1024), I32(0), I32(8), initMemory(2), dropData(2))
			})
		}},
		{name: "an element segment dropped", build: func(*guest) []byte {
			return assemble(func(a *assembly) {
				a.sections[4] = vector(Code(0x70, 0, 4))
				a.sections[9] = vector(Code(1, 0, U(1), U(3)))
				a.execute = Code(fails(1, I32(2), tableGet(), isNull, Eqz), I32(2), I32(0), I32(1), initTable(0), dropElements(0))
			})
		}},
		{name: "Extism's memory of another call", build: func(g *guest) []byte {
			alloc, store, load := g.Import(env, "alloc", "I:I"), g.Import(env, "store_u64", "II:"), g.Import(env, "load_u64", "I:I")
			return g.executes("I", fails(1, Call(load, I64(64)), Wrap), Call(alloc, I64(1000)), Set(0), fails(2, Call(load, Get(0)), Wrap),
				Call(store, Get(0), I64(-1)))
		}},
		{name: "an Extism variable", build: func(g *guest) []byte {
			alloc, get, set := g.Import(env, "alloc", "I:I"), g.Import(env, "var_get", "I:I"), g.Import(env, "var_set", "II:")
			return g.executes("I", Call(alloc, I64(1)), Set(0), fails(1, Call(get, Get(0)), i64Eqz, Eqz), Call(set, Get(0), Get(0)))
		}},
		{name: "Extism's error, output and input", build: func(g *guest) []byte {
			alloc := g.Import(env, "alloc", "I:I")
			fault, getFault := g.Import(env, "error_set", "I:"), g.Import(env, "error_get", ":I")
			output, outputLength := g.Import(env, "output_set", "II:"), g.Import(env, "output_length", ":I")
			input, inputLength := g.Import(env, "input_set", "II:"), g.Import(env, "input_length", ":I")
			return g.executes("I",
				fails(1, Call(getFault), Wrap), fails(2, Call(outputLength), Wrap), fails(3, Call(inputLength), Wrap),
				Call(alloc, I64(9)), Set(0), Call(fault, Get(0)), Call(output, Get(0), I64(9)), Call(input, Get(0), I64(9)))
		}},
		{name: "file descriptors", build: func(g *guest) []byte {
			closeFD, renumber := g.Import(wasi, "fd_close", "i:i"), g.Import(wasi, "fd_renumber", "ii:i")
			stat, setFlags := g.Import(wasi, "fd_fdstat_get", "ii:i"), g.Import(wasi, "fd_fdstat_set_flags", "ii:i")
			return g.executes("", fails(1, Call(stat, I32(2), I32(1024))), fails(2, Call(stat, I32(9), I32(1024)), Eqz), fails(3, I32(1026), Load8(0)),
				Call(setFlags, I32(2), I32(4)), Drop, Call(renumber, I32(1), I32(9)), Drop, Call(closeFD, I32(0)), Drop, Call(closeFD, I32(2)), Drop)
		}},
		{name: "half a line of output", build: func(g *guest) []byte {
			write := g.Import(wasi, "fd_write", "iiii:i")
			g.Data(1024, "\x10\x00\x00\x00\x05\x00\x00\x00")
			return g.executes("", fails(1, Call(write, I32(1), I32(1024), I32(1), I32(2048))))
		}},
		{name: "the last error", build: func(g *guest) []byte {
			fault := g.host(hostfunc.Error, ":i")
			return g.executes("", fails(1, Call(fault)), Call(g.write, I32(-1), I32(-1)), Drop)
		}},
		{name: "half an answer", build: func(g *guest) []byte {
			// Were the output kept, the second call's would not be JSON.
			g.Data(256, `{"data":"`)
			return g.executes("", Call(g.write, I32(256), I32(9)), Drop, I32(0), Return)
		}, kind: abi.KindConnectorFault, says: "unexpected output"},
		{name: "what _initialize left in memory is there", build: func(g *guest) []byte {
			n := g.Global(0)
			g.Func("_initialize", ":", "", I32(9), GlobalSet(n), I32(60_000), I32(9), Store32(0))
			return g.executes("", fails(1, GlobalGet(n), I32(9), ne), fails(2, I32(60_000), Load32(0), I32(9), ne),
				I32(1), GlobalSet(n), I32(60_000), I32(1), Store32(0))
		}},
	}
	for i := range attacks {
		attacks[i].times = trimmed(12, 4)
	}
	return attacks
}
