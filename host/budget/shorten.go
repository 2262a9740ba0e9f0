package budget

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// maxNesting is how deep a value is looked into; what is below stays as it is.
const maxNesting = 64

// shortener copies a value with its long texts and arrays shortened.
type shortener struct {
	level level
	left  LeftOut
}

// value appends the shortened value to out. Path are the names that lead to it.
func (s *shortener) value(out, data []byte, path []string, depth int) []byte {
	data = rawjson.Trim(data)
	if depth > maxNesting {
		return append(out, data...)
	}
	switch rawjson.KindOf(data) {
	case rawjson.String:
		return s.text(out, data, path)
	case rawjson.Array:
		out = append(out, '[')
		n := 0
		for element := range rawjson.Elements(data) {
			if n == s.level.elements {
				note(&s.left.Elements, path)
				break
			}
			if n > 0 {
				out = append(out, ',')
			}
			out = s.value(out, element, path, depth+1)
			n++
		}
		return append(out, ']')
	case rawjson.Object:
		out = append(out, '{')
		n := 0
		for name, member := range rawjson.Members(data) {
			if n > 0 {
				out = append(out, ',')
			}
			out = append(append(out, name...), ':')
			out = s.value(out, member, append(path, PathName(rawjson.Unquote(name))), depth+1)
			n++
		}
		return append(out, '}')
	}
	return append(out, data...)
}

func (s *shortener) text(out, quoted []byte, path []string) []byte {
	if len(quoted)-2 <= s.level.text {
		return append(out, quoted...)
	}
	text := rawjson.Unquote(quoted)
	mark := ""
	if total := utf8.RuneCountInString(text); total > s.level.text {
		mark = Mark(total - s.level.text)
		// What the mark would make longer stays as it is.
		if utf8.RuneCountInString(mark) >= total-s.level.text {
			return append(out, quoted...)
		}
	}
	if mark == "" {
		return append(out, quoted...)
	}
	cut := 0
	for n := 0; n < s.level.text; n++ {
		_, size := utf8.DecodeRuneInString(text[cut:])
		cut += size
	}
	note(&s.left.Text, path)
	s.left.TextLength = s.level.text
	return AppendText(out, text[:cut]+mark)
}

// Mark is what stands at the end of a text of which n characters are left out.
func Mark(n int) string { return fmt.Sprintf("... [%d more characters]", n) }

// TextFrom leaves out the first n characters of every text that is longer than that, so
// that the end of a text which [Fit] shortened can be had too.
func TextFrom(data json.RawMessage, n int) json.RawMessage {
	if n <= 0 {
		return data
	}
	var skip func(out, data []byte, depth int) []byte
	skip = func(out, data []byte, depth int) []byte {
		data = rawjson.Trim(data)
		if depth > maxNesting {
			return append(out, data...)
		}
		switch rawjson.KindOf(data) {
		case rawjson.String:
			text := []rune(rawjson.Unquote(data))
			if len(text) <= n {
				return append(out, data...)
			}
			return AppendText(out, string(text[n:]))
		case rawjson.Array:
			out = append(out, '[')
			for element := range rawjson.Elements(data) {
				out = append(skip(out, element, depth+1), ',')
			}
			return closed(out, ']')
		case rawjson.Object:
			out = append(out, '{')
			for name, member := range rawjson.Members(data) {
				out = append(append(out, name...), ':')
				out = append(skip(out, member, depth+1), ',')
			}
			return closed(out, '}')
		}
		return append(out, data...)
	}
	return skip(nil, data, 0)
}

// closed puts the bracket in the place of the comma after the last element.
func closed(out []byte, bracket byte) []byte {
	if last := len(out) - 1; out[last] == ',' {
		out[last] = bracket
		return out
	}
	return append(out, bracket)
}
