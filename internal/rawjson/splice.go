package rawjson

import (
	"fmt"
	"slices"
)

// Spliced is a JSON text under construction: bytes that somebody wrote, with
// finished values between them. The values are never scanned again, however large.
// The zero value is empty. It is not safe for concurrent use.
type Spliced struct {
	text  []byte // what was written, a placeholder for each part
	at    []int  // where the placeholders are
	parts [][]byte
	size  int
}

// placeholder stands for a part. Next to other text it is never by accident part of
// a larger token, except inside a string, which Object detects.
const placeholder = `""`

// Write appends text. It copies p and never fails.
func (s *Spliced) Write(p []byte) (int, error) {
	s.text = append(s.text, p...)
	s.size += len(p)
	return len(p), nil
}

// Part appends a value, which must be valid JSON and must not change. It is not
// copied.
func (s *Spliced) Part(value []byte) {
	s.at = append(s.at, len(s.text))
	s.parts = append(s.parts, value)
	s.text = append(s.text, placeholder...)
	s.size += len(value)
}

// Size is the number of bytes of the whole.
func (s *Spliced) Size() int { return s.size }

// maxMembers is how many members Object returns: an index of millions would take many
// times the memory of the text.
const maxMembers = 1000

// Object checks that the whole is one JSON object, with a value in the place of
// every part, and returns its members, of which there may be a thousand. Where a name occurs twice, the last one
// counts. A member whose value is exactly one part is that part, uncopied.
//
// It tells step how many bytes it has read since it told it before, and ends with the error
// of step.
func (s *Spliced) Object(step func(bytes int) error) (map[string][]byte, error) {
	sc := scanner{data: s.text, parts: s.at, step: step}
	start, _, err := sc.document()
	if err := sc.finish(err); err != nil {
		return nil, err
	}
	if sc.seen != len(s.at) {
		// A placeholder was never met as a value: it is in a string or is a name.
		return nil, &SyntaxError{s.at[sc.seen], "a part is where a value cannot be"}
	}
	if s.text[start] != '{' {
		return nil, &SyntaxError{start, "expected an object"}
	}
	found := make(map[string][]byte)
	sc = scanner{data: s.text, step: step}
	sc.members(func(name, value span) bool {
		if len(found) == maxMembers {
			err = &SyntaxError{name.start, fmt.Sprintf("more than %d members", maxMembers)}
			return false
		}
		found[Unquote(s.text[name.start:name.end])] = s.fill(value)
		return true
	})
	if err := sc.finish(err); err != nil {
		return nil, err
	}
	return found, nil
}

// fill returns a piece of the text with the parts in their places.
func (s *Spliced) fill(piece span) []byte {
	start, end := piece.start, piece.end
	var inside [][]byte
	var at []int
	size := end - start
	from, _ := slices.BinarySearch(s.at, start)
	for i := from; i < len(s.at) && s.at[i] < end; i++ {
		inside, at = append(inside, s.parts[i]), append(at, s.at[i])
		size += len(s.parts[i]) - len(placeholder)
	}
	switch {
	case len(inside) == 0:
		return s.text[start:end:end]
	case len(inside) == 1 && end-start == len(placeholder):
		return inside[0]
	}
	whole := make([]byte, 0, size)
	for i, offset := range at {
		whole = append(append(whole, s.text[start:offset]...), inside[i]...)
		start = offset + len(placeholder)
	}
	return append(whole, s.text[start:end]...)
}

// Bytes returns the whole.
func (s *Spliced) Bytes() []byte { return s.fill(span{0, len(s.text)}) }
