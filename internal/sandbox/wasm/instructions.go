package wasm

// immediate is the kind of an opcode's immediates.
type immediate uint8

const (
	immUnknown      immediate = iota // the opcode is not in the accepted features
	immNone                          //
	immBlock                         // block type
	immLabel                         // label
	immLabels                        // labels and a default
	immFunc                          // function
	immIndirect                      // type and table
	immSelect                        // one value type
	immLocal                         // local
	immGlobal                        // global
	immTable                         // table
	immMemory                        // alignment and offset
	immMemoryIndex                   // zero
	immI32                           // constant
	immI64                           // constant
	imm4                             // 4 bytes
	imm8                             // 8 bytes
	imm16                            // 16 bytes
	immRefType                       // reference type
	immData                          // data segment
	immDataMemory                    // data segment and zero
	immTwoMemories                   // zero and zero
	immElement                       // element segment
	immElementTable                  // element segment and table
	immTwoTables                     // table and table
	immLane                          // lane
	immMemoryLane                    // alignment, offset and lane
)

// Opcodes. The ones with a prefix are prefix<<8 | opcode.
const (
	opUnreachable  = 0x00
	opNop          = 0x01
	opBlock        = 0x02
	opLoop         = 0x03
	opIf           = 0x04
	opElse         = 0x05
	opEnd          = 0x0b
	opBr           = 0x0c
	opBrIf         = 0x0d
	opBrTable      = 0x0e
	opReturn       = 0x0f
	opCall         = 0x10
	opCallIndirect = 0x11
	opLocalGet     = 0x20
	opLocalSet     = 0x21
	opLocalTee     = 0x22
	opGlobalGet    = 0x23
	opGlobalSet    = 0x24
	opTableSet     = 0x26
	opMemorySize   = 0x3f
	opMemoryGrow   = 0x40
	opI32Const     = 0x41
	opI64Const     = 0x42
	opI32Eqz       = 0x45
	opI32LtS       = 0x48
	opI32LeU       = 0x4d
	opI64GtU       = 0x56
	opI32Add       = 0x6a
	opI32Sub       = 0x6b
	opI32And       = 0x71
	opI32Shl       = 0x74
	opI32ShrU      = 0x76
	opI64Add       = 0x7c
	opI64Shl       = 0x86
	opI64ExtendU   = 0xad
	opRefNull      = 0xd0
	opRefFunc      = 0xd2

	opMemoryInit = 0xfc08
	opDataDrop   = 0xfc09
	opMemoryCopy = 0xfc0a
	opMemoryFill = 0xfc0b
	opTableInit  = 0xfc0c
	opElemDrop   = 0xfc0d
	opTableCopy  = 0xfc0e
	opTableGrow  = 0xfc0f
	opTableSize  = 0xfc10
	opTableFill  = 0xfc11

	blockEmpty = 0x40
)

// The immediates of each opcode:
// https://www.w3.org/TR/wasm-core-2/#binary-instr.
var (
	plainImmediates  = plainTable()
	miscImmediates   = [...]immediate{immNone, immNone, immNone, immNone, immNone, immNone, immNone, immNone, immDataMemory, immData, immTwoMemories, immMemoryIndex, immElementTable, immElement, immTwoTables, immTable, immTable, immTable}
	vectorImmediates = vectorTable()
)

func fill(t *[256]immediate, from, to int, imm immediate) {
	for i := from; i <= to; i++ {
		t[i] = imm
	}
}

func plainTable() (t [256]immediate) {
	t[opUnreachable], t[opNop] = immNone, immNone
	fill(&t, opBlock, opIf, immBlock)
	t[opElse], t[opEnd] = immNone, immNone
	t[opBr], t[opBrIf], t[opBrTable], t[opReturn] = immLabel, immLabel, immLabels, immNone
	t[opCall], t[opCallIndirect] = immFunc, immIndirect
	t[0x1a], t[0x1b], t[0x1c] = immNone, immNone, immSelect // drop, select, select with a type
	fill(&t, opLocalGet, opLocalTee, immLocal)
	t[opGlobalGet], t[opGlobalSet] = immGlobal, immGlobal
	t[0x25], t[opTableSet] = immTable, immTable // table.get, table.set
	fill(&t, 0x28, 0x3e, immMemory)             // loads and stores
	t[opMemorySize], t[opMemoryGrow] = immMemoryIndex, immMemoryIndex
	t[opI32Const], t[opI64Const], t[0x43], t[0x44] = immI32, immI64, imm4, imm8
	fill(&t, opI32Eqz, 0xc4, immNone) // comparisons, arithmetic, conversions, sign extension
	t[opRefNull], t[0xd1], t[opRefFunc] = immRefType, immNone, immFunc
	return t
}

