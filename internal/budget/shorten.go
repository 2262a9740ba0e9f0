package budget

import (
	"encoding/json"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// shorten copies a value with its long texts and arrays shortened.
func shorten(data []byte, l level) (short []byte, left LeftOut) {
	c := copier{elements: l.elements}
	c.text = func(out, quoted []byte) []byte {
		out, cut := appendShort(out, quoted, l.text)
		if cut {
			note(&left.Text, c.path)
			left.TextLength = l.text
		}
		return out
	}
	c.cut = func() { note(&left.Elements, c.path) }
	return c.copy(data), left
}

// Shorten shortens texts that are longer than so many characters, with a mark.
func Shorten(data json.RawMessage, most int) json.RawMessage {
	short, _ := shorten(data, level{text: most, elements: math.MaxInt})
	return short
}

// appendShort appends a text of at most so many characters, and a mark for what is left
// out. A text that the mark would make longer stays as it is.
func appendShort(out, quoted []byte, most int) (_ []byte, cut bool) {
	if len(quoted)-2 <= most {
		return append(out, quoted...), false
	}
	text := rawjson.Unquote(quoted)
	more := utf8.RuneCountInString(text) - most
	if more <= 0 || utf8.RuneCountInString(Mark(more)) >= more {
		return append(out, quoted...), false
	}
	end := 0
	for range most {
		_, size := utf8.DecodeRuneInString(text[end:])
		end += size
	}
	return AppendText(out, text[:end]+Mark(more)), true
}

// Mark is what stands at the end of a text of which n characters are left out.
func Mark(n int) string { return fmt.Sprintf("... [%d more characters]", n) }

// TextFrom leaves out the first n characters of every text that is longer than that, so
// that the end of a text which [Fit] shortened can be had too.
func TextFrom(data json.RawMessage, n int) json.RawMessage {
	if n <= 0 {
		return data
	}
	c := copier{elements: -1, text: func(out, quoted []byte) []byte {
		text := []rune(rawjson.Unquote(quoted))
		if len(text) <= n {
			return append(out, quoted...)
		}
		return AppendText(out, string(text[n:]))
	}}
	return c.copy(data)
}

// copier copies a value in one pass.
type copier struct {
	text     func(out, quoted []byte) []byte // appends a text
	name     func(out, quoted []byte) []byte // appends the name of a member; nil copies it
	number   func(out, raw []byte) []byte    // appends a number; nil copies it
	elements int                             // the longest array; -1 for any
	cut      func()                          // told that an array lost its end

	open []container
}

// container is an array or object around the place that the copier has reached.
type container struct {
	array bool
	count int    // of elements or members so far
	name  []byte // of the last member, with its quotes
}

// copy returns the copy, without white space.
func (c *copier) copy(data []byte) []byte {
	out := make([]byte, 0, len(data))
	left := 0 // how many brackets are open since an array was long enough
	for token := range rawjson.Tokens(data) {
		var in *container
		if len(c.open) > 0 {
			in = &c.open[len(c.open)-1]
		}
		starts := token.Kind == rawjson.Name || in != nil && in.array && token.Kind != rawjson.Close
		if left == 0 && starts && in.array && in.count == c.elements {
			c.cut()
			left = 1
		}
		if left > 0 {
			switch token.Kind {
			case rawjson.Open:
				left++
			case rawjson.Close:
				left--
			}
			if left > 0 {
				continue
			}
		}
		if starts {
			if in.count > 0 {
				out = append(out, ',')
			}
			in.count++
		}
		switch token.Kind {
		case rawjson.Open:
			c.open = append(c.open, container{array: token.Raw[0] == '['})
		case rawjson.Close:
			c.open = c.open[:len(c.open)-1]
		case rawjson.Name:
			in.name = token.Raw
			if c.name != nil {
				out = append(c.name(out, token.Raw), ':')
				continue
			}
			out = append(append(out, token.Raw...), ':')
			continue
		case rawjson.Scalar:
			switch kind := rawjson.KindOf(token.Raw); {
			case kind == rawjson.String:
				out = c.text(out, token.Raw)
				continue
			case kind == rawjson.Number && c.number != nil:
				out = c.number(out, token.Raw)
				continue
			}
		}
		out = append(out, token.Raw...)
	}
	return out
}

// path yields the names that lead to the place that the copier has reached.
func (c *copier) path(yield func(name []byte) bool) {
	for _, in := range c.open {
		if !in.array && !yield(in.name) {
			return
		}
	}
}
