package query

import (
	"encoding/base32"
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// An index holds terms for each record, and finds the records that have some. What it finds is a
// superset of what a filter is true for. Terms are letters and digits in small letters, and
// characters beyond ASCII, so that no index changes them. They begin with what they are:
//
//	v  a value of a field: a hash
//	a  a value in the list of a field: a hash
//	w  a word of a field: a hash of the field, and the word
//	x  a field with more words than there are terms for: a hash of the field
//	o  no time in the field by which records are ordered
const (
	valueTerm    = "v"
	elementTerm  = "a"
	wordTerm     = "w"
	overflowTerm = "x"
	untimedTerm  = "o"
)

// Bounds of the terms of one record.
const (
	mostTerms     = 4000 // of a field's words
	mostTermBytes = 512 << 10
	mostIndexText = 64 << 10 // bytes of a field's text
	mostElements  = 100      // of a list
)

var digits = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// hashed writes a hash of some text as n letters and digits.
func hashed(n int, parts ...[]byte) string {
	h := fnv.New64a()
	for _, p := range parts {
		_, _ = h.Write(p)
		_, _ = h.Write([]byte{0})
	}
	var sum [8]byte
	binary.BigEndian.PutUint64(sum[:], mixed(h.Sum64()))
	return digits.EncodeToString(sum[:])[:n]
}

// mixed spreads the bits of a hash, of which the first few may be all that counts.
func mixed(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

func valueOf(kind, field string, v value) string {
	return kind + hashed(13, []byte(field), v.appendCanonical(nil))
}

func fieldOf(kind, field string) string { return kind + hashed(3, []byte(field)) }

// Indexer makes the terms of an entity's records. Several goroutines may use it.
type Indexer struct {
	fields []Field
	prefix []string // of the words of each field
	paths  paths
	slots  []int
	time   int // the slot of the field by which records are ordered; 0 if there is none
}

// NewIndexer returns the indexer of an entity.
func NewIndexer(e *Entity) *Indexer {
	x := &Indexer{}
	for _, f := range e.Fields {
		if f.Indexed || f.Words {
			x.fields = append(x.fields, f)
			x.prefix = append(x.prefix, fieldOf(wordTerm, f.Name))
			x.slots = append(x.slots, x.paths.add(strings.Split(f.Name, ".")))
		}
		if f.Updated && f.Type == Time {
			x.time = x.paths.add(strings.Split(f.Name, "."))
		}
	}
	return x
}

// Updated returns the time by which a record is ordered, if a field has it.
func (x *Indexer) Updated(record []byte) (at time.Time, ok bool) {
	if x.time == 0 {
		return at, false
	}
	v := read(x.paths.read(record, nil)[x.time], Time)
	if v.kind != moment {
		return at, false
	}
	return time.Unix(v.whole, int64(v.part)), true
}

// Terms returns the terms of a record, each once and in order.
func (x *Indexer) Terms(record []byte) []string {
	var found []string
	r := x.paths.read(record, nil)
	for i, f := range x.fields {
		raw := r[x.slots[i]]
		if f.Indexed {
			found = indexed(found, f, raw)
		}
		if f.Words {
			found = words(found, f, x.prefix[i], raw)
		}
	}
	if x.time > 0 && read(r[x.time], Time).kind != moment {
		found = append(found, untimedTerm)
	}
	slices.Sort(found)
	found = slices.Compact(found)
	size := 0
	for _, t := range found {
		size += len(t)
	}
	if size > mostTermBytes {
		found = slices.DeleteFunc(found, func(t string) bool { return t[:1] == wordTerm })
		for _, f := range x.fields {
			found = append(found, fieldOf(overflowTerm, f.Name))
		}
		slices.Sort(found)
		found = slices.Compact(found)
	}
	return found
}

func indexed(found []string, f Field, raw []byte) []string {
	v := read(raw, f.Type)
	if v.kind != compound {
		return append(found, valueOf(valueTerm, f.Name, v))
	}
	if rawjson.KindOf(raw) != rawjson.Array {
		return found
	}
	n := 0
	for one := range rawjson.Elements(raw) {
		if n++; n > mostElements {
			return append(found, fieldOf(overflowTerm, f.Name))
		}
		if v := read(one, f.Type); v.kind != compound {
			found = append(found, valueOf(elementTerm, f.Name, v))
		}
	}
	return found
}

func words(found []string, f Field, prefix string, raw []byte) []string {
	before, size, full := len(found), 0, false
	add := func(word string) bool {
		full = full || len(found)-before >= mostTerms
		if !full {
			found = append(found, prefix+word)
		}
		return !full
	}
	texts(raw, func(one []byte) bool {
		if size += len(one); size > mostIndexText {
			full = true
			return false
		}
		runs(lower(rawjson.Unquote(one)), func(r run) bool {
			switch r.class {
			case letter:
				return add(cut(r.text))
			case glyph:
				pairs(r.text, func(pair string, _ bool) bool { return add(pair) })
			}
			return !full
		})
		return !full
	})
	if full {
		return append(found[:before], fieldOf(overflowTerm, f.Name))
	}
	return found
}

// Terms is what candidates have: one term, or all, or some of other ones.
type Terms struct {
	// Term is one term, or if Beginning is set the beginning of one.
	Term      string
	Beginning bool
	// All or Any are those that candidates have all or at least one of, if there is no Term.
	All, Any []*Terms
}

// Untimed is what records have that have no time in the field by which they are ordered.
func Untimed() *Terms { return &Terms{Term: untimedTerm} }

// mostAlternatives is how many values of in an index is asked for. A filter with more finds its
// records without it.
const mostAlternatives = 64

// Terms returns what every record that the search finds has, and nil where that is nothing.
func (q *Query) Terms() *Terms {
	if q.filter == nil {
		return nil
	}
	return q.filter.terms()
}

// Between returns the times between which every record that the search finds was updated, the zero time where
// there is no bound.
func (q *Query) Between() (from, to time.Time) {
	if q.filter == nil {
		return from, to
	}
	return q.filter.between()
}

func (n *node) between() (from, to time.Time) {
	if n.operator == "and" {
		for _, child := range n.children {
			a, b := child.between()
			if a.After(from) {
				from = a
			}
			if to.IsZero() || !b.IsZero() && b.Before(to) {
				to = b
			}
		}
		return from, to
	}
	if !n.field.Updated || n.field.Type != Time || n.value.kind != moment {
		return from, to
	}
	at := time.Unix(n.value.whole, int64(n.value.part))
	switch n.operator {
	case "eq":
		return at, at
	case "gt", "gte":
		return at, to
	case "lt", "lte":
		return from, at
	}
	return from, to
}

func (n *node) terms() *Terms {
	switch n.operator {
	case "and":
		var all []*Terms
		for _, child := range n.children {
			if t := child.terms(); t != nil {
				all = append(all, t)
			}
		}
		return allOf(all)
	case "or":
		var some []*Terms
		for _, child := range n.children {
			t := child.terms()
			if t == nil {
				return nil
			}
			some = append(some, t)
		}
		return anyOf(some)
	case "eq", "in", "array_contains":
		if n.field.Indexed {
			return n.valueTerms()
		}
	}
	if !n.field.Words {
		return nil
	}
	switch n.operator {
	case "eq":
		if n.value.kind != text {
			return nil
		}
		return n.orOverflow(n.inside(lower(n.value.text), true, true))
	case "equalfold":
		return n.orOverflow(n.inside(n.text, true, true))
	case "startswith":
		return n.orOverflow(n.inside(n.text, true, false))
	case "endswith":
		return n.orOverflow(n.inside(n.text, false, true))
	case "contains":
		return n.orOverflow(n.inside(n.text, false, false))
	case "fuzzy":
		var all []*Terms
		for _, piece := range n.words {
			all = append(all, n.piece(piece)...)
		}
		return n.orOverflow(allOf(all))
	case "keyword":
		var some []*Terms
		for _, piece := range n.words {
			t := allOf(n.piece(piece))
			if t == nil {
				return nil
			}
			some = append(some, t)
		}
		return n.orOverflow(anyOf(some))
	}
	return nil
}

func (n *node) valueTerms() *Terms {
	switch n.operator {
	case "eq":
		return &Terms{Term: valueOf(valueTerm, n.field.Name, n.value)}
	case "array_contains":
		return n.orOverflow(&Terms{Term: valueOf(elementTerm, n.field.Name, n.value)})
	}
	if len(n.values) > mostAlternatives {
		return nil
	}
	some := []*Terms{}
	for canonical := range n.values {
		some = append(some, &Terms{Term: valueTerm + hashed(13, []byte(n.field.Name), []byte(canonical))})
	}
	slices.SortFunc(some, func(a, b *Terms) int { return strings.Compare(a.Term, b.Term) })
	return anyOf(some)
}

// orOverflow also takes the records that have more words than terms.
func (n *node) orOverflow(t *Terms) *Terms {
	if t == nil {
		return nil
	}
	return anyOf([]*Terms{t, {Term: fieldOf(overflowTerm, n.field.Name)}})
}

// shortest is how many letters the beginning of a word has at least for which an index is asked.
// Too many words begin with fewer.
const shortest = 3

// inside returns the terms of a field that has a text in it, and that begins or ends with the text.
func (n *node) inside(s string, begins, ends bool) *Terms {
	prefix := fieldOf(wordTerm, n.field.Name)
	var all []*Terms
	runs(s, func(r run) bool {
		openBefore, openAfter := r.openBefore && !begins, r.openAfter && !ends
		switch {
		case r.class == glyph:
			all = append(all, glyphTerms(prefix, r.text)...)
		case r.class != letter || openBefore:
		case !openAfter:
			all = append(all, &Terms{Term: prefix + cut(r.text)})
		default:
			all = append(all, beginning(prefix, r.text)...)
		}
		return true
	})
	return allOf(all)
}

// piece returns the terms of a piece of a normal text, the last word of which may be a beginning.
func (n *node) piece(s string) []*Terms {
	prefix := fieldOf(wordTerm, n.field.Name)
	var all []*Terms
	// In a normal text every glyph is a word. Those that follow each other are a run again.
	joined := joinGlyphs(s)
	runs(joined, func(r run) bool {
		switch {
		case r.class == glyph:
			all = append(all, glyphTerms(prefix, r.text)...)
		case r.class != letter:
		case r.openAfter:
			all = append(all, beginning(prefix, r.text)...)
		default:
			all = append(all, &Terms{Term: prefix + cut(r.text)})
		}
		return true
	})
	return all
}

// joinGlyphs removes the spaces between glyphs of a normal text.
func joinGlyphs(s string) string {
	var b strings.Builder
	space, last := false, between
	for _, r := range s {
		if r == ' ' {
			space = true
			continue
		}
		c := classOf(r)
		if space && (c != glyph || last != glyph) {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		space, last = false, c
	}
	if space {
		b.WriteByte(' ')
	}
	return b.String()
}

func glyphTerms(prefix, s string) []*Terms {
	var all []*Terms
	pairs(s, func(pair string, whole bool) bool {
		if whole {
			all = append(all, &Terms{Term: prefix + pair})
		} else if all == nil {
			all = append(all, &Terms{Term: prefix + pair, Beginning: true})
		}
		return true
	})
	return all
}

func beginning(prefix, word string) []*Terms {
	n := 0
	for range word {
		n++
	}
	if n < shortest {
		return nil
	}
	return []*Terms{{Term: prefix + cut(word), Beginning: true}}
}

func allOf(all []*Terms) *Terms {
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return &Terms{All: all}
}

func anyOf(some []*Terms) *Terms {
	switch len(some) {
	case 0:
		return nil
	case 1:
		return some[0]
	}
	return &Terms{Any: some}
}
