package budget

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// Hidden reports whether a character cannot be seen, or changes how others are shown:
// control, formatting, bidi and zero-width characters, private and unassigned ones,
// variation selectors, and letters that are blank.
func Hidden(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	return !unicode.IsGraphic(r) ||
		unicode.In(r, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point, unicode.Zl, unicode.Zp) ||
		r == '\u2800' // the blank of Braille
}

// Escape writes every hidden character of a JSON text as \u and its number, which a
// JSON parser reads as the same value. Those that JSON's own escapes hide are escaped
// already. Data is valid JSON, and is returned as it is where it has no such character.
func Escape(data json.RawMessage) json.RawMessage {
	for i := 0; i < len(data); {
		if data[i] < utf8.RuneSelf && data[i] != 0x7f {
			i++ // a control character here is white space between values
			continue
		}
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 || Hidden(r) {
			return escapeFrom(data, i)
		}
		i += size
	}
	return data
}

func escapeFrom(data []byte, i int) []byte {
	out := append(make([]byte, 0, len(data)+64), data[:i]...)
	for i < len(data) {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			out = append(out, `\ufffd`...)
		case r != 0x7f && r < utf8.RuneSelf || !Hidden(r):
			out = append(out, data[i:i+size]...)
		default:
			out = appendEscape(out, r)
		}
		i += size
	}
	return out
}

func appendEscape(out []byte, r rune) []byte {
	if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
		return fmt.Appendf(out, `\u%04x\u%04x`, high, low)
	}
	return fmt.Appendf(out, `\u%04x`, r)
}

// Clean makes JSON that shows the same once a program has parsed it as it shows as a text:
//
//   - A hidden character of a text or a name, escaped or not, becomes the visible characters
//     of its escape. Line breaks and tabs stay. A half surrogate becomes U+FFFD.
//   - A number that programs would round, because it is an integer beyond 2^53, or that they
//     cannot hold, becomes a text.
//
// Data is valid JSON. White space between values is left out.
func Clean(data json.RawMessage) json.RawMessage {
	c := copier{elements: -1, text: appendVisible, name: appendVisible, number: appendExact}
	return c.copy(data)
}

// appendVisible shows hidden characters: it escapes their escapes.
func appendVisible(out, quoted []byte) []byte {
	return appendText(out, strings.ToValidUTF8(rawjson.Unquote(quoted), "\ufffd"), func(out []byte, r rune) []byte {
		return append(out, bytes.ReplaceAll(appendEscape(nil, r), []byte(`\`), []byte(`\\`))...)
	})
}

// maxExact is the largest integer up to which a float64 has each integer.
const maxExact = 1 << 53

func appendExact(out, raw []byte) []byte {
	number := string(raw)
	var exact bool
	if strings.ContainsAny(number, ".eE") {
		_, err := strconv.ParseFloat(number, 64)
		exact = err == nil // it is not too large
	} else {
		n, err := strconv.ParseInt(number, 10, 64)
		exact = err == nil && n <= maxExact && n >= -maxExact
	}
	if exact {
		return append(out, raw...)
	}
	return append(append(append(out, '"'), raw...), '"')
}

// AppendText appends a text as a JSON string with its hidden characters escaped.
func AppendText(out []byte, text string) []byte { return appendText(out, text, appendEscape) }

func appendText(out []byte, text string, appendHidden func([]byte, rune) []byte) []byte {
	out = append(out, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\n':
			out = append(out, `\n`...)
		case r == '\t':
			out = append(out, `\t`...)
		case r == '\r':
			out = append(out, `\r`...)
		case Hidden(r):
			out = appendHidden(out, r)
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return append(out, '"')
}
