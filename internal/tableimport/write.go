package tableimport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/lazyregexp"
)

// width is how long a line becomes before its mapping or list is broken into several.
const width = 130

// fewKeys is how many keys an element of a list may have in one line.
const fewKeys = 5

// Write writes a document as YAML in its order, and says at which line each path of it stands.
func Write(document Map) (text []byte, lines map[string]int, err error) {
	if left := MaxFile; !fits(document, &left) {
		return nil, nil, fmt.Errorf("the table would have more than %d bytes", MaxFile)
	}
	want, err := json.Marshal(document)
	if err != nil {
		return nil, nil, err
	}
	// Text without quotes is easier to read, but parsers disagree about it in odd cases.
	for _, quoted := range []bool{false, true} {
		w := writer{lines: make(map[string]int), line: 1, quoted: quoted}
		w.mapping(document, 0, "")
		if back, err := Read(w.b.Bytes()); err == nil {
			if got, err := json.Marshal(back); err == nil && bytes.Equal(got, want) {
				return w.b.Bytes(), w.lines, nil
			}
		}
	}
	return nil, nil, errors.New("the table cannot be written as YAML that says the same")
}

// fits reports whether a value has no more text than is left. A description that many aliases or
// references lead to is one text in memory, and as many when it is written.
func fits(v any, left *int) bool {
	*left--
	switch v := v.(type) {
	case string:
		*left -= len(v)
	case Map:
		for _, m := range v {
			if *left -= len(m.Key); !fits(m.Value, left) {
				return false
			}
		}
	case []any:
		for _, element := range v {
			if !fits(element, left) {
				return false
			}
		}
	}
	return *left >= 0
}

type writer struct {
	b      bytes.Buffer
	line   int
	lines  map[string]int
	quoted bool
}

func (w *writer) newline(indent int) {
	w.b.WriteByte('\n')
	w.line++
	w.b.WriteString(strings.Repeat("  ", indent))
}

// mapping writes the members of a mapping; the first is where the writer stands.
func (w *writer) mapping(m Map, indent int, path string) {
	for i, member := range m {
		if i > 0 {
			w.newline(indent)
		}
		at := member.Key
		if path != "" {
			at = path + "." + member.Key
		}
		w.lines[at] = w.line
		key := w.text(member.Key, true)
		w.b.WriteString(key + ":")
		w.value(member.Value, indent, len(key)+1, at)
	}
	if indent == 0 {
		w.b.WriteByte('\n')
	}
}

// value writes what follows a key or a dash. used is how much of the line is.
func (w *writer) value(v any, indent, used int, path string) {
	used += 2 * indent
	if s, ok := v.(string); ok {
		body, ended := strings.CutSuffix(s, "\n")
		if lines := strings.Split(body, "\n"); len(lines) > 1 && !w.quoted && literal(lines) {
			if w.b.WriteString(" |"); !ended {
				w.b.WriteString("-")
			}
			for _, line := range lines {
				if line == "" {
					w.newline(0)
				} else {
					w.newline(indent + 1)
					w.b.WriteString(line)
				}
			}
			return
		}
		w.b.WriteString(" " + w.text(s, false))
		return
	}
	if flow, ok := w.flow(v, width-used); ok && (indent > 0 || !hasMaps(v)) && !onlyMaps(v) {
		w.b.WriteString(" " + flow)
		return
	}
	switch v := v.(type) {
	case Map:
		w.newline(indent + 1)
		w.mapping(v, indent+1, path)
	case []any:
		for i, element := range v {
			w.newline(indent + 1)
			at := path + "[" + strconv.Itoa(i) + "]"
			w.lines[at] = w.line
			w.b.WriteString("-")
			m, ok := element.(Map)
			if _, short := w.flow(element, width-2*indent-4); !ok || len(m) == 0 || short && len(m) <= fewKeys && !hasMaps(m) {
				w.value(element, indent+1, 1, at)
				continue
			}
			w.b.WriteString(" ")
			w.mapping(m, indent+2, at)
		}
	}
}

// hasMaps reports whether a list or mapping has mappings in it, which read better in lines of
// their own.
func hasMaps(v any) bool {
	switch v := v.(type) {
	case Map:
		for _, member := range v {
			if inner, ok := member.Value.(Map); ok && len(inner) > 0 {
				return true
			}
		}
	case []any:
		for _, element := range v {
			if inner, ok := element.(Map); ok && len(inner) > 0 {
				return true
			}
		}
	}
	return false
}

// onlyMaps reports whether a mapping has nothing but several mappings, such as parameters.
func onlyMaps(v any) bool {
	m, _ := v.(Map)
	for _, member := range m {
		if inner, ok := member.Value.(Map); !ok || len(inner) == 0 {
			return false
		}
	}
	return len(m) > 1
}

// flow writes a value in one line, if it is no longer than room.
func (w *writer) flow(v any, room int) (string, bool) {
	if room < 2 {
		_, isMap := v.(Map)
		_, isList := v.([]any)
		if isMap || isList {
			return "", false
		}
	}
	var parts []string
	open, end := "[", "]"
	rest := room - 2
	add := func(key string, element any) bool {
		text, ok := w.flow(element, rest-len(key))
		parts = append(parts, key+text)
		rest -= len(key) + len(text) + 2
		return ok && rest >= -2
	}
	switch v := v.(type) {
	case Map:
		open, end = "{", "}"
		for _, member := range v {
			if !add(w.text(member.Key, true)+": ", member.Value) {
				return "", false
			}
		}
	case []any:
		for _, element := range v {
			if !add("", element) {
				return "", false
			}
		}
	case string:
		return w.text(v, true), true
	case nil:
		return "null", true
	default:
		return fmt.Sprint(v), true // a number, true or false
	}
	return open + strings.Join(parts, ", ") + end, true
}

// literal reports whether lines can stand as they are, indented.
func literal(lines []string) bool {
	if lines[0] == "" || lines[len(lines)-1] == "" {
		return false
	}
	for _, line := range lines {
		if strings.HasPrefix(line, " ") && line == lines[0] || strings.TrimRight(line, " ") != line || strings.ContainsFunc(line, unseen) {
			return false
		}
	}
	return true
}

func unseen(c rune) bool { return !unicode.IsPrint(c) || c == utf8.RuneError }

// text writes a string, without quotes where no parser reads something else. inFlow says that
// it stands in brackets or is a key.
func (w *writer) text(s string, inFlow bool) string {
	if !w.quoted && plain(s, inFlow) {
		return s
	}
	b := []byte{'"'}
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c == '\n':
			b = append(b, '\\', 'n')
		case unseen(c) || c >= 0x10000:
			for _, unit := range utf16.Encode([]rune{c}) {
				b = fmt.Appendf(b, `\u%04x`, unit)
			}
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return string(append(b, '"'))
}

// version is what parsers might take for a number but never do.
var version = lazyregexp.New(`^\d+\.\d+\.\d+$`)

// plain reports whether a string can stand without quotes.
func plain(s string, inFlow bool) bool {
	if s == "" || s[len(s)-1] == ' ' || s[len(s)-1] == ':' || strings.Contains(s, ": ") || strings.Contains(s, " #") {
		return false
	}
	if version.MatchString(s) {
		return true
	}
	first := s[0] | 0x20
	if (first < 'a' || first > 'z') && s[0] != '/' && s[0] != '_' {
		return false
	}
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return false
	}
	return !strings.ContainsFunc(s, func(c rune) bool {
		return unseen(c) || c >= 0x10000 || inFlow && strings.ContainsRune(",[]{}:'\"", c)
	})
}
