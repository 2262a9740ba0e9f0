package redact

import (
	"bytes"
	"errors"
)

// The work on a text is bounded: freeSteps, and stepsPerByte more for each of its bytes,
// up to mostSteps, which take some seconds. An honest text takes less than one step for a
// byte, one that has been escaped twice 4 to 10, and one of nothing but marks up to 64.
const (
	freeSteps    = 1 << 16
	stepsPerByte = 128
	mostSteps    = 1 << 28
	// lookUpEvery is how many steps are made without a look whether the call has ended: a
	// millisecond or so.
	lookUpEvery = 1 << 17
)

// escapes finds needles of which at least one character is escaped. Every such occurrence has a
// first escape, and plain text before it. So it is enough to look at marks that start an escape of
// a character that is in a needle.
type escapes struct {
	needles []needle
	// places holds, by byte, where the needles have it.
	places places
	// letters holds what a backslash and a byte stand for, where a needle has it: a
	// byte, nothing or longer.
	letters [256]int16
}

// Values of escapes.letters that do not stand for a byte.
const (
	nothing = -1
	longer  = -2
)

func newEscapes(needles []needle) *escapes {
	e := &escapes{needles: needles}
	e.places.fill(func(add func(key byte, p place)) {
		for i, n := range needles {
			for j, c := range n.text {
				add(c, place{int32(i), int32(j)})
			}
		}
	})
	for c := range e.letters {
		e.letters[c] = nothing
		example := unescaper{[]byte{'\\', byte(c)}, freeSteps}
		if u, ok := example.decode(0, 1); ok && e.has(u.text[0]) {
			e.letters[c] = int16(u.text[0])
		}
	}
	e.letters['u'], e.letters['x'] = longer, longer
	return e
}

// has reports whether a needle has c.
func (e *escapes) has(c byte) bool { return len(e.places.of(c)) > 0 }

// ErrSteps says that a text is too expensive to search. No honest text is.
var ErrSteps = errors.New("searching the text for the secret takes too much work")

// find appends the spans of all escaped needles in b to found. The error is ErrSteps, or that of
// ended, which it calls regularly.
func (e *escapes) find(b []byte, ended func() error, found []span) ([]span, error) {
	text := &unescaper{b, min(stepsPerByte*len(b)+freeSteps, mostSteps)}
	lookUp := text.left - lookUpEvery
	for _, mark := range []byte(marks) {
		for at := 0; ; at++ {
			next := bytes.IndexByte(b[at:], mark)
			if next < 0 {
				break
			}
			at += next
			if text.left--; text.left < lookUp {
				lookUp = text.left - lookUpEvery
				if err := ended(); err != nil {
					return nil, err
				}
			}
			if !e.worth(text, at) {
				continue
			}
			if found = e.findAt(text, at, found); text.left < 0 {
				return nil, ErrSteps
			}
		}
	}
	return found, nil
}

// worth reports whether a needle could have its first escape at b[at]. It is a quick look
// that saves almost all of the work on honest texts.
func (e *escapes) worth(text *unescaper, at int) bool {
	b := text.b
	if at+1 == len(b) {
		return false
	}
	next := b[at+1]
	switch {
	case next == '\\' && b[at] == '\\' && !e.has('\\'):
		// A text that is escaped twice is full of these. More of them than levels
		// double are a backslash, however they are read.
		after := at + 2
		for after < min(at+1<<levels, len(b)-1) && b[after] == '\\' {
			after++
		}
		return after < len(b) && b[after] != '\\' && (e.letters[b[after]] != nothing || isMark(b[after]))
	case isMark(next):
		return true
	case b[at] == '\\' && e.letters[next] != longer:
		return e.letters[next] != nothing && e.candidate(b, at, byte(e.letters[next]))
	case b[at] == '%' && at+2 < len(b) && !isMark(b[at+2]) && next != 'u':
		high, ok1 := hexDigit(next)
		low, ok2 := hexDigit(b[at+2])
		c := high<<4 | low
		return ok1 && ok2 && (e.goesOn(b, at+3, c) || e.candidate(b, at, c))
	case b[at] == '&' && next != '#' && !isWord(next): // an entity's name is a word
		return false
	}
	u, ok := text.decode(at, 1)
	if !ok {
		return runsIntoMark(b, at+1)
	}
	return u.length > 1 || e.goesOn(b, u.end, u.text[0]) || e.candidate(b, at, u.text[0])
}

// runsIntoMark reports whether b[at] starts an escape whose rest is escaped itself, such as the
// quot of &quot%3B.
func runsIntoMark(b []byte, at int) bool {
	for end := min(at+longestEntity+1, len(b)); at < end; at++ {
		if isMark(b[at]) {
			return true
		}
		if !isWord(b[at]) && b[at] != '#' {
			return false
		}
	}
	return false
}

// goesOn reports whether c, whose escape ended at b[at], can start another escape. In an honest
// text an ampersand that is written as an entity does not.
func (e *escapes) goesOn(b []byte, at int, c byte) bool {
	if at >= len(b) {
		return false
	}
	next := b[at]
	switch c {
	case '\\':
		return isMark(next) || e.letters[next] != nothing
	case '%':
		_, ok := hexDigit(next)
		return ok || isMark(next) || next == 'u'
	case '&':
		return isMark(next) || next == '#' || next|0x20 >= 'a' && next|0x20 <= 'z'
	}
	return false
}

// candidate reports whether a needle has c, after the same bytes as before b[at].
func (e *escapes) candidate(b []byte, at int, c byte) bool {
	for _, p := range e.places.of(c) {
		if p.offset == 0 || at > 0 && b[at-1] == e.needles[p.needle].text[p.offset-1] {
			return true
		}
	}
	return false
}

// findAt appends the spans of the needles whose first escape is at b[at].
func (e *escapes) findAt(text *unescaper, at int, found []span) []span {
	b := text.b
	var buffer [levels + 1]unit
	for _, u := range text.readings(at, buffer[:0]) {
		if u.end == at+1 {
			continue // as it is
		}
		for _, p := range e.places.of(u.text[0]) {
			if text.left--; text.left < 0 {
				return found
			}
			n := e.needles[p.needle]
			start := at - int(p.offset)
			if start < 0 || !bytes.Equal(b[start:at], n.text[:p.offset]) {
				continue
			}
			if end, ok := text.match(at, n.text[p.offset:]); ok {
				if hit, ok := n.widen(b, span{start, end}); ok {
					found = append(found, hit)
				}
			}
		}
	}
	return found
}
