package contextstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/agenthost/agenthost/pdk/abi"
)

// testSearches: a store finds what one finds who looks at every record, in the same order, on pages of any
// size.
func testSearches(t *testing.T, s Store, workspace string) {
	src := newSource(1)
	at := target(workspace)
	want := fill(t, s, at, src, 300)
	naive := func(q *query.Query) *query.Page { return want.search(t, at, q) }
	var searches []string
	for range 500 {
		searches = append(searches, text(t, src.search(false)))
	}
	searches = append(searches, handWritten(t)...)
	found, indexed := 0, 0
	for _, search := range searches {
		expected := all(t, search, 1000, naive)
		got := all(t, search, max(1, len(expected)/pick(src, 1, 1, 2, 5)), searching(t.Context(), t, s, at))
		if !slices.EqualFunc(got, expected, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
			t.Errorf("%s\nfinds %s\nwant  %s", search, ids(got), ids(expected))
		}
		if len(expected) > 0 {
			found++
		}
		if parse(t, `{"query":`+search+`}`).Terms() != nil {
			indexed++
		}
	}
	if found < len(searches)/2 || indexed < len(searches)/4 {
		t.Errorf("of %d searches only %d find something, and only %d use an index", len(searches), found, indexed)
	}
}

// handWritten are searches that people wrote, one a line.
func handWritten(t testing.TB) []string {
	t.Helper()
	var searches []string
	for line := range strings.Lines(string(ok(os.ReadFile("testdata/searches.txt"))(t))) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			searches = append(searches, line)
		}
	}
	if len(searches) < 100 {
		t.Fatalf("there are %d searches", len(searches))
	}
	return searches
}

// plainRecords are records with an id and a time each, the newest first.
func plainRecords(n int, record func(i int) string, updated func(i int) time.Time) []Record {
	var all []Record
	for i := range n {
		all = append(all, Record{Key: fmt.Sprintf("k%05d", i), JSON: []byte(record(i)), Updated: updated(i)})
	}
	return all
}

func apply(t testing.TB, s Store, at Target, records []Record) {
	t.Helper()
	for from := 0; from < len(records); from += MostRecords {
		ok(s.Apply(t.Context(), at, Batch{Put: records[from:min(from+MostRecords, len(records))]}))(t)
	}
}

// testCap: a search of more candidates than are looked at says so, and looks at the newest. One without
// an order goes on where it ended.
func testCap(t *testing.T, s Store, workspace string) {
	at := target(workspace)
	n := mostCandidates + 700
	apply(t, s, at, plainRecords(n, func(i int) string {
		name := "common"
		if i%5000 == 4999 || i == n-1 {
			name = "common rare"
		}
		return fmt.Sprintf(`{"id":"i%05d","name":%q,"workload_minutes_total":%d,"updated_at":%q}`, i, name, i, clock().Add(-time.Duration(i)*time.Second).Format(time.RFC3339))
	}, func(i int) time.Time { return clock().Add(-time.Duration(i) * time.Second) }))
	find := func(params string) *Answer {
		t.Helper()
		return ok(s.Search(t.Context(), at, parse(t, params)))(t)
	}
	a := find(`{"query":{"filter":{"keyword":{"name":"common"}},"sort":[{"workload_minutes_total":"desc"}]},"limit":2}`)
	if !a.Capped || ids(a.Records) != "i02999 i02998" || a.Found != mostIndexed || a.State.Count != n {
		t.Errorf("%s %+v", ids(a.Records), a)
	}
	if a := find(`{"query":{"sort":[{"workload_minutes_total":"desc"}]},"limit":1}`); !a.Capped || ids(a.Records) != "i09999" {
		t.Errorf("%s %+v", ids(a.Records), a)
	}
	if a := find(`{"query":{"filter":{"keyword":{"name":"rare"}},"sort":[{"workload_minutes_total":"desc"}]},"limit":2}`); a.Capped || ids(a.Records) != "i10699 i09999" {
		t.Errorf("%s %+v", ids(a.Records), a)
	}
	// No index finds an end of a word.
	a = find(`{"query":{"filter":{"endswith":{"name":"are"}}},"limit":10}`)
	if !a.Capped || ids(a.Records) != "i04999 i09999" || a.Cursor == "" {
		t.Errorf("%s %+v", ids(a.Records), a)
	}
	a = find(`{"query":{"filter":{"endswith":{"name":"are"}}},"limit":10,"cursor":"` + a.Cursor + `"}`)
	if a.Capped || ids(a.Records) != "i10699" || a.Cursor != "" {
		t.Errorf("%s %+v", ids(a.Records), a)
	}
	// Of a time, only the records of that time are candidates.
	for filter, want := range map[string]string{
		fmt.Sprintf(`{"lt":{"updated_at":%q}}`, clock().Add(-10690*time.Second).Format(time.RFC3339)):                                                                           "i10699 i10698",
		fmt.Sprintf(`{"gte":{"updated_at":%q},"lte":{"updated_at":%q}}`, clock().Add(-400*time.Second).Format(time.RFC3339), clock().Add(-10*time.Second).Format(time.RFC3339)): "i00400 i00399",
		fmt.Sprintf(`{"eq":{"updated_at":%q},"contains":{"name":"comm"}}`, clock().Add(-10500*time.Second).Format(time.RFC3339)):                                                "i10500",
	} {
		if a := find(`{"query":{"filter":` + filter + `,"sort":[{"workload_minutes_total":"desc"}]},"limit":2}`); a.Capped || ids(a.Records) != want {
			t.Errorf("%s: %s %+v", filter, ids(a.Records), a)
		}
	}
	a = find(`{"query":{"filter":{"keyword":{"name":"common"}}},"limit":3}`)
	if a.Capped || ids(a.Records) != "i00000 i00001 i00002" || a.Found > 100 {
		t.Errorf("%s %+v", ids(a.Records), a)
	}
}

// testLongPages: more records of one second than are looked at are no endless search.
func testLongPages(t *testing.T, s Store, workspace string) {
	at := target(workspace)
	n := mostCandidates + 50
	apply(t, s, at, plainRecords(n, func(i int) string { return fmt.Sprintf(`{"id":"i%05d"}`, i) }, func(int) time.Time { return clock() }))
	cursor, found := "", 0
	for page := 0; ; page++ {
		a := ok(s.Search(t.Context(), at, parse(t, `{"query":{},"limit":1000`+cursor+`}`)))(t)
		if found += len(a.Records); a.Cursor == "" {
			break
		}
		if page > 20 || !a.Capped {
			t.Fatalf("page %d of %d records, capped %v", page, len(a.Records), a.Capped)
		}
		cursor = `,"cursor":"` + a.Cursor + `"`
	}
	if found != mostCandidates {
		t.Errorf("%d records", found)
	}
}

// testEnd: a search ends with its context.
func testEnd(t *testing.T, s Store, workspace string) {
	at := target(workspace)
	apply(t, s, at, []Record{newSource(1).record("i1")})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Search(ctx, at, parse(t, `{"query":{}}`))
	if e, ok := errors.AsType[*abi.Error](err); !ok || e.Kind != abi.KindCancelled {
		t.Errorf("%v", err)
	}
	if _, err := s.Apply(ctx, at, Batch{Put: []Record{newSource(2).record("i2")}}); err == nil {
		t.Error("a step without time is done")
	}
	if a := ok(s.Search(t.Context(), at, parse(t, `{"query":{}}`)))(t); ids(a.Records) != "i1" {
		t.Errorf("%s", a.Records)
	}
}
