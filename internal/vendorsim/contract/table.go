package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"sync/atomic"
)

// Source is something that has a JSON form: a stored record, or a value made for one answer.
type Source interface{ Encoded() []byte }

// Value is a [Source] made for one answer.
type Value struct{ V any }

// Encoded is the value's JSON.
func (x Value) Encoded() []byte { return Encode(x.V) }

// Encode is json.Marshal without HTML escaping, which keeps HTML bodies readable, as vendors do. It panics on values
// without a JSON form.
func Encode(v any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("BUG: record does not marshal: %v", err))
	}
	return bytes.TrimRight(buf.Bytes(), "\n")
}

// Row is a stored record. Rows never change: an update replaces the row, so that readers need not hold the lock while
// they render.
type Row[T any] struct {
	// ID is the key in the table, Pos the place in list order.
	ID  string
	Pos Position
	// Val is the record. Do not change it.
	Val T
	enc atomic.Pointer[[]byte]
}

// Encoded is the record's JSON, made at first use and kept.
func (r *Row[T]) Encoded() []byte {
	if p := r.enc.Load(); p != nil {
		return *p
	}
	b := Encode(r.Val)
	r.enc.Store(&b)
	return b
}

// Table holds the records of one kind in the order in which they are listed. The zero value is empty. It has no lock
// of its own.
type Table[T any] struct {
	// Rows are the records in order; only the table's methods change it.
	Rows []*Row[T]
	byID map[string]*Row[T]
	seq  uint64
}

// Insert adds a record at sort key at; records with equal keys keep the order of insertion.
func (t *Table[T]) Insert(id string, at int64, val T) *Row[T] {
	if t.byID == nil {
		t.byID = map[string]*Row[T]{}
	}
	t.seq++
	r := &Row[T]{ID: id, Pos: Position{at, t.seq}, Val: val}
	t.byID[id] = r
	t.Rows = slices.Insert(t.Rows, t.After(r.Pos), r)
	return r
}

// After is the index of the first row behind p.
func (t *Table[T]) After(p Position) int {
	return sort.Search(len(t.Rows), func(i int) bool { return p.Before(t.Rows[i].Pos) })
}

// Get finds a record by its id, or returns nil.
func (t *Table[T]) Get(id string) *Row[T] { return t.byID[id] }

// FirstID is the id of the first record, or "none".
func (t *Table[T]) FirstID() string {
	if len(t.Rows) == 0 {
		return "none"
	}
	return t.Rows[0].ID
}

// Replace puts val in r's place and returns the new row.
func (t *Table[T]) Replace(r *Row[T], val T) *Row[T] {
	fresh := &Row[T]{ID: r.ID, Pos: r.Pos, Val: val}
	t.byID[r.ID] = fresh
	t.Rows[t.After(r.Pos)-1] = fresh
	return fresh
}

// Remove takes r out.
func (t *Table[T]) Remove(r *Row[T]) {
	delete(t.byID, r.ID)
	i := t.After(r.Pos) - 1
	t.Rows = slices.Delete(t.Rows, i, i+1)
}

// Update replaces every record that change alters.
func (t *Table[T]) Update(change func(*T) bool) {
	for i, r := range t.Rows {
		val := r.Val
		if change(&val) {
			fresh := &Row[T]{ID: r.ID, Pos: r.Pos, Val: val}
			t.byID[r.ID], t.Rows[i] = fresh, fresh
		}
	}
}

// Find returns the first record that match accepts, or nil.
func (t *Table[T]) Find(match func(*T) bool) *Row[T] {
	for _, r := range t.Rows {
		if match(&r.Val) {
			return r
		}
	}
	return nil
}

// Matching returns the records that match accepts, all if it is nil, for answers that are not paginated.
func (t *Table[T]) Matching(match func(*T) bool) []Source {
	out := make([]Source, 0, len(t.Rows))
	for _, r := range t.Rows {
		if match == nil || match(&r.Val) {
			out = append(out, r)
		}
	}
	return out
}

// Optional is nil for the empty string.
func Optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
