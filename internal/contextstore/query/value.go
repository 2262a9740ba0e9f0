package query

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// kind orders values of different types. Null stands for what is missing, too.
type kind uint8

const (
	null kind = iota
	boolean
	number
	moment
	text
	compound // a list or an object, which compare as equal
)

// value is a value of a record or of a query.
type value struct {
	kind kind
	// whole has true, an integer, or the seconds of a time.
	whole int64
	// part has a number that is no integer, or the fraction of a second of a time.
	part float64
	// text has a text, or the digits of a number that part has not all of.
	text string
	// raw is a list or an object.
	raw []byte
}

// read reads a JSON value as one of a field of type t. Raw may be empty, which is null.
func read(raw []byte, t Type) value {
	switch rawjson.KindOf(raw) {
	case rawjson.Bool:
		if raw[0] == 't' {
			return value{kind: boolean, whole: 1}
		}
		return value{kind: boolean}
	case rawjson.Number:
		if v, ok := readNumber(string(raw)); ok {
			return v
		}
		return value{kind: compound, raw: raw} // beyond what arithmetic is done with
	case rawjson.String:
		return typed(rawjson.Unquote(raw), t)
	case rawjson.Array, rawjson.Object:
		return value{kind: compound, raw: raw}
	}
	return value{}
}

// typed reads a text as a value of type t, and as a text if it is not one.
func typed(s string, t Type) value {
	switch t {
	case Number:
		if rawjson.KindOf([]byte(s)) == rawjson.Number && rawjson.Valid([]byte(s)) {
			if v, ok := readNumber(s); ok {
				return v
			}
		}
	case Time:
		if v, ok := readTime(s); ok {
			return v
		}
	}
	return value{kind: text, text: s}
}

func readNumber(s string) (value, bool) {
	if len(s) > rawjson.MaxNumberBytes {
		return value{}, false
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return value{kind: number, whole: n}, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return value{}, false
	}
	if f == math.Trunc(f) {
		if math.Abs(f) < 1<<62 {
			return value{kind: number, whole: int64(f)}, true
		}
		return value{kind: number, part: f, text: rawjson.CanonicalNumber(s)}, true
	}
	return value{kind: number, part: f}, true
}

// fractional reports whether a number is held as a fraction. Those between two integers that a
// fraction can tell apart are, and those that no integer of 64 bits reaches.
func (v value) fractional() bool { return v.part != 0 }

func (v value) float() float64 {
	if v.fractional() {
		return v.part
	}
	return float64(v.whole)
}

// layouts are the texts that are times. What says no zone is UTC.
var layouts = []string{time.RFC3339Nano, time.DateOnly, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999Z0700"}

// mostTime is how long the text of a time is at most.
const mostTime = 40

func readTime(s string) (value, bool) {
	if len(s) < len(time.DateOnly) || len(s) > mostTime || s[0] < '0' || s[0] > '9' {
		return value{}, false
	}
	for _, layout := range layouts {
		if at, err := time.Parse(layout, s); err == nil {
			return value{kind: moment, whole: at.Unix(), part: float64(at.Nanosecond())}, true
		}
	}
	return value{}, false
}

// compare orders two values: null, false, true, numbers, times, texts by their bytes, and then lists
// and objects.
func compare(a, b value) int {
	if a.kind != b.kind {
		return cmp.Compare(a.kind, b.kind)
	}
	switch a.kind {
	case boolean:
		return cmp.Compare(a.whole, b.whole)
	case number:
		if !a.fractional() && !b.fractional() {
			return cmp.Compare(a.whole, b.whole)
		}
		return cmp.Or(cmp.Compare(a.float(), b.float()), strings.Compare(a.text, b.text))
	case moment:
		return cmp.Or(cmp.Compare(a.whole, b.whole), cmp.Compare(a.part, b.part))
	case text:
		return strings.Compare(a.text, b.text)
	}
	return 0
}

// equal reports whether two values are one. Lists and objects equal nothing.
func equal(a, b value) bool { return a.kind == b.kind && a.kind != compound && compare(a, b) == 0 }

// appendCanonical writes a value so that equal values, and no others, are written in one way.
func (v value) appendCanonical(out []byte) []byte {
	out = append(out, '0'+byte(v.kind))
	switch v.kind {
	case boolean:
		return strconv.AppendInt(out, v.whole, 10)
	case number:
		if v.fractional() {
			return append(strconv.AppendFloat(append(out, 'f'), v.part, 'g', -1, 64), v.text...)
		}
		return strconv.AppendInt(out, v.whole, 10)
	case moment:
		return strconv.AppendFloat(append(strconv.AppendInt(out, v.whole, 10), '.'), v.part, 'f', 0, 64)
	case text:
		return append(out, v.text...)
	}
	return out
}

// mostSortText is how many bytes of a text count for its order.
const mostSortText = 256

// forOrder returns what of a value counts for the order of records.
func (v value) forOrder() value {
	v.raw = nil
	if len(v.text) > mostSortText {
		end := mostSortText
		for end > 0 && !utf8.RuneStart(v.text[end]) {
			end--
		}
		v.text = strings.Clone(v.text[:end]) // or a record would stay in memory for its start
	}
	return v
}
