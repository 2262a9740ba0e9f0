package hostile_test

import (
	"bytes"
	"fmt"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"slices"
	"strings"

	. "github.com/agenthost/agenthost/internal/wasmasm"
)

// refusedModules are refused before they are compiled.
// threat: E1, E5, E10 in TestCorpus/attacks/refused
func refusedModules() []attack {
	section := func(id int, content []byte) func(*guest) []byte {
		return func(*guest) []byte { return assemble(func(a *assembly) { a.sections[id] = content }) }
	}
	imports := func(items ...[]byte) func(*guest) []byte {
		return section(2, vector(append([][]byte{Code(hostfunc.Module, hostfunc.OutputWrite, 0, typeWrite)}, items...)...))
	}
	unknown := func(module, name, sig string) func(*guest) []byte {
		return func(g *guest) []byte { g.Import(module, name, sig); return g.executes("") }
	}
	export := func(name, sig string, code ...any) func(*guest) []byte {
		return func(g *guest) []byte {
			for _, other := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema, hostfunc.ExportExecute} {
				if other == name {
					g.Func(name, sig, "", code...)
				} else {
					g.Func(other, ":i", "", I32(0))
				}
			}
			return g.Bytes()
		}
	}
	return []attack{
		{name: "an empty file", build: func(*guest) []byte { return nil }, refused: "no WebAssembly header"},
		{name: "HTML", build: func(*guest) []byte { return []byte("<!doctype html>") }, refused: "no WebAssembly header"},
		{name: "a component", build: func(*guest) []byte { return []byte("\x00asm\x0d\x00\x01\x00") }, refused: "a component?"},
		{name: "a module cut off", build: func(g *guest) []byte { b := g.executes(""); return b[:len(b)/2] }, refused: "malformed"},
		{name: "a section twice", build: func(g *guest) []byte { b := g.executes(""); return append(b, 11, 1, 0) }, refused: "repeated or out of order"},
		{name: "an unknown section", build: section(13, Code(0)), refused: "exceptions"},
		{name: "an instruction that is none", build: func(g *guest) []byte { return g.executes("", 0xff) }, refused: "malformed"},
		{name: "a function without an end", build: section(10, vector(Code(2, 0, 0x01), Code(2, 0, 0x01), Code(2, 0, 0x01))), refused: "malformed"},

		{name: "start section", build: func(g *guest) []byte { g.Start(g.Func("", ":", "", forever())); return g.executes("") }, refused: "start section"},
		{name: "an import of somebody else", build: unknown("env", "system", "i:i"), refused: `unknown function "env.system"`},
		{name: "an import with a slip", build: unknown(hostfunc.Module, "http_sent", "iiii:i"), refused: "http_send"},
		{name: "the host's own checkpoint", build: unknown(hostfunc.Module, "checkpoint", "i:i"), refused: "the host's own"},
		{name: "the host's own kernel", build: unknown("agenthost:extism", "alloc", "I:I"), refused: "unknown function"},
		{name: "Extism's HTTP", build: unknown(env, "http_request", "II:I"), refused: "unknown function"},
		{name: "an import of another type", build: unknown(hostfunc.Module, hostfunc.HTTPSend, "II:I"), refused: "its type is"},
		{name: "an import of another type, WASI", build: unknown(wasi, "proc_exit", "i:i"), refused: "its type is"},
		{name: "imported memory", build: imports(Code("env", "memory", 2, 0, 1)), refused: "only functions can be imported"},
		{name: "imported table", build: imports(Code("env", "table", 1, 0x70, 0, 1)), refused: "only functions can be imported"},
		{name: "imported global", build: imports(Code("env", "global", 3, 0x7f, 1)), refused: "only functions can be imported"},
		{name: "a global of an imported global", build: section(6, vector(Code(0x7f, 0, GlobalGet(0), End))), refused: "refers to a global"},
		{name: "1,000 imports", build: func(g *guest) []byte {
			for range 1000 {
				g.host(hostfunc.Input, ":i")
			}
			return g.executes("")
		}, refused: "imports, the limit is 256"},
		{name: "an import whose name is 1 MB", build: unknown(strings.Repeat("\x1b[31m", 200_000), "x", ":"), refused: "unknown function"},

		{name: "two memories", build: section(5, vector(Code(0, 1), Code(0, 1))), refused: "memories, the limit is 1"},
		{name: "a 64-bit memory", build: section(5, vector(Code(4, 1))), refused: "64-bit memory"},
		{name: "a shared memory", build: section(5, vector(Code(3, 1, 2))), refused: "threads"},
		{name: "a memory of 4 GB", build: section(5, vector(Code(0, U(65536)))), refused: "memory pages"},
		{name: "a memory beyond 4 GB", build: section(5, vector(Code(0, U(1<<31)))), refused: "memory pages"},
		{name: "a maximum below the minimum", build: section(5, vector(Code(1, 4, 2))), refused: "maximum below its minimum"},
		{name: "a table of 100 million", build: section(4, vector(Code(0x70, 0, U(100_000_000)))), refused: "table entries"},
		{name: "ten tables", build: section(4, vector(slices.Repeat([][]byte{Code(0x70, 0, U(1000))}, 10)...)), refused: "tables, the limit is 4"},
		{name: "a shared table", build: section(4, vector(Code(0x70, 3, 1, 2))), refused: "threads"},
		{name: "data that claims to be 4 GB", build: section(11, Code(1, 0, I32(0), End, U(1<<32-1))), refused: "malformed"},
		{name: "4 billion data segments", build: section(11, U(1<<32-1)), refused: "do not fit"},
		{name: "4 billion functions", build: section(3, U(1<<32-1)), refused: "do not fit"},
		{name: "a data count that lies", build: section(12, U(77)), refused: "data count"},
		{name: "an element of no function", build: func(g *guest) []byte { g.Table(1, 999); return g.executes("") }, refused: "unknown function"},
		{name: "an atomic instruction", build: func(g *guest) []byte { return g.executes("", I32(0), 0xfe, 0x10, 2, 0, Drop) }, refused: "not accepted"},
		{name: "a tail call", build: func(g *guest) []byte { return g.executes("", 0x12, 0) }, refused: "not accepted"},
		{name: "a local of another function", build: func(g *guest) []byte { return g.executes("", Get(7), Drop) }, refused: "unknown local"},
		{name: "the meter's global", build: func(g *guest) []byte {
			// The rewrite adds globals behind the module's own; no instruction may
			// name them.
			return g.executes("", I32(1<<30), GlobalSet(0))
		}, refused: "unknown global"},
		{name: "an export of the host's name", build: func(g *guest) []byte {
			g.Func("agenthost_restore", ":i", "", I32(0))
			return g.executes("")
		}, refused: "names that start with"},

		{name: "no execute", build: func(g *guest) []byte {
			g.Func("excute", ":i", "", I32(0))
			g.Func(hostfunc.ExportDescribe, ":i", "", I32(0))
			g.Func(hostfunc.ExportAuthSchema, ":i", "", I32(0))
			return g.Bytes()
		}, refused: `does not export "execute"`},
		{name: "execute is a memory", build: section(7, vector(Code(hostfunc.ExportDescribe, 0, 1), Code(hostfunc.ExportAuthSchema, 0, 2), Code(hostfunc.ExportExecute, 2, 0))), refused: `does not export "execute"`},
		{name: "execute twice", build: section(7, vector(Code(hostfunc.ExportExecute, 0, 1), Code(hostfunc.ExportExecute, 0, 2))), refused: "two exports have one name"},
		{name: "execute takes a number", build: export(hostfunc.ExportExecute, "i:i", Get(0)), refused: `exports "execute" as`},
		{name: "execute returns nothing", build: export(hostfunc.ExportExecute, ":"), refused: `exports "execute" as`},
		{name: "describe returns an i64", build: export(hostfunc.ExportDescribe, ":I", I64(0)), refused: `exports "describe" as`},
		{name: "auth_schema returns two", build: export(hostfunc.ExportAuthSchema, ":ii", I32(0), I32(0)), refused: `exports "auth_schema" as`},
		{name: "operands of the wrong type", build: func(g *guest) []byte { return g.executes("", I64(1), I32(1), Add, Drop) }, refused: "does not compile"},
		{name: "an empty stack", build: func(g *guest) []byte { return g.executes("", Drop) }, refused: "does not compile"},
	}
}

