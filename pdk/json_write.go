package pdk

import (
	"strconv"
	"unicode/utf8"
)

// Connectors write little JSON: a request, an error, meta. These functions append
// it to a buffer, which spares a module the 0.8 MB and the reflection that
// encoding/json costs it.

// AppendString appends s to b as a JSON string (RFC 8259). Bytes that are not
// UTF-8 become U+FFFD.
func AppendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(b, s[start:i]...)
				b = append(b, "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// object writes the members of a JSON object, leaving out those that are empty.
type object struct{ b []byte }

func openObject(b []byte) *object { return &object{append(b, '{')} }

func (o *object) key(name string) {
	if last := o.b[len(o.b)-1]; last != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(AppendString(o.b, name), ':')
}

func (o *object) str(name, value string) {
	if value != "" {
		o.mustStr(name, value)
	}
}

func (o *object) mustStr(name, value string) {
	o.key(name)
	o.b = AppendString(o.b, value)
}

func (o *object) int(name string, value int64) {
	if value != 0 {
		o.key(name)
		o.b = strconv.AppendInt(o.b, value, 10)
	}
}

func (o *object) bool(name string, value bool) {
	if value {
		o.key(name)
		o.b = append(o.b, "true"...)
	}
}

func (o *object) strs(name string, values []string) {
	if len(values) == 0 {
		return
	}
	o.key(name)
	o.b = appendStrings(o.b, values)
}

func (o *object) close() []byte { return append(o.b, '}') }

func appendStrings(b []byte, values []string) []byte {
	b = append(b, '[')
	for i, v := range values {
		b = appendComma(b, i)
		b = AppendString(b, v)
	}
	return append(b, ']')
}

// appendComma separates element i of an array from the one before it.
func appendComma(b []byte, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	return b
}
