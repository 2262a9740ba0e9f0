package portable

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// keywords are the members of one schema.
type keywords map[string][]byte

func (k keywords) text(name string) string { return rawjson.Unquote(k[name]) }

func (k keywords) only(names ...string) keywords {
	out := make(keywords)
	for _, name := range names {
		if value, given := k[name]; given {
			out[name] = value
		}
	}
	return out
}

// Bounds of what a note says.
const (
	maxRule    = 300 // characters of a rule in JSON
	maxListed  = 600 // characters of a list of values
	maxChoices = 250 // values of an enum
	maxChoice  = 256 // characters of one value
)

// rule writes some keywords as they are: models read JSON Schema.
func (k keywords) rule(names ...string) string {
	var members []string
	for _, name := range names {
		if value, given := k[name]; given {
			members = append(members, strconv.Quote(name)+": "+string(rawjson.Trim(value)))
		}
	}
	return "JSON Schema: " + Clip("{"+strings.Join(members, ", ")+"}", maxRule) + "."
}

// annotations reads what describes a value without a limit on it.
func (k keywords) annotations(s *shape) {
	if value := k["default"]; value != nil && rawjson.KindOf(value) != rawjson.Null {
		s.notes = append(s.notes, "Default: "+Clip(string(rawjson.Trim(value)), maxRule)+".")
	}
	for value := range rawjson.Elements(k["examples"]) {
		s.notes = append(s.notes, "Example: "+Clip(string(rawjson.Trim(value)), maxRule)+".")
		break
	}
	if string(rawjson.Trim(k["deprecated"])) == "true" {
		s.notes = append(s.notes, "Deprecated.")
	}
}

// values reads enum and const.
func (k keywords) values(s *shape) {
	var values [][]byte
	switch {
	case k["const"] != nil:
		values = append(values, k["const"])
	case rawjson.KindOf(k["enum"]) == rawjson.Array:
		for value := range rawjson.Elements(k["enum"]) {
			values = append(values, value)
		}
	default:
		return
	}
	var of kinds
	var texts, others []string
	writable, length := true, 0
	for _, value := range values {
		switch kind := rawjson.KindOf(value); kind {
		case rawjson.String:
			text := rawjson.Unquote(value)
			of |= aString
			if !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
			length += len(text)
			writable = writable && text != "" && strings.TrimSpace(text) == text && len(text) <= maxChoice
		case rawjson.Null:
			of |= aNull
		default:
			of |= kindOfValue(value)
			others = append(others, string(rawjson.Trim(value)))
		}
	}
	s.kinds &= of
	if s.kinds&aString != 0 && len(texts) > 0 {
		if writable && len(texts) <= maxChoices && length <= maxEnum {
			s.choices = texts
		} else {
			for i, text := range texts {
				texts[i] = strconv.Quote(text)
			}
			others = append(texts, others...)
		}
	}
	if len(others) > 0 {
		s.notes = append(s.notes, "One of: "+Clip(strings.Join(others, ", "), maxListed)+".")
	}
}

func kindOfValue(value []byte) kinds {
	switch rawjson.KindOf(value) {
	case rawjson.Object:
		return anObject
	case rawjson.Array:
		return anArray
	case rawjson.Bool:
		return aBoolean
	case rawjson.Number:
		if _, exact := integer(value); exact {
			return anInteger
		}
		return aNumber | anInteger
	}
	return 0
}

// strings reads the keywords of texts.
func (k keywords) strings(s *shape) {
	s.bounds.minLength, s.bounds.maxLength = k.size(s, "minLength", "At least %s characters."), k.size(s, "maxLength", "At most %s characters.")
	switch format := k.text("format"); format {
	case "":
	case "date-time":
		s.bounds.format = format
	default:
		s.notes = append(s.notes, "Format: "+format+".")
	}
	if pattern := k.text("pattern"); pattern != "" {
		if portablePattern(pattern) {
			s.bounds.pattern = pattern
		} else {
			s.notes = append(s.notes, "Must match the regular expression "+Clip(pattern, maxRule)+".")
		}
	}
	for _, name := range []string{"contentEncoding", "contentMediaType"} {
		if text := k.text(name); text != "" {
			s.notes = append(s.notes, "Content: "+text+".")
		}
	}
}

