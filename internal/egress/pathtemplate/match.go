package pathtemplate

import "strings"

// Match reports whether an escaped path, such as that of a redirect, is one that the
// template can expand to by plain values: with no escaped slash, backslash, dot or
// percent sign, which servers read in different ways. It takes time in proportion to the
// length of the path.
func (t Template) Match(path string) bool { return Plain(path) && t.fits(path) }

// Holds reports whether an escaped path has the literal text of the template, and one or
// more characters of one segment for each parameter. It is true of every path that Expand
// returns, even with an escaped slash.
func (t Template) Holds(path string) bool { return t.fits(path) }

// Covers reports whether t holds every path that other holds, regardless of the names of
// parameters.
func (t Template) Covers(other Template) bool {
	// Try t with other's parameters replaced by a character that is in no literal text.
	// Only a parameter of t can hold it, and a parameter holds every other value too.
	const anything = "\x00"
	var b strings.Builder
	for _, p := range other.parts {
		if p.param != "" {
			b.WriteString(anything)
		} else {
			b.WriteString(p.literal)
		}
	}
	return t.fits(b.String())
}

// fits matches bytes; only the slash has a meaning.
func (t Template) fits(path string) bool {
	if len(t.parts) == 0 {
		return false
	}
	// reached[i] says that the parts so far can stand for path[:i].
	var usual [2][128]bool // most paths need no more
	reached, next := usual[0][:], usual[1][:]
	if len(path) >= len(reached) {
		reached, next = make([]bool, len(path)+1), make([]bool, len(path)+1)
	}
	reached[0] = true
	for _, p := range t.parts {
		clear(next)
		inside := false // a parameter has started in this segment
		for i := range len(path) {
			if p.param == "" {
				if reached[i] && strings.HasPrefix(path[i:], p.literal) {
					next[i+len(p.literal)] = true
				}
				continue
			}
			inside = (inside || reached[i]) && path[i] != '/'
			next[i+1] = inside
		}
		reached, next = next, reached
	}
	return reached[len(path)]
}

// Plain reports whether every server reads an escaped path in the same way: it has no dot
// segments, no escaped slashes, backslashes, dots, percent signs or control characters,
// and nothing that needs an escape.
func Plain(path string) bool {
	if !strings.HasPrefix(path, "/") || len(path) > MaxTemplate+8*MaxValue {
		return false
	}
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c != '%' {
			if !isLiteral(c) {
				return false
			}
			continue
		}
		if i+2 >= len(path) {
			return false
		}
		high, low := strings.IndexByte(hexDigits, upper(path[i+1])), strings.IndexByte(hexDigits, upper(path[i+2]))
		if high < 0 || low < 0 {
			return false
		}
		switch c := byte(high<<4 | low); {
		case c < 0x20, c == 0x7f, c == '/', c == '\\', c == '.', c == '%':
			return false
		}
		i += 2
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}
