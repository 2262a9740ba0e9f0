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
	if len(s.needles) == 0 || len(b) < s.window {
		return found
	}
	// Each jump waits for the one before. Three windows that move side by side, each
	// through its part of the text, wait at the same time.
	part := len(b) / 3
	w1, w2, w3 := s.window, max(part, s.window), max(2*part, s.window)
	end1, end2, end3 := w2, w3, len(b)+1
	for w1 < end1 && w2 < end2 && w3 < end3 {
		jump1, jump2, jump3 := s.shift[hash(b[w1-gram:])], s.shift[hash(b[w2-gram:])], s.shift[hash(b[w3-gram:])]
		if jump1 == 0 || jump2 == 0 || jump3 == 0 {
			found, jump1 = s.look(b, w1, jump1, found)
			found, jump2 = s.look(b, w2, jump2, found)
			found, jump3 = s.look(b, w3, jump3, found)
		}
		w1, w2, w3 = w1+int(jump1), w2+int(jump2), w3+int(jump3)
	}
	found = s.rest(b, w1, end1, found)
	found = s.rest(b, w2, end2, found)
	return s.rest(b, w3, end3, found)
}

// rest is find with windows that end at w or later and before end.
func (s *scanner) rest(b []byte, w, end int, found []span) []span {
	for w < end {
		jump := s.shift[hash(b[w-gram:])]
		if jump == 0 {
			found, jump = s.look(b, w, jump, found)
		}
		w += int(jump)
	}
	return found
}

// look looks for needles whose window ends at w, if the jump from there is 0, and returns
// how far to go on.
func (s *scanner) look(b []byte, w int, jump uint8, found []span) ([]span, uint8) {
	if jump > 0 {
		return found, jump
	}
	for _, n := range s.needles {
		if bytes.HasPrefix(b[w-s.window:], n.text) {
			found = n.hit(b, w-s.window, found)
		}
	}
	return found, 1
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
