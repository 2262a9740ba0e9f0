package openapi

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean makes one line of text of what a document says in Markdown or HTML, at most so many bytes
// long, without characters that nobody sees.
func clean(s string, most int) string {
	var b strings.Builder
	space := false
	for i := 0; i < len(s) && b.Len() <= most+utf8.UTFMax; {
		if n := markup(s[i:]); n > 0 {
			i += n
			space = true
			continue
		}
		c, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case unicode.IsSpace(c):
			space = true
			continue
		case c == '`' || c == '*' || !unicode.IsPrint(c) || c == utf8.RuneError:
			continue
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(c)
	}
	return shorten(strings.TrimLeft(b.String(), "# "), most)
}

// markup is the length of a tag of HTML, or of the target of a link, that a text begins with.
func markup(s string) int {
	const longest = 300
	var end byte
	switch {
	case strings.HasPrefix(s, "]("):
		end = ')'
	case len(s) > 1 && s[0] == '<' && (s[1] == '/' || s[1] == '!' || s[1]|0x20 >= 'a' && s[1]|0x20 <= 'z'):
		end = '>'
	case s[0] == '[' || s[0] == ']':
		if at := strings.Index(s[:min(len(s), longest)], "]("); s[0] == '[' && at > 0 {
			return 1
		}
		return 0
	default:
		return 0
	}
	if at := strings.IndexByte(s[:min(len(s), longest)], end); at > 0 {
		return at + 1
	}
	return 0
}

// shorten cuts a text at the end of a sentence, or of a word.
func shorten(s string, most int) string {
	if len(s) <= most {
		return strings.TrimSpace(s)
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	s = s[:most]
	if at := strings.LastIndex(s, ". "); at > most/3 {
		return s[:at+1]
	}
	if at := strings.LastIndexByte(s, ' '); at > most/2 && at > 3 {
		s = s[:at]
	}
	return strings.TrimRight(s[:max(len(s)-3, 0)], " ,;:") + "..."
}

// words splits a name at capital letters and at everything that is no letter and no digit.
func words(s string) []string {
	var all []string
	start := -1
	s = strings.ReplaceAll(strings.ReplaceAll(s, "OAuth", "Oauth"), "'s ", " ")
	runes := []rune(s)
	if len(runes) > maxWords {
		runes = runes[:maxWords]
	}
	end := func(i int) {
		if start >= 0 {
			all = append(all, strings.ToLower(string(runes[start:i])))
		}
		start = -1
	}
	for i, c := range runes {
		letter := c < utf8.RuneSelf && (unicode.IsLetter(c) || unicode.IsDigit(c))
		switch {
		case !letter:
			end(i)
		case start < 0:
			start = i
		case unicode.IsUpper(c) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			// pullRequest has two words, and so has HTTPServer; IDs is one.
			if unicode.IsLower(runes[i-1]) || !plural(runes, i) {
				end(i)
				start = i
			}
		}
	}
	end(len(runes))
	return all
}

// maxWords bounds a name that is split into words, in characters.
const maxWords = 300

// plural reports whether the capital at i and an s end a word, as in IDs.
func plural(runes []rune, i int) bool {
	return i+1 < len(runes) && runes[i+1] == 's' && (i+2 == len(runes) || !unicode.IsLower(runes[i+2]))
}

// singular is a word without the ending of the plural, to compare words.
func singular(w string) string {
	switch {
	case len(w) > 4 && strings.HasSuffix(w, "ies"):
		return w[:len(w)-3] + "y"
	case len(w) > 4 && (strings.HasSuffix(w, "sses") || strings.HasSuffix(w, "xes") || strings.HasSuffix(w, "ches") || strings.HasSuffix(w, "shes")):
		return w[:len(w)-2]
	case len(w) > 2 && strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us") && !strings.HasSuffix(w, "is"):
		return w[:len(w)-1]
	}
	return w
}

// sentence makes a description of a name: user_id becomes "User id."
func sentence(name string) string {
	text := strings.Join(words(name), " ")
	if len(text) < 3 {
		return "The parameter " + clean(name, 40) + "."
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
