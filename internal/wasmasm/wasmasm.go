// Package wasmasm assembles small WebAssembly modules for tests: guests that no
// compiler would make, such as hostile ones. It checks nothing, so that it can also make
// modules that are not valid.
//
// A type is written as its parameters, a colon and its results, a letter for each: i is
// i32, I is i64, f is f32 and F is f64. "iI:i" takes an i32 and an i64 and returns an i32.
package wasmasm

import "encoding/binary"

// Module is a module under construction. Declare imports before functions: both share
// one index space.
type Module struct {
	types    []string
	imports  [][]byte
	funcs    [][]byte // type indices
	bodies   [][]byte
	tables   [][]byte
	memories [][]byte
	globals  [][]byte
	exports  [][]byte
	elements [][]byte
	data     [][]byte
	start    []byte
	count    int // functions, imported ones included
}

// Import declares an imported function and returns its index.
func (m *Module) Import(module, name, sig string) int {
	m.imports = append(m.imports, Code(module, name, 0, U(m.typeOf(sig))))
	m.count++
	return m.count - 1
}

// Func adds a function and returns its index. Locals has a letter for each local; an
// empty export exports nothing. Code needs no end.
func (m *Module) Func(export, sig, locals string, code ...any) int {
	m.funcs = append(m.funcs, U(m.typeOf(sig)))
	decls := U(len(locals))
	for _, l := range locals {
		decls = append(decls, 1, valType(l))
	}
	body := Code(decls, Code(code...), End)
	m.bodies = append(m.bodies, Code(U(len(body)), body))
	m.count++
	if export != "" {
		m.exports = append(m.exports, Code(export, 0, U(m.count-1)))
	}
	return m.count - 1
}

// Memory gives the module its memory, of least pages, exported as "memory". A negative most
// sets no maximum. Call it once.
func (m *Module) Memory(least, most int) {
	limits := Code(0, U(least))
	if most >= 0 {
		limits = Code(1, U(least), U(most))
	}
	m.memories = [][]byte{limits}
	m.exports = append(m.exports, Code("memory", 2, 0))
}

// Data puts bytes into the memory at an offset.
func (m *Module) Data(offset int, bytes string) {
	m.data = append(m.data, Code(0, I32(offset), End, bytes))
}

// Global adds a mutable i32 and returns its index.
func (m *Module) Global(init int) int {
	m.globals = append(m.globals, Code(valType('i'), 1, I32(init), End))
	return len(m.globals) - 1
}

// Table adds a table of functions, and fills it from its beginning.
func (m *Module) Table(size int, funcs ...int) {
	m.tables = append(m.tables, Code(0x70, 0, U(size)))
	if len(funcs) > 0 {
		items := Code(0, I32(0), End, U(len(funcs)))
		for _, f := range funcs {
			items = append(items, U(f)...)
		}
		m.elements = append(m.elements, items)
	}
}

// Start names the start function.
func (m *Module) Start(f int) { m.start = U(f) }

// Bytes assembles the module.
func (m *Module) Bytes() []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id int, items [][]byte) {
		if len(items) == 0 {
			return
		}
		b := U(len(items))
		for _, item := range items {
			b = append(b, item...)
		}
		out = append(out, Code(id, U(len(b)), b)...)
	}
	var types [][]byte
	for _, sig := range m.types {
		types = append(types, funcType(sig))
	}
	section(1, types)
	section(2, m.imports)
	section(3, m.funcs)
	section(4, m.tables)
	section(5, m.memories)
	section(6, m.globals)
	section(7, m.exports)
	if m.start != nil {
		out = append(out, Code(8, U(len(m.start)), m.start)...)
	}
	section(9, m.elements)
	section(10, m.bodies)
	section(11, m.data)
	return out
}

func (m *Module) typeOf(sig string) int {
	for i, known := range m.types {
		if known == sig {
			return i
		}
	}
	m.types = append(m.types, sig)
	return len(m.types) - 1
}

