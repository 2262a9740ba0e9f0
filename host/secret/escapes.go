package secret

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// levels is how many times over a text may have been escaped.
const levels = 3

// The work on a text is bounded: freeSteps, and stepsPerByte more for each of its bytes.
const (
	freeSteps    = 1 << 16
	stepsPerByte = 8
)

// escapes finds needles of which at least one character is escaped. Every such
// occurrence has a first escape, before which the needle stands as it is; so it is
// enough to look at the backslashes and percent signs of a text, and at those only
// whose character is in a needle.
type escapes struct {
	needles []needle
	// places holds, by byte, where the needles have it.
	places [256][]place
}

type place struct{ needle, offset int }

func newEscapes(needles []needle) *escapes {
	e := &escapes{needles: needles}
	for i, n := range needles {
		for j, c := range n.text {
			e.places[c] = append(e.places[c], place{i, j})
		}
	}
	return e
}

// find appends the spans of all escaped needles in b to found. A text that takes out of
// all proportion to search, which only one made for it does, is found as a whole.
func (e *escapes) find(b []byte, found []span) []span {
	left := stepsPerByte*len(b) + freeSteps
	for _, mark := range []byte{'\\', '%'} {
		for at := 0; ; at++ {
			next := bytes.IndexByte(b[at:], mark)
			if next < 0 {
				break
			}
			at += next
			if !e.worth(b, at) {
				continue
			}
			if found = e.findAt(b, at, found, &left); left < 0 {
				return append(found, span{0, len(b)})
			}
		}
	}
	return found
}

// worth reports whether a needle could have its first escape at b[at]. It is a quick look
// that saves almost all of the work on honest texts.
func (e *escapes) worth(b []byte, at int) bool {
	if at+1 == len(b) {
		return false
	}
	next := b[at+1]
	switch {
	case b[at] == '%':
		c, ok := hexByte(b, at+1)
		return ok && (c == '%' || e.candidate(b, at, c))
	case next == '\\':
		return true
	case next == 'u':
		r, ok := hexRune(b, at+2)
		return ok && (r >= utf8.RuneSelf || e.candidate(b, at, byte(r)))
	case next == 'x':
		c, ok := hexByte(b, at+2)
		return ok && e.candidate(b, at, c)
	}
	c, ok := letterEscape(next)
	return ok && e.candidate(b, at, c)
}

// candidate reports whether a needle has c, and before it what stands before b[at].
func (e *escapes) candidate(b []byte, at int, c byte) bool {
	for _, p := range e.places[c] {
		if p.offset == 0 || at > 0 && b[at-1] == e.needles[p.needle].text[p.offset-1] {
			return true
		}
	}
	return false
}

// findAt appends the spans of the needles whose first escape is at b[at].
func (e *escapes) findAt(b []byte, at int, found []span, left *int) []span {
	var buffer [1<<levels + 1]unit
	for _, u := range unescape(b, at, buffer[:0]) {
		if !u.escaped {
			continue
		}
		for _, p := range e.places[u.text[0]] {
			if *left--; *left < 0 {
				return found
			}
			n := e.needles[p.needle]
			start := at - p.offset
			if start < 0 || !bytes.Equal(b[start:at], n.text[:p.offset]) {
				continue
			}
			if end, ok := matchEscaped(b, at, n.text[p.offset:], left); ok {
				if hit, ok := n.widen(b, span{start, end}); ok {
					found = append(found, hit)
				}
			}
		}
	}
	return found
}

// matchEscaped reports whether b has text at the given place, escaped or not, and where
// it ends. A text with backslashes or percent signs of its own can be read in more than
// one way; all are tried, none twice.
func matchEscaped(b []byte, at int, text []byte, left *int) (end int, ok bool) {
	type state struct{ at, offset int }
	var seen map[state]bool
	open := append(make([]state, 0, 8), state{at, 0})
	for len(open) > 0 && *left >= 0 {
		*left--
		s := open[len(open)-1]
		open = open[:len(open)-1]
		if s.offset == len(text) {
			end, ok = max(end, s.at), true
			continue
		}
		var buffer [1<<levels + 1]unit
		units := unescape(b, s.at, buffer[:0])
		for _, u := range units {
			if !bytes.HasPrefix(text[s.offset:], u.text[:u.length]) {
				continue
			}
			next := state{u.end, s.offset + u.length}
			if len(units) > 1 {
				if seen[next] {
					continue
				}
				if seen == nil {
					seen = map[state]bool{}
				}
				seen[next] = true
			}
			open = append(open, next)
		}
	}
	return end, ok
}

