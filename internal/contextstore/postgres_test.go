package contextstore

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/store/pgtest"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// tables are the copies in a new database.
func tables(t testing.TB) *Tables {
	t.Helper()
	return tablesOf(t, pgtest.Start(t))
}

func tablesOf(t testing.TB, connection string) *Tables {
	t.Helper()
	db := database(t, connection)
	_, err := db.ExecContext(t.Context(), PostgresSchema()+";"+PostgresBytes)
	must(t, err)
	return OpenTables(db, clock)
}

func database(t testing.TB, connection string) *sql.DB {
	t.Helper()
	config := ok(pgx.ParseConfig(connection + " dbname=postgres"))(t)
	db := stdlib.OpenDB(*config)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// testSpans: a search that asks for candidates in spans of ids finds the same as one that asks for all of them at once, whatever the spans
// and the times of the records are.
func testSpans(t *testing.T, s *Tables) {
	at := target("spans")
	src := newSource(3)
	apply(t, s, at, plainRecords(2500, func(i int) string {
		return fmt.Sprintf(`{"id":"i%04d","name":%q,"workload_minutes_total":%d}`, i, pick(src, "often", "often", "often", "rare"), src.IntN(1000))
	}, func(i int) time.Time {
		switch { // many at once, some over years, and one each at the ends of time
		case i < 1000:
			return clock()
		case i == 1000:
			return time.Unix(0, 0)
		case i == 1001:
			return time.Unix(lastSecond, 0)
		}
		return clock().Add(-time.Duration(src.Int64N(int64(5 * 365 * 24 * time.Hour))))
	}))
	for _, filter := range []string{`{}`, `{"filter":{"keyword":{"name":"often"}}}`, `{"filter":{"keyword":{"name":"rare"}},"sort":[{"workload_minutes_total":"asc"}]}`, `{"sort":[{"workload_minutes_total":"desc"}]}`, `{"filter":{"keyword":{"name":"nothing"}}}`} {
		q := parse(t, `{"query":`+filter+`,"limit":700}`)
		want := ok(s.Search(t.Context(), at, q))(t)
		for _, span := range []int64{0, 1 << sameSecond, 1 << (sameSecond + 18), newestID} {
			for size, walks := range map[int]bool{7: false, 900: true, 901: false, 10_000: true} {
				w := ok(newWalk(at, q))(t)
				state := &State{}
				must(t, s.read(t.Context(), at, func(tx *sql.Tx, e *entity) error {
					state = e.state()
					newest, oldest, terms := w.begin(e)
					c := &candidateRows{tx: tx, e: e, w: w, terms: terms, newest: newest, oldest: oldest, size: size, span: span, walks: walks}
					must(t, c.choose(t.Context()))
					return c.walk(t.Context())
				}))
				got := w.page(state)
				if ids(got.Records) != ids(want.Records) || got.Cursor != want.Cursor || got.Capped || q.Sorted() && got.Found != want.Found {
					t.Errorf("%s in spans of %d, %d rows at once: %d records of %d, want %d of %d", filter, span, size, len(got.Records), got.Found, len(want.Records), want.Found)
				}
			}
		}
	}
	// What begin chooses ends, and is right, for an expectation that is wrong.
	_, err := s.db.ExecContext(context.WithoutCancel(t.Context()), "ANALYZE context_record")
	must(t, err)
	a := ok(s.Search(t.Context(), at, parse(t, `{"query":{"filter":{"keyword":{"name":"often rare"}}},"limit":1}`)))(t)
	if ids(a.Records) != "i1001" {
		t.Errorf("%s", ids(a.Records))
	}
}