// bombs are modules that would take minutes or gigabytes to compile.
// threat: E4 in TestCorpus/attacks/bombs
func bombs() []attack {
	repeat := func(n int, code []byte) []byte { return bytes.Repeat(code, n) }
	many := func(n int, edit func(a *assembly, n int)) func(*guest) []byte {
		return func(*guest) []byte { return assemble(func(a *assembly) { edit(a, n) }) }
	}
	locals := func(a *assembly, n int) { a.locals = Code(1, U(n), 0x7f) }
	return []attack{
		{name: "2 billion locals in 6 bytes", build: many(1<<31-1, locals), refused: "locals, the limit is 1024"},
		{name: "more locals than a number holds", build: many(1<<32-1, locals), refused: "declares 4294967295 locals"},
		{name: "50,000 locals", build: many(50_000, locals), refused: "locals, the limit is 1024"},
		{name: "1,000 locals live across 1,000 branches", build: func(g *guest) []byte {
			return g.executes(strings.Repeat("i", 1000), repeat(1000, Code(Get(0), If(I32(1), Set(999)))))
		}, refused: "branches times locals"},
		{name: "50,000 calls with 64 parameters and results", build: func(g *guest) []byte {
			// What a call leaves is what the next one takes, so that each has two bytes.
			all := strings.Repeat("i", 64)
			var same []byte
			for i := range 64 {
				same = append(same, Get(i)...)
			}
			f := g.Func("", all+":"+all, "", same)
			return g.executes("", repeat(64, I32(0)), repeat(50_000, Call(f)), repeat(64, Code(Drop)))
		}, refused: "parameters and results of calls, the limit is 131072"},
		{name: "10,000 nested blocks", build: func(g *guest) []byte {
			return g.executes("", repeat(10_000, Code(0x02, 0x40)), repeat(10_000, Code(End)))
		}, refused: "nested blocks, the limit is 4096"},
		{name: "1,000 nested loops", build: func(g *guest) []byte {
			return g.executes("", repeat(1000, Code(0x03, 0x40)), repeat(1000, Code(End)))
		}, refused: "loops, the limit is 512"},
		{name: "a br_table of 100,000 labels", build: func(g *guest) []byte {
			return g.executes("", Block(I32(0), Code(0x0e, U(100_000)), repeat(100_001, Code(0))))
		}, refused: "branch table labels"},
		{name: "100 br_tables of 1,000 labels", build: func(g *guest) []byte {
			return g.executes("", repeat(100, Block(I32(0), Code(0x0e, U(1000)), repeat(1001, Code(0)))))
		}, refused: "branch table labels"},
		{name: "5,000 branches", build: func(g *guest) []byte {
			return g.executes("", repeat(5000, Block(I32(0), BrIf(0))))
		}, refused: "branches, the limit is 4096"},
		{name: "5,000 calls of the host", build: func(g *guest) []byte {
			return g.executes("", repeat(5000, Code(Call(g.write, I32(0), I32(0)), Drop)))
		}, refused: "branches, the limit is 4096"},
		{name: "a function of 1 MB", build: func(g *guest) []byte {
			return g.executes("", repeat(250_000, Code(I32(1), Drop)))
		}, refused: "bytes of code, the limit is 131072"},
		{name: "70,000 functions", build: many(70_000, func(a *assembly, n int) { a.extra = n }), refused: "functions, the limit is 65536"},
		{name: "10,000 types", build: many(10_000, func(a *assembly, n int) {
			types := [][]byte{Code(0x60, 0, 1, 0x7f), Code(0x60, 2, 0x7f, 0x7f, 1, 0x7f)}
			for range n {
				types = append(types, Code(0x60, 0, 0))
			}
			a.sections[1] = vector(types...)
		}), refused: "types, the limit is 8192"},
		{name: "a type of 1,000 results", build: func(g *guest) []byte {
			g.TypeIndex(":" + strings.Repeat("i", 1000))
			return g.executes("")
		}, refused: "parameters or results in type"},
		{name: "2,000 globals", build: func(g *guest) []byte {
			for range 2000 {
				g.Global(0)
			}
			return g.executes("")
		}, refused: "globals, the limit is 1024"},
		{name: "5,000 exports", build: func(g *guest) []byte {
			for i := range 5000 {
				g.Func(fmt.Sprintf("f%d", i), ":", "")
			}
			return g.executes("")
		}, refused: "exports, the limit is 1024"},
		{name: "300,000 elements", build: func(g *guest) []byte {
			g.Table(100, make([]int, 300_000)...)
			return g.executes("")
		}, refused: "elements, the limit is 262144"},
		{name: "5,000 element segments", build: many(5000, func(a *assembly, n int) {
			a.sections[4] = vector(Code(0x70, 0, 1))
			segments := make([][]byte, n)
			for i := range segments {
				segments[i] = Code(0, I32(0), End, 0)
			}
			a.sections[9] = vector(segments...)
		}), refused: "element segments, the limit is 4096"},
		{name: "a module of 17 MB", build: func(g *guest) []byte {
			custom := Code("x", make([]byte, 17<<20))
			return append(g.executes(""), Code(0, U(len(custom)), custom)...)
		}, refused: "bytes, the limit is 16777216"},
		{name: "many functions at every limit", build: many(400, func(a *assembly, n int) {
			// 4,000 branches each, which is the most that one may have, cost almost
			// a second of a compiler's time.
			b := repeat(3900, Code(I32(0), If()))
			b = append(b, I32(0)...)
			for range n {
				a.bodies = append(a.bodies, b)
			}
		}), refused: "work to compile"},
		{name: "names of functions that lie", build: func(g *guest) []byte {
			// A name section whose counts are far beyond its end. Names explain;
			// they are no reason to refuse a module.
			custom := Code("name", 1, U(6), U(1<<31), 0xff, 0xff)
			return append(g.executes(""), Code(0, U(len(custom)), custom)...)
		}},
		{name: "1,024 locals, which is the limit", build: func(g *guest) []byte {
			return g.executes(strings.Repeat("i", 1024), I32(1), Set(1023), fails(1, Get(1023), I32(1), ne))
		}},
		{name: "4,000 nested blocks that are left at once", build: func(g *guest) []byte {
			const n = 4000
			return g.executes("", repeat(n, Code(0x02, 0x40)), Br(n-1), repeat(n, Code(End)))
		}},
		{name: "a branch to the wrong label", build: func(g *guest) []byte { return g.executes("", Block(Br(17))) }, refused: "unknown label"},
		{name: "very many functions, called by none", build: many(trimmed(65_000, 5000), func(a *assembly, n int) { a.extra = n })},
	}
}