// TypeIndex is the index of a type, for call_indirect.
func (m *Module) TypeIndex(sig string) int { return m.typeOf(sig) }

func funcType(sig string) []byte {
	lists := [2][]byte{}
	at := 0
	for _, c := range sig {
		if c == ':' {
			at = 1
			continue
		}
		lists[at] = append(lists[at], valType(c))
	}
	return Code(0x60, U(len(lists[0])), lists[0], U(len(lists[1])), lists[1])
}

func valType(letter rune) byte {
	switch letter {
	case 'i':
		return 0x7f
	case 'I':
		return 0x7e
	case 'f':
		return 0x7d
	}
	return 0x7c
}

// Instructions without operands.
const (
	Unreachable = 0x00
	End         = 0x0b
	Return      = 0x0f
	Drop        = 0x1a
	Eqz         = 0x45
	Eq          = 0x46
	LtS         = 0x48
	Add         = 0x6a
	Sub         = 0x6b
	Wrap        = 0xa7 // i32.wrap_i64
	ExtendS     = 0xac // i64.extend_i32_s
	ExtendU     = 0xad // i64.extend_i32_u
)

// Code joins instructions: an int or byte is a byte, a []byte is itself, and a string is
// its length and its bytes.
func Code(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = append(b, byte(p))
		case byte:
			b = append(b, p)
		case []byte:
			b = append(b, p...)
		case string:
			b = append(append(b, U(len(p))...), p...)
		default:
			panic("wasmasm: Code takes ints, bytes and strings")
		}
	}
	return b
}

// U is an unsigned LEB128 number.
func U(v int) []byte { return binary.AppendUvarint(nil, uint64(v)) }

// S is a signed LEB128 number.
func S(v int64) []byte {
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

// I32 is i32.const. A number above the range of int32 stands for its 32 bits.
func I32(v int) []byte { return Code(0x41, S(int64(int32(uint32(v))))) }

// I64 is i64.const.
func I64(v int64) []byte { return Code(0x42, S(v)) }

// The instructions with an index.

func Get(local int) []byte        { return Code(0x20, U(local)) }
func Set(local int) []byte        { return Code(0x21, U(local)) }
func Tee(local int) []byte        { return Code(0x22, U(local)) }
func GlobalGet(global int) []byte { return Code(0x23, U(global)) }
func GlobalSet(global int) []byte { return Code(0x24, U(global)) }
func Br(label int) []byte         { return Code(0x0c, U(label)) }
func BrIf(label int) []byte       { return Code(0x0d, U(label)) }

// Call calls a function with arguments, each the code that pushes it.
func Call(f int, args ...[]byte) []byte {
	var b []byte
	for _, a := range args {
		b = append(b, a...)
	}
	return append(b, Code(0x10, U(f))...)
}

// The structured instructions; their blocks have no result.

func Block(body ...any) []byte { return Code(0x02, 0x40, Code(body...), End) }
func Loop(body ...any) []byte  { return Code(0x03, 0x40, Code(body...), End) }
func If(body ...any) []byte    { return Code(0x04, 0x40, Code(body...), End) }

// Load8 is i32.load8_u, Load32 i32.load and Load64 i64.load; the address is on the stack.

func Load8(offset int) []byte  { return Code(0x2d, 0, U(offset)) }
func Load32(offset int) []byte { return Code(0x28, 2, U(offset)) }
func Load64(offset int) []byte { return Code(0x29, 3, U(offset)) }

// Store8 is i32.store8 and Store32 is i32.store.

func Store8(offset int) []byte  { return Code(0x3a, 0, U(offset)) }
func Store32(offset int) []byte { return Code(0x36, 2, U(offset)) }

// Grow is memory.grow, Size memory.size and Fill memory.fill.

func Grow() []byte { return Code(0x40, 0) }
func Size() []byte { return Code(0x3f, 0) }
func Fill() []byte { return Code(0xfc, 11, 0) }

// CallIndirect calls through table 0.
func CallIndirect(typ int) []byte { return Code(0x11, U(typ), 0) }
