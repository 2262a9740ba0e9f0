package rawjson

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// ErrPointer means that a text is not a JSON Pointer.
var ErrPointer = errors.New(`a JSON Pointer is empty or starts with "/", and has "~" only in "~0" and "~1"`)

// Pointer returns the part of data that a JSON Pointer (RFC 6901) names, and false
// if there is none. Data must be valid JSON. Where an object has two members of
// one name, the last one counts, as in encoding/json. The error is [ErrPointer].
func Pointer(data []byte, pointer string) ([]byte, bool, error) {
	return PointerWithin(data, pointer, nil)
}

// PointerWithin is [Pointer] that tells step how many bytes it has read since it told it
// before. It reads each byte once, however long the pointer is, and ends with the error of
// step.
func PointerWithin(data []byte, pointer string, step func(bytes int) error) ([]byte, bool, error) {
	s := scanner{data: data, step: step}
	if pointer == "" {
		part := Trim(data)
		return part, true, s.finish(nil)
	}
	if pointer[0] != '/' {
		return nil, false, ErrPointer
	}
	var tokens []string
	for token := range strings.SplitSeq(pointer[1:], "/") {
		name, err := unescape(token)
		if err != nil {
			return nil, false, err
		}
		tokens = append(tokens, name)
	}
	f := finder{scanner: s, tokens: tokens}
	_, err := f.at(f.space(0), 0)
	if _, syntax := errors.AsType[*SyntaxError](err); syntax {
		f.end, err = 0, nil // data is not JSON, and nothing is there
	}
	if err = f.finish(err); err != nil || f.end == 0 {
		return nil, false, err
	}
	return data[f.start:f.end:f.end], true, nil
}

// finder follows the tokens of a JSON Pointer. It reads each byte once, however long the
// pointer is.
type finder struct {
	scanner
	tokens     []string
	start, end int // of what was found; end is 0 if nothing was
}

// at reads the value at i, which the first tokens lead to, and finds what the others
// lead to. It returns the offset after the value.
func (f *finder) at(i, used int) (int, error) {
	f.end = 0 // of two members of one name, the last one counts
	if used == len(f.tokens) {
		end, err := f.value(i, used)
		f.start, f.end = i, end
		return end, err
	}
	if i >= len(f.data) {
		return f.fail(i, "")
	}
	switch f.data[i] {
	case '{':
		return f.inObject(i, used)
	case '[':
		if n, ok := index(f.tokens[used]); ok {
			return f.inArray(i, used, n)
		}
	}
	return f.value(i, used)
}

func (f *finder) inObject(i, used int) (int, error) {
	for ended := f.empty(&i, '}'); !ended; {
		start, nameEnd, err := f.name(i)
		if err != nil {
			return nameEnd, err
		}
		read := f.value
		if nameIs(f.data[i:nameEnd], f.tokens[used]) {
			read = f.at
		}
		end, err := read(start, used+1)
		if err != nil {
			return end, err
		}
		if ended, i, err = f.more(end, '}', ""); err != nil {
			return i, err
		}
	}
	return i, nil
}

func (f *finder) inArray(i, used, n int) (int, error) {
	for ended := f.empty(&i, ']'); !ended; n-- {
		read := f.value
		if n == 0 {
			read = f.at
		}
		end, err := read(i, used+1)
		if err != nil {
			return end, err
		}
		if ended, i, err = f.more(end, ']', ""); err != nil {
			return i, err
		}
	}
	return i, nil
}

// empty moves i from the start of an array or object to its first value, or behind its
// end.
func (f *finder) empty(i *int, closing byte) bool {
	if *i = f.space(*i + 1); *i < len(f.data) && f.data[*i] == closing {
		*i++
		return true
	}
	return false
}

// unescape turns ~1 into a slash and ~0 into a tilde (RFC 6901, section 4).
func unescape(token string) (string, error) {
	if !strings.Contains(token, "~") {
		return token, nil
	}
	for i := 0; i < len(token); i++ {
		if token[i] == '~' && (i+1 == len(token) || (token[i+1] != '0' && token[i+1] != '1')) {
			return "", ErrPointer
		}
	}
	return strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~"), nil
}

// index reads an array index: digits without a leading zero.
func index(name string) (int, bool) {
	if name == "" || (name[0] == '0' && len(name) > 1) || !isDigit(name[0]) {
		return 0, false
	}
	n, err := strconv.Atoi(name)
	return n, err == nil
}

// nameIs compares a raw member name, quotes included, with a name.
func nameIs(raw []byte, name string) bool {
	if plain(raw, 1) == len(raw)-1 {
		return string(raw[1:len(raw)-1]) == name
	}
	return Unquote(raw) == name
}

// Unquote returns the text of a JSON string, and "" where raw is not one.
func Unquote(raw []byte) string {
	if len(raw) >= 2 && raw[0] == '"' && plain(raw, 1) == len(raw)-1 {
		return string(raw[1 : len(raw)-1])
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}
