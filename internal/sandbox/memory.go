package sandbox

import (
	"bytes"
	"context"

	"github.com/agenthost/agenthost/internal/sandbox/pages"
	"github.com/agenthost/agenthost/internal/turns"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// linear is a Wasm linear memory with a fixed address. Host functions access the guest's memory through
// it, since go-sdk gives them only the kernel's.
type linear struct {
	// reserved is the address range; the first size bytes of it are in use.
	reserved []byte
	size     uint64
	// limit is the largest size for the running call.
	limit uint64
	// wazero is wazero's side of the memory, and shrinking is set while shrink makes it
	// smaller there.
	wazero    api.Memory
	shrinking bool
	// kept is how many bytes of earlier growth are still committed.
	kept uint64

	// image is the content that restore returns to.
	image *image
	// table reports the written pages; nil if all are compared.
	table *pages.Table
	// private are the private pages at the last restore, and unchanged counts, by page, how
	// many restores found one unchanged.
	private   []pages.Range
	unchanged []uint8
	// held is how many private bytes the memory had after the last restore.
	held int64
}

// bytes returns the memory's current content, valid until the guest runs again.
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

// backTo sets the image that restore returns to, which must have the memory's current content.
func (l *linear) backTo(i *image, table *pages.Table) {
	l.image = i
	if i.file == nil || i.file.Under(l.bytes()) != nil {
		return
	}
	l.table = table
	l.unchanged = make([]uint8, l.size/table.PageSize())
}

// patience is how many restores may find a private page unchanged before it is given up. Most calls
// write the same few pages: keeping one costs a copy, giving it up also a page fault in the next call.
const patience = 16

// maxGrown bounds the growth of a memory that is used again. The kernel keeps the page tables of the
// growth, a 512th of it.
const (
	maxGrown   = 64 << 20
	pageTables = 512
)

// shrink undoes a call's growth of the memory, and reports whether it could. The memory then has its
// first size, and zeros after it grows again.
//
// wazero cannot shrink a memory. But when a memory grows, it takes the allocator's answer as the whole
// memory. So shrink grows the memory by a page, and the allocator answers with less. That is not
// possible at the memory's largest size.
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

// restore restores the image's content and reports whether it could: it cannot if ctx ends while the
// call waits for its turn. copied is how many pages differed.
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
	var stale pages.Range // to give up
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
				_ = pages.Discard(now[stale.From:stale.To]) // on failure they still equal the file's
				stale.From = at
			}
			stale.To = next
		}
	}
	_ = pages.Discard(now[stale.From:stale.To])
	return copied, true
}

// stride is how many bytes to compare between two checkpoints of the call's turn: 50 to 200
// microseconds.
const stride = 1 << 20

// compare restores all of the memory.
func (l *linear) compare(ctx context.Context, turn *turns.Turn) (copied int, ok bool) {
	for at := uint64(0); at < l.size; at += stride {
		copied += l.putBack(at, min(at+stride, l.size))
		if turn.Checkpoint(ctx) != nil {
			return copied, false
		}
	}
	return copied, true
}

// page is the unit of comparison: most processors' page size, and about the size at which comparing
// stops being cheaper than copying.
const page = 4096

// putBack compares a part of the memory with the image, and copies the pages that differ: a call
// changes little, and reading is cheaper than writing. It returns how many it copied.
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

// allocator allocates the memories of one instance: go-sdk instantiates first its kernel, then the
// guest.
type allocator struct {
	memories []*linear
	limit    uint64
	reserve  func(size uint64) []byte // nil if there is no room
	failed   bool                     // whether there was no room
}

// Allocate implements experimental.MemoryAllocator, which cannot return an error: without address
// space it returns a memory that refuses to grow. wazero then panics.
func (a *allocator) Allocate(_, most uint64) experimental.LinearMemory {
	most = min(most, a.limit)
	l := &linear{reserved: a.reserve(most), limit: most}
	a.failed = a.failed || l.reserved == nil && most > 0
	a.memories = append(a.memories, l)
	return l
}

// free releases the memories of an instance whose making failed.
func (a *allocator) free() {
	for _, l := range a.memories {
		l.Free()
	}
}
