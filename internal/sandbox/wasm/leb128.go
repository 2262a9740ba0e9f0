package wasm

// appendU32 appends v as an unsigned LEB128 integer of minimal length.
func appendU32(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// appendI32 appends v as a signed LEB128 integer of minimal length.
func appendI32(b []byte, v int32) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if (v == 0 && c&0x40 == 0) || (v == -1 && c&0x40 != 0) {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// appendName appends a length-prefixed string.
func appendName(b []byte, s string) []byte {
	b = appendU32(b, uint32(len(s)))
	return append(b, s...)
}

// u32 reads an unsigned LEB128 integer of at most five bytes. Padded encodings
// are legal and common: linkers leave room for relocations.
func (r *reader) u32() uint32 {
	if r.pos < len(r.data) && r.data[r.pos] < 0x80 {
		r.pos++
		return uint32(r.data[r.pos-1])
	}
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		c := r.byte()
		if r.err != nil {
			return 0
		}
		if shift == 28 && c > 0x0f {
			r.fail("an unsigned 32-bit integer is too large or too long")
			return 0
		}
		v |= uint32(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	return 0
}

// signed reads a signed LEB128 integer of at most bits bits: 32, 33 or 64. The
// unused bits of the last byte must repeat the sign.
func (r *reader) signed(bits int) int64 {
	var v int64
	last := (bits + 6) / 7
	for i := 1; i <= last; i++ {
		c := r.byte()
		if r.err != nil {
			return 0
		}
		shift := 7 * (i - 1)
		v |= int64(c&0x7f) << shift
		if i == last {
			used := bits - shift
			sign := int8(c<<1) >> used // the bits from the sign bit upwards, sign extended
			if c >= 0x80 || (sign != 0 && sign != -1) {
				r.fail("a signed integer is too large or too long")
				return 0
			}
		}
		if c < 0x80 {
			if end := shift + 7; end < 64 && c&0x40 != 0 {
				v |= -1 << end
			}
			return v
		}
	}
	return 0
}
