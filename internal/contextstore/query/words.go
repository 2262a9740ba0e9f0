package query

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// class is what a character is for the words of a text.
type class uint8

const (
	between class = iota // it separates words
	letter               // it is part of a word
	glyph                // of a script without spaces: every character counts as a word
)

// classOf says what a character is. A mark belongs to the word before it.
func classOf(r rune) class {
	switch {
	case r < utf8.RuneSelf:
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' {
			return letter
		}
		return between
	case '一' <= r && r <= '鿿', 'ぁ' <= r && r <= 'ゖ', 'ァ' <= r && r <= 'ヺ', '가' <= r && r <= '힣': // most of them
		return glyph
	}
	return classByTables(r)
}

func classByTables(r rune) class {
	switch {
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar) || r == 'ー':
		if unicode.IsPunct(r) || unicode.IsSymbol(r) {
			return between
		}
		return glyph
	case unicode.IsLetter(r), unicode.IsNumber(r), unicode.IsMark(r):
		return letter
	}
	return between
}

// appendLower writes a text in small letters.
func appendLower(out, s []byte) []byte {
	out = slices.Grow(out, len(s))
	for i := 0; i < len(s); {
		// What follows is the same for all that is ASCII, in a loop that a processor likes.
		for ; i < len(s) && s[i] < utf8.RuneSelf; i++ {
			c := s[i]
			if c-'A' < 26 {
				c += 'a' - 'A'
			}
			out = append(out, c)
		}
		if i == len(s) {
			break
		}
		r, n := utf8.DecodeRune(s[i:])
		if classOf(r) == glyph {
			out = append(out, s[i:i+n]...) // they have no case
		} else {
			out = utf8.AppendRune(out, unicode.ToLower(r))
		}
		i += n
	}
	return out
}

func lower(s string) string { return string(appendLower(nil, []byte(s))) }

// appendNormal writes a text in small letters as its words, with a space before each and one at the end. A
// character of a script without spaces is a word, with a bar between two that something separates. So
// a phrase is a part of the text that begins with a space, and that ends with one unless it is the
// beginning of a word.
func appendNormal(out, s []byte) []byte {
	out = slices.Grow(out, len(s)+len(s)/2+2)
	last, word := between, between // the last character's class, and that of the last one in a word
	for i := 0; i < len(s); {
		for ; i < len(s) && s[i] < utf8.RuneSelf; i++ {
			c := s[i]
			if c-'a' >= 26 && c-'0' >= 10 {
				last = between
				continue
			}
			if last != letter {
				out = append(out, ' ')
			}
			out = append(out, c)
			last, word = letter, letter
		}
		if i == len(s) {
			break
		}
		r, n := utf8.DecodeRune(s[i:])
		c := classOf(r)
		if c == glyph && last == between && word == glyph {
			out = append(out, " |"...)
		}
		if c == glyph || c == letter && last != letter {
			out = append(out, ' ')
		}
		if c != between {
			out = append(out, s[i:i+n]...)
			word = c
		}
		last = c
		i += n
	}
	return append(out, ' ')
}

func normal(s string) string { return string(appendNormal(nil, []byte(lower(s)))) }

// mostWord is how many characters of a word its term has.
const mostWord = 32

// run is a piece of a text: a word, or characters of a script without spaces, in small letters. Open
// says that the text may have more of the word before or after it.
type run struct {
	text       string
	class      class
	openBefore bool
	openAfter  bool
}

// runs yields the pieces of a text in small letters. A word that the text begins or ends with is open.
func runs(s string, yield func(run) bool) {
	start, last := 0, between
	emit := func(end int) bool {
		if last == between || start == end {
			return true
		}
		return yield(run{s[start:end], last, start == 0, end == len(s)})
	}
	for i, r := range s {
		c := classOf(r)
		if c != last {
			if !emit(i) {
				return
			}
			start, last = i, c
		}
	}
	emit(len(s))
}

// pairs yields the terms of characters of a script without spaces: every two that follow each other,
// and the last one, so that a term begins with each of them.
func pairs(s string, yield func(pair string, whole bool) bool) {
	previous := -1
	for i, r := range s {
		if previous >= 0 && !yield(s[previous:i+utf8.RuneLen(r)], true) {
			return
		}
		previous = i
	}
	if previous >= 0 {
		yield(s[previous:], false)
	}
}

// cut returns the first characters of a word.
func cut(word string) string {
	n := 0
	for i := range word {
		if n++; n > mostWord {
			return word[:i]
		}
	}
	return word
}
