package wasm_test

import (
	"math/rand/v2"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
)

// generator writes random programs that are well typed and end.
type generator struct {
	*rand.Rand
	callees int // functions that may be called, after the imported one
	loops   int // locals used as loop counters
	budget  int // statements left
}

const (
	genInts     = 4 // i32 locals 0..3
	genCounters = 6 // i32 locals 4..9
	genLong     = 10
)

// generate returns a module whose functions call earlier ones only and whose
// loops count down.
func generate(seed uint64) []byte {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))}
	locals := make([]wasm.ValType, genLong+1)
	for i := range locals {
		locals[i] = wasm.I32
	}
	locals[genLong] = wasm.I64
	m := module{
		imports: []imported{hostFunction}, memories: [][]byte{{1, 1, 2}}, tables: [][]byte{{0x70, 0, 8}}, count: true,
		types:   []wasm.FuncType{i32i32, toI32, wasm.Func([]wasm.ValType{wasm.I32, wasm.I32}, wasm.I32, wasm.I32)},
		globals: [][]byte{code(0x7f, 1, i32(11), end), code(0x7e, 1, i64(12), end)},
		exports: []exported{{"g0", 3, 0}, {"g1", 3, 1}},
		data:    [][]byte{code(1, "some bytes to copy")},
	}
	n := 1 + g.IntN(5)
	for i := range n {
		g.callees, g.loops, g.budget = i, 0, 25
		body := g.statements(3, nil)
		m.funcs = append(m.funcs, function{typ: toI32, locals: locals, export: "f" + string(rune('0'+i)), code: code(body, g.value(3))})
	}
	refs := []byte{}
	for range 8 {
		refs = append(refs, byte(g.IntN(n+1)))
	}
	m.elements = [][]byte{code(0, i32(0), end, 8, refs)}
	return m.bytes()
}

// statements returns code that leaves the stack as it was. labels tells, for
// each open block, innermost first, whether a branch must not go there: it is a
// loop, or it has results.
func (g *generator) statements(depth int, labels []bool) []byte {
	var b []byte
	for range 1 + g.IntN(5) {
		if g.budget--; g.budget < 0 {
			break
		}
		b = append(b, g.statement(depth, labels)...)
	}
	return b
}

func (g *generator) statement(depth int, labels []bool) []byte {
	inner := func(closed bool) []byte { return g.statements(depth-1, append([]bool{closed}, labels...)) }
	choice := g.IntN(16)
	if depth == 0 {
		choice %= 9
	}
	switch choice {
	case 0, 1, 2:
		return code(g.value(3), set(g.IntN(genInts)))
	case 3:
		return code(g.value(2), 0xac, globalGet(1), 0x7c, globalSet(1), g.value(2), globalSet(0))
	case 4:
		return code(g.address(), g.value(2), 0x36, 2, 0)
	case 5:
		n := code(g.value(1), i32(255), 0x71)
		switch g.IntN(4) {
		case 0:
			return code(g.address(), g.value(1), n, misc(11, 0))
		case 1:
			return code(g.address(), g.address(), n, misc(10, 0, 0))
		case 2:
			return code(g.address(), g.value(1), i32(7), 0x71, i32(int64(g.IntN(12))), misc(8, 0, 0))
		}
		return code(g.value(1), i32(1), 0x71, 0x40, 0, drop)
	case 6:
		return code(g.address(), simd(0, 0, 0), g.value(1), simd(0x11), simd(0xae), simd(0x1b, 1), set(g.IntN(genInts)))
	case 7, 8:
		return g.jump(labels)
	case 9:
		return block(inner(false))
	case 10:
		return code(g.value(2), 0x04, 0x40, inner(false), 0x05, inner(false), end)
	case 11:
		return code(g.value(2), when(inner(false)))
	case 12: // a block with parameters and results
		return code(g.value(1), g.value(1), 0x02, 2, set(0), set(1), inner(true), get(0), get(1), end, set(2), set(3))
	}
	if g.loops == genCounters {
		return nil
	}
	counter := genInts + g.loops
	g.loops++
	return code(i32(int64(1+g.IntN(6))), set(counter), loop(inner(true), get(counter), i32(1), sub, tee(counter), i32(0), 0x4a, brIf(0)))
}

// jump leaves a block. It goes to no loop, which might not end.
func (g *generator) jump(labels []bool) []byte {
	var blocks []int
	for i, closed := range labels {
		if !closed {
			blocks = append(blocks, i)
		}
	}
	if len(blocks) == 0 {
		return code(g.value(2), when(g.value(2), ret))
	}
	pick := func() int { return blocks[g.IntN(len(blocks))] }
	switch g.IntN(4) {
	case 0:
		return code(g.value(2), when(g.value(1), ret))
	case 1:
		return code(g.value(2), brIf(pick()))
	case 2:
		return block(g.value(2), i32(3), 0x71, brTable(0, pick()+1, 0, pick()+1))
	}
	return code(g.value(2), when(br(pick()+1)))
}

func (g *generator) address() []byte { return code(g.value(1), i32(0x7fff), 0x71) }

// value returns code that leaves an i32.
func (g *generator) value(depth int) []byte {
	choice := g.IntN(10)
	if depth == 0 {
		choice %= 3
	}
	switch choice {
	case 0:
		return i32(int64(int32(g.Uint32())) >> g.IntN(32))
	case 1:
		return get(g.IntN(genLong))
	case 2:
		return globalGet(0)
	case 3:
		return code(g.address(), 0x28, 2, 0)
	case 4:
		return code(g.value(depth-1), call(0))
	case 5:
		if g.callees == 0 {
			return i32(1)
		}
		return call(1 + g.IntN(g.callees))
	case 6: // may trap
		return code(g.value(depth-1), i32(7), 0x71, 0x25, 0, 0xd1)
	case 7:
		return code(g.value(depth-1), g.value(depth-1), g.value(depth-1), 0x1b)
	case 8:
		return code(globalGet(1), 0xa7)
	}
	ops := []int{0x6a, 0x6b, 0x6c, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x46, 0x48, 0x4d, 0x6d, 0x70}
	return code(g.value(depth-1), g.value(depth-1), ops[g.IntN(len(ops))])
}
