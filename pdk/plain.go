package pdk

import (
	"math/bits"
	"unsafe"
)

// plain returns the index of the first byte from i on that is not plain ASCII in a JSON string: a
// quote, a backslash, a control character, or a part of a longer character. It is len(b) if there
// is none.
//
// Go's compiler makes some 70 Wasm instructions of each step of a loop. So it checks eight bytes
// at a time, like "Bit Twiddling Hacks" by Anderson
// (https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord).
func plain(b []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for i < len(b) {
		w := word(b, i)
		// The high bit of each special byte, and perhaps of others after it: the lowest one is
		// right. A byte of 0, as after the end, is special too.
		special := (w | (w - ' '*ones) | ((w ^ '"'*ones) - ones) | ((w ^ '\\'*ones) - ones)) & highs
		if special != 0 {
			return i + bits.TrailingZeros64(special)/8
		}
		i += 8
	}
	return len(b)
}

// word returns the eight bytes from i on, little-endian, with zeros after the end of b.
func word(b []byte, i int) uint64 {
	rest := b[i:]
	n := len(rest)
	switch {
	case n >= 8:
		return load64(b, i)
	case len(b) >= 8:
		return load64(b, len(b)-8) >> (8 * (8 - n))
	case n >= 4:
		return uint64(load32(b, i)) | uint64(load32(b, len(b)-4))<<(8*(n-4))
	}
	// One, two or three bytes; some of these are the same one.
	return uint64(rest[0]) | uint64(rest[n/2])<<(8*(n/2)) | uint64(rest[n-1])<<(8*(n-1))
}

// text makes a string of immutable bytes, without copying them.
func text(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // strings.Builder does the same
}

// bytesOf returns the bytes of a string, which must not be changed. It does what unsafe.Slice
// does, without its check of the length, which is a call in Wasm.
func bytesOf(s string) []byte {
	return *(*[]byte)(unsafe.Pointer(&struct { //nolint:gosec // nobody writes to them
		string
		capacity int
	}{s, len(s)}))
}
