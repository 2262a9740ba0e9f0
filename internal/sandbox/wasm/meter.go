package wasm

// edit is a change to the code of one function: before the instruction at at,
// or in place of the bytes from at to end.
type edit struct {
	kind    editKind
	at, end int
	value   uint32
}

type editKind uint8

const (
	editNone   editKind = iota
	editCharge          // take value off the count
	editCheck           // and call the checkpoint where the count is below zero
	editBulk            // take off the operand on top of the stack, shifted right by value, and check
	editGrow            // as editBulk, for the pages of memory.grow
	editCall            // call of function value
	editRef             // ref.func of function value
	editFill            // memory.fill
	editCopy            // memory.copy
)

// meter plans the edits of one function.
//
// Code is charged at points: a function's entry, the start of each loop, and places in between. Each
// instruction belongs to one point, which runs before each time that the instruction runs. A point
// charges the cost of all its instructions, as if no branch among them was taken: never less than what
// runs, and known in advance.
//
// Only function entries, loops, host calls and bulk instructions compare the count with zero. Between
// two of them run at most the instructions of one function body, once each, which [Limits.BodyBytes]
// bounds.
type meter struct {
	hostIndirect bool // call_indirect can reach an imported function
	imported     uint32
	metering     bool
	exact        bool // each instruction has its point, for tests
	frames       []meterFrame
	edits        []edit
	heights      heights
	entry        int // the edit that charges the function's entry
	point        int // the edit that charges instructions, or none
	dead         bool
	straight     bool // every execution since the entry got here, without a call
	leaf         bool // no loop, call or bulk instruction so far
	scratch      bool // the edits need a local
	irreversible string
}

type meterFrame struct {
	point int
	dead  bool // the block itself cannot be reached
}

const none = -1

// plan decodes a body that was vetted, of a function with so many parameters and locals.
func (p *meter) plan(r reader, values int) error {
	p.frames = append(p.frames[:0], meterFrame{point: none})
	p.edits = p.edits[:0]
	p.point, p.dead, p.straight, p.leaf, p.scratch = none, false, true, true, false
	p.heights.reset()
	p.entry = 0
	if p.metering {
		p.open(editCheck, 0, costEntry)
	}
	var in instruction
	for len(p.frames) > 0 {
		r.next(&in)
		if r.err != nil {
			return r.err
		}
		p.instruction(&in)
		p.heights.follow(&in)
	}
	if p.metering {
		p.finish(values)
	}
	return nil
}

// open makes a point for the following instructions.
func (p *meter) open(kind editKind, at int, cost uint32) {
	p.point = len(p.edits)
	p.insert(kind, at, cost)
}

func (p *meter) insert(kind editKind, at int, value uint32) {
	p.edits = append(p.edits, edit{kind: kind, at: at, end: at, value: value})
}

func (p *meter) instruction(in *instruction) {
	if reason := irreversible(in.op); reason != "" && p.irreversible == "" {
		p.irreversible = reason
	}
	if p.metering && !p.dead {
		p.meter(in)
	}
	switch in.op {
	case opBlock, opIf, opLoop:
		p.frames = append(p.frames, meterFrame{point: p.point, dead: p.dead})
		if in.op == opLoop && p.metering && !p.dead {
			p.loop(in.end)
		}
	case opElse:
		f := p.frames[len(p.frames)-1]
		p.point, p.dead = f.point, f.dead
	case opEnd:
		f := p.frames[len(p.frames)-1]
		p.frames = p.frames[:len(p.frames)-1]
		p.point, p.dead = f.point, f.dead
	case opBr, opBrTable, opReturn, opUnreachable:
		p.dead = true
	case opCall:
		p.edits = append(p.edits, edit{kind: editCall, at: in.start, end: in.end, value: in.a})
	case opRefFunc:
		p.edits = append(p.edits, edit{kind: editRef, at: in.start, end: in.end, value: in.a})
	}
}

// meter charges an instruction and inserts the checks that it needs itself.
func (p *meter) meter(in *instruction) {
	switch {
	case in.op == opCall && in.a < p.imported:
		p.open(editCheck, in.start, costHostCall)
		p.straight, p.leaf = false, false
		return
	case in.op == opCallIndirect && p.hostIndirect:
		p.open(editCheck, in.start, costHostCall)
		p.straight, p.leaf = false, false
		return
	}
	p.charge(cost(in.op), in.start)
	switch in.op {
	case opCall, opCallIndirect:
		p.straight, p.leaf = false, false
	case opIf, opBr, opBrIf, opBrTable, opReturn:
		p.straight = false
	case opMemoryCopy, opMemoryFill:
		kind := editFill
		if in.op == opMemoryCopy {
			kind = editCopy
		}
		p.edits = append(p.edits, edit{kind: kind, at: in.start, end: in.end})
		p.leaf = false
	case opMemoryInit:
		p.bulk(editBulk, in.start, bytesPerUnit)
	case opTableCopy, opTableFill, opTableInit, opTableGrow:
		p.bulk(editBulk, in.start, itemsPerUnit)
	case opMemoryGrow:
		p.bulk(editGrow, in.start, unitsPerPage)
	}
}

