package anonymous

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// maxLayers is how many encodings a text may be in: base64 in JSON in a query has three.
const maxLayers = 4

// text replaces in a text: what has the form of a value, what was found elsewhere, and both of them
// in the encodings that texts travel in.
func (w *walker) text(text string, layer int) string {
	if layer < maxLayers {
		if trimmed := strings.TrimSpace(text); trimmed != "" && (trimmed[0] == '{' || trimmed[0] == '[') && rawjson.Valid([]byte(trimmed)) {
			if out := w.json([]byte(trimmed)); !bytes.Equal(out, compacted(trimmed)) {
				return string(out)
			}
			return text
		}
		if out, ok := w.base64(text, layer); ok {
			return out
		}
	}
	type place struct {
		start, end  int
		kind, value string
	}
	var places []place
	for v, n := plain(text), 0; n <= maxLayers; n++ {
		next, cut, ok := v.decoded()
		for _, spaced := range []bool{false, true} {
			if spaced && !strings.Contains(v.text, "+") {
				continue
			}
			read := v.text
			if spaced {
				read = strings.ReplaceAll(read, "+", " ")
			}
			for _, s := range slices.Concat(w.found(read), w.seen(read)) {
				if s.start < s.end && !cut[s.start] && !cut[s.end] {
					places = append(places, place{v.from[s.start], v.from[s.end], s.kind, unescaped(read[s.start:s.end])})
				}
			}
		}
		if !ok {
			break
		}
		v = next
	}
	if len(places) == 0 {
		return text
	}
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end)) })
	var out strings.Builder
	at := 0
	for i := 0; i < len(places); {
		p := places[i]
		for i++; i < len(places) && places[i].start < p.end; i++ {
			p.end = max(p.end, places[i].end)
		}
		out.WriteString(text[at:p.start])
		out.WriteString(fitting(w.replaced(p.kind, p.value), text, p.start, p.end))
		at = p.end
	}
	out.WriteString(text[at:])
	return out.String()
}

// unescaped is a value as it is where nothing is escaped, which has its replacement.
func unescaped(value string) string {
	v := plain(value)
	for range maxLayers {
		next, _, ok := v.decoded()
		if !ok {
			break
		}
		v = next
	}
	return v.text
}

// replaced is what takes the place of a part of a text.
func (w *walker) replaced(kind, value string) string {
	if seen, ok := strings.CutPrefix(kind, "="); ok {
		return w.values.byValue[seen]
	}
	switch {
	case kind == kindName || kind == kindUser:
		return w.person(kind, value, true, true)
	case kind == kindToken && isHex(value):
		kind = kindHex
	case kind == kindToken && uuid.FindString(value) == value:
		kind = kindUUID
	}
	return w.values.of(kind, value, w.spreads(value))
}

func isHex(text string) bool { return len(text) >= 16 && strings.Trim(text, "0123456789abcdef") == "" }

// fitting writes a replacement as its place needs it: in a URL, and where escapes were, as one there.
func fitting(replacement, text string, start, end int) string {
	around := text[strings.LastIndexFunc(text[:start], unicode.IsSpace)+1 : start]
	if strings.Contains(text[start:end], "%") || strings.Contains(around, "://") || strings.Contains(around, "%") || strings.Contains(around, "=") && strings.ContainsAny(around, "&?") {
		return url.QueryEscape(replacement)
	}
	return replacement
}

// base64 replaces in what a whole text stands for, if that is text.
func (w *walker) base64(text string, layer int) (out string, ok bool) {
	if len(text) < 8 || len(text)%4 == 1 {
		return "", false
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		decoded, err := encoding.Strict().DecodeString(text)
		if err != nil || !utf8.Valid(decoded) || bytes.ContainsFunc(decoded, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }) {
			continue
		}
		if inner := w.text(string(decoded), layer+1); inner != string(decoded) {
			// The form that the connector sees has one replacement too, and stands nowhere else.
			w.values.everywhere(text)
			w.values.byValue[text] = encoding.EncodeToString([]byte(inner))
			return w.values.byValue[text], true
		}
	}
	return "", false
}

// view is a text through some layers of escapes.
type view struct {
	text string
	from []int // where each byte starts in the text without them, and where the last one ends
}

func plain(text string) view {
	v := view{text: text, from: make([]int, len(text)+1)}
	for i := range v.from {
		v.from[i] = i
	}
	return v
}

// decoded takes one layer of escapes off: those of URLs, of JSON strings and of HTML. Cut says which
// places of v are in the middle of an escape. It is not ok where there is none.
func (v view) decoded() (next view, cut []bool, ok bool) {
	cut = make([]bool, len(v.text)+1)
	if !strings.ContainsAny(v.text, `%\&`) {
		return v, cut, false
	}
	var b strings.Builder
	for at := 0; at < len(v.text); {
		value, length := escape(v.text[at:])
		ok = ok || length > 1
		for inside := at + 1; inside < at+length; inside++ {
			cut[inside] = true
		}
		for range len(value) {
			next.from = append(next.from, v.from[at])
		}
		b.WriteString(value)
		at += length
	}
	next.from = append(next.from, v.from[len(v.text)])
	next.text = b.String()
	return next, cut, ok
}

// longestEntity is the length of the longest reference of HTML that is read.
const longestEntity = 12

// escape reads the escape that a text begins with, or its first byte.
func escape(text string) (value string, length int) {
	number := func(start, digits int) (rune, bool) {
		if len(text) < start+digits {
			return 0, false
		}
		n, err := strconv.ParseUint(text[start:start+digits], 16, 32)
		return rune(n), err == nil
	}
	switch text[0] {
	case '%':
		if r, ok := number(1, 2); ok {
			return string([]byte{byte(r)}), 3
		}
		if len(text) > 1 && text[1] == 'u' {
			if r, ok := number(2, 4); ok {
				return string(r), 6
			}
		}
	case '\\':
		if len(text) < 2 {
			break
		}
		switch text[1] {
		case 'u':
			end := 6
			if half, ok := number(2, 4); !ok {
				break
			} else if utf16.IsSurrogate(half) && strings.HasPrefix(text[end:], `\u`) {
				end = 12
			}
			var unquoted string
			if len(text) >= end && json.Unmarshal([]byte(`"`+text[:end]+`"`), &unquoted) == nil {
				return unquoted, end
			}
		case 'x':
			if r, ok := number(2, 2); ok {
				return string([]byte{byte(r)}), 4
			}
		case '/', '"', '\\', '\'':
			return text[1:2], 2
		case 'n', 'r', 't':
			return " ", 2
		}
	case '&':
		if end := strings.IndexByte(text[:min(len(text), longestEntity)], ';'); end > 0 {
			if value := html.UnescapeString(text[:end+1]); value != text[:end+1] {
				return value, end + 1
			}
		}
	}
	return text[:1], 1
}

// quoted is a text as JSON.
func quoted(text string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string has no reason to fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func compacted(text string) []byte {
	var b bytes.Buffer
	_ = json.Compact(&b, []byte(text)) // it is valid
	return b.Bytes()
}
