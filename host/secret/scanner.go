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

// scanner finds needles in a long text at a fraction of a nanosecond a byte. It is the
// algorithm of Wu and Manber ("A fast algorithm for multi-pattern searching", 1994):
// look at a few bytes, and if no needle has them within the first window bytes, jump as
// far as the window is long. Long secrets make it fast. The few needles that are too
// short for it are searched for one by one.
type scanner struct {
	needles, short []needle
	// window is the length of the shortest of needles.
	window int
	// shift holds, by the hash of gram bytes, how far the window may move before a
	// needle can end its window with them.
	shift [1 << tableBits]uint8
}

func newScanner(needles []needle) *scanner {
	s := &scanner{window: maxWindow}
	for _, n := range needles {
		if len(n.text) < shortWindow {
			s.short = append(s.short, n)
			continue
		}
		s.needles = append(s.needles, n)
		s.window = min(s.window, len(n.text))
	}
	for i := range s.shift {
		s.shift[i] = uint8(s.window - gram + 1)
	}
	for _, n := range s.needles {
		for end := gram; end <= s.window; end++ {
			h := hash(n.text[end-gram:])
			s.shift[h] = min(s.shift[h], uint8(s.window-end))
		}
	}
	return s
}

// hash takes the first gram bytes of b. The multiplier is Knuth's, the golden ratio.
func hash(b []byte) uint32 { return binary.LittleEndian.Uint32(b) * 2654435769 >> (32 - tableBits) }

// find appends the spans of all needles in b to found.
func (s *scanner) find(b []byte, found []span) []span {
	for _, n := range s.short {
		found = n.findAll(b, found)
	}
	if len(s.needles) == 0 {
		return found
	}
	for end := s.window; end <= len(b); {
		if jump := s.shift[hash(b[end-gram:])]; jump > 0 {
			end += int(jump)
			continue
		}
		start := end - s.window
		for _, n := range s.needles {
			if bytes.HasPrefix(b[start:], n.text) {
				found = n.hit(b, start, found)
			}
		}
		end++
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
