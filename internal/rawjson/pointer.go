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
// where there is none. Data must be valid JSON. Where an object has two members of
// one name, the last one counts, as in encoding/json. The error is [ErrPointer].
func Pointer(data []byte, pointer string) ([]byte, bool, error) {
	part := Trim(data)
	if pointer == "" {
		return part, true, nil
	}
	if pointer[0] != '/' {
		return nil, false, ErrPointer
	}
	found := true
	for token := range strings.SplitSeq(pointer[1:], "/") {
		name, err := unescape(token)
		if err != nil {
			return nil, false, err
		}
		if found {
			part, found = step(part, name)
		}
	}
	return part, found, nil
}

// step goes from a value to the child that one reference token names.
func step(data []byte, name string) (child []byte, found bool) {
	switch KindOf(data) {
	case Object:
		for raw, value := range Members(data) {
			if nameIs(raw, name) {
				child, found = value, true
			}
		}
	case Array:
		n, ok := index(name)
		if !ok {
			return nil, false
		}
		for element := range Elements(data) {
			if n == 0 {
				return element, true
			}
			n--
		}
	}
	return child, found
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
