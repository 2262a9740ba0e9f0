package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// needle is one text that reveals a secret.
type needle struct {
	text []byte
	// word says that only an occurrence as a whole word counts.
	word bool
	// before and after say that the first or last character next to text also
	// depends on the secret, as base64 characters at its edges do.
	before, after bool
}

// searched reports whether a secret is searched for at all.
func searched(s []byte) bool { return len(s) >= shortest && !strings.Contains(redacted, string(s)) }

// needlesOf returns the texts to search for, each once.
func needlesOf(s []byte) []needle {
	if !searched(s) {
		return nil
	}
	var needles []needle
	add := func(n needle) {
		known := func(o needle) bool { return bytes.Equal(o.text, n.text) }
		if !slices.ContainsFunc(needles, known) {
			needles = append(needles, n)
		}
	}
	add(needle{text: bytes.Clone(s), word: len(s) < encodable})
	if bytes.ContainsRune(s, ' ') { // the query form of URL escaping
		add(needle{text: bytes.ReplaceAll(s, []byte(" "), []byte("+")), word: len(s) < encodable})
	}
	if len(s) < encodable {
		return needles
	}
	wide := [][]byte{s}
	if utf8.Valid(s) {
		wide = append(wide, inUTF16(binary.LittleEndian, s), inUTF16(binary.BigEndian, s))
	}
	for i, text := range wide {
		led := append(make([]byte, 2, 2+len(text)), text...)
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			for lead := range 3 {
				add(base64Needle(encoding, led[2-lead:], lead))
			}
		}
		if i > 0 {
			add(needle{text: text})
		}
	}
	lower := []byte(hex.EncodeToString(s))
	add(needle{text: lower})
	add(needle{text: bytes.ToUpper(lower)})
	return needles
}

// inUTF16 returns s in UTF-16.
func inUTF16(order binary.AppendByteOrder, s []byte) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(string(s))) {
		b = order.AppendUint16(b, u)
	}
	return b
}

// base64Needle returns the characters that a secret turns into when lead other bytes stand before
// it, as they do in led, without those that depend on its neighbours too. Each character holds six
// bits. One that straddles an edge of the secret is unknown; before and after cover it.
func base64Needle(encoding *base64.Encoding, led []byte, lead int) needle {
	text := make([]byte, encoding.EncodedLen(len(led)))
	encoding.Encode(text, led)
	bits := len(led) * 8
	first := (lead*8 + 5) / 6
	return needle{text: text[first : bits/6], before: lead > 0, after: bits%6 != 0}
}

// shortestNeedle is the length of the shortest of needlesOf(s), and 0 without needles.
// It makes none of them.
func shortestNeedle(s []byte) int {
	switch {
	case !searched(s):
		return 0
	case len(s) < encodable || !utf8.Valid(s):
		return len(s)
	}
	units := 0
	for _, r := range string(s) {
		units += utf16.RuneLen(r)
	}
	return min(len(s), 2*units) // base64 and hexadecimal are longer
}

// widen returns the span of an occurrence of n in b with the straddling characters and
// the padding, and false if n asks for a whole word and this is only a part of one.
func (n needle) widen(b []byte, s span) (span, bool) {
	if n.word && (s.start > 0 && isWord(b[s.start-1]) || s.end < len(b) && isWord(b[s.end])) {
		return s, false
	}
	if n.before && s.start > 0 && isBase64(b[s.start-1]) {
		s.start--
	}
	if n.after && s.end < len(b) && isBase64(b[s.end]) {
		s.end++
	}
	return s, true
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// isBase64 reports whether c is in one of the base64 alphabets.
func isBase64(c byte) bool { return isWord(c) || c == '+' || c == '/' || c == '-' || c == '_' }
