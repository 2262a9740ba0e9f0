package pylon

import (
	"slices"
	"sort"
	"sync/atomic"
)

// row is a stored record. Rows never change: an update puts a new row in the old one's place. That lets readers
// render what they found without holding the lock.
type row[T any] struct {
	id  string
	pos position
	val T
	enc atomic.Pointer[[]byte]
}

// encoded is the record's JSON, made at first use and kept.
func (r *row[T]) encoded() []byte {
	if p := r.enc.Load(); p != nil {
		return *p
	}
	b := encode(r.val)
	r.enc.Store(&b)
	return b
}

// table holds the records of one kind in the order in which they are listed. The vendor's lock guards it.
type table[T any] struct {
	byID map[string]*row[T]
	rows []*row[T]
	seq  uint64
}

// insert adds a record at sort key at; records with equal keys keep the order of insertion.
func (t *table[T]) insert(id string, at int64, val T) *row[T] {
	if t.byID == nil {
		t.byID = map[string]*row[T]{}
	}
	t.seq++
	r := &row[T]{id: id, pos: position{at, t.seq}, val: val}
	t.byID[id] = r
	t.rows = slices.Insert(t.rows, t.after(r.pos), r)
	return r
}

// after is the index of the first row behind p.
func (t *table[T]) after(p position) int {
	return sort.Search(len(t.rows), func(i int) bool { return p.before(t.rows[i].pos) })
}

func (t *table[T]) get(id string) *row[T] { return t.byID[id] }

// replace puts val in r's place and returns the new row.
func (t *table[T]) replace(r *row[T], val T) *row[T] {
	fresh := &row[T]{id: r.id, pos: r.pos, val: val}
	t.byID[r.id] = fresh
	t.rows[t.after(r.pos)-1] = fresh
	return fresh
}

func (t *table[T]) remove(r *row[T]) {
	delete(t.byID, r.id)
	i := t.after(r.pos) - 1
	t.rows = slices.Delete(t.rows, i, i+1)
}

// update replaces every record that change alters.
func (t *table[T]) update(change func(*T) bool) {
	for i, r := range t.rows {
		val := r.val
		if change(&val) {
			fresh := &row[T]{id: r.id, pos: r.pos, val: val}
			t.byID[r.id], t.rows[i] = fresh, fresh
		}
	}
}

// find returns the first record that match accepts.
func (t *table[T]) find(match func(*T) bool) *row[T] {
	for _, r := range t.rows {
		if match(&r.val) {
			return r
		}
	}
	return nil
}

// everything is the whole table, for answers that are not paginated.
func (t *table[T]) everything() []source {
	out := make([]source, len(t.rows))
	for i, r := range t.rows {
		out[i] = r
	}
	return out
}
