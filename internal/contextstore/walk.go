package contextstore

import (
	"context"
	"time"

	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/agenthost/agenthost/internal/fault"
)

// Bounds of a search. They are the same for both databases, so that both answer the same.
const (
	mostCandidates     = 10_000
	mostIndexed        = 3_000 // candidates that an index finds among more records than mostCandidates: they are far apart
	mostCandidateBytes = 64 << 20
	mostAnswerBytes    = 8 << 20
	searchTime         = 10 * time.Second
)

// walk hands candidates to a selection, the newest first, within bounds.
type walk struct {
	q         *query.Query
	selection *query.Selection
	most      int // candidates
	seen      int
	bytes     int
	first     int64 // the second of the first candidate
	over      bool  // there is nothing more to look at
	capped    bool
	next      int64 // the candidate after the last one, if capped
}

// scope is where a search looks. Its cursor is for no other place.
func (t Target) scope() string { return t.Workspace + "\x00" + t.Connection + "\x00" + t.Entity }

func newWalk(t Target, q *query.Query) (*walk, error) {
	s, err := q.Select(t.scope(), mostAnswerBytes)
	if err != nil {
		return nil, err
	}
	return &walk{q: q, selection: s}, nil
}

// begin returns the newest and the oldest id that the page can have, and what candidates have, nil if no index
// is asked.
func (w *walk) begin(e *entity) (newest, oldest int64, terms *query.Terms) {
	indexed := e.spec == spec(w.q.Entity())
	if indexed {
		terms = w.q.Terms()
	}
	if w.most = mostCandidates; terms != nil && e.count > mostCandidates {
		w.most = mostIndexed
	}
	newest = newestID
	atMost := func(t time.Time) { newest = min(newest, (secondOf(within(t))+1)<<sameSecond-1) }
	if at, ok := w.selection.From(); ok {
		atMost(at)
	}
	if !indexed {
		return newest, 0, nil
	}
	from, to := w.q.Between()
	if !to.IsZero() {
		atMost(to)
	}
	if !from.IsZero() {
		oldest = secondOf(within(from)) << sameSecond
	}
	return newest, oldest, terms
}

// add considers a candidate, and reports whether it wants another one.
func (w *walk) add(id int64, key string, updated int64, record []byte) bool {
	second := idSecond(id)
	switch {
	case w.seen == 0:
		w.first = second
	case w.selection.Done(endOf(second)):
		w.over = true
	case w.seen >= w.most || w.bytes+len(record) > mostCandidateBytes:
		w.over, w.capped, w.next = true, true, id
	}
	if w.over {
		return false
	}
	w.seen++
	w.bytes += len(record)
	w.selection.Add(key, time.UnixMilli(updated), record)
	return true
}

// page ends the walk.
func (w *walk) page(s *State) *Answer {
	if at := idSecond(w.next); w.capped && !w.q.Sorted() && at != w.first {
		w.selection.Stop(endOf(at))
	}
	return &Answer{Page: *w.selection.Page(), State: *s, Capped: w.capped}
}

// bounded is a context with the time that a search has.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, searchTime)
}

// ended is the error of a search that its context ended.
func ended(outer, inner context.Context) error {
	if outer.Err() != nil {
		return fault.Ended(outer)
	}
	if inner.Err() != nil {
		return fault.LimitExceeded("query", "the search took longer than "+searchTime.String(), "search for rarer words, or add a condition on a field that is indexed")
	}
	return nil
}
