// Package rawjson finds values in JSON text without decoding it: it checks a
// document in one pass, walks its elements and members, and follows JSON Pointers,
// always returning slices of the original bytes.
//
// It is what lets a list of a thousand records pass from a vendor to a caller
// untouched. It accepts exactly what encoding/json accepts, except that strings are
// not checked for valid UTF-8 sequences beyond what encoding/json's Valid checks, and
// that nesting is limited to [MaxDepth].
//
// Use encoding/json to read values into Go; this package is for raw text.
package rawjson

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math/bits"
)

// MaxDepth is how deeply arrays and objects may nest. A document is hostile long
// before that, and the limit keeps the scanner's recursion off the heap.
const MaxDepth = 1000

// Kind is the type of a JSON value.
type Kind uint8

// The kinds; the numbers are those of the ABI's value_kind.
const (
	Invalid Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// SyntaxError says where a text stops being JSON.
type SyntaxError struct {
	// Offset is the number of bytes before the fault.
	Offset int
	What   string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.What, e.Offset) }

// KindOf returns the kind of the value that data starts with, judged by its first
// character alone, and Invalid where no value starts so.
func KindOf(data []byte) Kind {
	i := space(data, 0)
	if i == len(data) {
		return Invalid
	}
	switch c := data[i]; {
	case c == '{':
		return Object
	case c == '[':
		return Array
	case c == '"':
		return String
	case c == 't' || c == 'f':
		return Bool
	case c == 'n':
		return Null
	case c == '-' || (c >= '0' && c <= '9'):
		return Number
	}
	return Invalid
}

// Valid reports whether data is one JSON value, and nothing but white space beside it.
func Valid(data []byte) bool { return Check(data) == nil }

// Check returns nil if data is one JSON value with nothing but white space beside
// it, and a [*SyntaxError] otherwise.
func Check(data []byte) error {
	_, err := CheckWithin(data, nil)
	return err
}

// CheckWithin is [Check] that returns the value without the white space around it. It
// tells step how many bytes it has read since it told it before, at most a few thousand at
// a time, and ends with the error of step.
func CheckWithin(data []byte, step func(bytes int) error) ([]byte, error) {
	s := scanner{data: data, step: step}
	start, end, err := s.document()
	if err := s.finish(err); err != nil {
		return nil, err
	}
	return data[start:end:end], nil
}

// Trim returns data without the white space around it.
func Trim(data []byte) []byte {
	start, end := space(data, 0), len(data)
	for end > start && isSpace(data[end-1]) {
		end--
	}
	return data[start:end]
}

// Elements yields the elements of the array in data. It stops early where data is
// not an array or not JSON; use [Check] before where that matters.
func Elements(data []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		s := scanner{data: data}
		s.elements(func(e span) bool { return yield(data[e.start:e.end:e.end]) })
	}
}

// Members yields the members of the object in data: the name's raw text, quotes
// included, and the value. It stops early where data is not an object or not JSON.
func Members(data []byte) iter.Seq2[[]byte, []byte] { return MembersWithin(data, nil) }

// MembersWithin is [Members] that tells step how many bytes it has read since it told it
// before. It stops early where step returns an error.
func MembersWithin(data []byte, step func(bytes int) error) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		s := scanner{data: data, step: step}
		s.members(func(name, value span) bool {
			return yield(data[name.start:name.end:name.end], data[value.start:value.end:value.end])
		})
		_ = s.finish(nil) // step knows its own error
	}
}

// Count returns the number of elements of an array or members of an object, and 0
// for everything else.
func Count(data []byte) int {
	n, _ := CountWithin(data, nil)
	return n
}

// CountWithin is [Count] that tells step how many bytes it has read since it told it
// before, and ends with the error of step.
func CountWithin(data []byte, step func(bytes int) error) (int, error) {
	n := 0
	s := scanner{data: data, step: step}
	switch KindOf(data) {
	case Array:
		s.elements(func(span) bool { n++; return true })
	case Object:
		s.members(func(span, span) bool { n++; return true })
	}
	return n, s.finish(nil)
}

// span is a piece of a text: the offsets of its first byte and of the byte after it.
type span struct{ start, end int }

