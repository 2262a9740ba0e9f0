package render

import (
	"html"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// plain returns text on one line, with control characters escaped and without HTML tags.
func plain(text string) string {
	if looksLikeHTML(text) {
		text = html.UnescapeString(stripTags(text))
	}
	return strings.Join(strings.FieldsFunc(Visible(text), func(c rune) bool { return c == ' ' }), " ")
}

// looksLikeHTML reports whether text has a tag: a < directly before a letter or a slash,
// and a > after it.
func looksLikeHTML(text string) bool {
	last := strings.LastIndexByte(text, '>')
	for {
		at := strings.IndexByte(text, '<')
		if at < 0 || at+1 >= len(text) {
			return false
		}
		text, last = text[at+1:], last-at-1
		if c := text[0] | 0x20; (c >= 'a' && c <= 'z' || text[0] == '/' || text[0] == '!') && last > 0 {
			return true
		}
	}
}

// stripTags removes tags and comments, and script and style elements with their content.
func stripTags(text string) string {
	lower := lowerASCII(text) // as long as text
	var b strings.Builder
	for {
		at := strings.IndexByte(text, '<')
		if at < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:at])
		rest := lower[at:]
		end := ">"
		switch {
		case strings.HasPrefix(rest, "<!--"):
			end = "-->"
		case strings.HasPrefix(rest, "<script"):
			end = "</script>"
		case strings.HasPrefix(rest, "<style"):
			end = "</style>"
		}
		stop := strings.Index(rest, end)
		if stop < 0 {
			return b.String()
		}
		b.WriteByte(' ') // tags separate words: <p>a</p><p>b</p>
		text, lower = text[at+stop+len(end):], rest[stop+len(end):]
	}
}

// lowerASCII returns text with ASCII letters in lower case. It keeps the length.
func lowerASCII(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// cells returns the width of text in terminal cells.
func cells(text string) int {
	n := 0
	for _, c := range text {
		n += cellsOf(c)
	}
	return n
}

func cellsOf(c rune) int {
	if c < 0x300 {
		return 1
	}
	if unicode.In(c, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(c).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// fit shortens text to a number of cells.
func fit(text string, columns int) string {
	if cells(text) <= columns {
		return text
	}
	if columns < 1 {
		return ""
	}
	used := 0
	for i, c := range text {
		if used += cellsOf(c); used > columns-1 {
			return strings.TrimRight(text[:i], " ") + "…"
		}
	}
	return text
}

// pad extends text to a number of cells with spaces.
func pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-cells(text)))
}
