package sandbox

import (
	"bytes"

	"github.com/agenthost/agenthost/host/sandbox/pages"
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

	// image is the content to go back to.
	image *image
	// table tells which pages were written; nil where all are compared.
	table *pages.Table
	// private are the pages of the last restore, and unchanged counts, by page, how
	// many restores found a private one as it should be.
	private   []pages.Range
	unchanged []uint8
	// held is how many bytes the memory had to itself after the last restore.
	held int64
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

// backTo makes an image of the memory's current content the one that restore goes back
// to. The image may be that of another instance.
func (l *linear) backTo(i *image, table *pages.Table) {
	l.image = i
	if i.file == nil || i.file.Under(l.bytes()) != nil {
		return
	}
	l.table = table
	l.unchanged = make([]uint8, l.size/table.PageSize())
}

// patience is how many restores may find a private page unchanged before it is given
// up. Most calls write the same few pages: letting the guest keep those costs a copy
// each, while giving them up costs a page fault in the next call as well.
const patience = 16

// restore puts the image's content back and reports whether it could: a memory cannot
// shrink. Copied is how many pages differed.
func (l *linear) restore() (copied int, ok bool) {
	now := l.bytes()
	if l.image == nil || len(now) != len(l.image.content) {
		return 0, false
	}
	l.held = int64(l.size)
	if l.table == nil {
		return l.putBack(0, l.size), true
	}
	var err error
	if l.private, err = l.table.Private(now, l.private[:0]); err != nil {
		return l.putBack(0, l.size), true
	}
	l.held = 0
	size := l.table.PageSize()
	var stale pages.Range // that is given up
	for _, r := range l.private {
		for at := r.From; at < r.To; at += size {
			next := at + size
			count := &l.unchanged[at/size]
			l.held += int64(size)
			if n := l.putBack(at, next); n > 0 {
				copied += n
				*count = 0
				continue
			}
			if *count++; *count < patience {
				continue
			}
			*count = 0
			l.held -= int64(size)
			if stale.To != at {
				pages.Discard(now[stale.From:stale.To])
				stale.From = at
			}
			stale.To = next
		}
	}
	pages.Discard(now[stale.From:stale.To])
	return copied, true
}

// page is the unit of comparison. It is the processor's page size on most machines,
// which is also about where comparing stops being cheaper than copying.
const page = 4096

// putBack compares a part of the memory with the image, and copies what differs: a
// call changes little, and reading is cheaper than writing. It returns how many pages
// it copied.
func (l *linear) putBack(from, to uint64) (copied int) {
	now, image := l.reserved, l.image.content
	for at := from; at < to; at += page {
		end := min(at+page, to)
		if !bytes.Equal(now[at:end], image[at:end]) {
			copy(now[at:end], image[at:end])
			copied++
		}
	}
	return copied
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
