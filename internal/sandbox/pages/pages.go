// Package pages lets many memories start from one content and go back to it at the
// cost of what they changed.
//
// The content is a [File] that lies under each memory, mapped privately. A page that
// nobody has written is the file's own, shared by all memories; the first write to a
// page gives the memory one of its own. Which pages those are, the processor's page
// tables say, and a [Table] reads them.
//
// It is a package of its own because it names addresses: it imports unsafe, and nothing
// else of the host may.
package pages

// Range is a part of a memory, in bytes from its start. Its layout is that of the
// kernel's struct page_region.
type Range struct {
	From, To uint64
	_        uint64
}
