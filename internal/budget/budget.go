// Package budget makes an answer fit a number of characters, so that it fits a model's
// context: long text is shortened with a mark, long arrays inside a record lose their
// end, and records are dropped last. What was left out is said, field by field.
//
// The package is pure: JSON goes in, and JSON comes out that is never longer than what
// was asked for.
package budget

import (
	"encoding/json"
	"iter"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// LeftOut is what [Fit] took away. The zero value means nothing.
type LeftOut struct {
	// Records is how many records were dropped from the end.
	Records int `json:"records,omitempty"`
	// Text are the paths of fields with shortened text, as a caller selects them.
	Text []string `json:"shortened_text,omitempty"`
	// Elements are the paths of arrays that lost their end.
	Elements []string `json:"shortened_arrays,omitempty"`
	// Fields are the paths of fields that are not there at all.
	Fields []string `json:"dropped_fields,omitempty"`
	// TextLength is how many characters of a shortened text are shown.
	TextLength int `json:"text_length,omitempty"`
}

// Nothing reports whether nothing was left out.
func (l *LeftOut) Nothing() bool {
	return l.Records == 0 && len(l.Text) == 0 && len(l.Elements) == 0 && len(l.Fields) == 0
}

// maxPaths is how many paths of each sort are listed, and maxPath how long one may be,
// in characters; both keep the list itself short.
const (
	maxPaths = 8
	maxPath  = 60
)

// note adds the path of some names, as they stand in the text. It joins no more of them
// than a path may have characters: it is called for each text that is shortened.
func note(paths *[]string, names iter.Seq[[]byte]) {
	if len(*paths) == maxPaths {
		return
	}
	var path []string
	length := 0
	for raw := range names {
		path = append(path, memberName(raw))
		if length += len(raw); length > longName {
			break
		}
	}
	add(paths, strings.Join(path, "."))
}

// longName is the length of a raw name that is longer than maxPath in any case: a character
// has twelve bytes where it is written as two escapes.
const longName = 12 * (maxPath + 1)

// memberName returns a raw name as a path has it, or as much of it as a path shows.
func memberName(raw []byte) string {
	if len(raw) <= longName {
		return PathName(rawjson.Unquote(raw))
	}
	return strings.ToValidUTF8(string(raw[1:longName]), "")
}

// add adds a path, and the start of one that is too long to be shown.
func add(paths *[]string, path string) {
	if utf8.RuneCountInString(path) > maxPath {
		path = string([]rune(path)[:maxPath]) + "..."
	}
	if path == "" || len(*paths) == maxPaths || slices.Contains(*paths, path) {
		return
	}
	*paths = append(*paths, path)
}

// merge adds what another part of the answer lost.
func (l *LeftOut) merge(m *LeftOut) {
	l.Records += m.Records
	l.TextLength = max(l.TextLength, m.TextLength)
	for _, lists := range []struct{ to, from *[]string }{{&l.Text, &m.Text}, {&l.Elements, &m.Elements}, {&l.Fields, &m.Fields}} {
		for _, path := range *lists.from {
			add(lists.to, path)
		}
	}
}

// level is how much is taken away: the longest text that stays whole, in characters,
// and the longest array inside a record.
type level struct{ text, elements int }

// levels are tried in turn, the gentlest first.
var levels = []level{{2000, 1000}, {500, 100}, {200, 20}, {100, 5}}

// last is for a single record that is too long even so.
var last = []level{{100, 1}, {40, 1}, {0, 0}}

// Fit returns data in at most size characters. Data is valid JSON: an array of records,
// or a single one. What fits is returned as it is.
//
// Records are kept from the first one on. Where not even the first fits, it loses
// fields until it does, the longest first; a budget with no room for {} gives {} all the
// same.
func Fit(data json.RawMessage, size int) (json.RawMessage, *LeftOut) {
	if len(data) <= size || utf8.RuneCount(data) <= size {
		return data, &LeftOut{}
	}
	size = max(size, 0)
	if rawjson.KindOf(data) != rawjson.Array {
		return fitRecord(data, size)
	}
	records, all := first(data, size)
	return fitArray(all, func(i, _ int) []byte { return records[i] }, size)
}

// FitRecords is [Fit] of an array that is made while it is needed, so that what has no
// room costs nothing. Record returns the record of an index as valid JSON without white
// space around its tokens; none of the arrays in it needs more than that many elements,
// however many there are.
func FitRecords(n int, record func(i, elements int) []byte, size int) (json.RawMessage, *LeftOut) {
	// An array of more elements than that is too long by itself.
	whole := level{text: math.MaxInt, elements: max(size, 0)}
	if out, left := take(n, record, whole, size); left.Records == 0 {
		return out, left
	}
	return fitArray(n, record, size)
}

// fitArray is Fit of an array that is too long.
func fitArray(n int, record func(i, elements int) []byte, size int) (json.RawMessage, *LeftOut) {
	for _, l := range levels[:len(levels)-1] {
		if out, left := take(n, record, l, size); left.Records == 0 {
			return out, left
		}
	}
	out, left := take(n, record, levels[len(levels)-1], size)
	if left.Records < n {
		return out, left
	}
	one, alone := fitRecord(record(0, levels[0].elements+1), max(size-2, 0))
	alone.Records = n - 1
	return slices.Concat([]byte{'['}, one, []byte{']'}), alone
}

// first returns the records that could have room in so many characters and the one after
// them, which is as far as fitArray looks, and how many there are in all. A record of one
// character takes twelve times the memory as a slice of its own.
func first(data []byte, size int) (records [][]byte, all int) {
	for record := range rawjson.Elements(data) {
		if all++; 2*len(records) <= size {
			records = append(records, record)
		}
	}
	return records, all
}

// take shortens records and returns as many of them as fit.
func take(n int, record func(i, elements int) []byte, l level, size int) (json.RawMessage, *LeftOut) {
	out := []byte{'['}
	left := &LeftOut{}
	used := 2
	for i := range n {
		short, lost := shorten(record(i, l.elements+1), l) // one more shows that there are more
		used += utf8.RuneCount(short)
		if i > 0 {
			used++
		}
		if used > size {
			left.Records = n - i
			break
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, short...)
		left.merge(&lost)
	}
	return append(out, ']'), left
}

// fitRecord makes a single record fit.
func fitRecord(record []byte, size int) (json.RawMessage, *LeftOut) {
	var short []byte
	var left LeftOut
	for _, l := range slices.Concat(levels, last) {
		short, left = shorten(record, l)
		if utf8.RuneCount(short) <= size {
			return short, &left
		}
	}
	return dropFields(short, size, &left), &left
}

// dropFields takes the longest members of an object away until the rest fits, of several
// that are as long the first ones. It counts members by their size and keeps none of them,
// for a vendor may send millions.
func dropFields(record []byte, size int, left *LeftOut) json.RawMessage {
	switch rawjson.KindOf(record) {
	case rawjson.Object:
	case rawjson.Array:
		left.Records += rawjson.Count(record)
		return json.RawMessage("[]")
	default:
		return json.RawMessage("null")
	}
	counts := make([]int, size+1)
	dropped, total := 0, 2
	var longest []member
	for name, value := range rawjson.Members(record) {
		m := member{name, utf8.RuneCount(name) + 1 + utf8.RuneCount(value) + 1}
		longest = m.among(longest)
		if m.size > size {
			dropped++
			continue
		}
		counts[m.size]++
		total += m.size
	}
	drop := make([]int, size+1) // of each size
	for n := size; n > 0 && total > size; n-- {
		drop[n] = min(counts[n], (total-size+n-1)/n)
		total -= drop[n] * n
		dropped += drop[n]
	}
	for _, m := range longest[:min(dropped, len(longest))] {
		add(&left.Fields, memberName(m.name))
	}
	out := []byte{'{'}
	for name, value := range rawjson.Members(record) {
		n := utf8.RuneCount(name) + 1 + utf8.RuneCount(value) + 1
		if n > size {
			continue
		}
		if drop[n] > 0 {
			drop[n]--
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}')
}

// member is one of an object: its name, with its quotes, and its size in characters, with a
// colon and a comma.
type member struct {
	name []byte
	size int
}

// among puts a member among the longest, the longest and of those the first one first.
func (m member) among(longest []member) []member {
	at, _ := slices.BinarySearchFunc(longest, m, func(a, b member) int {
		if a.size >= b.size {
			return -1
		}
		return 1
	})
	longest = slices.Insert(longest, at, m)
	return longest[:min(len(longest), maxPaths)]
}

// PathName writes the name of a member as a path has it, with a backslash before dots.
func PathName(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, `\`, `\\`), `.`, `\.`)
}