// scanner reads one text. It never looks at a byte twice.
type scanner struct {
	data []byte
	// parts are the offsets at which a value is a placeholder; see Splice.
	parts []int
	seen  int
	// names, if not nil, looks for names that an object has twice.
	names *names

	step    func(bytes int) error // nil if nobody counts
	told    int                   // the offset up to which step knows
	stopped error                 // of step, which wants no more
}

// elements is Elements in terms of offsets.
func (s *scanner) elements(yield func(element span) bool) {
	i := s.space(0)
	if i == len(s.data) || s.data[i] != '[' {
		return
	}
	i = s.space(i + 1)
	for i < len(s.data) && s.data[i] != ']' {
		end, err := s.value(i, 1)
		if err != nil || !yield(span{i, end}) {
			return
		}
		if i = s.space(end); i == len(s.data) || s.data[i] != ',' {
			return
		}
		i = s.space(i + 1)
	}
}

// members is Members in terms of offsets.
func (s *scanner) members(yield func(name, value span) bool) {
	i := s.space(0)
	if i == len(s.data) || s.data[i] != '{' {
		return
	}
	i = s.space(i + 1)
	for i < len(s.data) && s.data[i] == '"' {
		nameEnd, err := s.text(i)
		if err != nil {
			return
		}
		colon := s.space(nameEnd)
		if colon == len(s.data) || s.data[colon] != ':' {
			return
		}
		start := s.space(colon + 1)
		end, err := s.value(start, 1)
		if err != nil || !yield(span{i, nameEnd}, span{start, end}) {
			return
		}
		if i = s.space(end); i == len(s.data) || s.data[i] != ',' {
			return
		}
		i = s.space(i + 1)
	}
}

// document checks all of the text, and returns where its value starts and ends.
func (s *scanner) document() (start, end int, err error) {
	start = s.space(0)
	if end, err = s.value(start, 0); err != nil {
		return start, end, err
	}
	if i := s.space(end); i != len(s.data) {
		return start, end, &SyntaxError{i, "text after the value"}
	}
	return start, end, nil
}

func (s *scanner) fail(at int, what string) (int, error) {
	if at >= len(s.data) {
		return at, &SyntaxError{len(s.data), "unexpected end"}
	}
	return at, &SyntaxError{at, what}
}

// value checks the value that starts at i, with no white space before it, and
// returns the offset after it.
func (s *scanner) value(i, depth int) (int, error) {
	if i = s.pass(i); i >= len(s.data) {
		return s.fail(i, "")
	}
	if depth > MaxDepth {
		return s.fail(i, "nested too deeply")
	}
	if s.seen < len(s.parts) && s.parts[s.seen] == i {
		s.seen++
	}
	if s.names != nil {
		if err := s.names.value(depth); err != nil {
			return i, err
		}
	}
	switch c := s.data[i]; c {
	case '{':
		return s.object(i, depth)
	case '[':
		return s.array(i, depth)
	case '"':
		return s.text(i)
	case 't':
		return s.literal(i, "true")
	case 'f':
		return s.literal(i, "false")
	case 'n':
		return s.literal(i, "null")
	default:
		if c == '-' || isDigit(c) {
			return s.number(i)
		}
		return s.fail(i, "no value starts like this")
	}
}

func (s *scanner) object(i, depth int) (int, error) {
	i = s.space(i + 1)
	if i < len(s.data) && s.data[i] == '}' {
		return i + 1, nil
	}
	var names objectNames
	if s.names != nil {
		names = s.names.open()
	}
	for {
		if i >= len(s.data) || s.data[i] != '"' {
			return s.fail(i, "expected a member name")
		}
		end, err := s.text(i)
		if err != nil {
			return end, err
		}
		if s.names != nil {
			s.names.add(&names, s.data[i:end])
		}
		if i = s.space(end); i >= len(s.data) || s.data[i] != ':' {
			return s.fail(i, "expected a colon")
		}
		if end, err = s.value(s.space(i+1), depth+1); err != nil {
			return end, err
		}
		i = s.space(end)
		switch {
		case i >= len(s.data):
			return s.fail(i, "")
		case s.data[i] == '}':
			if s.names != nil {
				s.names.close(names)
			}
			return i + 1, nil
		case s.data[i] != ',':
			return s.fail(i, "expected a comma or the end of the object")
		}
		i = s.space(i + 1)
	}
}

