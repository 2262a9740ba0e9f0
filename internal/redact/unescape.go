package redact

import (
	"bytes"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// levels is how many layers of escapes a text may have: an entity of HTML in a JSON string in a
// query has three.
const levels = 3

// marks are the bytes that start an escape.
const marks = `\%&`

func isMark(c byte) bool { return c == '\\' || c == '%' || c == '&' }

// unit is one character of a text, escaped or not.
type unit struct {
	text   [utf8.UTFMax]byte
	length int // of text
	end    int // where the next unit starts
}

// stepsOfMap is what remembering a state costs, measured in steps.
const stepsOfMap = 8

// unescaper reads the characters of a text, as long as it has steps left.
type unescaper struct {
	b    []byte
	left int
}

// readings appends the ways in which the character at b[at] can be read to units: as it
// is, and through one or more layers of escapes.
func (t *unescaper) readings(at int, units []unit) []unit {
	if at >= len(t.b) {
		return units
	}
	units = append(units, single(t.b[at], at+1))
	if !isMark(t.b[at]) {
		return units
	}
	for level := 1; level <= levels; level++ {
		u, ok := t.decode(at, level)
		if !ok || u == units[len(units)-1] {
			continue
		}
		units = append(units, u)
		if level == 1 && !isMark(u.text[0]) && (t.plainPair(at, u.end) || !slices.ContainsFunc(t.b[at+1:u.end], isMark)) {
			break // there is no further layer
		}
	}
	return units
}

// match reports whether the text has a needle's at the given place, escaped or not, and
// where it ends. One with marks of its own can be read in more than one way; all are tried,
// none twice.
func (t *unescaper) match(at int, text []byte) (end int, ok bool) {
	type state struct{ at, offset int }
	var seen map[state]bool
	open := append(make([]state, 0, 8), state{at, 0})
	for len(open) > 0 && t.left >= 0 {
		t.left--
		s := open[len(open)-1]
		open = open[:len(open)-1]
		if s.offset == len(text) {
			end, ok = max(end, s.at), true
			continue
		}
		var buffer [levels + 1]unit
		fit := slices.DeleteFunc(t.readings(s.at, buffer[:0]), func(u unit) bool { return !bytes.HasPrefix(text[s.offset:], u.text[:u.length]) })
		for _, u := range fit {
			next := state{u.end, s.offset + u.length}
			if len(fit) > 1 { // only where ways part can they meet again
				if seen[next] {
					continue
				}
				if seen == nil {
					seen = map[state]bool{}
				}
				seen[next] = true
				t.left -= stepsOfMap
			}
			open = append(open, next)
		}
	}
	return end, ok
}

// decode reads the escape at b[at], of whose characters each may be escaped itself in up
// to level-1 layers.
func (t *unescaper) decode(at, level int) (unit, bool) {
	mark, at := t.char(at, level-1)
	switch mark {
	case '%':
		return t.percent(at, level-1)
	case '\\':
		return t.backslash(at, level-1)
	case '&':
		return t.entity(at, level-1)
	}
	return unit{}, false
}

// char returns the character at b[at] through as many layers as there are, up to level,
// and 0 after the end.
func (t *unescaper) char(at, level int) (c byte, end int) {
	if t.left--; at >= len(t.b) || t.left < 0 {
		return 0, at + 1
	}
	if isMark(t.b[at]) {
		for ; level > 0; level-- {
			if u, ok := t.decode(at, level); ok && u.length == 1 {
				return u.text[0], u.end
			}
		}
	}
	return t.b[at], at + 1
}

func single(c byte, end int) unit { return unit{text: [utf8.UTFMax]byte{c}, length: 1, end: end} }

func character(r rune, end int) unit {
	u := unit{end: end}
	u.length = utf8.EncodeRune(u.text[:], r)
	return u
}

// percent reads what follows the percent sign of %2F (RFC 3986, section 2.1), and of
// %u002F, which is what JavaScript's escape writes.
func (t *unescaper) percent(at, level int) (unit, bool) {
	if c, next := t.char(at, level); c == 'u' {
		return t.utf16Unit(next, level, '%')
	}
	r, end, ok := t.hexNumber(at, level, 2)
	return single(byte(r), end), ok
}

// backslash reads what follows the backslash of an escape in a JSON string (RFC 8259,
// section 7), or in one of JavaScript.
func (t *unescaper) backslash(at, level int) (unit, bool) {
	c, end := t.char(at, level)
	switch c {
	case '\\', '/', '"', '\'':
		return single(c, end), end <= len(t.b)
	case 'n':
		return single('\n', end), true
	case 't':
		return single('\t', end), true
	case 'r':
		return single('\r', end), true
	case 'b':
		return single('\b', end), true
	case 'f':
		return single('\f', end), true
	case 'x':
		r, end, ok := t.hexNumber(end, level, 2)
		return single(byte(r), end), ok
	case 'u':
		return t.utf16Unit(end, level, '\\')
	}
	return unit{}, false
}

// utf16Unit reads the digits of \u00e9 or %u00E9, and the second half of a surrogate
// pair, which starts with the mark again.
func (t *unescaper) utf16Unit(at, level int, mark byte) (unit, bool) {
	high, at, ok := t.hexNumber(at, level, 4)
	if !ok || !isHighHalf(high) {
		return character(high, at), ok // U+FFFD for a low half by itself
	}
	again, next := t.char(at, level)
	if again != mark {
		return character(high, at), true
	}
	letter, next := t.char(next, level)
	if letter != 'u' {
		return character(high, at), true
	}
	low, next, ok := t.hexNumber(next, level, 4)
	if r := utf16.DecodeRune(high, low); ok && r != utf8.RuneError {
		return character(r, next), true
	}
	return character(high, at), true
}

// isHighHalf reports whether a UTF-16 unit is the first of a surrogate pair.
func isHighHalf(r rune) bool { return r >= 0xd800 && r < 0xdc00 }

// plainPair reports whether a surrogate pair is written at b[at], as JSON does, up to end.
// Its second mark is not another layer: without the first it escapes half a character.
func (t *unescaper) plainPair(at, end int) bool {
	const half = len(`\ud83d`)
	return end == at+2*half && t.b[at+half] == t.b[at] && !slices.ContainsFunc(t.b[at+1:at+half], isMark) && !slices.ContainsFunc(t.b[at+half+1:end], isMark)
}

// hexNumber reads a number of n hexadecimal digits.
func (t *unescaper) hexNumber(at, level, n int) (r rune, end int, ok bool) {
	for range n {
		var c byte
		c, at = t.char(at, level)
		digit, ok := hexDigit(c)
		if !ok {
			return 0, 0, false
		}
		r = r<<4 | rune(digit)
	}
	return r, at, true
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

// longestEntity is the length of the longest name in entities.
const longestEntity = 16

// entity reads what follows the ampersand of a character reference of HTML: &quot; &#34;
// &#x22;. The semicolon after a number may be missing.
func (t *unescaper) entity(at, level int) (unit, bool) {
	c, next := t.char(at, level)
	if c == '#' {
		return t.numbered(next, level)
	}
	var name [longestEntity]byte
	for n := 0; c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'; n++ {
		if n == len(name) {
			return unit{}, false
		}
		name[n] = c
		at = next
		if c, next = t.char(at, level); c == ';' {
			found, ok := entities[string(name[:n+1])]
			return single(found, next), ok
		}
	}
	return unit{}, false
}

// numbered reads the digits of &#34; or &#x22;.
func (t *unescaper) numbered(at, level int) (unit, bool) {
	const mostDigits = 12 // with zeros before them
	base := rune(10)
	c, next := t.char(at, level)
	if c|0x20 == 'x' {
		base, at = 16, next
	}
	r := rune(0)
	for n := 0; ; n++ {
		c, next = t.char(at, level)
		digit, ok := hexDigit(c)
		if !ok || rune(digit) >= base {
			if c == ';' {
				at = next
			}
			return character(r, at), n > 0 && at <= len(t.b)
		}
		if r = r*base + rune(digit); r > utf8.MaxRune || n == mostDigits {
			return unit{}, false
		}
		at = next
	}
}

// entities are the names of ASCII characters in HTML
// (https://html.spec.whatwg.org/multipage/named-characters.html).
var entities = map[string]byte{
	"Tab": '\t', "NewLine": '\n', "excl": '!', "quot": '"', "QUOT": '"', "num": '#', "dollar": '$', "percnt": '%', "amp": '&', "AMP": '&',
	"apos": '\'', "lpar": '(', "rpar": ')', "ast": '*', "midast": '*', "plus": '+', "comma": ',', "period": '.', "sol": '/', "colon": ':',
	"semi": ';', "lt": '<', "LT": '<', "equals": '=', "gt": '>', "GT": '>', "quest": '?', "commat": '@', "lsqb": '[', "lbrack": '[',
	"bsol": '\\', "rsqb": ']', "rbrack": ']', "Hat": '^', "lowbar": '_', "UnderBar": '_', "grave": '`', "DiacriticalGrave": '`',
	"lcub": '{', "lbrace": '{', "verbar": '|', "vert": '|', "VerticalLine": '|', "rcub": '}', "rbrace": '}',
}
