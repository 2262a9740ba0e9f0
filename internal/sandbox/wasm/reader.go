package wasm

import (
	"fmt"
	"unicode/utf8"
)

// Malformed reports bytes that are not a WebAssembly module, or have an unknown encoding.
type Malformed struct {
	Offset   int    // in the module, in bytes
	What     string // what is wrong there
	Function string // the function whose body it is in, or empty
}

// Error names the place and the fault.
func (e *Malformed) Error() string {
	if e.Function != "" {
		return fmt.Sprintf("malformed module: %s, in %s, at byte %d", e.What, e.Function, e.Offset)
	}
	return fmt.Sprintf("malformed module: %s, at byte %d", e.What, e.Offset)
}

// reader reads a part of a module. After a failure every read returns zero, so a caller checks err
// once after a group of reads. Loops over counts must check it too.
type reader struct {
	data []byte
	pos  int
	base int // offset of data in the module
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = &Malformed{Offset: r.base + r.pos, What: fmt.Sprintf(format, args...)}
	}
	r.pos = len(r.data)
}

func (r *reader) left() int { return len(r.data) - r.pos }

func (r *reader) byte() byte {
	if r.pos >= len(r.data) {
		r.fail("unexpected end")
		return 0
	}
	r.pos++
	return r.data[r.pos-1]
}

func (r *reader) skip(n int) {
	if n > r.left() {
		r.fail("unexpected end")
		return
	}
	r.pos += n
}

// take returns the next n bytes as a reader of their own.
func (r *reader) take(n uint32) reader {
	if uint64(n) > uint64(r.left()) {
		r.fail("a size of %d bytes is beyond the end", n)
		return reader{err: r.err}
	}
	sub := reader{data: r.data[r.pos : r.pos+int(n)], base: r.base + r.pos}
	r.pos += int(n)
	return sub
}

// count reads the length of a vector whose elements take at least size bytes each, so that callers do
// not allocate for missing elements.
func (r *reader) count(size int, what string) int {
	n := r.u32()
	if r.err == nil && uint64(n)*uint64(size) > uint64(r.left()) {
		r.fail("%d %s do not fit in %d bytes", n, what, r.left())
		return 0
	}
	return int(n)
}

// name reads a length-prefixed UTF-8 string.
func (r *reader) name() string {
	sub := r.take(r.u32())
	if r.err != nil {
		return ""
	}
	if !utf8.Valid(sub.data) {
		r.fail("a name is not UTF-8")
		return ""
	}
	return string(sub.data)
}

// zero reads an index that the accepted features fix at zero.
func (r *reader) zero(what string) {
	if c := r.byte(); r.err == nil && c != 0 {
		r.fail("%s must be zero", what)
	}
}
