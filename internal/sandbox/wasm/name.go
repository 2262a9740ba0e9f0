package wasm

import (
	"strings"
	"unicode/utf8"
)

// names has the names of functions in the name section
// (https://www.w3.org/TR/wasm-core-2/#name-section). It keeps positions instead of strings: a Go
// module has thousands of names, and most runs need none.
type names struct {
	module string
	data   []byte // the function name map, checked
	count  int
}

// maxName bounds a name that goes into the rewritten module.
const maxName = 4096

// custom keeps the function names and drops every other custom section: debug information no longer
// fits the rewritten code. It also drops an invalid name section, which never makes a module invalid.
// It reports whether the section is one for the guest.
func (m *Module) custom(sec reader) (forGuest bool) {
	title := sec.name()
	if sec.err == nil && strings.HasPrefix(title, SectionPrefix) {
		m.keep(strings.TrimPrefix(title, SectionPrefix), sec.data[sec.pos:])
		return m.unkept == nil
	}
	if title == "name" && sec.err == nil && m.names.data == nil {
		m.nameFunctions(sec)
	}
	return false
}

// nameFunctions reads a name section.
func (m *Module) nameFunctions(sec reader) {
	for sec.left() > 0 && sec.err == nil {
		id := sec.byte()
		sub := sec.take(sec.u32())
		if sec.err != nil {
			return
		}
		switch id {
		case 0:
			if n := sub.name(); sub.err == nil && len(n) <= maxName {
				m.names.module = n
			}
		case 1:
			check := sub
			n := check.count(2, "names")
			last := int64(-1)
			for i := 0; i < n && check.err == nil; i++ {
				f := int64(check.u32())
				name := check.take(check.u32())
				if f <= last || !utf8.Valid(name.data) || len(name.data) > maxName {
					return
				}
				last = f
			}
			if check.err == nil && check.left() == 0 {
				m.names.data, m.names.count = sub.data, n
			}
		}
	}
}

// each calls fn with every function name, in order of the functions, until fn
// returns false.
func (n *names) each(fn func(f uint32, name []byte) bool) {
	if n.count == 0 {
		return
	}
	r := reader{data: n.data}
	r.u32()
	for i := 0; i < n.count; i++ {
		f := r.u32()
		name := r.take(r.u32())
		if r.err != nil || !fn(f, name.data) {
			return
		}
	}
}

// FunctionName returns the name of a function in the name section, or "". Indices count imported
// functions first.
func (m *Module) FunctionName(f uint32) string {
	found := ""
	m.names.each(func(g uint32, name []byte) bool {
		if g == f {
			found = string(name)
		}
		return g < f
	})
	return found
}

// nameSection returns the custom section for the rewritten module: the names with moved indices, and
// then the names of the added functions.
func (m *Module) nameSection(shift func(uint32) uint32, inserted string, at uint32, added []string, first uint32) []byte {
	functions := m.importedFuncs + len(m.funcs)
	var list []byte
	count := uint32(0)
	put := func(f uint32, name string) {
		list = appendName(appendU32(list, f), name)
		count++
	}
	list = make([]byte, 0, len(m.names.data)+64)
	pending := inserted != ""
	m.names.each(func(f uint32, name []byte) bool {
		if int(f) >= functions {
			return false
		}
		if pending && int(f) >= m.importedFuncs {
			put(at, inserted)
			pending = false
		}
		list = appendU32(list, shift(f))
		list = appendU32(list, uint32(len(name)))
		list = append(list, name...)
		count++
		return true
	})
	if pending {
		put(at, inserted)
	}
	for i, name := range added {
		put(first+uint32(i), name)
	}
	functionMap := append(appendU32(nil, count), list...)
	out := appendName(nil, "name")
	if m.names.module != "" {
		name := appendName(nil, m.names.module)
		out = append(appendU32(append(out, 0), uint32(len(name))), name...)
	}
	out = appendU32(append(out, 1), uint32(len(functionMap)))
	return append(out, functionMap...)
}
