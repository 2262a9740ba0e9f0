package wasm

// The costs of instructions, in units of fuel: about one simple instruction. Structural instructions
// are free: they do nothing at run time.
const (
	costEntry     = 2  // calling a function
	valuesPerUnit = 8  // of the frame of a function that calls another; see meter.finish
	costLoop      = 1  // reaching the start of a loop
	costHostCall  = 32 // calling an imported function; what it does is the host's to bound
	costIndirect  = 3
	costBulk      = 16
	costGrow      = 64
	bytesPerUnit  = 4  // log2 of the bytes that a bulk instruction handles for one unit
	itemsPerUnit  = 2  // log2 of the table entries
	unitsPerPage  = 6  // log2 of the units for a page that memory.grow adds
	segmentLength = 48 // see meter.charge
	mergeEntry    = 8  // see meter.loop
	leafCost      = 64 // see meter.finish
)

func cost(op uint16) uint32 {
	switch op {
	case opBlock, opLoop, opElse, opEnd, opNop, opUnreachable:
		return 0
	case opCallIndirect:
		return costIndirect
	case opMemoryGrow, opTableGrow:
		return costGrow
	case opMemoryCopy, opMemoryFill, opMemoryInit, opTableCopy, opTableFill, opTableInit:
		return costBulk
	}
	return 1
}