// size reads a keyword with a number of things. A number that a client could misread becomes
// a note.
func (k keywords) size(s *shape, name, note string) string {
	if k[name] == nil {
		return ""
	}
	n, exact := integer(k[name])
	if !exact || n > maxSize {
		s.notes = append(s.notes, fmt.Sprintf(note, rawjson.Trim(k[name])))
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// numbers reads the keywords of numbers.
func (k keywords) numbers(s *shape) {
	whole := s.kinds&aNumber == 0
	bound := func(name, exclusive, words, more string, step int64) string {
		inclusive, limit := k[name], k[exclusive]
		switch {
		case string(rawjson.Trim(limit)) == "true": // draft 4
			limit, inclusive = inclusive, nil
		case isFalse(limit):
			limit = nil
		}
		if limit != nil {
			n, exact := integer(limit)
			switch {
			case exact && whole:
				return strconv.FormatInt(n+step, 10)
			default:
				s.notes = append(s.notes, more+" "+string(rawjson.Trim(limit))+".")
			}
		}
		if inclusive == nil {
			return ""
		}
		if n, exact := integer(inclusive); exact {
			return strconv.FormatInt(n, 10)
		}
		s.notes = append(s.notes, words+" "+string(rawjson.Trim(inclusive))+".")
		return ""
	}
	s.bounds.minimum = bound("minimum", "exclusiveMinimum", "At least", "More than", 1)
	s.bounds.maximum = bound("maximum", "exclusiveMaximum", "At most", "Less than", -1)
	if k["multipleOf"] != nil {
		s.notes = append(s.notes, "A multiple of "+string(rawjson.Trim(k["multipleOf"]))+".")
	}
}

// objects reads the limits of objects.
func (k keywords) objects(s *shape) {
	for _, name := range []string{"minProperties", "maxProperties"} {
		words := map[string]string{"minProperties": "At least", "maxProperties": "At most"}[name]
		if k[name] != nil {
			s.notes = append(s.notes, words+" "+string(rawjson.Trim(k[name]))+" fields.")
		}
	}
	for _, name := range []string{"propertyNames", "dependentRequired", "dependentSchemas", "dependencies"} {
		if k[name] != nil {
			s.notes = append(s.notes, k.rule(name))
		}
	}
}

// arrays reads the limits of arrays.
func (k keywords) arrays(s *shape) {
	s.bounds.minItems, s.bounds.maxItems = k.size(s, "minItems", "At least %s elements."), k.size(s, "maxItems", "At most %s elements.")
	if string(rawjson.Trim(k["uniqueItems"])) == "true" {
		s.notes = append(s.notes, "No element twice.")
	}
	if k["contains"] != nil {
		s.notes = append(s.notes, k.rule("contains", "minContains", "maxContains"))
	}
}

// conditions are notes of the keywords that make a schema depend on the value.
func (k keywords) conditions() []string {
	var notes []string
	if k["not"] != nil {
		notes = append(notes, k.rule("not"))
	}
	if k["if"] != nil {
		notes = append(notes, k.rule("if", "then", "else"))
	}
	return notes
}

// choicesNote says which fields alternatives take.
func choicesNote(name string, of []*shape) []string {
	var sets []string
	for _, s := range of {
		var fields []string
		for _, p := range s.single().properties {
			field := p.name
			if p.required {
				field += "*"
			}
			if len(p.choices) == 1 {
				field = p.name + "=" + p.choices[0]
			}
			fields = append(fields, field)
		}
		if len(fields) > 0 {
			sets = append(sets, strings.Join(fields, ", "))
		}
	}
	if len(sets) < 2 {
		return nil
	}
	how := "Takes one or more of these sets of fields"
	if name == "oneOf" {
		how = "Takes exactly one of these sets of fields"
	}
	return []string{how + " (* required): " + Clip(strings.Join(sets, "; or "), maxListed) + "."}
}

// portablePattern reports whether all engines read a pattern in the same way: those of
// ECMAScript with its flag u, RE2 and Python. What they read otherwise is a note: the dot,
// negated classes, lookaround, named groups, flags, Unicode classes, and escapes that only
// some of them know.
func portablePattern(pattern string) bool {
	if len(pattern) > maxChoice {
		return false
	}
	class := false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c >= 0x80 || c < ' ':
			return false
		case c == '\\':
			i++
			if i == len(pattern) || !strings.ContainsRune(`dws./\^$*+?()[]{}|nrt`, rune(pattern[i])) && (pattern[i] != '-' || !class) {
				return false
			}
			if class && strings.IndexByte("dws", pattern[i]) >= 0 && (pattern[i-2] == '-' || strings.HasPrefix(pattern[i+1:], "-") && !strings.HasPrefix(pattern[i+1:], "-]")) {
				return false // a class as the end of a range
			}
		case class:
			if c == '[' || c == '&' || c == '~' {
				return false
			}
			class = c != ']'
		case c == '[':
			if i+1 < len(pattern) && (pattern[i+1] == '^' || pattern[i+1] == ']') {
				return false
			}
			class = true
		case c == ']', c == '.', c == '}':
			return false
		case c == '{':
			end := strings.IndexByte(pattern[i:], '}')
			if end < 0 || !repeats(pattern[i+1:i+end]) {
				return false
			}
			i += end
		case c == '(' && strings.HasPrefix(pattern[i:], "(?") && !strings.HasPrefix(pattern[i:], "(?:"):
			return false
		}
	}
	_, err := syntax.Parse(pattern, syntax.Perl)
	return err == nil
}

// repeats reports whether a text is n, n, or n,m.
func repeats(text string) bool {
	low, high, _ := strings.Cut(text, ",")
	_, err := strconv.ParseUint(low, 10, 10)
	if high != "" && err == nil {
		_, err = strconv.ParseUint(high, 10, 10)
	}
	return err == nil
}

// Clip shortens a text to n UTF-16 code units, which is how JavaScript counts characters.
func Clip(text string, n int) string {
	if len(text) <= n { // bytes are not fewer than characters
		return text
	}
	const mark = "..."
	length := 0
	at := 0
	for i, r := range text {
		if length <= n-len(mark) {
			at = i
		}
		length++
		if r > 0xffff {
			length++
		}
	}
	if length <= n {
		return text
	}
	return text[:at] + mark
}
