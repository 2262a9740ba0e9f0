package query

import (
	"testing"
	"unicode"
	"unicode/utf8"
)

// TestClasses: what is known without tables is as the tables say, and small letters keep their class.
func TestClasses(t *testing.T) {
	t.Parallel()
	for r := rune(utf8.RuneSelf); r <= unicode.MaxRune; r++ {
		c := classOf(r)
		if c != classByTables(r) && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) {
			t.Errorf("%c (%x) is %d, and by the tables %d", r, r, c, classByTables(r))
		}
		small := unicode.ToLower(r)
		if c == glyph && small != r || classOf(small) != c && c != letter {
			t.Errorf("%c becomes %c", r, small)
		}
	}
}

func BenchmarkKeyword(b *testing.B) {
	q := parse(b, `{"query":{"filter":{"keyword":{"title":"payment"}},"sort":[{"created_at":"asc"}]}}`)
	record := []byte(`{"assignee":"user12","body":"","created_at":"2026-01-01T00:00:00Z","id":"rec_1","priority":3,"state":"open","tags":["a","b"],"title":"` + "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna aliqua ut enim ad minim veniam payment quis nostrud" + `"}`)
	s, _ := q.Select("", 1<<20)
	for b.Loop() {
		s.Add("k", at(0), record)
	}
}
