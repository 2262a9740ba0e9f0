// Package pages lets many memories start from one content and return to it at the cost of
// their changes.
//
// The content is a [File] that is mapped privately under each memory. All memories share its
// unwritten pages; the first write to a page gives the memory its own copy. A [Table] reads
// from the processor's page tables which pages those are.
//
// It is a package of its own because only it may import unsafe.
package pages

// Range is a part of a memory, in bytes from its start. Its layout is that of the
// kernel's struct page_region.
type Range struct {
	From, To uint64
	_        uint64
}