func (s *scanner) array(i, depth int) (int, error) {
	i = s.space(i + 1)
	if i < len(s.data) && s.data[i] == ']' {
		return i + 1, nil
	}
	for {
		end, err := s.value(i, depth+1)
		if err != nil {
			return end, err
		}
		i = s.space(end)
		switch {
		case i >= len(s.data):
			return s.fail(i, "")
		case s.data[i] == ']':
			return i + 1, nil
		case s.data[i] != ',':
			return s.fail(i, "expected a comma or the end of the array")
		}
		i = s.space(i + 1)
	}
}

// text checks the string whose opening quote is at i.
func (s *scanner) text(i int) (int, error) {
	data := s.data
	for i++; ; {
		end := min(len(data), i+stepBytes)
		if i = plain(data[:end], i); i == end {
			if end == len(data) {
				return s.fail(i, "")
			}
			i = s.pass(i)
			continue
		}
		switch c := data[i]; {
		case c == '"':
			return i + 1, nil
		case c != '\\':
			return s.fail(i, "control character in a string")
		case i+1 >= len(data):
			return s.fail(len(data), "")
		}
		switch data[i+1] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			i += 2
		case 'u':
			for j := i + 2; j < i+6; j++ {
				if j >= len(data) || !isHex(data[j]) {
					return s.fail(j, "bad \\u escape")
				}
			}
			i += 6
		default:
			return s.fail(i+1, "unknown escape")
		}
		i = s.pass(i)
	}
}

// plain returns the offset at or after i of the first byte that needs a look: a
// quote, a backslash or a control character. It tests eight bytes at a time,
// because strings are most of what vendors send.
func plain(data []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for i+8 <= len(data) {
		w := binary.LittleEndian.Uint64(data[i:])
		quote := w ^ ones*'"'
		slash := w ^ ones*'\\'
		// The classic zero-byte test, for both characters and for bytes below
		// 0x20. A borrow can make a byte after a hit look like one too, never
		// one before it, and the first is all that counts.
		hit := ((quote - ones) &^ quote) | ((slash - ones) &^ slash) | ((w - ones*0x20) &^ w)
		if hit &= tops; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
		i += 8
	}
	for i < len(data) && data[i] >= 0x20 && data[i] != '"' && data[i] != '\\' {
		i++
	}
	return i
}

func (s *scanner) literal(i int, word string) (int, error) {
	if end := i + len(word); end <= len(s.data) && string(s.data[i:end]) == word {
		return end, nil
	}
	return s.fail(i, "no value starts like this")
}

func (s *scanner) number(i int) (int, error) {
	data := s.data
	if data[i] == '-' {
		i++
	}
	switch {
	case i >= len(data) || !isDigit(data[i]):
		return s.fail(i, "expected a digit")
	case data[i] == '0':
		i++
	default:
		i = s.digits(i)
	}
	if i < len(data) && data[i] == '.' {
		if i++; i >= len(data) || !isDigit(data[i]) {
			return s.fail(i, "expected a digit")
		}
		i = s.digits(i)
	}
	if i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		if i++; i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		if i >= len(data) || !isDigit(data[i]) {
			return s.fail(i, "expected a digit")
		}
		i = s.digits(i)
	}
	return i, nil
}

func (s *scanner) digits(i int) int {
	for {
		end := min(len(s.data), i+stepBytes)
		for i < end && isDigit(s.data[i]) {
			i++
		}
		if i < end || end == len(s.data) {
			return i
		}
		i = s.pass(i)
	}
}

// space returns the offset at or after i of the first byte that is no white space.
func (s *scanner) space(i int) int {
	if i < len(s.data) && s.data[i] <= ' ' {
		return s.skip(i)
	}
	return i
}

// skip is space where there is some.
func (s *scanner) skip(i int) int {
	for {
		end := min(len(s.data), i+stepBytes)
		if i = space(s.data[:end], i); i < end || end == len(s.data) {
			return i
		}
		i = s.pass(i)
	}
}

func space(data []byte, i int) int {
	for i < len(data) && isSpace(data[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isHex(c byte) bool {
	return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')
}
