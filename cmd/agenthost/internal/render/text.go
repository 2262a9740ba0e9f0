package render

import (
	"html"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// plain returns text on one line, safe to show, and without the tags where it is HTML.
func plain(text string) string {
	if looksLikeHTML(text) {
		text = html.UnescapeString(stripTags(text))
	}
	return strings.Join(strings.FieldsFunc(Visible(text), func(c rune) bool { return c == ' ' }), " ")
}

// looksLikeHTML wants a tag: a < directly before a letter or a slash, and a > after it.
func looksLikeHTML(text string) bool {
	for {
		at := strings.IndexByte(text, '<')
		if at < 0 || at+1 >= len(text) {
			return false
		}
		text = text[at+1:]
		if c := text[0] | 0x20; (c >= 'a' && c <= 'z' || text[0] == '/' || text[0] == '!') && strings.IndexByte(text, '>') > 0 {
			return true
		}
	}
}

// stripTags drops tags, comments, and what is between script and style tags.
func stripTags(text string) string {
	var b strings.Builder
	for {
		at := strings.IndexByte(text, '<')
		if at < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:at])
		rest := text[at:]
		end := ">"
		switch lower := strings.ToLower(rest[:min(len(rest), 8)]); {
		case strings.HasPrefix(lower, "<!--"):
			end = "-->"
		case strings.HasPrefix(lower, "<script"):
			end = "</script>"
		case strings.HasPrefix(lower, "<style"):
			end = "</style>"
		}
		stop := strings.Index(strings.ToLower(rest), end)
		if stop < 0 {
			return b.String()
		}
		b.WriteByte(' ') // tags part words: <p>a</p><p>b</p>
		text = rest[stop+len(end):]
	}
}

// cells is how many columns text takes on a terminal.
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

// fit shortens text to a number of columns.
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

// pad fills text up to a number of columns.
func pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-cells(text)))
}