// unit is one character of a text, however it is written.
type unit struct {
	text    [utf8.UTFMax]byte
	length  int // of text
	end     int // where the next unit starts
	escaped bool
}

// unescape appends the ways in which the character at b[at] can be read to units.
func unescape(b []byte, at int, units []unit) []unit {
	if at >= len(b) {
		return units
	}
	units = append(units, unit{text: [utf8.UTFMax]byte{b[at]}, length: 1, end: at + 1})
	switch b[at] {
	case '%':
		return unescapePercent(b, at, units)
	case '\\':
		return unescapeBackslash(b, at, units)
	}
	return units
}

// unescapePercent reads %2F, and %252F where it was escaped again.
func unescapePercent(b []byte, at int, units []unit) []unit {
	at++
	for range levels {
		c, ok := hexByte(b, at)
		if !ok {
			break
		}
		units = append(units, unit{text: [utf8.UTFMax]byte{c}, length: 1, end: at + 2, escaped: true})
		if c != '%' {
			break
		}
		at += 2
	}
	return units
}

// unescapeBackslash reads the escapes of JSON strings (RFC 8259, section 7) and \x2F of
// JavaScript. Escaping again doubles the backslashes of a text and adds one before
// what needs it, so any run of up to 2^levels of them is taken for one.
func unescapeBackslash(b []byte, at int, units []unit) []unit {
	run := 1
	for run < 1<<levels && at+run < len(b) && b[at+run] == '\\' {
		run++
		units = append(units, unit{text: [utf8.UTFMax]byte{'\\'}, length: 1, end: at + run, escaped: true})
	}
	at += run
	if at >= len(b) {
		return units
	}
	u := unit{length: 1, end: at + 1, escaped: true}
	switch b[at] {
	case 'x':
		x, ok := hexByte(b, at+1)
		if !ok {
			return units
		}
		u.text[0], u.end = x, at+3
	case 'u':
		r, end, ok := codePoint(b, at, run)
		if !ok {
			return units
		}
		u.length, u.end = utf8.EncodeRune(u.text[:], r), end
	default:
		c, ok := letterEscape(b[at])
		if !ok {
			return units
		}
		u.text[0] = c
	}
	return append(units, u)
}

// letterEscape returns what a backslash and c stand for.
func letterEscape(c byte) (byte, bool) {
	switch c {
	case '/', '"', '\'':
		return c, true
	case 'n':
		return '\n', true
	case 't':
		return '\t', true
	case 'r':
		return '\r', true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	}
	return 0, false
}

// codePoint reads the u and the digits of \u00e9, and the second half of a surrogate
// pair, which again starts with run backslashes.
func codePoint(b []byte, at, run int) (r rune, end int, ok bool) {
	r, ok = hexRune(b, at+1)
	end = at + 5
	if !ok || !utf16.IsSurrogate(r) {
		return r, end, ok
	}
	for i := range run {
		if end+i >= len(b) || b[end+i] != '\\' {
			return 0, 0, false
		}
	}
	if end+run >= len(b) || b[end+run] != 'u' {
		return 0, 0, false
	}
	low, ok := hexRune(b, end+run+1)
	return utf16.DecodeRune(r, low), end + run + 5, ok
}

func hexRune(b []byte, at int) (rune, bool) {
	high, ok1 := hexByte(b, at)
	low, ok2 := hexByte(b, at+2)
	return rune(high)<<8 | rune(low), ok1 && ok2
}

func hexByte(b []byte, at int) (byte, bool) {
	if at+1 >= len(b) {
		return 0, false
	}
	high, ok1 := hexDigit(b[at])
	low, ok2 := hexDigit(b[at+1])
	return high<<4 | low, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
