// Package budget makes an answer fit a number of characters, so that it fits a model's
// context: long text is shortened with a mark, long arrays inside a record lose their
// end, and records are dropped last. What was left out is said, field by field.
//
// The package is pure: JSON goes in, and JSON comes out that is never longer than what
// was asked for.
package budget

import (
	"encoding/json"
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

func note(paths *[]string, path []string) {
	name := strings.Join(path, ".")
	if name == "" || utf8.RuneCountInString(name) > maxPath || len(*paths) == maxPaths || slices.Contains(*paths, name) {
		return
	}
	*paths = append(*paths, name)
}

// merge adds what another part of the answer lost.
func (l *LeftOut) merge(m *LeftOut) {
	l.Records += m.Records
	l.TextLength = max(l.TextLength, m.TextLength)
	for _, lists := range []struct{ to, from *[]string }{{&l.Text, &m.Text}, {&l.Elements, &m.Elements}, {&l.Fields, &m.Fields}} {
		for _, path := range *lists.from {
			note(lists.to, []string{path})
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
	if rawjson.KindOf(data) != rawjson.Array {
		return fitRecord(data, size)
	}
	records := slices.Collect(rawjson.Elements(data))
	for _, l := range levels[:len(levels)-1] {
		if out, left := take(records, l, size); left.Records == 0 {
			return out, left
		}
	}
	out, left := take(records, levels[len(levels)-1], size)
	if left.Records < len(records) {
		return out, left
	}
	first, alone := fitRecord(records[0], size-2)
	alone.Records = len(records) - 1
	return slices.Concat([]byte{'['}, first, []byte{']'}), alone
}

// take shortens records and returns as many of them as fit.
func take(records [][]byte, l level, size int) (json.RawMessage, *LeftOut) {
	out := []byte{'['}
	left := &LeftOut{}
	used := 2
	for i, record := range records {
		s := shortener{level: l}
		short := s.value(nil, record, nil, 0)
		used += utf8.RuneCount(short)
		if i > 0 {
			used++
		}
		if used > size {
			left.Records = len(records) - i
			break
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, short...)
		left.merge(&s.left)
	}
	return append(out, ']'), left
}

// fitRecord makes a single record fit.
func fitRecord(record []byte, size int) (json.RawMessage, *LeftOut) {
	var short []byte
	var left LeftOut
	for _, l := range slices.Concat(levels, last) {
		s := shortener{level: l}
		short = s.value(nil, record, nil, 0)
		left = s.left
		if utf8.RuneCount(short) <= size {
			return short, &left
		}
	}
	return dropFields(short, size, &left), &left
}

// dropFields takes the longest members of an object away until the rest fits.
func dropFields(record []byte, size int, left *LeftOut) json.RawMessage {
	switch rawjson.KindOf(record) {
	case rawjson.Object:
	case rawjson.Array:
		left.Records += rawjson.Count(record)
		return json.RawMessage("[]")
	default:
		return json.RawMessage("null")
	}
	type member struct {
		name string
		text []byte
		size int
	}
	var members []member
	total := 2
	for name, value := range rawjson.Members(record) {
		text := slices.Concat(name, []byte{':'}, value)
		m := member{rawjson.Unquote(name), text, utf8.RuneCount(text) + 1}
		members = append(members, m)
		total += m.size
	}
	for total > size && len(members) > 0 {
		longest := 0
		for i, m := range members {
			if m.size > members[longest].size {
				longest = i
			}
		}
		total -= members[longest].size
		note(&left.Fields, []string{PathName(members[longest].name)})
		members = slices.Delete(members, longest, longest+1)
	}
	out := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, m.text...)
	}
	return append(out, '}')
}

// PathName writes the name of a member as a path has it, with a backslash before dots.
func PathName(name string) string {
	return strings.NewReplacer(`\`, `\\`, `.`, `\.`).Replace(name)
}
