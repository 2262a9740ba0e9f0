package wasm_test

import (
	"encoding/binary"
	"math"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
)

// module describes a module; bytes assembles it. It shares no code with the
// package under test.
type module struct {
	types    []wasm.FuncType // further ones; those of functions are added
	imports  []imported
	funcs    []function
	tables   [][]byte // type and limits
	memories [][]byte // limits
	globals  [][]byte // type, mutability, expression
	exports  []exported
	start    int // index + 1
	elements [][]byte
	count    bool // whether there is a data count section
	data     [][]byte
	custom   [][]byte // at the end

	typeIndex map[wasm.FuncType]uint32
}

type imported struct {
	module, name string
	typ          wasm.FuncType
	raw          []byte // instead of a function: kind and description
}

type function struct {
	typ    wasm.FuncType
	locals []wasm.ValType
	decls  []byte // instead of locals
	code   []byte // without the last end
	export string
}

type exported struct {
	name  string
	kind  byte
	index int
}

func u(v uint64) []byte { return binary.AppendUvarint(nil, v) }

func s(v int64) []byte {
	var b []byte
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c < 0x40 || v == -1 && c >= 0x40 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// code joins instructions: an int is a byte, a slice is itself.
func code(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = append(b, byte(p))
		case wasm.ValType:
			b = append(b, byte(p))
		case []byte:
			b = append(b, p...)
		case string:
			b = append(append(b, u(uint64(len(p)))...), p...)
		default:
			panic("code takes ints, value types, bytes and strings")
		}
	}
	return b
}

func i32(v int64) []byte { return code(0x41, s(v)) }
func i64(v int64) []byte { return code(0x42, s(v)) }
func f32(v float32) []byte {
	return binary.LittleEndian.AppendUint32([]byte{0x43}, math.Float32bits(v))
}
func f64(v float64) []byte {
	return binary.LittleEndian.AppendUint64([]byte{0x44}, math.Float64bits(v))
}
func v128(lo, hi uint64) []byte {
	b := binary.LittleEndian.AppendUint64([]byte{0xfd, 0x0c}, lo)
	return binary.LittleEndian.AppendUint64(b, hi)
}
func get(l int) []byte             { return code(0x20, u(uint64(l))) }
func set(l int) []byte             { return code(0x21, u(uint64(l))) }
func tee(l int) []byte             { return code(0x22, u(uint64(l))) }
func globalGet(g int) []byte       { return code(0x23, u(uint64(g))) }
func globalSet(g int) []byte       { return code(0x24, u(uint64(g))) }
func call(f int) []byte            { return code(0x10, u(uint64(f))) }
func br(l int) []byte              { return code(0x0c, u(uint64(l))) }
func brIf(l int) []byte            { return code(0x0d, u(uint64(l))) }
func block(body ...any) []byte     { return code(0x02, 0x40, code(body...), 0x0b) }
func loop(body ...any) []byte      { return code(0x03, 0x40, code(body...), 0x0b) }
func when(body ...any) []byte      { return code(0x04, 0x40, code(body...), 0x0b) }
func misc(op int, p ...any) []byte { return code(0xfc, op, code(p...)) }
func simd(op int, p ...any) []byte { return code(0xfd, u(uint64(op)), code(p...)) }

func brTable(labels ...int) []byte {
	b := code(0x0e, u(uint64(len(labels)-1)))
	for _, l := range labels {
		b = append(b, u(uint64(l))...)
	}
	return b
}

const (
	unreachable = 0x00
	ret         = 0x0f
	drop        = 0x1a
	add         = 0x6a
	sub         = 0x6b
	eqz         = 0x45
	end         = 0x0b
)

func vector(items [][]byte) []byte {
	b := u(uint64(len(items)))
	for _, i := range items {
		b = append(b, i...)
	}
	return b
}

func (m *module) typeOf(t wasm.FuncType) uint32 {
	if i, ok := m.typeIndex[t]; ok {
		return i
	}
	i := uint32(len(m.types))
	m.typeIndex[t] = i
	m.types = append(m.types, t)
	return i
}

func (m module) bytes() []byte {
	m.typeIndex = map[wasm.FuncType]uint32{}
	m.types = append([]wasm.FuncType(nil), m.types...)
	for i, t := range m.types {
		m.typeIndex[t] = uint32(i)
	}
	var imports, funcs, exports, bodies, types [][]byte
	for _, i := range m.imports {
		b := code(i.module, i.name)
		if i.raw != nil {
			b = append(b, i.raw...)
		} else {
			b = append(append(b, 0), u(uint64(m.typeOf(i.typ)))...)
		}
		imports = append(imports, b)
	}
	first := 0
	for _, i := range m.imports {
		if i.raw == nil {
			first++
		}
	}
	for n, f := range m.funcs {
		funcs = append(funcs, u(uint64(m.typeOf(f.typ))))
		decls := f.decls
		if decls == nil {
			var list [][]byte
			for _, l := range f.locals {
				list = append(list, []byte{1, byte(l)})
			}
			decls = vector(list)
		}
		body := code(decls, f.code, end)
		bodies = append(bodies, code(u(uint64(len(body))), body))
		if f.export != "" {
			exports = append(exports, code(f.export, 0, u(uint64(first+n))))
		}
	}
	for _, e := range m.exports {
		exports = append(exports, code(e.name, int(e.kind), u(uint64(e.index))))
	}
	if len(m.memories) > 0 {
		exports = append(exports, code("memory", 2, 0))
	}
	for _, t := range m.types {
		b := code(0x60, u(uint64(len(t.Params()))))
		for _, p := range t.Params() {
			b = append(b, byte(p))
		}
		b = append(b, u(uint64(len(t.Results())))...)
		for _, p := range t.Results() {
			b = append(b, byte(p))
		}
		types = append(types, b)
	}
	out := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id int, items [][]byte) {
		if len(items) > 0 {
			b := vector(items)
			out = append(out, code(id, u(uint64(len(b))), b)...)
		}
	}
	section(1, types)
	section(2, imports)
	section(3, funcs)
	section(4, m.tables)
	section(5, m.memories)
	section(6, m.globals)
	section(7, exports)
	if m.start > 0 {
		b := u(uint64(m.start - 1))
		out = append(out, code(8, u(uint64(len(b))), b)...)
	}
	section(9, m.elements)
	if m.count {
		b := u(uint64(len(m.data)))
		out = append(out, code(12, u(uint64(len(b))), b)...)
	}
	section(10, bodies)
	section(11, m.data)
	for _, c := range m.custom {
		out = append(out, code(0, u(uint64(len(c))), c)...)
	}
	return out
}

var (
	nothing = wasm.Func(nil)
	toI32   = wasm.Func(nil, wasm.I32)
	i32i32  = wasm.Func([]wasm.ValType{wasm.I32}, wasm.I32)
)
