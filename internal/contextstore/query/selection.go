package query

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
)

// Selection is the page of a search, while candidates are handed to it in any order. One goroutine
// uses it.
type Selection struct {
	q     *Query
	scope string
	most  int       // bytes of records
	after *position // of the page before; nil for the first page
	best  []*item   // in order
	bytes int
	// bound is the best record that did not fit. What comes after it is on another page.
	bound *position
	rest  *position // where the next page begins, if not after the last record
	timed bool
	count int
	row   row
	keys  []value
	text  scratch
}

// position is a place in the order of records.
type position struct {
	values  []value // of the fields that the search sorts by
	updated int64   // milliseconds, if it sorts by none
	key     string
}

type item struct {
	position
	record []byte
}

// Select begins a page of at most so many bytes of records. The scope is where the search looks: a
// cursor is for one scope.
//
// # Errors
//
// An *[abi.Error] with the field cursor if the cursor is none of this search.
func (q *Query) Select(scope string, most int) (*Selection, error) {
	s := &Selection{q: q, scope: scope, most: most, keys: make([]value, len(q.sort))}
	if q.cursor == "" {
		return s, nil
	}
	var err error
	s.after, err = s.position(q.cursor)
	return s, err
}

// Sorted reports whether the search has an order of its own. One without is ordered by time, the newest
// record first.
func (q *Query) Sorted() bool { return len(q.sort) > 0 }

// Recent reports whether the search sorts by the time by which records are ordered, the newest first.
func (q *Query) Recent() bool { return q.Sorted() && q.sort[0].recent }

// Timed says that no record is without the time by which records are ordered. So a search that sorts by it first, the newest
// first, sorts as one without an order of its own.
func (s *Selection) Timed() { s.timed = s.q.Recent() }

// ByTime reports whether the records of the page are the newest ones that the filter is true for.
func (s *Selection) ByTime() bool { return s.timed || !s.q.Sorted() }

// From is a time after which no record of the page was updated. It is no time on the first page, and
// where the order is not that of time.
func (s *Selection) From() (t time.Time, ok bool) {
	switch {
	case s.after == nil || !s.ByTime():
		return t, false
	case !s.timed:
		return time.UnixMilli(s.after.updated), true
	}
	v := s.after.values[0]
	return time.Unix(v.whole, int64(v.part)), v.kind == moment
}

// Add considers a record, which it does not keep the memory of. A record is added once.
func (s *Selection) Add(key string, updated time.Time, record []byte) {
	s.row = s.q.paths.read(record, s.row)
	if s.q.filter != nil && !s.q.filter.holds(s.row, &s.text) {
		return
	}
	s.count++
	at := position{values: s.keys, updated: updated.UnixMilli(), key: key}
	for i, k := range s.q.sort {
		at.values[i] = read(s.row[k.slot], k.kind).forOrder()
	}
	if s.after != nil && s.q.order(&at, s.after) <= 0 || s.bound != nil && s.q.order(&at, s.bound) >= 0 {
		return
	}
	at.values = slices.Clone(at.values)
	one := &item{position: at}
	if s.q.fields == nil {
		one.record = slices.Clone(record)
	} else {
		one.record = s.q.fields.project(nil, record)
	}
	i, _ := slices.BinarySearchFunc(s.best, one, func(a, b *item) int { return s.q.order(&a.position, &b.position) })
	s.best = slices.Insert(s.best, i, one)
	s.bytes += len(one.record)
	for len(s.best) > s.q.Limit || s.bytes > s.most && len(s.best) > 1 {
		s.drop()
	}
}

// drop leaves the last record to another page.
func (s *Selection) drop() {
	last := s.best[len(s.best)-1]
	s.best = s.best[:len(s.best)-1]
	s.bytes -= len(last.record)
	s.bound = &last.position
}

