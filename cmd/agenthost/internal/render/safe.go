package render

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hostile reports whether a character controls the terminal, is invisible, or changes the
// order of text (Unicode TR 36).
func hostile(c rune) bool {
	switch {
	case c < ' ', c == 0x7f, c >= 0x80 && c <= 0x9f: // C0, DEL, C1
		return true
	case c == 0x2028, c == 0x2029: // line and paragraph separator
		return true
	case c == 0xfffd:
		return false
	case c >= 0xfe00 && c <= 0xfe0f: // variation selectors, part of emoji
		return false
	case c >= 0xe0100 && c <= 0xe01ef: // variation selectors that hide data
		return true
	case c == 0x115f, c == 0x1160, c == 0x3164, c == 0xffa0: // blank Hangul fillers
		return true
	}
	return unicode.Is(unicode.Cf, c) || unicode.Is(unicode.Cs, c) || unicode.Is(unicode.Co, c)
}

// Visible returns text with hostile characters as readable escapes, and with line breaks and
// tabs as spaces.
func Visible(text string) string {
	clean := true
	for _, c := range text {
		if c == utf8.RuneError || hostile(c) {
			clean = false
			break
		}
	}
	if clean {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case c == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case c == '\n' || c == '\t' || c == '\r':
			b.WriteByte(' ')
		case c == 0x200b || c == 0x200c || c == 0x200d || c == 0x2060 || c == 0xfeff || c == 0xad:
			// Zero width, but emoji and some scripts need them.
		case c < 0x80 && hostile(c):
			fmt.Fprintf(&b, `\x%02x`, c)
		case c > 0xffff && hostile(c):
			fmt.Fprintf(&b, `\U%08x`, c)
		case hostile(c):
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
		i += size
	}
	return b.String()
}

// EscapeJSON returns the same JSON with hostile characters in strings as \u escapes. JSON
// itself requires that only for C0. Line breaks between values stay.
func EscapeJSON(raw []byte) []byte {
	var out []byte
	kept := 0
	for i := 0; i < len(raw); {
		if raw[i] < utf8.RuneSelf && raw[i] != 0x7f {
			i++
			continue
		}
		c, size := utf8.DecodeRune(raw[i:])
		if hostile(c) || c == utf8.RuneError && size == 1 {
			out = append(out, raw[kept:i]...)
			out = appendEscape(out, c)
			kept = i + size
		}
		i += size
	}
	if out == nil {
		return raw
	}
	return append(out, raw[kept:]...)
}

// appendEscape appends \uXXXX, twice for a character beyond the first plane.
func appendEscape(out []byte, c rune) []byte {
	if c > 0xffff {
		c -= 0x10000
		return fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+c>>10, 0xdc00+c&0x3ff)
	}
	return fmt.Appendf(out, `\u%04x`, c)
}

// VisibleLines is [Visible] for text with several lines.
func VisibleLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = Visible(line)
	}
	return strings.Join(lines, "\n")
}
