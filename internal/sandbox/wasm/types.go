package wasm

import "strings"

// ValType is a value type in its binary encoding.
type ValType byte

// The value types of the accepted features.
const (
	I32       ValType = 0x7f
	I64       ValType = 0x7e
	F32       ValType = 0x7d
	F64       ValType = 0x7c
	V128      ValType = 0x7b
	FuncRef   ValType = 0x70
	ExternRef ValType = 0x6f
)

func (t ValType) known() bool { return t >= V128 && t <= I32 || t.reference() }

func (t ValType) reference() bool { return t == FuncRef || t == ExternRef }

// String returns the name in the text format.
func (t ValType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case V128:
		return "v128"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	}
	return "unknown"
}

// FuncType is a function signature. It is comparable.
type FuncType struct {
	params, results string // one byte for each type
}

// Func returns the signature with these parameters and results.
func Func(params []ValType, results ...ValType) FuncType {
	text := func(ts []ValType) string {
		b := make([]byte, len(ts))
		for i, t := range ts {
			b[i] = byte(t)
		}
		return string(b)
	}
	return FuncType{params: text(params), results: text(results)}
}

// Params returns the parameter types.
func (f FuncType) Params() []ValType { return valTypes(f.params) }

// Results returns the result types.
func (f FuncType) Results() []ValType { return valTypes(f.results) }

func valTypes(s string) []ValType {
	ts := make([]ValType, len(s))
	for i := range s {
		ts[i] = ValType(s[i])
	}
	return ts
}

// String returns the signature as "(i32, i64) -> (f32)".
func (f FuncType) String() string {
	list := func(s string) string {
		names := make([]string, len(s))
		for i := range s {
			names[i] = ValType(s[i]).String()
		}
		return "(" + strings.Join(names, ", ") + ")"
	}
	return list(f.params) + " -> " + list(f.results)
}

func (f FuncType) append(b []byte) []byte {
	b = appendName(append(b, 0x60), f.params)
	return appendName(b, f.results)
}

// Kind is what an import or export refers to.
type Kind byte

// The kinds of imports and exports.
const (
	KindFunc Kind = iota
	KindTable
	KindMemory
	KindGlobal
)

// String returns the kind's name.
func (k Kind) String() string {
	switch k {
	case KindFunc:
		return "function"
	case KindTable:
		return "table"
	case KindMemory:
		return "memory"
	case KindGlobal:
		return "global"
	}
	return "unknown"
}

// ImportName is the two-part name of an import.
type ImportName struct{ Module, Name string }

// String returns the name as "module.name".
func (n ImportName) String() string { return n.Module + "." + n.Name }

// Import is an import of a module. Type is set for functions.
type Import struct {
	ImportName
	Kind Kind
	Type FuncType

	typeIndex uint32
}

// Export is an export of a module. Type is set for functions.
type Export struct {
	Name string
	Kind Kind
	Type FuncType

	index uint32
}

// Imports is the list of functions that a module may import, with their types.
type Imports map[ImportName]FuncType

// limits are the bounds of a table or memory.
type limits struct {
	min, max uint32
	hasMax   bool
}

func (l limits) append(b []byte) []byte {
	if !l.hasMax {
		return appendU32(append(b, 0), l.min)
	}
	return appendU32(appendU32(append(b, 1), l.min), l.max)
}

type table struct {
	elem ValType
	limits
}

type global struct {
	typ     ValType
	mutable bool
	init    constExpr
}

// constExpr is a constant expression of one instruction. For ref.func it holds
// the function, for anything else its bytes, without the end.
type constExpr struct {
	isFunc bool
	fn     uint32
	raw    []byte
}

type segment struct {
	mode  byte // 0 active, 1 passive, 2 declarative
	table uint32
	elem  ValType
	at    constExpr
	funcs []uint32    // where the items are function indices
	exprs []constExpr // where they are expressions
}

type dataSegment struct {
	raw     []byte // the whole segment: it holds no function index
	fixed   bool   // whether its place in memory is a constant, start
	start   uint32
	content []byte
}

// end is the offset after a segment with a fixed place.
func (s *dataSegment) end() uint64 { return uint64(s.start) + uint64(len(s.content)) }

type body struct {
	locals int    // declared ones, not parameters
	groups int    // number of declarations
	decls  []byte // their bytes, without the count
	code   reader // the instructions
	size   int
}
