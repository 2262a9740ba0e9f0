package wasm

import (
	"bytes"
	"errors"
)

// RewriteVersion is part of the name of a cached rewritten module. Increase it with every change of
// what [Module.Vet] accepts or [Module.Rewrite] returns; a test compares sums.
const RewriteVersion = 3

// Skeleton returns a module with all function bodies replaced by a trap, and the same declarations:
// types, imports, functions, tables, memories, globals, exports, elements, data and names.
//
// It is what an engine needs besides the module's native code. Validating the bodies again would take
// most of the time to load a cached module. The module must be a result of [Module.Rewrite].
func Skeleton(module []byte) ([]byte, error) {
	damaged := errors.New("wasm: a skeleton is made of a module that Rewrite returned")
	if !bytes.HasPrefix(module, header) {
		return nil, damaged
	}
	out := append(make([]byte, 0, len(module)/2), header...)
	r := reader{data: module, pos: len(header)}
	for r.left() > 0 {
		start := r.pos
		id := r.byte()
		section := r.take(r.u32())
		if r.err != nil {
			return nil, damaged
		}
		if id != sectionCode {
			out = append(out, module[start:r.pos]...)
			continue
		}
		functions := section.u32()
		if section.err != nil {
			return nil, damaged
		}
		body := []byte{3, 0, 0x00, 0x0b} // three bytes: no locals, unreachable, end
		code := appendU32(nil, functions)
		for range functions {
			code = append(code, body...)
		}
		out = appendU32(append(out, sectionCode), uint32(len(code)))
		out = append(out, code...)
	}
	return out, nil
}
