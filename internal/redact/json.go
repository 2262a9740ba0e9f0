package redact

import (
	"unicode/utf8"
)

// replaceJSON replaces the found spans of a valid JSON text so that it stays valid.
func replaceJSON(b []byte, found []span) []byte {
	out := make([]byte, 0, len(b)+len(found)*(len(redacted)+2))
	for at := 0; at < len(b); {
		token := jsonToken(b, at)
		var here []span
		here, found = within(found, token)
		switch {
		case len(here) == 0:
			out = append(out, b[at:token.end]...)
		case here[0].start < token.start || here[len(here)-1].end > token.end || token.kind == punctuation:
			// The structure itself spells the secret: nothing can be kept.
			return []byte(`"` + redacted + `"`)
		case token.kind == scalar:
			out = append(append(append(out, '"'), redacted...), '"')
		default:
			out = appendString(out, b, token.span, here)
		}
		at = token.end
	}
	return out
}

// The kinds of JSON tokens that differ here.
const (
	punctuation = iota // one of {}[]:, or white space
	scalar             // number, true, false, null
	text               // string
)

type token struct {
	span
	kind int
}

// jsonToken returns the token that starts at b[at], which is valid JSON.
func jsonToken(b []byte, at int) token {
	end := at + 1
	switch c := b[at]; {
	case c == '"':
		for end < len(b) && b[end] != '"' {
			if b[end] == '\\' {
				end++
			}
			end++
		}
		return token{span{at, min(end+1, len(b))}, text}
	case c == '-' || isWord(c):
		for end < len(b) && (isWord(b[end]) || b[end] == '+' || b[end] == '-' || b[end] == '.') {
			end++
		}
		return token{span{at, end}, scalar}
	}
	return token{span{at, end}, punctuation}
}

// within splits off the spans that start before the end of t.
func within(found []span, t token) (here, rest []span) {
	n := 0
	for n < len(found) && found[n].start < t.end {
		n++
	}
	return found[:n], found[n:]
}

// appendString appends the string token s of b without the found spans, each widened to
// whole characters: an escape sequence that is cut in two is not valid JSON.
func appendString(out, b []byte, s span, found []span) []byte {
	replaced := false
	for at := s.start; at < s.end; {
		end := at + characterLength(b[at:s.end])
		quote := at == s.start || end == s.end
		for len(found) > 0 && found[0].end <= at {
			found = found[1:]
			replaced = false
		}
		switch {
		case len(found) == 0 || found[0].start >= end:
			out = append(out, b[at:end]...)
		case quote:
			out = append(out, '"')
			if len(found) > 0 && !replaced && at == s.start {
				out = append(out, redacted...)
				replaced = true
			}
		case !replaced:
			out = append(out, redacted...)
			replaced = true
		}
		at = end
	}
	return out
}

// characterLength returns the number of bytes of the first character of a JSON string.
func characterLength(b []byte) int {
	n := 1
	switch {
	case b[0] == '\\' && len(b) > 1 && b[1] == 'u':
		n = 6
	case b[0] == '\\':
		n = 2
	case b[0] >= utf8.RuneSelf:
		_, n = utf8.DecodeRune(b)
	}
	return min(n, len(b))
}
