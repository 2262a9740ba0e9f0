package secret

import "bytes"

const (
	tableBits = 12
	maxWindow = 64
)

// scanner finds needles in a long text at a fraction of a nanosecond a byte. It is the
// algorithm of Wu and Manber ("A fast algorithm for multi-pattern searching", 1994):
// look at two bytes, and if no needle has them within the first window bytes, jump as
// far as the window is long. Long secrets make it fast.
type scanner struct {
	needles []needle
	// window is the length of the shortest needle.
	window int
	// shift holds, by the hash of two neighbouring bytes, how far the window may
	// move before a needle can end its window with them.
	shift [1 << tableBits]uint8
}

func newScanner(needles []needle) *scanner {
	s := &scanner{needles: needles, window: maxWindow}
	for _, n := range needles {
		s.window = min(s.window, len(n.text))
	}
	for i := range s.shift {
		s.shift[i] = uint8(s.window - 1)
	}
	for _, n := range needles {
		for i := 1; i < s.window; i++ {
			h := pair(n.text[i-1], n.text[i])
			s.shift[h] = min(s.shift[h], uint8(s.window-1-i))
		}
	}
	return s
}

func pair(a, b byte) int { return (int(a)<<4 ^ int(b)) & (1<<tableBits - 1) }

// find appends the spans of all needles in b to found.
func (s *scanner) find(b []byte, found []span) []span {
	for i := s.window - 1; i < len(b); {
		if jump := s.shift[pair(b[i-1], b[i])]; jump > 0 {
			i += int(jump)
			continue
		}
		start := i - s.window + 1
		for _, n := range s.needles {
			if bytes.HasPrefix(b[start:], n.text) {
				if hit, ok := n.widen(b, span{start, start + len(n.text)}); ok {
					found = append(found, hit)
				}
			}
		}
		i++
	}
	return found
}