// Done reports whether no record that was updated at a time or before can be on the page.
func (s *Selection) Done(at time.Time) bool {
	switch {
	case s.bound == nil || !s.ByTime():
		return false
	case !s.timed:
		return at.UnixMilli() < s.bound.updated
	}
	v := s.bound.values[0]
	return v.kind == moment && at.Unix() < v.whole
}

// Stop ends the page before records that were updated at a time or before: they were not all
// considered, and are on the next page. It is for searches without an order of their own.
func (s *Selection) Stop(at time.Time) {
	ms := at.UnixMilli()
	for len(s.best) > 0 && s.best[len(s.best)-1].updated <= ms {
		s.drop()
	}
	if s.bound == nil || s.bound.updated <= ms {
		s.rest = &position{updated: ms}
	}
}

// order compares two places. Nulls are last in both directions.
func (q *Query) order(a, b *position) int {
	if len(q.sort) == 0 {
		return cmp.Or(cmp.Compare(b.updated, a.updated), cmp.Compare(a.key, b.key))
	}
	for i, k := range q.sort {
		x, y := a.values[i], b.values[i]
		if (x.kind == null) != (y.kind == null) {
			if x.kind == null {
				return 1
			}
			return -1
		}
		if o := compare(x, y); o != 0 {
			if k.desc {
				return -o
			}
			return o
		}
	}
	return cmp.Compare(a.key, b.key)
}

// Page is what a search answers.
type Page struct {
	Records []json.RawMessage
	// Cursor is for the next page, and empty on the last one.
	Cursor string
	// Found is how many of the records that were considered the filter is true for, on any page.
	Found int
}

// Page ends the selection.
func (s *Selection) Page() *Page {
	p := &Page{Records: make([]json.RawMessage, len(s.best)), Found: s.count}
	for i, one := range s.best {
		p.Records[i] = one.record
	}
	switch {
	case s.rest != nil:
		p.Cursor = s.cursor(s.rest)
	case s.bound != nil && len(s.best) > 0:
		p.Cursor = s.cursor(&s.best[len(s.best)-1].position)
	}
	return p
}

// written is a position as a cursor has it.
type written struct {
	Search  string         `json:"s"`
	Values  []writtenValue `json:"v,omitempty"`
	Updated int64          `json:"u,omitempty"`
	Key     string         `json:"k,omitempty"`
}

type writtenValue struct {
	Kind  kind    `json:"k"`
	Whole int64   `json:"w,omitempty"`
	Part  float64 `json:"p,omitempty"`
	Text  string  `json:"t,omitempty"`
}

// search names the search and its scope.
func (s *Selection) search() string {
	h := fnv.New64a()
	_, _ = io.WriteString(h, s.scope)
	return strconv.FormatUint(mixed(h.Sum64()^s.q.digest), 36)
}

func (s *Selection) cursor(p *position) string {
	w := written{Search: s.search(), Updated: p.updated, Key: p.key}
	if s.q.Sorted() {
		w.Updated = 0
	}
	for _, v := range p.values {
		w.Values = append(w.Values, writtenValue{v.kind, v.whole, v.part, v.text})
	}
	raw, _ := json.Marshal(w) // numbers that were read from JSON, and texts, always marshal
	return base64.RawURLEncoding.EncodeToString(raw)
}

// position reads a cursor.
func (s *Selection) position(cursor string) (*position, error) {
	wrong := fault.Invalid("cursor", "the cursor is of another search", "repeat the search of the page before with its filter and its sort, or leave the cursor out")
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, wrong
	}
	var w written
	if json.Unmarshal(raw, &w) != nil || w.Search != s.search() || len(w.Values) != len(s.q.sort) {
		return nil, wrong
	}
	p := &position{updated: w.Updated, key: w.Key}
	for _, v := range w.Values {
		if v.Kind > compound {
			return nil, wrong
		}
		p.values = append(p.values, value{kind: v.Kind, whole: v.Whole, part: v.Part, text: v.Text})
	}
	return p, nil
}
