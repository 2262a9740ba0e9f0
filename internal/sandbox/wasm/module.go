// Package wasm reads WebAssembly modules, refuses those that could harm the host, and rewrites
// the others so that they can be interrupted, metered and restored. It is pure: bytes in, bytes
// out.
//
// It accepts the WebAssembly core specification 2.0 (https://www.w3.org/TR/wasm-core-2/), except
// for what [Module.Vet] refuses, and is stricter than an engine about encodings, so that both read
// a module the same way. It does not check operand types: the engine does that with the rewritten
// module, which is well typed exactly if the original is. But it checks every index, since the
// rewrite adds functions, globals and locals that no original instruction may reach.
package wasm

import "bytes"

const (
	sectionCustom = iota
	sectionType
	sectionImport
	sectionFunction
	sectionTable
	sectionMemory
	sectionGlobal
	sectionExport
	sectionStart
	sectionElement
	sectionCode
	sectionData
	sectionDataCount
)

var header = []byte{0, 'a', 's', 'm', 1, 0, 0, 0}

// Module is a parsed module, as far as needed to vet and rewrite it. It refers to the parsed bytes,
// which must not change. Its methods other than [Module.Vet] are safe for concurrent use.
type Module struct {
	size     int
	types    []FuncType
	imports  []Import
	funcs    []uint32 // type of each defined function
	tables   []table
	memories []limits
	globals  []global
	exports  []Export
	start    bool
	elements []segment
	bodies   []body
	data     []dataSegment

	hasDataCount bool
	dataCount    uint32

	importedFuncs   int
	importedTypes   []uint32 // of the imported functions
	importedGlobals int
	names           names

	kept         map[string][]byte // by name: see Sections
	unkept       error             // why Vet refuses a section that is for the guest
	code         [][]byte          // what lies before, between and after those sections
	vetted       *Limits           // set by Vet
	hostIndirect bool              // set by Vet: call_indirect can reach an imported function
}

// Parse reads the sections of a module. It allocates at most a small multiple of len(data). It
// decodes no function body; [Module.Vet] does.
//
// # Errors
//
//   - [*Malformed]: data is not a module, or an encoding is not accepted
//   - [*Refusal]: the module uses a feature that is not accepted
func Parse(data []byte) (*Module, error) {
	if len(data) >= 8 && bytes.Equal(data[:4], header[:4]) && !bytes.Equal(data[4:8], header[4:]) {
		return nil, &Malformed{Offset: 4, What: "not a core module of version 1 (a component?)"}
	}
	if !bytes.HasPrefix(data, header) {
		return nil, &Malformed{What: "no WebAssembly header"}
	}
	m := &Module{size: len(data)}
	r := reader{data: data, pos: len(header)}
	order, code := 0, 0
	for r.err == nil && r.left() > 0 {
		at := r.pos
		id := r.byte()
		sec := r.take(r.u32())
		if r.err != nil {
			break
		}
		if id == sectionCustom {
			if m.custom(sec) {
				m.code = append(m.code, data[code:at])
				code = r.pos
			}
			continue
		}
		rank := int(id) * 2
		if id == sectionDataCount { // sits between elements and code
			rank = sectionElement*2 + 1
		}
		if id == 13 {
			return nil, unsupported("exceptions (a tag section)")
		}
		if id > sectionDataCount || rank <= order {
			return nil, &Malformed{Offset: at, What: "a section is unknown, repeated or out of order"}
		}
		order = rank
		m.section(id, &sec)
		if sec.err == nil && sec.left() > 0 {
			sec.fail("%d bytes are left over in a section", sec.left())
		}
		if sec.err != nil {
			return nil, sec.err
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	m.code = append(m.code, data[code:])
	if len(m.bodies) != len(m.funcs) {
		return nil, &Malformed{Offset: len(data), What: "the function and code sections differ in length"}
	}
	if m.hasDataCount && int(m.dataCount) != len(m.data) {
		return nil, &Malformed{Offset: len(data), What: "the data count is not the number of data segments"}
	}
	return m, m.link()
}

// link resolves the types of functions and checks the indices in sections, which can refer to later
// sections.
func (m *Module) link() error {
	bad := func(what string) error { return &Malformed{Offset: m.size, What: what} }
	for _, t := range m.funcs {
		if int(t) >= len(m.types) {
			return bad("a function has an unknown type")
		}
	}
	funcs := m.importedFuncs + len(m.funcs)
	checkExpr := func(e *constExpr) bool { return !e.isFunc || int(e.fn) < funcs }
	for i := range m.globals {
		if !checkExpr(&m.globals[i].init) {
			return bad("a global refers to an unknown function")
		}
	}
	for i := range m.elements {
		s := &m.elements[i]
		ok := checkExpr(&s.at)
		for _, f := range s.funcs {
			ok = ok && int(f) < funcs
		}
		for j := range s.exprs {
			ok = ok && checkExpr(&s.exprs[j])
		}
		if !ok {
			return bad("an element segment refers to an unknown function")
		}
	}
	seen := make(map[string]bool, len(m.exports))
	count := [...]int{KindFunc: funcs, KindTable: len(m.tables), KindMemory: len(m.memories), KindGlobal: len(m.globals)}
	for i := range m.imports {
		if k := m.imports[i].Kind; k != KindFunc {
			count[k]++
		}
	}
	for i := range m.exports {
		e := &m.exports[i]
		if int(e.index) >= count[e.Kind] {
			return bad("an export refers to an unknown " + e.Kind.String())
		}
		if seen[e.Name] {
			return bad("two exports have one name")
		}
		seen[e.Name] = true
		if e.Kind == KindFunc {
			e.Type = m.types[m.funcType(e.index)]
		}
	}
	return nil
}

// funcType returns the index of the type of a function, whose index is known to
// be valid.
func (m *Module) funcType(f uint32) uint32 {
	if int(f) < len(m.importedTypes) {
		return m.importedTypes[f]
	}
	return m.funcs[int(f)-len(m.importedTypes)]
}

// Imports returns what the module imports, in its order.
func (m *Module) Imports() []Import { return append([]Import(nil), m.imports...) }

// Exports returns what the module exports, in its order.
func (m *Module) Exports() []Export { return append([]Export(nil), m.exports...) }
