package redact

import (
	"bytes"
	"encoding/binary"
)

const (
	tableBits = 14
	maxWindow = 128
	// mostBuckets is how many numbers a bucket can have besides 0.
	mostBuckets = 255
	// gram is how many bytes the scanner looks at, one less at the usual stride, and
	// shortWindow what makes a needle too short for it.
	gram        = 4
	shortWindow = 8
	// usual is the stride for the many secrets of 18 to 25 bytes. As a constant it needs
	// one check of bounds for four places.
	usual = 16
	// golden is Knuth's multiplier for hashes. Shifted, the last byte drops out.
	golden      = 2654435769
	goldenUsual = golden << 8 & (1<<32 - 1)
)

// scanner finds needles in a long text at a tenth of a nanosecond a byte. It looks at a
// few bytes at every stride of the text. A needle is long enough to hold the bytes of one
// of these places at least, whichever way it lies; so where no needle has such bytes, none
// is. That is a sample of q-grams (Sutinen and Tarhio, "On using q-gram locations in
// approximate string matching", 1995) for exact matches. Long secrets make it fast. The
// few needles that are too short for it are searched for one by one.
type scanner struct {
	short []needle
	// needles are all of them, and stride is as far as the shortest of the others can be
	// moved from a place without leaving it.
	needles []needle
	stride  int
	// multiplier is that of the hash: goldenUsual at the usual stride.
	multiplier uint32
	// buckets holds, by the hash of gram bytes, where needles have such bytes within
	// their first stride: the number of one of places, and 0 for nowhere.
	buckets [1 << tableBits]uint8
	places  places
}

func newScanner(needles []needle) *scanner {
	s := &scanner{needles: needles}
	window := maxWindow
	for _, n := range needles {
		if n.isShort() {
			s.short = append(s.short, n)
		} else {
			window = min(window, len(n.text))
		}
	}
	s.stride, s.multiplier = window-gram+1, golden
	if n := s.stride + 1; n >= usual && n < usual*3/2 {
		s.stride, s.multiplier = usual, goldenUsual
	}
	used := 0
	s.places.fill(func(add func(key byte, p place)) {
		for i, n := range needles {
			if n.isShort() {
				continue
			}
			for offset := range s.stride {
				bucket := s.lastBucket(n.text, offset)
				if *bucket == 0 {
					// Where there are more, some hashes share one: what they lead to is
					// compared as a whole anyway.
					*bucket = uint8(1 + used%mostBuckets)
					used++
				}
				add(*bucket, place{int32(i), int32(offset)})
			}
		}
	})
	return s
}

func (n needle) isShort() bool { return len(n.text) < shortWindow }

func hash(g *[gram]byte, multiplier uint32) uint32 {
	return binary.LittleEndian.Uint32(g[:]) * multiplier >> (32 - tableBits)
}

// bucket is that of a place of b. Its multiplier is the scanner's.
func (s *scanner) bucket(b []byte, at int, multiplier uint32) uint8 {
	return s.buckets[hash((*[gram]byte)(b[at:at+gram]), multiplier)]
}

// lastBucket is bucket for a place that may be too near to the end of b.
func (s *scanner) lastBucket(b []byte, at int) *uint8 {
	var g [gram]byte
	copy(g[:], b[at:])
	return &s.buckets[hash(&g, s.multiplier)]
}

// find appends the spans of all needles in b to found.
func (s *scanner) find(b []byte, found []span) []span {
	for _, n := range s.short {
		found = n.findAll(b, found)
	}
	if len(s.places.all) == 0 {
		return found
	}
	// Four places at a time, so that there is hardly a branch that is not foreseen.
	at, stride := 0, s.stride
	for ; stride == usual && at+4*usual <= len(b); at += 4 * usual {
		t := b[at : at+4*usual : at+4*usual]
		b1, b2, b3, b4 := s.bucket(t, 0, goldenUsual), s.bucket(t, usual, goldenUsual), s.bucket(t, 2*usual, goldenUsual), s.bucket(t, 3*usual, goldenUsual)
		if b1|b2|b3|b4 != 0 {
			for i, bucket := range [...]uint8{b1, b2, b3, b4} {
				if bucket != 0 {
					found = s.look(b, at+i*usual, bucket, found)
				}
			}
		}
	}
	for ; stride != usual && at+3*stride+gram <= len(b); at += 4 * stride {
		b1, b2, b3, b4 := s.bucket(b, at, golden), s.bucket(b, at+stride, golden), s.bucket(b, at+2*stride, golden), s.bucket(b, at+3*stride, golden)
		if b1|b2|b3|b4 != 0 {
			for i, bucket := range [...]uint8{b1, b2, b3, b4} {
				if bucket != 0 {
					found = s.look(b, at+i*stride, bucket, found)
				}
			}
		}
	}
	for ; at < len(b); at += stride {
		found = s.look(b, at, *s.lastBucket(b, at), found)
	}
	return found
}

// look appends the spans of the needles in b that have what a bucket stands for at.
func (s *scanner) look(b []byte, at int, bucket uint8, found []span) []span {
	for _, p := range s.places.of(bucket) {
		n := &s.needles[p.needle]
		if start := at - int(p.offset); start >= 0 && bytes.HasPrefix(b[start:], n.text) {
			found = n.hit(b, start, found)
		}
	}
	return found
}

// findAll appends the spans of one needle.
func (n needle) findAll(b []byte, found []span) []span {
	for at := 0; ; at++ {
		next := bytes.Index(b[at:], n.text)
		if next < 0 {
			return found
		}
		at += next
		found = n.hit(b, at, found)
	}
}

func (n needle) hit(b []byte, start int, found []span) []span {
	if hit, ok := n.widen(b, span{start, start + len(n.text)}); ok {
		found = append(found, hit)
	}
	return found
}
