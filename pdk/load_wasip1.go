package pdk

import "unsafe"

// load64 and load32 read the first bytes of b, the first one lowest. Wasm is made so and
// takes any address; Go's compiler would read byte by byte.

func load64(b []byte) uint64 { return *(*uint64)(unsafe.Pointer((*[8]byte)(b))) }

func load32(b []byte) uint32 { return *(*uint32)(unsafe.Pointer((*[4]byte)(b))) }
