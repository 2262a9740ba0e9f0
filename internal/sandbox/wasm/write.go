package wasm

import "strconv"

// module writes the rewritten module, section by section.
func (w *rewriter) module() []byte {
	m := w.m
	w.out = make([]byte, 0, len(w.bodies)+m.size/2)
	w.out = append(w.out, header...)
	w.types()
	w.imports()
	w.functions()
	w.tables()
	w.globals()
	w.exports()
	if w.o.Snapshot {
		w.section(sectionStart, appendU32(nil, w.start))
	}
	w.elements()
	if m.hasDataCount {
		w.section(sectionDataCount, appendU32(nil, m.dataCount))
	}
	w.section(sectionCode, w.bodySection())
	if data := m.joined(); len(data) > 0 {
		b := appendU32(nil, uint32(len(data)))
		for i := range data {
			b = append(b, data[i].raw...)
		}
		w.section(sectionData, b)
	}
	w.names()
	return w.out
}

func (w *rewriter) section(id byte, b []byte) {
	w.out = appendU32(append(w.out, id), uint32(len(b)))
	w.out = append(w.out, b...)
}

// types appends one type for the checkpoint and one for each added function.
func (w *rewriter) types() {
	n := len(w.m.types) + len(w.added)
	if w.o.Meter {
		n++
	}
	b := appendU32(nil, uint32(n))
	for i := range w.m.types {
		b = w.m.types[i].append(b)
	}
	for i := range w.added {
		b = w.added[i].typ.append(b)
	}
	if w.o.Meter {
		b = Func([]ValType{I32}, I32).append(b)
	}
	w.section(sectionType, b)
}

// imports puts the checkpoint last, so that no other import moves.
func (w *rewriter) imports() {
	n := len(w.m.imports)
	if w.o.Meter {
		n++
	}
	b := appendU32(nil, uint32(n))
	put := func(name ImportName, typ uint32) {
		b = appendName(appendName(b, name.Module), name.Name)
		b = appendU32(append(b, byte(KindFunc)), typ)
	}
	for i := range w.m.imports {
		name := w.m.imports[i].ImportName
		if to, ok := w.o.Rename[name]; ok {
			name = to
		}
		put(name, w.m.imports[i].typeIndex)
	}
	if w.o.Meter {
		put(ImportName{CheckpointModule, CheckpointName}, uint32(len(w.m.types)+len(w.added)))
	}
	w.section(sectionImport, b)
}

func (w *rewriter) functions() {
	b := appendU32(nil, uint32(len(w.m.funcs)+len(w.added)))
	for _, t := range w.m.funcs {
		b = appendU32(b, t)
	}
	for i := range w.added {
		b = appendU32(b, uint32(len(w.m.types)+i))
	}
	w.section(sectionFunction, b)
}

func (w *rewriter) tables() {
	bound := func(l limits, most uint32) limits {
		if !l.hasMax || l.max > most {
			l.max, l.hasMax = most, true
		}
		return l
	}
	if n := len(w.m.tables); n > 0 {
		b := appendU32(nil, uint32(n))
		for _, t := range w.m.tables {
			b = bound(t.limits, w.m.vetted.TableEntries).append(append(b, byte(t.elem)))
		}
		w.section(sectionTable, b)
	}
	if n := len(w.m.memories); n > 0 {
		b := appendU32(nil, uint32(n))
		for _, l := range w.m.memories {
			b = bound(l, w.m.vetted.MemoryPages).append(b)
		}
		w.section(sectionMemory, b)
	}
}

func (w *rewriter) globals() {
	n := len(w.m.globals) + len(w.shadows)
	if w.o.Meter {
		n++
	}
	b := appendU32(nil, uint32(n))
	for i := range w.m.globals {
		g := &w.m.globals[i]
		b = append(b, byte(g.typ), byte(b2i(g.mutable)))
		b = w.expr(b, &g.init)
	}
	if w.o.Meter {
		b = appendZero(b, I32)
	}
	for _, s := range w.shadows {
		b = appendZero(b, s.typ)
	}
	w.section(sectionGlobal, b)
}

func (w *rewriter) expr(b []byte, e *constExpr) []byte {
	if e.isFunc {
		b = appendU32(append(b, opRefFunc), w.emit.function(e.fn))
	} else {
		b = append(b, e.raw...)
	}
	return append(b, opEnd)
}

// firstAdded is the index of the first function that the rewrite appends.
func (w *rewriter) firstAdded() uint32 {
	return w.emit.function(w.imported + uint32(len(w.m.funcs)))
}

func (w *rewriter) exports() {
	n := len(w.m.exports) + w.info.Kept
	for i := range w.added {
		n += b2i(w.added[i].exported)
	}
	b := appendU32(nil, uint32(n))
	for i := range w.m.exports {
		e := &w.m.exports[i]
		index := e.index
		if e.Kind == KindFunc {
			index = w.emit.function(index)
		}
		b = append(appendName(b, e.Name), byte(e.Kind))
		b = appendU32(b, index)
	}
	for i := range w.added {
		if w.added[i].exported {
			b = append(appendName(b, w.added[i].name), byte(KindFunc))
			b = appendU32(b, w.firstAdded()+uint32(i))
		}
	}
	for i := range w.info.Kept {
		b = append(appendName(b, KeptExport+strconv.Itoa(i)), byte(KindGlobal))
		b = appendU32(b, w.shadows[i].copy)
	}
	w.section(sectionExport, b)
}

// elements writes the segments in their original form, except that a table is always explicit.
func (w *rewriter) elements() {
	if len(w.m.elements) == 0 {
		return
	}
	b := appendU32(nil, uint32(len(w.m.elements)))
	for i := range w.m.elements {
		b = w.element(b, &w.m.elements[i])
	}
	w.section(sectionElement, b)
}

func (w *rewriter) element(b []byte, s *segment) []byte {
	exprs := byte(b2i(s.exprs != nil)) << 2
	kind := byte(0)
	if s.exprs != nil {
		kind = byte(s.elem)
	}
	switch s.mode {
	case 0:
		if s.table == 0 && s.elem == FuncRef {
			b = w.expr(append(b, exprs), &s.at)
		} else {
			b = append(w.expr(appendU32(append(b, 2|exprs), s.table), &s.at), kind)
		}
	case 1:
		b = append(b, 1|exprs, kind)
	default:
		b = append(b, 3|exprs, kind)
	}
	b = appendU32(b, uint32(len(s.funcs)+len(s.exprs)))
	for _, f := range s.funcs {
		b = appendU32(b, w.emit.function(f))
	}
	for j := range s.exprs {
		b = w.expr(b, &s.exprs[j])
	}
	return b
}

func (w *rewriter) bodySection() []byte {
	b := make([]byte, 0, len(w.bodies)+1024)
	b = appendU32(b, uint32(len(w.m.bodies)+len(w.added)))
	b = append(b, w.bodies...)
	for i := range w.added {
		b = appendU32(b, uint32(len(w.added[i].body)))
		b = append(b, w.added[i].body...)
	}
	return b
}

func (w *rewriter) names() {
	if w.m.names.count == 0 {
		return
	}
	inserted := ""
	if w.o.Meter {
		inserted = CheckpointModule + "." + CheckpointName
	}
	added := make([]string, len(w.added))
	for i := range w.added {
		added[i] = w.added[i].name
	}
	w.section(sectionCustom, w.m.nameSection(w.emit.function, inserted, w.emit.checkpoint, added, w.firstAdded()))
}
