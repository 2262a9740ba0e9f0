package wasm

// heights tracks the height of a function's operand stack, to know how many values an engine may have
// to keep in the function's frame during a call. It is exact for valid code without vectors, and never
// too low.
type heights struct {
	module *Module
	now    int
	blocks []blockHeight
	calls  bool // whether there is a call
	atCall int  // the largest number of values below the arguments of one
}

// blockHeight is the height below a block, and the number of its results.
type blockHeight struct{ base, params, results int }

func (h *heights) reset() {
	h.now, h.calls, h.atCall = 0, false, 0
	h.blocks = append(h.blocks[:0], blockHeight{})
}

// follow applies an instruction.
func (h *heights) follow(in *instruction) {
	switch in.op {
	case opBlock, opLoop, opIf:
		h.take(b2i(in.op == opIf))
		block := blockHeight{results: int(in.b)}
		if in.indexed {
			block.params, block.results = h.typeOf(in.a)
		}
		h.take(block.params)
		block.base = h.now
		h.now += block.params
		h.blocks = append(h.blocks, block)
	case opElse:
		block := h.blocks[len(h.blocks)-1]
		h.now = block.base + block.params
	case opEnd:
		block := h.blocks[len(h.blocks)-1]
		h.blocks = h.blocks[:len(h.blocks)-1]
		h.now = block.base + block.results
	case opCall:
		h.call(h.module.funcType(in.a))
	case opCallIndirect:
		h.take(1)
		h.call(in.a)
	default:
		pops, pushes := effect(in.op)
		h.take(pops)
		h.now += pushes
	}
}

func (h *heights) call(t uint32) {
	params, results := h.typeOf(t)
	h.take(params)
	h.calls, h.atCall = true, max(h.atCall, h.now)
	h.now += results
}

// take pops values. Unreachable code may pop more than there are.
func (h *heights) take(n int) { h.now = max(h.now-n, h.blocks[len(h.blocks)-1].base) }

func (h *heights) typeOf(t uint32) (params, results int) {
	if int(t) >= len(h.module.types) {
		return 0, 0 // not in vetted code
	}
	return len(h.module.types[t].params), len(h.module.types[t].results)
}

// effect is how many values an instruction pops and pushes
// (https://www.w3.org/TR/wasm-core-2/#a7-index-of-instructions). For vector instructions it only
// knows that they push at most one.
func effect(op uint16) (pops, pushes int) {
	switch {
	case op == opBrIf || op == opBrTable:
		return 1, 0
	case op == 0x1a: // drop
		return 1, 0
	case op == 0x1b || op == 0x1c: // select
		return 3, 1
	case op == opLocalGet || op == opGlobalGet || op == opMemorySize || op >= opI32Const && op <= 0x44 || op == opRefNull || op == opRefFunc || op == opTableSize:
		return 0, 1
	case op == opLocalSet || op == opGlobalSet:
		return 1, 0
	case op == opTableSet || op >= 0x36 && op <= 0x3e: // stores
		return 2, 0
	case op >= 0x46 && op <= 0x4f || op >= 0x51 && op <= 0x66, // comparisons
		op >= opI32Add && op <= 0x78 || op >= opI64Add && op <= 0x8a || op >= 0x92 && op <= 0x98 || op >= 0xa0 && op <= 0xa6: // arithmetic
		return 2, 1
	case op == opTableGrow:
		return 2, 1
	case op == opMemoryInit || op == opMemoryCopy || op == opMemoryFill || op == opTableInit || op == opTableCopy || op == opTableFill:
		return 3, 0
	case op>>8 == 0xfd:
		return 0, 1
	}
	return 0, 0
}
