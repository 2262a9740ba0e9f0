package pdk

import (
	"strconv"
	"unicode/utf8"
)

// Connectors write little JSON: a request, an error, meta. These functions append it to a buffer,
// which saves a module the 0.8 MB and the reflection of encoding/json.

// AppendString appends s to b as a JSON string (RFC 8259). Bytes that are not
// UTF-8 become U+FFFD.
func AppendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	bytes := bytesOf(s)
	for start := 0; ; {
		i := plain(bytes, start)
		b = append(b, s[start:i]...)
		if i == len(s) {
			return append(b, '"')
		}
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r) // U+FFFD for what is not UTF-8
			start = i + n
			continue
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		start = i + 1
	}
}

// object writes the members of a JSON object, without empty ones.
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
