package hostile_test

import (
	"github.com/agenthost/agenthost/internal/sandbox"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// growth are attempts to take all of the host's memory. Growing beyond a limit fails in
// the guest, as WebAssembly has it, and the guest may go on.
// threat: E5, E7 in TestCorpus/attacks/growth
func growth() []attack {
	small := sandbox.Limits{Memory: 8 << 20}
	// over fails if there is more memory than the limit.
	over := fails(9, Size(), I32(8<<20>>16), 0x4a) // i32.gt_s
	return []attack{
		{name: "memory in steps", limits: small, build: func(g *guest) []byte {
			return g.executes("", Loop(I32(1), Grow(), I32(-1), ne, BrIf(0)), over)
		}},
		{name: "memory at once", limits: small, build: func(g *guest) []byte {
			return g.executes("", fails(1, I32(60_000), Grow(), I32(-1), ne), over)
		}},
		{name: "memory by a number that wraps", limits: small, build: func(g *guest) []byte {
			return g.executes("", fails(1, I32(-2), Grow(), I32(-1), ne), fails(2, I32(65536), Grow(), I32(-1), ne), over)
		}},
		{name: "memory beyond the engine's limit", limits: sandbox.Limits{Memory: 1 << 40}, build: func(g *guest) []byte {
			return g.executes("", fails(1, I32(60_000), Grow(), I32(-1), ne))
		}},
		{name: "memory that starts above the limit", limits: sandbox.Limits{Memory: 1 << 16}, build: func(g *guest) []byte {
			return g.executes("")
		}, kind: abi.KindLimitExceeded, says: "bytes of memory before it starts"},
		{name: "256 MB, all written", limits: sandbox.Limits{Memory: 256 << 20}, build: func(g *guest) []byte {
			return g.executes("", fails(1, I32(4096-memorySize>>16), Grow(), I32(-1), Eq), I32(64), I32(-1), I32(256<<20-64), Fill(), I32(0), I32(0), Drop, Drop)
		}},
		{name: "memory grown in _initialize", build: func(g *guest) []byte {
			return g.in("_initialize", "", Loop(I32(64), Grow(), I32(-1), ne, BrIf(0)))
		}},
		{name: "4,096 pages at start", build: func(*guest) []byte {
			return assemble(func(a *assembly) { a.sections[5] = vector(Code(0, U(4096))) })
		}},
		{name: "a maximum of 4 GB", limits: small, build: func(*guest) []byte {
			return assemble(func(a *assembly) {
				a.sections[5] = vector(Code(1, U(memorySize>>16), U(65536)))
				a.execute = Code(Loop(I32(1), Grow(), I32(-1), ne, BrIf(0)), over)
			})
		}},
		{name: "table in steps", build: func(g *guest) []byte {
			g.Table(1)
			return g.executes("", Loop(nullFunc(), I32(1000), growTable(), I32(-1), ne, BrIf(0)), fails(1, tableSize(), I32(131072), 0x4a))
		}},
		{name: "table at once", build: func(g *guest) []byte {
			g.Table(1)
			return g.executes("", fails(1, nullFunc(), I32(1<<30), growTable(), I32(-1), ne))
		}},
		{name: "the largest table", build: func(g *guest) []byte {
			g.Table(131072)
			return g.executes("", fails(1, tableSize(), I32(131072), ne))
		}},
		{name: "Extism's memory", limits: small, build: func(g *guest) []byte {
			// As many blocks as there are, and none of them is given back.
			alloc, used := g.Import(env, "alloc", "I:I"), g.Import(env, "memory_bytes", ":I")
			return g.executes("", Loop(Call(alloc, I64(100_000)), i64Eqz, Eqz, BrIf(0)), fails(1, Call(used), Wrap, I32(8<<20), 0x4a))
		}},
		{name: "Extism's memory in tiny blocks", limits: small, build: func(g *guest) []byte {
			alloc := g.Import(env, "alloc", "I:I")
			return g.executes("", Loop(Call(alloc, I64(1)), i64Eqz, Eqz, BrIf(0)))
		}},
		{name: "an Extism block of 16 exabytes", build: func(g *guest) []byte {
			alloc := g.Import(env, "alloc", "I:I")
			return g.executes("", fails(1, Call(alloc, I64(-1)), i64Eqz, Eqz), fails(2, Call(alloc, I64(-64)), i64Eqz, Eqz), fails(3, Call(alloc, I64(1<<62)), i64Eqz, Eqz))
		}},
		{name: "Extism's variables", build: func(g *guest) []byte {
			// A million names, each a block of its own.
			alloc, store, set := g.Import(env, "alloc", "I:I"), g.Import(env, "store_u64", "II:"), g.Import(env, "var_set", "II:")
			return g.executes("Ii", forever(Call(alloc, I64(64)), Set(0), Get(1), I32(1), Add, Set(1),
				Call(store, Get(0), Code(Get(1), ExtendU)), Call(set, Get(0), Get(0))))
		}, limits: sandbox.Limits{Memory: 64 << 20, Fuel: 5_000_000}, kind: abi.KindLimitExceeded, says: "fuel"},
	}
}
