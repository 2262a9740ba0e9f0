package sandbox

import (
	"bytes"
	"context"

	"github.com/agenthost/agenthost/internal/sandbox/pages"
	"github.com/agenthost/agenthost/internal/turns"
	"github.com/tetratelabs/wazero/api"
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
	// wazero is wazero's side of the memory, and shrinking says that it is being made to
	// take the memory for smaller than it was.
	wazero    api.Memory
	shrinking bool
	// kept is how many bytes are still there of what calls have grown it by.
	kept uint64

	// image is the content to go back to.
	image *image
	// table tells which pages were written; nil if all are compared.
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
	if l.shrinking {
		return l.bytes()
	}
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

// maxGrown is by how many bytes a call may grow a memory that is used again. The kernel
// keeps the page tables of what was there, a 512th of it.
const (
	maxGrown   = 64 << 20
	pageTables = 512
)

// shrink takes away what a call has grown the memory by, and reports whether it could. The
// guest finds the size that it started with, and zeros where it grows again.
//
// wazero has no way to make a memory smaller. But it asks the memory's allocator when a
// memory grows, and takes what the allocator answers for the whole of it. So the memory is
// made to grow by a page, and the allocator answers with less. That cannot be done where
// the memory has its largest size.
func (l *linear) shrink() bool {
	size := uint64(len(l.image.content))
	if l.size == size {
		return true
	}
	if l.size < size || l.size-size > maxGrown || l.wazero == nil {
		return false
	}
	gone := l.reserved[size:l.size]
	l.size, l.shrinking = size, true
	_, ok := l.wazero.Grow(1)
	l.shrinking = false
	if !ok || uint64(l.wazero.Size()) != size {
		return false
	}
	left := uint64(len(gone)) / pageTables
	if pages.Discard(gone) != nil {
		clear(gone)
		left = uint64(len(gone))
	}
	l.kept = max(l.kept, left)
	return true
}

// restore puts the image's content back and reports whether it could: it cannot once ctx has
// ended while the call waits for its turn. Copied is how many pages differed.
func (l *linear) restore(ctx context.Context, turn *turns.Turn) (copied int, ok bool) {
	if l.image == nil || !l.shrink() {
		return 0, false
	}
	now := l.bytes()
	l.held = int64(l.size + l.kept)
	if l.table == nil {
		return l.compare(ctx, turn)
	}
	var err error
	if l.private, err = l.table.Private(now, l.private[:0]); err != nil {
		return l.compare(ctx, turn)
	}
	l.held = int64(l.kept)
	size, seen := l.table.PageSize(), uint64(0)
	var stale pages.Range // that is given up
	for _, r := range l.private {
		for at := r.From; at < r.To; at += size {
			next := at + size
			if seen += size; seen >= stride {
				if seen = 0; turn.Checkpoint(ctx) != nil {
					return copied, false
				}
			}
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
				_ = pages.Discard(now[stale.From:stale.To]) // they are as the file's are
				stale.From = at
			}
			stale.To = next
		}
	}
	_ = pages.Discard(now[stale.From:stale.To])
	return copied, true
}

// stride is how many bytes are compared between two checkpoints of the call's turn. It takes
// 50 to 200 microseconds.
const stride = 1 << 20

// compare puts all of the memory back.
func (l *linear) compare(ctx context.Context, turn *turns.Turn) (copied int, ok bool) {
	for at := uint64(0); at < l.size; at += stride {
		copied += l.putBack(at, min(at+stride, l.size))
		if turn.Checkpoint(ctx) != nil {
			return copied, false
		}
	}
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
	reserve  func(size uint64) []byte // nil if there is no room
	failed   bool                     // whether there was none
}

// Allocate implements experimental.MemoryAllocator. It cannot fail by its signature:
// where the address space is used up it hands out a memory that refuses to grow. wazero
// then panics.
func (a *allocator) Allocate(_, most uint64) experimental.LinearMemory {
	most = min(most, a.limit)
	l := &linear{reserved: a.reserve(most), limit: most}
	a.failed = a.failed || l.reserved == nil && most > 0
	a.memories = append(a.memories, l)
	return l
}

// free releases the memories of an instance that was not made.
func (a *allocator) free() {
	for _, l := range a.memories {
		l.Free()
	}
}
