package wasm

// irreversible returns why a module with an instruction cannot be restored by its memory and globals,
// or "" if it can.
func irreversible(op uint16) string {
	switch op {
	case opTableSet:
		return "table.set changes a table"
	case opTableGrow:
		return "table.grow changes a table"
	case opTableFill:
		return "table.fill changes a table"
	case opTableCopy:
		return "table.copy changes a table"
	case opTableInit:
		return "table.init changes a table"
	case opDataDrop:
		return "data.drop drops a data segment"
	case opElemDrop:
		return "elem.drop drops an element segment"
	}
	return ""
}

// shadow pairs a mutable global with the one that keeps its value.
type shadow struct {
	global, copy uint32
	typ          ValType
}

// shadows returns a pair for each mutable global; the copies are numbered from
// next.
func (m *Module) shadows(next uint32) []shadow {
	var list []shadow
	for i := range m.globals {
		if g := &m.globals[i]; g.mutable {
			list = append(list, shadow{global: uint32(i), copy: next, typ: g.typ})
			next++
		}
	}
	return list
}

// kept is how many of the copies are exported.
func kept(list []shadow) int {
	for _, s := range list {
		switch s.typ {
		case I32, I64, F32, F64:
		default:
			return 0
		}
	}
	return len(list)
}

// appendZero appends a mutable global whose value is that type's zero.
func appendZero(b []byte, t ValType) []byte {
	b = append(b, byte(t), 1)
	switch t {
	case I32:
		b = append(b, 0x41, 0)
	case I64:
		b = append(b, 0x42, 0)
	case F32:
		b = append(b, 0x43, 0, 0, 0, 0)
	case F64:
		b = append(b, 0x44, 0, 0, 0, 0, 0, 0, 0, 0)
	case V128:
		b = append(append(b, 0xfd, 0x0c), make([]byte, 16)...)
	default:
		b = append(b, opRefNull, byte(t))
	}
	return append(b, opEnd)
}

func appendCopy(b []byte, from, to uint32) []byte {
	b = appendU32(append(b, opGlobalGet), from)
	return appendU32(append(b, opGlobalSet), to)
}

// saveBody is the code of [SaveExport].
func saveBody(list []shadow) []byte {
	b := []byte{0}
	for _, s := range list {
		b = appendCopy(b, s.global, s.copy)
	}
	return append(b, opEnd)
}

// restoreBody is the code of [RestoreExport]. With a count of 0, the next function asks the host for
// its first allotment.
func restoreBody(list []shadow, metered bool, count uint32) []byte {
	b := []byte{0}
	for _, s := range list {
		b = appendCopy(b, s.copy, s.global)
	}
	if !metered {
		return append(b, opI32Const, 0, opEnd)
	}
	b = appendU32(append(b, opGlobalGet), count)
	b = appendU32(append(b, opI32Const, 0, opGlobalSet), count)
	return append(b, opEnd)
}

// fuelBody is the code of [FuelExport].
func fuelBody(count uint32) []byte {
	return append(appendU32([]byte{0, opGlobalGet}, count), opEnd)
}
