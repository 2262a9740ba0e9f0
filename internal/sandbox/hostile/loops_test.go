package hostile_test

import (
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// loops are code that does not end, by every instruction that can lead back. Each of
// them is stopped by the deadline.
// threat: E6 in TestCorpus/attacks/loops
func loops() []attack {
	// self is the index of the first function after the one import of a guest.
	const self = 1
	attacks := []attack{
		{name: "br", build: func(g *guest) []byte { return g.executes("", forever()) }},
		{name: "br_if", build: func(g *guest) []byte { return g.executes("", Loop(I32(1), BrIf(0))) }},
		{name: "br_table", build: func(g *guest) []byte { return g.executes("", Loop(I32(5), brTable(0, 0, 0, 0))) }},
		{name: "br_table out of an inner block", build: func(g *guest) []byte {
			return g.executes("", Loop(Block(Block(I32(9), brTable(0, 1, 2)))))
		}},
		{name: "br from an if", build: func(g *guest) []byte { return g.executes("", Loop(I32(1), If(Br(1)))) }},
		{name: "br from an else", build: func(g *guest) []byte {
			return g.executes("", Loop(I32(0), 0x04, 0x40, 0x05, Br(1), End))
		}},
		{name: "loop with parameters", build: func(g *guest) []byte {
			// The loop takes an i32 and leaves it on the stack for the next turn.
			typ := g.TypeIndex("i:")
			return g.executes("", I32(0), 0x03, U(typ), I32(1), Add, Br(0), End)
		}},
		{name: "loop with results", build: func(g *guest) []byte {
			return g.executes("", 0x03, 0x7f, Br(0), End, Drop)
		}},
		{name: "500 nested loops", build: func(g *guest) []byte {
			code := Br(0)
			for range 500 {
				code = Loop(code)
			}
			return g.executes("", code)
		}},
		{name: "loop after unreachable code", build: func(g *guest) []byte {
			return g.executes("", Block(Br(0), Unreachable), forever())
		}},
		{name: "mutual recursion that returns", build: func(g *guest) []byte {
			// A counter bounds the depth, and two calls on each level the end.
			return g.executes("", Call(tree(g, 60), I32(60)))
		}},
		{name: "recursion by call_indirect", build: func(g *guest) []byte {
			typ := g.TypeIndex("i:")
			g.Table(1, self)
			turn := Code(Get(0), I32(1), Sub, I32(0), CallIndirect(typ))
			g.Func("", "i:", "", Code(Get(0), If(turn, turn)))
			return g.executes("", Call(self, I32(60)))
		}},
		{name: "functions that call their successor twice", build: func(g *guest) []byte {
			// An exponential tree without recursion: 2 to the power of 60 calls.
			next := g.Func("", ":", "")
			for range 60 {
				next = g.Func("", ":", "", Call(next), Call(next))
			}
			return g.executes("", Call(next))
		}},
		{name: "loops in 200 leaf functions", build: func(g *guest) []byte {
			var calls []byte
			for range 200 {
				f := g.Func("", ":", "i", Loop(Get(0), I32(1), Add, Tee(0), I32(1<<30), LtS, BrIf(0)))
				calls = append(calls, Call(f)...)
			}
			return g.executes("", calls)
		}},
		{name: "straight code in a loop", build: func(g *guest) []byte {
			var code []byte
			for range 10_000 {
				code = append(code, Code(Get(0), I32(7), Add, Set(0))...)
			}
			return g.executes("i", forever(code))
		}},
		{name: "memory.fill of all memory", build: func(g *guest) []byte {
			// Grown first, so that one instruction writes 128 MB.
			return g.executes("", I32(2000), Grow(), Drop, forever(I32(0), I32(1), Size(), I32(16), 0x74, Fill()))
		}},
		{name: "memory.copy of all memory", build: func(g *guest) []byte {
			return g.executes("", I32(2000), Grow(), Drop, forever(I32(1), I32(0), Size(), I32(16), 0x74, I32(1), Sub, copyMemory()))
		}},
		{name: "table.fill", build: func(g *guest) []byte {
			g.Table(100_000)
			return g.executes("", forever(I32(0), nullFunc(), I32(100_000), fillTable()))
		}},
		{name: "memory.grow by 0", build: func(g *guest) []byte { return g.executes("", forever(I32(0), Grow(), Drop)) }},
		{name: "memory.grow that fails", build: func(g *guest) []byte { return g.executes("", forever(I32(-1), Grow(), Drop)) }},
		{name: "table.grow that fails", build: func(g *guest) []byte {
			g.Table(1)
			return g.executes("", forever(nullFunc(), I32(-1), growTable(), Drop))
		}},
		{name: "host function in a loop", build: func(g *guest) []byte {
			f := g.host(hostfunc.Error, ":i")
			return g.executes("", forever(Call(f), Drop))
		}},
		{name: "host function by call_indirect", build: func(g *guest) []byte {
			f := g.host(hostfunc.Input, ":i")
			g.Table(1, f)
			return g.executes("", forever(I32(0), CallIndirect(g.TypeIndex(":i")), Drop))
		}},
		{name: "failing host function in a loop", build: func(g *guest) []byte {
			return g.executes("", forever(Call(g.write, I32(-1), I32(-1)), Drop))
		}},
		{name: "sched_yield in a loop", build: func(g *guest) []byte {
			f := g.Import(wasi, "sched_yield", ":i")
			return g.executes("", forever(Call(f), Drop))
		}},
		{name: "waiting for the clock", build: func(g *guest) []byte {
			f := g.Import(wasi, "clock_time_get", "iIi:i")
			return g.executes("", forever(Call(f, I32(1), I64(1), I32(1024)), Drop))
		}},
		{name: "sleeping for an hour", build: func(g *guest) []byte {
			// poll_oneoff with a clock of 3,600 s; it must return at once, so the loop
			// is what is stopped.
			f := g.Import(wasi, "poll_oneoff", "iiii:i")
			return g.executes("", I32(2048+24), I64(3600e9), Code(0x37, 3, U(0)), forever(Call(f, I32(2048), I32(4096), I32(1), I32(64)), Drop))
		}},
		{name: "random bytes without end", build: func(g *guest) []byte {
			f := g.Import(wasi, "random_get", "ii:i")
			return g.executes("", forever(Call(f, I32(0), I32(memorySize)), Drop))
		}},
		{name: "reading standard input", build: func(g *guest) []byte {
			f := g.Import(wasi, "fd_read", "iiii:i")
			g.Data(1024, "\x00\x08\x00\x00\x00\x10\x00\x00")
			return g.executes("", forever(Call(f, I32(0), I32(1024), I32(1), I32(2048)), Drop))
		}},
	}
	for i := range attacks {
		attacks[i].kind, attacks[i].says = abi.KindTimeout, "deadline"
		// The deadline must be what ends them.
		attacks[i].limits = sandbox.Limits{Fuel: 1 << 62}
	}
	return attacks
}

// tree adds two functions that call each other twice, down to a depth that their
// argument counts: 2 to its power calls, and no loop.
func tree(g *guest, _ int) int {
	const first = 1 // after the import of a guest
	turn := func(other int) []byte {
		call := Call(other, Code(Get(0), I32(1), Sub))
		return Code(Get(0), If(call, call))
	}
	f := g.Func("", "i:", "", turn(first+1))
	g.Func("", "i:", "", turn(f))
	return f
}

// starts are endless loops wherever else code runs: the exports besides execute, and
// the functions that run before any export. The deadline is that of the call which
// needed them.
// threat: E6, E10 in TestCorpus/attacks/starts
func starts() []attack {
	var attacks []attack
	for _, export := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema} {
		attacks = append(attacks, attack{
			name: "endless " + export, export: export, kind: abi.KindTimeout, says: "deadline",
			build: func(g *guest) []byte { return g.in(export, "", forever()) },
		})
	}
	for _, before := range []string{"_initialize", "__wasm_call_ctors", "hs_init"} {
		for _, export := range []string{hostfunc.ExportDescribe, hostfunc.ExportExecute} {
			attacks = append(attacks, attack{
				name: "endless " + before + " before " + export, export: export, kind: abi.KindTimeout, says: "deadline", poisoned: true,
				build: func(g *guest) []byte { return g.in(before, "", forever()) },
			})
		}
	}
	return append(attacks,
		attack{name: "_initialize without loops", kind: abi.KindTimeout, says: "deadline", poisoned: true, build: func(g *guest) []byte {
			return g.in("_initialize", "", Call(tree(g, 60), I32(60)))
		}},
		attack{name: "endless _initialize before an endless hs_init", kind: abi.KindTimeout, says: "deadline", poisoned: true, build: func(g *guest) []byte {
			g.Func("_initialize", ":", "", forever())
			return g.in("hs_init", "", forever())
		}},
		attack{name: "_start is not run", build: func(g *guest) []byte { return g.in("_start", "", forever()) }},
		attack{name: "__wasm_call_dtors is not run", build: func(g *guest) []byte { return g.in("__wasm_call_dtors", "", forever()) }},
	)
}
