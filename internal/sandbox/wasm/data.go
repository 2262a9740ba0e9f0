package wasm

import (
	"cmp"
	"slices"
)

// joinOver is the longest gap over which two data segments are joined, in bytes. Go's linker leaves
// out some twenty zeros or more, so a connector's data has 30,000 segments. An engine reads and checks
// each when it loads the module, and copies each into every new instance, which takes milliseconds.
const joinOver = 64

// joined returns the module's data segments with neighbours joined, and the zeros between them: a new
// memory is the same. If segments may have another use than that, it returns them unchanged.
func (m *Module) joined() []dataSegment {
	// Only a module with a data count can name its segments in code.
	if m.hasDataCount || len(m.memories) == 0 {
		return m.data
	}
	size := uint64(m.memories[0].min) << 16
	pieces := slices.Clone(m.data)
	slices.SortStableFunc(pieces, func(a, b dataSegment) int { return cmp.Compare(a.start, b.start) })
	end := uint64(0) // of the pieces before
	for i := range pieces {
		p := &pieces[i]
		// One that does not fit makes an instance fail, and the order of overlapping ones
		// matters.
		if !p.fixed || p.end() > size || uint64(p.start) < end {
			return m.data
		}
		end = p.end()
	}
	var list []dataSegment
	for i := 0; i < len(pieces); {
		first := pieces[i]
		content := slices.Clone(first.content)
		for i++; i < len(pieces) && uint64(pieces[i].start) <= uint64(first.start)+uint64(len(content))+joinOver; i++ {
			gap := int(pieces[i].start) - int(first.start) - len(content)
			content = append(append(content, make([]byte, gap)...), pieces[i].content...)
		}
		raw := appendI32([]byte{0, opI32Const}, int32(first.start))
		raw = appendU32(append(raw, opEnd), uint32(len(content)))
		list = append(list, dataSegment{raw: append(raw, content...), fixed: true, start: first.start, content: content})
	}
	return list
}
