package wasm

func (m *Module) section(id byte, r *reader) {
	switch id {
	case sectionType:
		m.typeSection(r)
	case sectionImport:
		m.importSection(r)
	case sectionFunction:
		m.funcs = make([]uint32, r.count(1, "functions"))
		for i := range m.funcs {
			m.funcs[i] = r.u32()
		}
	case sectionTable:
		for n := r.count(3, "tables"); n > 0 && r.err == nil; n-- {
			m.tables = append(m.tables, readTable(r))
		}
	case sectionMemory:
		for n := r.count(2, "memories"); n > 0 && r.err == nil; n-- {
			m.memories = append(m.memories, readLimits(r, "memory"))
		}
	case sectionGlobal:
		for n := r.count(4, "globals"); n > 0 && r.err == nil; n-- {
			g := readGlobalType(r)
			g.init = readConst(r)
			m.globals = append(m.globals, g)
		}
	case sectionExport:
		m.exportSection(r)
	case sectionStart:
		m.start = true
		r.u32()
	case sectionElement:
		for n := r.count(2, "element segments"); n > 0 && r.err == nil; n-- {
			m.elements = append(m.elements, readElements(r))
		}
	case sectionDataCount:
		m.hasDataCount = true
		m.dataCount = r.u32()
	case sectionCode:
		m.codeSection(r)
	case sectionData:
		m.dataSection(r)
	}
}

func readValType(r *reader) ValType {
	t := ValType(r.byte())
	if r.err == nil && !t.known() {
		r.fail("unknown value type 0x%02x", byte(t))
	}
	return t
}

func readRefType(r *reader) ValType {
	t := ValType(r.byte())
	if r.err == nil && !t.reference() {
		r.fail("unknown reference type 0x%02x", byte(t))
	}
	return t
}

func (m *Module) typeSection(r *reader) {
	list := func() string {
		sub := r.take(r.u32())
		for _, t := range sub.data {
			if !ValType(t).known() {
				r.fail("unknown value type 0x%02x", t)
				return ""
			}
		}
		return string(sub.data)
	}
	for n := r.count(3, "types"); n > 0 && r.err == nil; n-- {
		if form := r.byte(); r.err == nil && form != 0x60 {
			r.err = unsupported("types other than functions")
			return
		}
		t := FuncType{params: list()}
		t.results = list()
		m.types = append(m.types, t)
	}
}

func (m *Module) importSection(r *reader) {
	for n := r.count(4, "imports"); n > 0 && r.err == nil; n-- {
		imp := Import{ImportName: ImportName{Module: r.name(), Name: r.name()}, Kind: Kind(r.byte())}
		switch imp.Kind {
		case KindFunc:
			imp.typeIndex = r.u32()
			if r.err == nil && int(imp.typeIndex) >= len(m.types) {
				r.fail("an import has an unknown type")
				return
			}
			if r.err == nil {
				imp.Type = m.types[imp.typeIndex]
			}
			m.importedFuncs++
			m.importedTypes = append(m.importedTypes, imp.typeIndex)
		case KindTable:
			readTable(r)
		case KindMemory:
			readLimits(r, "memory")
		case KindGlobal:
			readGlobalType(r)
			m.importedGlobals++
		default:
			r.fail("an import is of an unknown kind")
		}
		m.imports = append(m.imports, imp)
	}
}

func readLimits(r *reader, what string) limits {
	var l limits
	switch flag := r.byte(); flag {
	case 0:
		l.min = r.u32()
	case 1:
		l.min, l.max, l.hasMax = r.u32(), r.u32(), true
	case 2, 3:
		if r.err == nil {
			r.err = unsupported("threads (a shared " + what + ")")
		}
	case 4, 5, 6, 7:
		if r.err == nil {
			r.err = unsupported("a 64-bit " + what)
		}
	default:
		r.fail("the limits of a %s have an unknown form", what)
	}
	if r.err == nil && l.hasMax && l.max < l.min {
		r.fail("a %s has a maximum below its minimum", what)
	}
	return l
}

func readTable(r *reader) table {
	return table{elem: readRefType(r), limits: readLimits(r, "table")}
}

func readGlobalType(r *reader) global {
	g := global{typ: readValType(r)}
	mut := r.byte()
	if mut > 1 {
		r.fail("the mutability of a global is neither 0 nor 1")
	}
	g.mutable = mut == 1
	return g
}

