package pdk

import (
	"github.com/agenthost/agenthost/internal/hostfunc"
	"iter"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Raw is an encoded JSON value in the connector's own memory: a parameter, or a part of a
// response. The zero value is an absent value.
//
// Do not change the bytes: strings share them.
//
// The host has validated the JSON, so these methods only scan it. For invalid JSON they return
// zero values; they never panic.
type Raw []byte

// JSONKind is the type of a JSON value.
type JSONKind int32

// The kinds of JSON values, as in package abi. An absent value is JSONInvalid.
const (
	JSONInvalid JSONKind = hostfunc.JSONInvalid
	JSONNull    JSONKind = hostfunc.JSONNull
	JSONBool    JSONKind = hostfunc.JSONBool
	JSONNumber  JSONKind = hostfunc.JSONNumber
	JSONString  JSONKind = hostfunc.JSONString
	JSONArray   JSONKind = hostfunc.JSONArray
	JSONObject  JSONKind = hostfunc.JSONObject
)

// Exists reports whether there is a value; null is one.
func (r Raw) Exists() bool { return len(r) > 0 }

// Kind returns the kind of the value, or [JSONInvalid] if there is no value.
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
	end := endOfString(r, i)
	if end < 0 {
		return ""
	}
	return unquote(r[i:end])
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

// Member returns the value of a member of an object, the last one of that name, as in
// encoding/json.
func (r Raw) Member(name string) Raw {
	var found Raw
	for n, v := range r.Members() {
		if n == name {
			found = v
		}
	}
	return found
}

// Members ranges over the members of an object, in their order.
func (r Raw) Members() iter.Seq2[string, Raw] {
	return func(yield func(string, Raw) bool) {
		for m := membersOf(r); m.next(); {
			if !yield(m.name(), m.value) {
				return
			}
		}
	}
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

// unquote decodes a JSON string. Bytes that are not UTF-8 become U+FFFD, as for
// encoding/json.
func unquote(quoted []byte) string {
	b := quoted[1 : len(quoted)-1]
	i := plain(b, 0)
	if i == len(b) {
		return text(b)
	}
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

// hex4 reads four hexadecimal digits at i. It returns U+FFFD if they are invalid.
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
