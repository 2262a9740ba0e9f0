package pdk

import "unsafe"

// load64 and load32 read the bytes of b from i on, little-endian; the caller checks the length.
// Wasm reads any address at once, but Go's compiler would read byte by byte.

func load64(b []byte, i int) uint64 {
	return *(*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), i))
}

func load32(b []byte, i int) uint32 {
	return *(*uint32)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), i))
}
