package pages

import (
	"fmt"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/budget"
)

// visible shows the hidden characters of a page as their numbers: a name could be read as another
// one, or backwards, otherwise. The templates have no such character of their own.
func visible(page []byte) []byte {
	for i := 0; i < len(page); {
		if page[i] < utf8.RuneSelf && !hidden(rune(page[i])) {
			i++
			continue
		}
		r, size := utf8.DecodeRune(page[i:])
		if hidden(r) || r == utf8.RuneError && size == 1 {
			return visibleFrom(page, i)
		}
		i += size
	}
	return page
}

func visibleFrom(page []byte, i int) []byte {
	out := append(make([]byte, 0, len(page)+64), page[:i]...)
	for i < len(page) {
		r, size := utf8.DecodeRune(page[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			out = utf8.AppendRune(out, utf8.RuneError)
		case hidden(r):
			out = fmt.Appendf(out, "[U+%04X]", r)
		default:
			out = append(out, page[i:i+size]...)
		}
		i += size
	}
	return out
}

func hidden(r rune) bool { return r != '\n' && r != '\t' && budget.Hidden(r) }