func (p *meter) bulk(kind editKind, at int, shift uint32) {
	p.insert(kind, at, shift)
	p.scratch, p.leaf = true, false
}

// charge adds to the current point. It closes a large point, so that less skipped code is charged.
func (p *meter) charge(cost uint32, at int) {
	if cost == 0 {
		return
	}
	if p.point == none || p.exact || p.edits[p.point].value >= segmentLength {
		p.open(editCharge, at, 0)
	}
	p.edits[p.point].value += cost
}

// loop opens the point at the start of a loop. If a function begins with little more than a loop, as
// those of the Go compiler do, its entry needs no point of its own.
func (p *meter) loop(at int) {
	value := uint32(costLoop)
	if entry := &p.edits[0]; !p.exact && p.straight && entry.kind == editCheck && entry.value <= mergeEntry {
		value += entry.value
		entry.kind = editNone
		for i := range p.frames {
			p.frames[i].point = none
		}
	}
	p.straight, p.leaf = false, false
	p.open(editCheck, at, value)
	if p.edits[p.entry].kind == editNone {
		p.entry = p.point
	}
}

// finish charges a function that calls another for its frame: during the call an engine keeps its
// locals and its operand stack. So a guest pays for its stack, and the host, which checks the stack at
// checkpoints, notices its growth. finish also drops the check, but not the charge, of a short
// function without calls: its callers have one.
func (p *meter) finish(values int) {
	if p.heights.calls {
		p.edits[p.entry].value += uint32(values+p.heights.atCall) / valuesPerUnit
	}
	if !p.leaf {
		return
	}
	total := uint32(0)
	for i := range p.edits {
		if p.edits[i].kind <= editCheck {
			total += p.edits[i].value
		}
	}
	if total <= leafCost {
		p.edits[0].kind = editCharge
	}
}

// emitter writes the code of edits.
type emitter struct {
	count      uint32 // the global that counts
	checkpoint uint32 // the imported function
	imported   uint32
	shift      uint32 // how far the indices of defined functions move
	fill, copy uint32 // the functions in place of memory.fill and memory.copy
}

func (e *emitter) function(f uint32) uint32 {
	if f >= e.imported {
		return f + e.shift
	}
	return f
}

func (e *emitter) append(b []byte, ed edit, scratch uint32) []byte {
	switch ed.kind {
	case editCall:
		return appendU32(append(b, opCall), e.function(ed.value))
	case editRef:
		return appendU32(append(b, opRefFunc), e.function(ed.value))
	case editFill:
		return appendU32(append(b, opCall), e.fill)
	case editCopy:
		return appendU32(append(b, opCall), e.copy)
	case editCharge, editCheck:
		b = appendU32(append(b, opGlobalGet), e.count)
		b = appendI32(append(b, opI32Const), int32(ed.value))
		b = appendU32(append(b, opI32Sub, opGlobalSet), e.count)
		if ed.kind == editCharge {
			return b
		}
		return e.check(b)
	case editBulk, editGrow:
		b = appendU32(append(b, opLocalTee), scratch)
		b = appendU32(append(b, opGlobalGet), e.count)
		b = appendU32(append(b, opLocalGet), scratch)
		if ed.kind == editGrow {
			// More pages than there can be fail at once.
			b = append(appendI32(append(b, opI32Const), 0xffff), opI32And)
			b = append(appendI32(append(b, opI32Const), int32(ed.value)), opI32Shl)
		} else {
			b = append(appendI32(append(b, opI32Const), int32(ed.value)), opI32ShrU)
		}
		b = appendU32(append(b, opI32Sub, opGlobalSet), e.count)
		return e.check(b)
	}
	return b
}

// check passes a count below zero to the host, whose result is the new count.
func (e *emitter) check(b []byte) []byte {
	b = appendU32(append(b, opGlobalGet), e.count)
	b = append(b, opI32Const, 0, opI32LtS, opIf, blockEmpty)
	b = appendU32(append(b, opGlobalGet), e.count)
	b = appendU32(append(b, opCall), e.checkpoint)
	b = appendU32(append(b, opGlobalSet), e.count)
	return append(b, opEnd)
}
