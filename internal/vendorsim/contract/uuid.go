package contract

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"time"
)

// UUID makes a random-looking UUID (version 4 form, RFC 9562) from two draws of rng.
func UUID(rng *rand.Rand) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], rng.Uint64())
	binary.BigEndian.PutUint64(b[8:], rng.Uint64())
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var out [36]byte
	hex.Encode(out[0:8], b[0:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// ULID makes a ULID dated at, whose last characters are 40 bits each of hi and lo.
func ULID(at time.Time, hi, lo uint64) string {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var out [26]byte
	for _, part := range []struct {
		first, last int
		bits        uint64
	}{{0, 9, uint64(at.UnixMilli())}, {10, 17, hi}, {18, 25, lo}} {
		for i := part.last; i >= part.first; i-- {
			out[i] = alphabet[part.bits&31]
			part.bits >>= 5
		}
	}
	return string(out[:])
}
