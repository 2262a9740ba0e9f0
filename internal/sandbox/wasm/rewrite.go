package wasm

import "errors"

// Options say what a rewrite adds and changes.
type Options struct {
	// Meter makes the module count down at function entries, loops, host calls and bulk
	// instructions, and call the imported function agenthost.checkpoint (i32) -> (i32) with the
	// count when it is below zero. The result is the new count. So the host sets the distance
	// between checkpoints, learns the use (its grant less the count), and stops the module by
	// trapping. The count starts at 0: the first function asks for its allotment.
	//
	// The use depends only on the module and its input, not on the machine or on the allotments,
	// except for a call that nests too deep: the engine decides where the stack ends. One unit is
	// about one instruction; a call is never charged less than it runs. A unit seldom takes longer
	// than 100 ns, and most take less than 1 ns.
	Meter bool
	// Snapshot adds [StartExport] and, if the module's state can be restored, [SaveExport],
	// [RestoreExport] and [KeptExport].
	Snapshot bool
	// Rename gives imports other names.
	Rename map[ImportName]ImportName

	exact bool // charge each instruction by itself, for tests
}

// Info has the facts that a rewrite found.
type Info struct {
	// Snapshot says whether memory and the mutable globals are the whole state, so that copying
	// memory and calling [SaveExport] and [RestoreExport] restores an instance. The host must
	// handle memory that has grown since.
	Snapshot bool
	// WhyNot is the reason if Snapshot is false.
	WhyNot string
	// Globals is the number of mutable globals.
	Globals int
	// Kept is the number of them whose kept values are exported, and so can be copied to another
	// instance: all, or 0 if one is a vector or a reference, which wazero's API cannot set.
	Kept int
	// Counter is the index of the counting global, 0 without a meter.
	Counter int
	// Elements is the number of items of all element segments, and Entries the number of initial
	// entries of all tables. Besides memory, they determine the size of an instance.
	Elements, Entries int
}

// Rewrite returns the module with the options applied. The result has no custom section but the names
// of functions. Memory and tables without a maximum, or with a larger one, get that of the limits with
// which the module was vetted.
//
// # Errors
//
//   - an error, if the module was not vetted
func (m *Module) Rewrite(o Options) ([]byte, Info, error) {
	if m.vetted == nil {
		return nil, Info{}, errors.New("wasm: a module must pass Vet before it is rewritten")
	}
	w := &rewriter{m: m, o: o, imported: uint32(m.importedFuncs)}
	w.emit = emitter{imported: w.imported, checkpoint: w.imported, count: uint32(len(m.globals))}
	globals := uint32(len(m.globals))
	if o.Meter {
		w.emit.shift = 1
		w.info.Counter = len(m.globals)
		globals++
		if len(m.memories) > 0 {
			w.emit.fill = w.firstAdded()
			w.emit.copy = w.firstAdded() + 1
			w.added = append(w.added,
				addedFunc{name: fillName, typ: bulkType, body: w.emit.fillBody()},
				addedFunc{name: copyName, typ: bulkType, body: w.emit.copyBody()})
		}
	}
	if err := w.code(); err != nil {
		return nil, Info{}, err
	}
	shadows := m.shadows(globals)
	w.info.Globals = len(shadows)
	w.info.Elements, w.info.Entries = m.elementItems(), m.tableEntries()
	w.info.Snapshot = w.info.WhyNot == ""
	if o.Snapshot && w.info.Snapshot {
		w.shadows = shadows
		w.info.Kept = kept(shadows)
		w.export(SaveExport, Func(nil), saveBody(shadows))
		w.export(RestoreExport, Func(nil, I32), restoreBody(shadows, o.Meter, w.emit.count))
	}
	if o.Snapshot {
		w.start = w.firstAdded() + uint32(len(w.added))
		w.export(StartExport, Func(nil), []byte{0, opEnd})
	}
	if o.Meter {
		w.export(FuelExport, Func(nil, I32), fuelBody(w.emit.count))
	}
	return w.module(), w.info, nil
}

// addedFunc is a function that the rewrite appends.
type addedFunc struct {
	name     string
	typ      FuncType
	body     []byte
	exported bool
}

type rewriter struct {
	m        *Module
	o        Options
	info     Info
	emit     emitter
	imported uint32
	bodies   []byte // all rewritten bodies
	added    []addedFunc
	shadows  []shadow
	start    uint32 // index of the start function
	out      []byte
}

// export appends a function for the host.
func (w *rewriter) export(name string, typ FuncType, body []byte) {
	w.added = append(w.added, addedFunc{name: name, typ: typ, body: body, exported: true})
}

// code rewrites the bodies of all functions.
func (w *rewriter) code() error {
	p := meter{imported: w.imported, metering: w.o.Meter, exact: w.o.exact, hostIndirect: w.m.hostIndirect, heights: heights{module: w.m}}
	size := 0
	for i := range w.m.bodies {
		size += w.m.bodies[i].size
	}
	w.bodies = make([]byte, 0, size+size/2)
	var buf []byte
	for i := range w.m.bodies {
		b := &w.m.bodies[i]
		params := len(w.m.types[w.m.funcs[i]].params)
		if err := p.plan(b.code, params+b.locals); err != nil {
			return w.m.inFunction(err, w.m.importedFuncs+i)
		}
		buf = w.body(buf[:0], b, &p, params)
		w.bodies = appendU32(w.bodies, uint32(len(buf)))
		w.bodies = append(w.bodies, buf...)
	}
	w.info.WhyNot = p.irreversible
	return nil
}

func (w *rewriter) body(buf []byte, b *body, p *meter, params int) []byte {
	scratch := uint32(params + b.locals)
	if p.scratch {
		buf = append(appendU32(buf, uint32(b.groups)+1), b.decls...)
		buf = append(buf, 1, byte(I32))
	} else {
		buf = append(appendU32(buf, uint32(b.groups)), b.decls...)
	}
	at := 0
	for _, e := range p.edits {
		buf = append(buf, b.code.data[at:e.at]...)
		buf = w.emit.append(buf, e, scratch)
		at = e.end
	}
	return append(buf, b.code.data[at:]...)
}

// refersToImport reports whether a reference to an imported function can exist in the module, other
// than by its index in a call.
func (m *Module) refersToImport() bool {
	imported := uint32(m.importedFuncs)
	refers := func(e *constExpr) bool { return e.isFunc && e.fn < imported }
	for i := range m.globals {
		if refers(&m.globals[i].init) {
			return true
		}
	}
	for i := range m.elements {
		for _, f := range m.elements[i].funcs {
			if f < imported {
				return true
			}
		}
		for j := range m.elements[i].exprs {
			if refers(&m.elements[i].exprs[j]) {
				return true
			}
		}
	}
	// ref.func in code needs its function to be named above or in an export.
	for i := range m.exports {
		if m.exports[i].Kind == KindFunc && m.exports[i].index < imported {
			return true
		}
	}
	return false
}
