package wasm

import (
	"bytes"
	"fmt"
	"slices"
)

// SectionPrefix is how the names of those custom sections begin that a guest can read, with
// the host function section.
const SectionPrefix = "agenthost."

// GuestSections are the sections that a guest may have, without the prefix: what the
// interpreter of tables runs, and the answers of auth_schema and describe.
func GuestSections() []string { return []string{"rows", "auth", "manifest"} }

// keep keeps a section for the guest.
func (m *Module) keep(name string, data []byte) {
	_, double := m.kept[name]
	switch {
	case m.unkept != nil:
	case !slices.Contains(GuestSections(), name):
		m.unkept = &Refusal{What: fmt.Sprintf("it has the custom section %q; guests read agenthost.rows, agenthost.auth and agenthost.manifest", SectionPrefix+shorten(name))}
	case double:
		m.unkept = &Refusal{What: fmt.Sprintf("it has the custom section %q twice", SectionPrefix+name)}
	default:
		if m.kept == nil {
			m.kept = make(map[string][]byte, len(GuestSections()))
		}
		m.kept[name] = data
	}
}

func (m *Module) vetKept(l Limits) error {
	if m.unkept != nil {
		return m.unkept
	}
	for _, name := range GuestSections() {
		if err := over("bytes in the custom section "+SectionPrefix+name, len(m.kept[name]), l.SectionBytes); err != nil {
			return err
		}
	}
	return nil
}

// Sections are the custom sections that the guest can read, by name without [SectionPrefix]. They are
// copies.
func (m *Module) Sections() map[string][]byte {
	sections := make(map[string][]byte, len(m.kept))
	for name, data := range m.kept {
		sections[name] = bytes.Clone(data)
	}
	return sections
}

// Code is the module without its custom sections for the guest, byte for byte: all that its native
// code depends on. Modules with the same code differ in what their guests can read, and in nothing
// else. It is the parsed bytes where there is no such section.
func (m *Module) Code() []byte {
	if len(m.code) == 1 {
		return m.code[0]
	}
	return slices.Concat(m.code...)
}

// Section is a custom section for the guest, named without [SectionPrefix].
type Section struct {
	Name string
	Data []byte
}

// WithSections returns a module with more custom sections for the guest.
func WithSections(module []byte, sections ...Section) []byte {
	w := rewriter{out: slices.Clone(module)}
	for _, s := range sections {
		w.section(sectionCustom, append(appendName(nil, SectionPrefix+s.Name), s.Data...))
	}
	return w.out
}
