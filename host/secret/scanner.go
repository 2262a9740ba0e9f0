package secret

import (
	"bytes"
	"encoding/binary"
)

const (
	tableBits = 14
	maxWindow = 128
	// gram is how many bytes the scanner looks at, and shortWindow what makes a
	// needle too short for it.
	gram        = 4
	shortWindow = 8
)

// scanner finds needles in a long text at a tenth of a nanosecond a byte. It looks at a
// few bytes at every stride of the text. A needle is long enough to hold the bytes of one
// of these places at least, whichever way it lies; so where no needle has such bytes, none
// is. That is a sample of q-grams (Sutinen and Tarhio, "On using q-gram locations in
// approximate string matching", 1995) for exact matches. Long secrets make it fast. The
// few needles that are too short for it are searched for one by one.
type scanner struct {
	short []needle
	// needles are the others, and stride is as far as the shortest of them can be moved
	// from a place without leaving it.
	needles []needle
	stride  int
	// buckets holds, by the hash of gram bytes, where needles have such bytes within
	// their first stride: the number of one of places, and 0 for nowhere.
	buckets [1 << tableBits]uint8
	places  [256][]place
}

func newScanner(needles []needle) *scanner {
	s := &scanner{}
	window := maxWindow
	for _, n := range needles {
		if len(n.text) < shortWindow {
			s.short = append(s.short, n)
			continue
		}
		s.needles = append(s.needles, n)
		window = min(window, len(n.text))
	}
	s.stride = window - gram + 1
	used := 0
	for i, n := range s.needles {
		for offset := range s.stride {
			bucket := &s.buckets[hash(gramAt(n.text, offset))]
			if *bucket == 0 {
				// Where there are more, some hashes share one: what they lead to is
				// compared as a whole anyway.
				*bucket = uint8(1 + used%(len(s.places)-1))
				used++
			}
			s.places[*bucket] = append(s.places[*bucket], place{i, offset})
		}
	}
	return s
}

// gramAt is what the scanner looks at in one place.
func gramAt(b []byte, at int) *[gram]byte { return (*[gram]byte)(b[at : at+gram]) }

// hash multiplies by Knuth's number, the golden ratio.
func hash(g *[gram]byte) uint32 {
	return binary.LittleEndian.Uint32(g[:]) * 2654435769 >> (32 - tableBits)
}

// find appends the spans of all needles in b to found.
func (s *scanner) find(b []byte, found []span) []span {
	for _, n := range s.short {
		found = n.findAll(b, found)
	}
	if len(s.needles) == 0 {
		return found
	}
	// Four places at a time, so that there is hardly a branch that is not foreseen.
	at, stride := 0, s.stride
	for ; at+3*stride+gram <= len(b); at += 4 * stride {
		b1, b2 := s.buckets[hash(gramAt(b, at))], s.buckets[hash(gramAt(b, at+stride))]
		b3, b4 := s.buckets[hash(gramAt(b, at+2*stride))], s.buckets[hash(gramAt(b, at+3*stride))]
		if b1|b2|b3|b4 != 0 {
			for i, bucket := range [...]uint8{b1, b2, b3, b4} {
				if bucket != 0 {
					found = s.look(b, at+i*stride, bucket, found)
				}
			}
		}
	}
	for ; at+gram <= len(b); at += stride {
		if bucket := s.buckets[hash(gramAt(b, at))]; bucket != 0 {
			found = s.look(b, at, bucket, found)
		}
	}
	return found
}

// look appends the spans of the needles in b that have what a bucket stands for at.
func (s *scanner) look(b []byte, at int, bucket uint8, found []span) []span {
	for _, p := range s.places[bucket] {
		n := &s.needles[p.needle]
		if start := at - p.offset; start >= 0 && bytes.HasPrefix(b[start:], n.text) {
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