func vectorTable() (t [256]immediate) {
	fill(&t, 0x00, 0x0b, immMemory) // loads and stores
	fill(&t, 0x0c, 0x0d, imm16)     // v128.const, i8x16.shuffle
	fill(&t, 0x0e, 0x14, immNone)   // swizzle, splats
	fill(&t, 0x15, 0x22, immLane)   // extract and replace lanes
	fill(&t, 0x23, 0x53, immNone)   // comparisons, bitwise
	fill(&t, 0x54, 0x5b, immMemoryLane)
	fill(&t, 0x5c, 0x5d, immMemory) // loads with zeros
	fill(&t, 0x5e, 0xff, immNone)   // arithmetic
	for _, gap := range []int{0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb, 0xc2, 0xc5, 0xc6, 0xcf, 0xd0, 0xd2, 0xd3, 0xd4, 0xe2, 0xee} {
		t[gap] = immUnknown
	}
	return t
}

// instruction is one decoded instruction.
type instruction struct {
	op         uint16
	imm        immediate
	start, end int // offsets in the body
	// a and b are the immediates' indices. For labels, a is their number; for block types, a is the
	// type index if indexed is set, and b is 1 for one result.
	a, b    uint32
	indexed bool
}

// next decodes one instruction. It allocates nothing.
func (r *reader) next(in *instruction) {
	*in = instruction{start: r.pos}
	c := r.byte()
	in.op, in.imm = uint16(c), plainImmediates[c]
	if in.imm == immUnknown {
		r.prefixed(c, in)
	}
	switch in.imm {
	case immNone:
	case immLocal, immGlobal, immFunc, immLabel, immTable, immData, immElement:
		in.a = r.u32()
	case immBlock:
		r.blockType(in)
	case immLabels:
		r.labels(in)
	case immIndirect, immTwoTables, immElementTable:
		in.a, in.b = r.u32(), r.u32()
	case immSelect:
		if n := r.byte(); n != 1 {
			r.fail("select with %d types", n)
		}
		readValType(r)
	case immMemory, immMemoryLane:
		// An alignment above 16 bytes is never valid; its bit 6 would name another memory.
		if align := r.u32(); align > 4 {
			r.fail("an alignment of 2^%d bytes", align)
		}
		r.u32()
		if in.imm == immMemoryLane {
			r.byte()
		}
	case immMemoryIndex:
		r.zero("the index of a memory")
	case immTwoMemories:
		r.zero("the index of a memory")
		r.zero("the index of a memory")
	case immDataMemory:
		in.a = r.u32()
		r.zero("the index of a memory")
	case immI32:
		r.signed(32)
	case immI64:
		r.signed(64)
	case imm4:
		r.skip(4)
	case imm8:
		r.skip(8)
	case imm16:
		r.skip(16)
	case immLane:
		r.byte()
	case immRefType:
		readRefType(r)
	}
	in.end = r.pos
}

// prefixed decodes the opcode after a prefix. It accepts only the shortest encoding: engines read
// some of these opcodes as bytes instead of integers, so a longer one could be another instruction
// there.
func (r *reader) prefixed(prefix byte, in *instruction) {
	start := r.pos
	switch prefix {
	case 0xfc, 0xfd:
		op := r.u32()
		if r.err != nil {
			return
		}
		if minimal := 1 + b2i(op >= 0x80); op > 0xff || r.pos-start != minimal {
			r.fail("opcode 0x%02x %d is unknown or not in its shortest form", prefix, op)
			return
		}
		in.op = uint16(prefix)<<8 | uint16(op)
		if prefix == 0xfd {
			in.imm = vectorImmediates[op]
		} else if int(op) < len(miscImmediates) {
			in.imm = miscImmediates[op]
		}
		if in.imm == immUnknown {
			r.fail("opcode 0x%02x %d is unknown", prefix, op)
		}
		return
	}
	if r.err != nil {
		return
	}
	switch {
	case prefix == 0xfe:
		r.err = unsupported("threads (an atomic instruction)")
	case prefix == 0x12 || prefix == 0x13 || prefix == 0x15:
		r.err = unsupported("tail calls")
	case prefix >= 0x06 && prefix <= 0x0a || prefix == 0x18 || prefix == 0x19 || prefix == 0x1f:
		r.err = unsupported("exceptions")
	case prefix == 0x14 || prefix >= 0xd3 && prefix <= 0xd6:
		r.err = unsupported("typed function references")
	case prefix == 0xfb:
		r.err = unsupported("garbage collection")
	default:
		r.pos = start
		r.fail("opcode 0x%02x is unknown", prefix)
	}
	r.pos = len(r.data)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// blockType reads a type index, or one byte for no or one result. Other
// encodings of that byte are refused.
func (r *reader) blockType(in *instruction) {
	start := r.pos
	t := r.signed(33)
	if r.err != nil {
		return
	}
	if t >= 0 {
		in.a, in.indexed = uint32(t), true
		return
	}
	c := r.data[start]
	if r.pos-start != 1 || (c != blockEmpty && !ValType(c).known()) {
		r.fail("unknown block type")
	}
	in.b = uint32(b2i(c != blockEmpty))
}

// labels reads the targets of br_table: a is their number, b the largest one.
func (r *reader) labels(in *instruction) {
	n := r.count(1, "labels")
	in.a = uint32(n)
	for ; n >= 0 && r.err == nil; n-- {
		if l := r.u32(); l > in.b {
			in.b = l
		}
	}
}
