package wasm

// A metered module calls functions of the rewrite in place of memory.fill and memory.copy. They
// charge for the length, and split a long range into pieces with checks in between: a quarter of a
// gigabyte at once would run tens of milliseconds past a deadline.
const (
	bulkChunk = 1 << 20
	fillName  = "agenthost.fill"
	copyName  = "agenthost.copy"
)

var bulkType = Func([]ValType{I32, I32, I32})

// The locals of both functions.
const (
	bulkTo     = 0
	bulkFrom   = 1 // or the value to fill with
	bulkLength = 2
)

// assembler appends code.
type assembler struct{ b []byte }

func (a *assembler) op(ops ...byte)   { a.b = append(a.b, ops...) }
func (a *assembler) get(local uint32) { a.b = appendU32(append(a.b, opLocalGet), local) }
func (a *assembler) set(local uint32) { a.b = appendU32(append(a.b, opLocalSet), local) }
func (a *assembler) chunk()           { a.b = appendI32(append(a.b, opI32Const), bulkChunk) }

// move sets a local to itself plus or minus a piece.
func (a *assembler) move(local uint32, op byte) {
	a.get(local)
	a.chunk()
	a.op(op)
	a.set(local)
}

// leaveIfBeyond leaves the block if the range from a local goes beyond memory: the instruction
// then runs on all of it, and traps before it writes.
func (a *assembler) leaveIfBeyond(start uint32) {
	a.get(start)
	a.op(opI64ExtendU)
	a.get(bulkLength)
	a.op(opI64ExtendU, opI64Add)
	a.op(opMemorySize, 0, opI64ExtendU, opI64Const, 16, opI64Shl, opI64GtU, opBrIf, 1)
}

// fillBody is the code that replaces memory.fill.
func (e *emitter) fillBody() []byte {
	return e.bulkBody(false, opMemoryFill, 0)
}

// copyBody is the code that replaces memory.copy. If the ranges overlap, it starts at the end that is
// not written before it is read.
func (e *emitter) copyBody() []byte {
	return e.bulkBody(true, opMemoryCopy, 0, 0)
}

func (e *emitter) bulkBody(isCopy bool, instruction uint16, indices ...byte) []byte {
	a := &assembler{b: []byte{0}}
	do := func() {
		a.op(byte(instruction>>8), byte(instruction))
		a.op(indices...)
	}
	a.op(opBlock, blockEmpty, opLoop, blockEmpty)
	a.get(bulkLength)
	a.chunk()
	a.op(opI32LeU, opBrIf, 1)
	a.leaveIfBeyond(bulkTo)
	if isCopy {
		a.leaveIfBeyond(bulkFrom)
	}
	a.b = e.append(a.b, edit{kind: editCheck, value: bulkChunk >> bytesPerUnit}, 0)
	if isCopy {
		a.get(bulkTo)
		a.get(bulkFrom)
		a.op(opI32LeU, opIf, blockEmpty)
	}
	a.get(bulkTo)
	a.get(bulkFrom)
	a.chunk()
	do()
	a.move(bulkTo, opI32Add)
	if isCopy {
		a.move(bulkFrom, opI32Add)
		a.op(opElse)
		for _, start := range []uint32{bulkTo, bulkFrom} {
			a.get(start)
			a.get(bulkLength)
			a.op(opI32Add)
			a.chunk()
			a.op(opI32Sub)
		}
		a.chunk()
		do()
		a.op(opEnd)
	}
	a.move(bulkLength, opI32Sub)
	a.op(opBr, 0, opEnd, opEnd)
	// The rest, usually all of it.
	a.get(bulkTo)
	a.get(bulkFrom)
	a.get(bulkLength)
	a.b = e.append(a.b, edit{kind: editBulk, value: bytesPerUnit}, bulkLength)
	do()
	a.op(opEnd)
	return a.b
}
