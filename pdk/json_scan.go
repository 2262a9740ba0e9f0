package pdk

import "bytes"

// The scanner reads JSON that the host has checked. For invalid JSON it returns -1 or any place,
// and never panics.
//
// Go's compiler makes some 70 Wasm instructions of each step of a loop, so the scanner uses the
// hand-written loops of package bytes.

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// endOfString returns the index after the string that starts at i, or -1.
func endOfString(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	for at := i + 1; ; {
		n := bytes.IndexByte(b[at:], '"')
		if n < 0 {
			return -1
		}
		at += n + 1
		switch {
		case b[at-2] != '\\':
			return at
		case b[at-3] != '\\': // this quote is escaped
		case !escapes(b[i+1 : at-1]):
			return at
		}
	}
}

// escapes reports whether s ends with an odd number of backslashes, which escape the next byte.
func escapes(s []byte) bool {
	n := len(s)
	for n > 0 && s[n-1] == '\\' {
		n--
	}
	return (len(s)-n)%2 == 1
}

// skipValue returns the index after the value that starts at i, or -1.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch c := b[i]; {
	case c == '"':
		return endOfString(b, i)
	case c == '{' || c == '[':
		return skipNested(b, i)
	}
	start := i
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] > ' ' {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

// skipNested is skipValue for objects and arrays. It counts brackets, so that deep nesting costs no
// stack.
func skipNested(b []byte, i int) int {
	for depth := 0; i < len(b); {
		switch c := b[i]; {
		case c == '"':
			if i = endOfString(b, i); i < 0 {
				return -1
			}
			continue
		case c|0x20 == '{': // or [
			depth++
		case c|0x20 == '}': // or ]
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}

// members is a place in an object.
type members struct {
	raw    Raw
	at     int // where the next member starts, -1 after the last
	quoted Raw // the name
	value  Raw
}

// membersOf is before the first member.
func membersOf(r Raw) members {
	if r.Kind() != JSONObject {
		return members{at: -1}
	}
	return members{raw: r, at: skipSpace(r, 0) + 1}
}

func (m *members) name() string { return unquote(m.quoted) }

// next goes to the next member and reports whether there is one.
func (m *members) next() bool {
	if m.at < 0 {
		return false
	}
	r, i := m.raw, skipSpace(m.raw, m.at)
	m.at = -1
	end := endOfString(r, i)
	if end < 0 {
		return false
	}
	m.quoted = r[i:end]
	if i = skipSpace(r, end); i >= len(r) || r[i] != ':' {
		return false
	}
	i = skipSpace(r, i+1)
	if end = skipValue(r, i); end < 0 {
		return false
	}
	m.value = r[i:end:end]
	if i = skipSpace(r, end); i < len(r) && r[i] == ',' {
		m.at = i + 1
	}
	return true
}
