package contextstore

import (
	"fmt"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/contextstore/query"
)

// testNewestFirst: a search that sorts by the time by which records are ordered ends with its page, as long as all records have that
// time. It finds what one finds who looks at every record, also where records have none, or other values.
func testNewestFirst(t *testing.T, s Store, workspace string) {
	at := target(workspace)
	want := shelf{}
	src := newSource(5)
	put := func(id, updated string) {
		r := Record{Key: id, JSON: fmt.Appendf(nil, `{"id":%q,"name":"word%d","workload_minutes_total":%d%s}`, id, src.IntN(3), src.IntN(5), updated), Updated: src.moment()}
		want[id] = r
		ok(s.Apply(t.Context(), at, Batch{Put: []Record{r}}))(t)
	}
	var first []Record
	for i := range 400 {
		when := clock().Add(-time.Duration(src.IntN(150)) * 500 * time.Millisecond)
		switch i {
		case 0:
			when = time.Date(1931, 1, 1, 0, 0, 0, 0, time.UTC)
		case 1, 2:
			when = time.Date(2200+i, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		r := Record{Key: fmt.Sprintf("i%03d", i), JSON: fmt.Appendf(nil, `{"id":"i%03d","name":"word%d","workload_minutes_total":%d,"updated_at":%q}`, i, src.IntN(3), src.IntN(5), when.Format(time.RFC3339Nano))}
		first, want[r.Key] = append(first, r), r
	}
	apply(t, s, at, first)
	searches := []string{
		`{"sort":[{"updated_at":"desc"}]}`, `{"sort":[{"updated_at":"desc"},{"workload_minutes_total":"asc"}]}`, `{"sort":[{"updated_at":"asc"}]}`, `{"sort":[{"workload_minutes_total":"asc"},{"updated_at":"desc"}]}`,
		`{"filter":{"keyword":{"name":"word1"}},"sort":[{"updated_at":"desc"},{"id":"desc"}]}`, `{"filter":{"lt":{"updated_at":"2026-01-31T23:59:30Z"}},"sort":[{"updated_at":"desc"}]}`,
	}
	compare := func(what string) {
		t.Helper()
		for _, search := range searches {
			for _, limit := range []int{60, 1000} {
				got := all(t, search, limit, searching(t.Context(), t, s, at))
				expected := all(t, search, limit, func(q *query.Query) *query.Page { return want.search(t, at, q) })
				if ids(got) != ids(expected) {
					t.Errorf("%s: %s by %d\nfinds %s\nwant  %s", what, search, limit, ids(got), ids(expected))
				}
			}
		}
	}
	found := func() int {
		t.Helper()
		return ok(s.Search(t.Context(), at, parse(t, `{"query":{"sort":[{"updated_at":"desc"}]},"limit":5}`)))(t).Found
	}
	compare("times")
	if n := found(); n > 50 {
		t.Errorf("a page of 5 looks at %d records", n)
	}
	for i, odd := range []string{`,"updated_at":"soon"`, "", `,"updated_at":null`, `,"updated_at":7`, `,"updated_at":{}`} {
		put(fmt.Sprint("odd", i), odd)
		compare(odd)
	}
	if n := found(); n != len(want) {
		t.Errorf("with records without a time, a page of 5 looks at %d records", n)
	}
}
