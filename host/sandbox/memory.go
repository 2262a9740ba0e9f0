package sandbox

import (
	"bytes"

	"github.com/tetratelabs/wazero/experimental"
)

// linear is a Wasm linear memory whose address never changes. Host functions read and
// write the guest's memory through it, since go-sdk shows them only the kernel's.
type linear struct {
	// reserved is the address range; the first size bytes of it are in use.
	reserved []byte
	size     uint64
	// limit is the size that the running call may grow it to.
	limit uint64
	// snapshot is the content to go back to.
	snapshot []byte
}

// bytes returns the memory as it is now. The slice is good until the guest runs again.
func (l *linear) bytes() []byte { return l.reserved[:l.size:l.size] }

// Reallocate implements experimental.LinearMemory.
func (l *linear) Reallocate(size uint64) []byte {
	if size > l.limit || size > uint64(len(l.reserved)) {
		return nil
	}
	if !commit(l.reserved, l.size, size) {
		return nil
	}
	l.size = max(l.size, size)
	return l.reserved[:size:size]
}

// Free implements experimental.LinearMemory.
func (l *linear) Free() {
	if l.reserved != nil {
		release(l.reserved)
		l.reserved, l.size = nil, 0
	}
}

// save makes the current content the one that restore goes back to.
func (l *linear) save() { l.snapshot = bytes.Clone(l.bytes()) }

// page is the unit of comparison in restore. It is the processor's page size on most
// machines, which is also about where comparing stops being cheaper than copying.
const page = 4096

// restore puts the saved content back and reports whether it could: a memory cannot
// shrink. It compares page by page, since a call changes few of them and reading is
// cheaper than writing.
func (l *linear) restore() (pages int, ok bool) {
	now := l.bytes()
	if len(now) != len(l.snapshot) {
		return 0, false
	}
	for at := 0; at < len(now); at += page {
		end := min(at+page, len(now))
		if !bytes.Equal(now[at:end], l.snapshot[at:end]) {
			copy(now[at:end], l.snapshot[at:end])
			pages++
		}
	}
	return pages, true
}

// allocator hands out the memories of one instance. go-sdk instantiates its kernel
// first and the guest second.
type allocator struct {
	memories []*linear
	limit    uint64
}

// Allocate implements experimental.MemoryAllocator. It cannot fail by its signature:
// where the address space is used up it hands out a memory that refuses to grow, and
// wazero's own bounds check then fails the instantiation.
func (a *allocator) Allocate(_, most uint64) experimental.LinearMemory {
	most = min(most, a.limit)
	l := &linear{reserved: reserve(most), limit: most}
	a.memories = append(a.memories, l)
	return l
}