// readConst reads a constant expression: one instruction and the end. Longer
// ones (extended constants) are not in the accepted features.
func readConst(r *reader) constExpr {
	start := r.pos
	var e constExpr
	switch op := r.byte(); op {
	case 0x41:
		r.signed(32)
	case 0x42:
		r.signed(64)
	case 0x43:
		r.skip(4)
	case 0x44:
		r.skip(8)
	case 0xd0:
		readRefType(r)
	case 0xd2:
		e.isFunc, e.fn = true, r.u32()
	case 0xfd:
		if c := r.byte(); c != 0x0c {
			r.fail("not a constant expression")
		}
		r.skip(16)
	case 0x23:
		// Only imported globals could be named here, and Vet refuses those.
		r.fail("a constant expression refers to a global")
	default:
		r.fail("not a constant expression")
	}
	e.raw = r.data[start:r.pos:r.pos]
	if end := r.byte(); r.err == nil && end != 0x0b {
		r.fail("a constant expression has more than one instruction (extended constants are not accepted)")
	}
	return e
}

// address returns the place in memory that an expression names, if it is an i32.const.
func (e *constExpr) address() (at uint32, ok bool) {
	if len(e.raw) == 0 || e.raw[0] != opI32Const {
		return 0, false
	}
	r := reader{data: e.raw, pos: 1}
	return uint32(r.signed(32)), r.err == nil
}

func (m *Module) exportSection(r *reader) {
	n := r.count(3, "exports")
	m.exports = make([]Export, 0, n)
	for ; n > 0 && r.err == nil; n-- {
		e := Export{Name: r.name(), Kind: Kind(r.byte()), index: r.u32()}
		if r.err == nil && e.Kind > KindGlobal {
			r.fail("an export is of an unknown kind")
		}
		m.exports = append(m.exports, e)
	}
}

// readElements reads a segment in one of the eight forms of
// https://www.w3.org/TR/wasm-core-2/#element-section.
func readElements(r *reader) segment {
	flag := r.u32()
	if flag > 7 {
		r.fail("an element segment has an unknown form")
		return segment{}
	}
	s := segment{elem: FuncRef}
	passive, explicit, exprs := flag&1 != 0, flag&2 != 0, flag&4 != 0
	switch {
	case passive && explicit:
		s.mode = 2
	case passive:
		s.mode = 1
	default:
		if explicit {
			s.table = r.u32()
		}
		s.at = readConst(r)
	}
	if passive || explicit {
		if exprs {
			s.elem = readRefType(r)
		} else {
			r.zero("the kind of an element segment")
		}
	}
	if exprs {
		n := r.count(3, "elements")
		s.exprs = make([]constExpr, 0, n)
		for ; n > 0 && r.err == nil; n-- {
			s.exprs = append(s.exprs, readConst(r))
		}
		return s
	}
	s.funcs = make([]uint32, r.count(1, "elements"))
	for i := range s.funcs {
		s.funcs[i] = r.u32()
	}
	return s
}

func (m *Module) codeSection(r *reader) {
	n := r.count(3, "function bodies")
	m.bodies = make([]body, 0, n)
	for ; n > 0 && r.err == nil; n-- {
		size := r.u32()
		code := r.take(size)
		if r.err != nil {
			return
		}
		b := body{size: int(size), groups: code.count(2, "local declarations")}
		start := code.pos
		total := uint64(0)
		for g := b.groups; g > 0 && code.err == nil; g-- {
			total += uint64(code.u32())
			readValType(&code)
		}
		if code.err == nil && total > 1<<31-1 {
			code.fail("a function declares %d locals", total)
		}
		if code.err != nil {
			r.err = code.err
			return
		}
		b.locals = int(total)
		b.decls = code.data[start:code.pos:code.pos]
		b.code = reader{data: code.data[code.pos:], base: code.base + code.pos}
		m.bodies = append(m.bodies, b)
	}
}

func (m *Module) dataSection(r *reader) {
	n := r.count(2, "data segments")
	m.data = make([]dataSegment, 0, n)
	for ; n > 0 && r.err == nil; n-- {
		start := r.pos
		var at constExpr
		switch flag := r.u32(); flag {
		case 0:
			at = readConst(r)
		case 1:
		case 2:
			r.zero("the memory of a data segment")
			at = readConst(r)
		default:
			r.fail("a data segment has an unknown form")
		}
		if at.isFunc {
			r.fail("the place of a data segment is a function") // its index would have to move
		}
		d := r.take(r.u32())
		s := dataSegment{raw: r.data[start:r.pos:r.pos], content: d.data}
		s.start, s.fixed = at.address()
		m.data = append(m.data, s)
	}
}
