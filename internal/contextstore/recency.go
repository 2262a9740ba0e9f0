package contextstore

import (
	"fmt"
	"time"
)

// The id of a record is the second in which it was updated, and a number among those of that second.
// So an index that is ordered by ids has the newest records at one end.
const (
	sameSecond = 24 // bits
	lastSecond = 1<<32 - 1
	newestID   = (lastSecond+1)<<sameSecond - 1
)

// within brings a time to those that ids can have: from 1970 to 2106.
func within(t time.Time) int64 {
	return min(max(t.UnixMilli(), 0), lastSecond*1000+999)
}

func secondOf(ms int64) int64 { return ms / 1000 }

func idSecond(id int64) int64 { return id >> sameSecond }

// endOf is the last millisecond of a second.
func endOf(second int64) time.Time { return time.UnixMilli(second*1000 + 999) }

// asksForTimes reports whether the search may end early if no record is without the time that ids are of: then its
// order is that of ids. Only an index that is up to date knows such records.
func (w *walk) asksForTimes(e *entity) bool {
	return w.q.Recent() && e.spec == spec(w.q.Entity())
}

// row is a copy that is there already.
type row struct {
	id, updated int64
	same        bool // as the new one
	bytes       int64
}

// change is what becomes of a record.
type change int

const (
	touched  change = iota // it is as it was
	replaced               // under its id
	moved                  // to a new id
)

// becomes says what becomes of a record, and its time. Old is nil if there is none; renewed says that its
// terms are made anew.
func becomes(r Record, old *row, now time.Time, renewed bool) (change, int64) {
	updated := within(r.Updated)
	if r.Updated.IsZero() {
		updated = within(now)
		if old != nil && old.same {
			updated = old.updated
		}
	}
	switch {
	case old == nil:
		return moved, updated
	case old.same && old.updated == updated && !renewed:
		return touched, updated
	case secondOf(updated) == idSecond(old.id):
		return replaced, updated
	}
	return moved, updated
}

// newIDs gives ids of a step. It asks the database once for each second.
type newIDs struct {
	next   map[int64]int64 // by the second
	newest func(from, to int64) (id int64, found bool, err error)
}

func (n *newIDs) take(updated int64) (int64, error) {
	second := secondOf(updated)
	from := second << sameSecond
	to := from | (1<<sameSecond - 1)
	id, known := n.next[second]
	if !known {
		id = from
		newest, found, err := n.newest(from, to)
		if err != nil {
			return 0, err
		}
		if found {
			id = newest + 1
		}
	}
	if id > to {
		return 0, fmt.Errorf("too many records were updated at %v", endOf(second))
	}
	n.next[second] = id + 1
	return id, nil
}
