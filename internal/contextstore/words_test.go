package contextstore

import (
	"fmt"
	"testing"
	"time"
)

// testBeginnings: a search for the beginning of a few words, of many, and of none finds the same as for the words.
func testBeginnings(t *testing.T, s Store, workspace string) {
	at := target(workspace)
	n := 3 * mostSpelled
	apply(t, s, at, plainRecords(n, func(i int) string {
		return fmt.Sprintf(`{"id":"i%d","name":"common%03d","summary":"東%c"}`, i, i, rune(0x4e00+i))
	}, func(i int) time.Time { return clock().Add(-time.Duration(i) * time.Second) }))
	for filter, want := range map[string]int{
		`{"keyword":{"name":"common*"}}`:                                          n,
		`{"keyword":{"name":"common00*"}}`:                                        10,
		`{"keyword":{"name":"common01* common02* nothing*"}}`:                     20,
		`{"keyword":{"name":"nothing*"}}`:                                         0,
		`{"keyword":{"name":"common000*"}}`:                                       1,
		`{"fuzzy":{"name":"common0"}}`:                                            100,
		`{"contains":{"summary":"東"}}`:                                            n,
		`{"keyword":{"name":"common05*"},"fuzzy":{"name":"common059"}}`:           1,
		`{"startswith":{"name":"common06"},"keyword":{"name":"common065"}}`:       1,
		`{"or":[{"startswith":{"name":"common06"}},{"eq":{"name":"common100"}}]}`: 11,
	} {
		// Twice, for what a connection has made for the first search.
		for range 2 {
			if a := ok(s.Search(t.Context(), at, parse(t, `{"query":{"filter":`+filter+`},"limit":1000}`)))(t); len(a.Records) != want || a.Capped {
				t.Errorf("%s finds %d records, want %d", filter, len(a.Records), want)
			}
		}
	}
}
