package pdk

import (
	"iter"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Raw is a JSON value in the connector's own memory, byte for byte as it was
// written: a parameter, or something read from a response. The zero value stands
// for a value that is absent.
//
// Nobody may change the bytes: strings that are made of a value share them.
//
// The host has validated whatever it hands out, so these methods only find their
// way in it. Given something that is not JSON they return zero values; they never
// panic.
type Raw []byte

// JSONKind is the type of a JSON value.
type JSONKind int32

// The kinds of JSON values, as in package abi. JSONInvalid also stands for a
// value that is absent.
const (
	JSONInvalid JSONKind = abi.JSONInvalid
	JSONNull    JSONKind = abi.JSONNull
	JSONBool    JSONKind = abi.JSONBool
	JSONNumber  JSONKind = abi.JSONNumber
	JSONString  JSONKind = abi.JSONString
	JSONArray   JSONKind = abi.JSONArray
	JSONObject  JSONKind = abi.JSONObject
)

// Exists says whether there is a value at all; null is one.
func (r Raw) Exists() bool { return len(r) > 0 }

// Kind returns the kind of the value, [JSONInvalid] where there is none.
func (r Raw) Kind() JSONKind {
	i := skipSpace(r, 0)
	if i >= len(r) {
		return JSONInvalid
	}
	switch c := r[i]; {
	case c == '"':
		return JSONString
	case c == '{':
		return JSONObject
	case c == '[':
		return JSONArray
	case c == 't' || c == 'f':
		return JSONBool
	case c == 'n':
		return JSONNull
	case c == '-' || c >= '0' && c <= '9':
		return JSONNumber
	}
	return JSONInvalid
}

// Text returns the text of a JSON string, "" for anything else.
func (r Raw) Text() string {
	i := skipSpace(r, 0)
	end, asIs := endOfString(r, i)
	if end < 0 {
		return ""
	}
	return unquote(r[i+1:end-1], asIs)
}

// Int returns the value of a JSON number that is an integer of 64 bits.
func (r Raw) Int() (n int64, ok bool) {
	if r.Kind() != JSONNumber {
		return 0, false
	}
	n, err := strconv.ParseInt(string(r), 10, 64)
	return n, err == nil
}

// Bool returns true for the JSON value true.
func (r Raw) Bool() bool { return string(r) == "true" }

// Member returns the value of a member of an object; where a name occurs twice,
// the last one counts, as it does for encoding/json.
func (r Raw) Member(name string) Raw {
	var found Raw
	for n, v := range r.Members() {
		if n == name {
			found = v
		}
	}
	return found
}

// Members ranges over the members of an object, in the order in which they stand.
func (r Raw) Members() iter.Seq2[string, Raw] {
	return func(yield func(string, Raw) bool) {
		for m := membersOf(r); m.next(); {
			if !yield(m.name(), m.value) {
				return
			}
		}
	}
}

// members is a place in an object.
type members struct {
	raw    Raw
	at     int // where the next member starts, -1 after the last
	quoted Raw // what stands between the quotes of the name
	asIs   bool
	value  Raw
}

// membersOf is before the first member.
func membersOf(r Raw) members {
	if r.Kind() != JSONObject {
		return members{at: -1}
	}
	return members{raw: r, at: skipSpace(r, 0) + 1}
}

func (m *members) name() string { return unquote(m.quoted, m.asIs) }

// next goes to the next member and says whether there is one.
func (m *members) next() bool {
	if m.at < 0 {
		return false
	}
	r, i := m.raw, skipSpace(m.raw, m.at)
	m.at = -1
	end, asIs := endOfString(r, i)
	if end < 0 {
		return false
	}
	m.quoted, m.asIs = r[i+1:end-1], asIs
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

// Elements ranges over the elements of an array.
func (r Raw) Elements() iter.Seq[Raw] {
	return func(yield func(Raw) bool) {
		if r.Kind() != JSONArray {
			return
		}
		for i := skipSpace(r, 0) + 1; ; {
			i = skipSpace(r, i)
			end := skipValue(r, i)
			if end < 0 || !yield(r[i:end:end]) {
				return
			}
			if i = skipSpace(r, end); i >= len(r) || r[i] != ',' {
				return
			}
			i++
		}
	}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// endOfString returns the index after the string that starts at i, or -1. The string is
// as it stands between its quotes if there is nothing in it to decode.
func endOfString(b []byte, i int) (end int, asIs bool) {
	if i >= len(b) || b[i] != '"' {
		return -1, false
	}
	i = plain(b, i+1)
	if i < len(b) && b[i] == '"' {
		return i + 1, true
	}
	for ; i < len(b); i = plain(b, i) {
		switch b[i] {
		case '\\':
			i += 2
		case '"':
			return i + 1, false
		default:
			i++
		}
	}
	return -1, false
}

func skipString(b []byte, i int) int {
	end, _ := endOfString(b, i)
	return end
}

// skipValue returns the index after the value that starts at i, or -1. It counts
// brackets instead of recursing, so that deep nesting costs no stack.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		for depth := 0; i < len(b); {
			switch b[i] {
			case '"':
				if i = skipString(b, i); i < 0 {
					return -1
				}
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return -1
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

// unquote decodes what stands between the quotes of a JSON string, unless it is known to
// be as it stands there. Bytes that are not UTF-8 become U+FFFD, as for encoding/json.
func unquote(b []byte, asIs bool) string {
	if asIs {
		return text(b)
	}
	i := plain(b, 0)
	out := make([]byte, i, len(b))
	copy(out, b)
	for i < len(b) {
		c := b[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(b[i:]) // U+FFFD for what is not UTF-8
			out = utf8.AppendRune(out, r)
			i += n
			continue
		}
		i++
		if c != '\\' || i == len(b) {
			out = append(out, c)
			continue
		}
		c = b[i]
		i++
		switch c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := hex4(b, i)
			i = min(i+4, len(b))
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if i+1 < len(b) && b[i] == '\\' && b[i+1] == 'u' {
					low = hex4(b, i+2)
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i = min(i+6, len(b))
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

// hex4 reads four hexadecimal digits at i; U+FFFD where there are none.
func hex4(b []byte, i int) rune {
	if i+4 > len(b) {
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(string(b[i:i+4]), 16, 32)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}
