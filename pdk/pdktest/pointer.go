package pdktest

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// lookup returns the part of a JSON text at an RFC 6901 pointer, unchanged.
func lookup(text []byte, pointer string) (part []byte, found bool, err error) {
	if pointer == "" {
		return text, true, nil
	}
	if pointer[0] != '/' {
		return nil, false, errors.New("a JSON Pointer starts with a slash: " + pointer)
	}
	for _, token := range strings.Split(pointer[1:], "/") {
		if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(token), "~") {
			return nil, false, errors.New("in a JSON Pointer ~ is followed by 0 or 1: " + pointer)
		}
		// RFC 6901, section 4: ~1 first, so that ~01 becomes ~1.
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		var members map[string]json.RawMessage
		var elements []json.RawMessage
		switch {
		case json.Unmarshal(text, &members) == nil && members != nil:
			if text, found = members[token]; !found {
				return nil, false, nil
			}
		case json.Unmarshal(text, &elements) == nil && elements != nil:
			i, ok := index(token)
			if !ok || i >= len(elements) {
				return nil, false, nil
			}
			text = elements[i]
		default:
			return nil, false, nil
		}
	}
	return text, true, nil
}

// index reads an array index: digits without a leading zero.
func index(token string) (int, bool) {
	if token == "" || len(token) > 1 && token[0] == '0' || strings.Trim(token, "0123456789") != "" {
		return 0, false
	}
	i, err := strconv.Atoi(token)
	return i, err == nil
}

// count returns the number of members or elements.
func count(text []byte) (int, bool) {
	var members map[string]json.RawMessage
	var elements []json.RawMessage
	switch {
	case json.Unmarshal(text, &members) == nil && members != nil:
		return len(members), true
	case json.Unmarshal(text, &elements) == nil && elements != nil:
		return len(elements), true
	}
	return 0, false
}
