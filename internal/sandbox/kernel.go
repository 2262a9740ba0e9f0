package sandbox

import (
	"encoding/binary"
	"slices"
)

// kernel is Extism's shared memory for one call: blocks that the guest and the host exchange, the
// guest's input, output and error, and its variables.
//
// go-sdk has its own kernel, a Wasm module beside the guest. Guests do not get it, for three reasons:
// a guest can overwrite the list of its blocks, so that the next allocation loops forever without a
// checkpoint; it panics on bad offsets; and it keeps a call's data. This one is made at its first use
// and ends with the call.
type kernel struct {
	blocks []block // in the order of their offsets, freed ones included
	freed  int
	last   int // the last found block: PDKs read a block from end to end
	next   uint64
	used   int64
	limit  int64

	input, output, fault span
	vars                 map[string][]byte
}

// block is a range of the kernel's address space. Freed ones have no data.
type block struct {
	at   uint64
	data []byte
}

// span is a part of a block; its length is 0 if there is none.
type span struct{ at, length uint64 }

// blockCost is the host's memory for a block besides its bytes.
const blockCost = 64

// firstBlock is the offset of the first block; 0 is no block.
const firstBlock = 64

func newKernel(limit int64, input []byte) *kernel {
	k := &kernel{next: firstBlock, limit: limit}
	if at := k.alloc(uint64(len(input))); at != 0 {
		copy(k.blocks[0].data, input)
		k.input = span{at, uint64(len(input))}
	}
	return k
}

// alloc returns the offset of a new block of zeros, or 0 if there is no room.
func (k *kernel) alloc(length uint64) uint64 {
	if length == 0 || length > uint64(k.limit) || k.used+int64(length)+blockCost > k.limit {
		return 0
	}
	k.used += int64(length) + blockCost
	at := k.next
	k.blocks = append(k.blocks, block{at, make([]byte, length)})
	// A gap between blocks keeps a guest that writes past one from hitting another.
	k.next += length + 16 - length%8
	return at
}

// free frees a block, and ignores other offsets.
func (k *kernel) free(at uint64) {
	i, ok := k.find(at)
	if !ok || k.blocks[i].at != at {
		return
	}
	k.used -= int64(len(k.blocks[i].data)) + blockCost
	k.blocks[i].data = nil
	if k.freed++; k.freed > 64 && k.freed > len(k.blocks)/2 {
		k.blocks = slices.DeleteFunc(k.blocks, func(b block) bool { return b.data == nil })
		k.freed, k.last = 0, 0
	}
}

// find returns the block that holds an offset.
func (k *kernel) find(at uint64) (int, bool) {
	holds := func(i int) bool {
		b := &k.blocks[i]
		return at >= b.at && at-b.at < uint64(len(b.data))
	}
	if k.last < len(k.blocks) && holds(k.last) {
		return k.last, true
	}
	i, exact := slices.BinarySearchFunc(k.blocks, at, func(b block, at uint64) int {
		switch {
		case b.at < at:
			return -1
		case b.at > at:
			return 1
		}
		return 0
	})
	if !exact {
		i--
	}
	if i < 0 || !holds(i) {
		return 0, false
	}
	k.last = i
	return i, true
}

// bytes returns length bytes at an offset, within one block, without copying.
func (k *kernel) bytes(at, length uint64) ([]byte, bool) {
	i, ok := k.find(at)
	if !ok {
		return nil, false
	}
	b := &k.blocks[i]
	rest := b.data[at-b.at:]
	if length > uint64(len(rest)) {
		return nil, false
	}
	return rest[:length:length], true
}

// block returns a whole block, or nil if none starts at the offset.
func (k *kernel) block(at uint64) []byte {
	if i, ok := k.find(at); ok && k.blocks[i].at == at {
		return k.blocks[i].data
	}
	return nil
}

// put makes a block with a copy of p and returns its offset, 0 if there is no room.
func (k *kernel) put(p []byte) uint64 {
	at := k.alloc(uint64(len(p)))
	if at != 0 {
		copy(k.blocks[len(k.blocks)-1].data, p)
	}
	return at
}

// take returns a copy of a span, cut to most bytes.
func (k *kernel) take(s span, most uint64) []byte {
	p, ok := k.bytes(s.at, min(s.length, most))
	if !ok {
		return nil
	}
	return slices.Clone(p)
}

// load and store move one byte or eight, little-endian. Outside a block they read zeros and write
// nothing.

func (k *kernel) load(at, width uint64) uint64 {
	p, ok := k.bytes(at, width)
	if !ok {
		return 0
	}
	if width == 1 {
		return uint64(p[0])
	}
	return binary.LittleEndian.Uint64(p)
}

func (k *kernel) store(at, width, value uint64) {
	p, ok := k.bytes(at, width)
	if !ok {
		return
	}
	if width == 1 {
		p[0] = byte(value)
		return
	}
	binary.LittleEndian.PutUint64(p, value)
}

// within returns a span if it lies in one block, and an empty one otherwise.
func (k *kernel) within(at, length uint64) span {
	if _, ok := k.bytes(at, length); !ok {
		return span{}
	}
	return span{at, length}
}

// maxVarBytes bounds Extism's variables, which live for one call here.
const maxVarBytes = 1 << 20

// setVar keeps a variable; it reports whether there was room.
func (k *kernel) setVar(name string, value []byte) bool {
	size := len(name) + len(value) + blockCost
	for other, v := range k.vars {
		if other != name {
			size += len(other) + len(v) + blockCost
		}
	}
	if size > maxVarBytes {
		return false
	}
	if k.vars == nil {
		k.vars = make(map[string][]byte)
	}
	k.vars[name] = slices.Clone(value)
	return true
}
