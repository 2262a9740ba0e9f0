//go:build unix

package sandbox

import (
	"math"

	"golang.org/x/sys/unix"
)

// reserve reserves an address range without memory. Memory outside Go's heap does not delay the
// collector.
func reserve(size uint64) []byte {
	if size == 0 || size > math.MaxInt {
		return nil
	}
	b, err := unix.Mmap(-1, 0, int(size), unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	return b
}

// commit makes the range between two sizes usable. Both are multiples of the Wasm
// page, which is a multiple of every processor's page.
func commit(reserved []byte, from, to uint64) bool {
	if to <= from {
		return true
	}
	return unix.Mprotect(reserved[from:to], unix.PROT_READ|unix.PROT_WRITE) == nil
}

func release(reserved []byte) {
	// Cannot fail: the whole range came from Mmap.
	_ = unix.Munmap(reserved)
}
