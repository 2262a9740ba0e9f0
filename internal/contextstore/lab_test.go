package contextstore

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/agenthost/agenthost/internal/rawjson"
)

// ok returns a value, or ends the test.
func ok[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func clock() time.Time { return time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC) }

func files(t testing.TB) *Files { t.Helper(); return filesWith(t, nil) }

func filesWith(t testing.TB, key Key) *Files {
	t.Helper()
	f := ok(OpenFiles(t.TempDir(), clock, key))(t)
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// cases are what every kind of store has to do. Each has a workspace of its own.
func cases() map[string]func(t *testing.T, s Store, workspace string) {
	return map[string]func(*testing.T, Store, string){
		"searches": testSearches, "passes": testPasses, "batches": testBatches, "declarations": testDeclarations, "isolation": testIsolation,
		"removal": testRemoval, "cap": testCap, "long pages": testLongPages, "end": testEnd, "keys": testKeys, "beginnings": testBeginnings, "newest first": testNewestFirst,
		"room": testRoom,
	}
}

// keys are the ways in which files are kept: sealed, or not.
func keys() map[string]Key {
	return map[string]Key{"plain": nil, "sealed": keyOf("one")}
}

func keyOf(name string) Key {
	return func(context.Context, string) ([]byte, error) { return []byte(strings.Repeat(name, 20)), nil }
}

// TestFiles runs the cases with SQLite.
//
// threat: K1
func TestFiles(t *testing.T) {
	t.Parallel()
	for kind, key := range keys() {
		for name, test := range cases() {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				test(t, filesWith(t, key), "w-"+strings.ReplaceAll(name, " ", "-"))
			})
		}
	}
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	if os.Getenv("AGENTHOST_TEST_POSTGRES") == "" {
		t.Skip("AGENTHOST_TEST_POSTGRES is not set")
	}
	s := tables(t)
	t.Run("cases", func(t *testing.T) {
		for name, test := range cases() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, s, "w-"+name)
			})
		}
		t.Run("spans", func(t *testing.T) { t.Parallel(); testSpans(t, s) })
	})
}

func target(workspace string) Target {
	return Target{Workspace: workspace, Connection: "c1", Entity: "incidents", Fields: incidents()}
}

// shelf is what a store should have, in memory.
type shelf map[string]Record

// search answers a search by looking at everything.
func (s shelf) search(t testing.TB, target Target, q *query.Query) *query.Page {
	t.Helper()
	page := ok(q.Select(target.scope(), mostAnswerBytes))(t)
	for _, key := range slices.Sorted(maps.Keys(s)) {
		r := s[key]
		page.Add(key, time.UnixMilli(within(r.Updated)), r.JSON)
	}
	return page.Page()
}

// fill puts records into a store in steps, with changes, removals and passes between them, and returns what
// it should have.
func fill(t testing.TB, store Store, at Target, src source, n int) shelf {
	t.Helper()
	ctx := t.Context()
	want := shelf{}
	put := func(pass string, ids ...int) {
		b := Batch{Pass: pass}
		for _, i := range ids {
			r := src.record(fmt.Sprintf("i%03d", i))
			b.Put = append(b.Put, r)
			want[r.Key] = r
		}
		if pass == "" && src.IntN(2) == 0 {
			key := fmt.Sprintf("i%03d", src.IntN(n))
			b.Remove = append(b.Remove, key)
			delete(want, key)
		}
		state := ok(store.Apply(ctx, at, b))(t)
		if state.Count != len(want) && state.Pass == "" {
			t.Fatalf("%d records, want %d: put %d, removed %q %+v", state.Count, len(want), len(b.Put), b.Remove, state)
		}
	}
	order := src.Perm(n)
	for from := 0; from < n; from += 37 {
		put("", order[from:min(from+37, n)]...)
	}
	for range 20 {
		put("", src.IntN(n), src.IntN(n), src.IntN(n))
	}
	// A full pass sees most of them, some of which have changed.
	ok(store.Begin(ctx, at, "p1"))(t)
	var same Batch
	same.Pass = "p1"
	for key, r := range want {
		if src.IntN(10) > 0 {
			same.Put = append(same.Put, r)
		} else {
			delete(want, key)
		}
	}
	ok(store.Apply(ctx, at, same))(t)
	put("p1", order[:20]...)
	put("", order[20])
	state := ok(store.End(ctx, at, "p1", clock()))(t)
	if !state.Complete || state.Count != len(want) || state.Removed == 0 || !state.Synced.Equal(clock()) {
		t.Fatalf("%+v, want %d records", state, len(want))
	}
	return want
}

func text(t testing.TB, v any) string { t.Helper(); return string(ok(json.Marshal(v))(t)) }

func parse(t testing.TB, params string) *query.Query {
	t.Helper()
	q, err := query.Parse([]byte(params), incidents())
	if err != nil {
		t.Fatalf("%s: %v", params, err)
	}
	return q
}

// ids are the ids of records, or of whatever has one.
func ids(records []json.RawMessage) string {
	var found []string
	for _, r := range records {
		id, _, _ := rawjson.Pointer(r, "/id")
		found = append(found, rawjson.Unquote(id))
	}
	return strings.Join(found, " ")
}

// all returns what a search finds on all its pages.
func all(t testing.TB, search string, limit int, answer func(*query.Query) *query.Page) (records []json.RawMessage) {
	t.Helper()
	cursor := ""
	for range 1000 {
		p := answer(parse(t, fmt.Sprintf(`{"query":%s,"limit":%d%s}`, search, limit, cursor)))
		records = append(records, p.Records...)
		if p.Cursor == "" {
			return records
		}
		cursor = fmt.Sprintf(`,"cursor":%q`, p.Cursor)
	}
	t.Fatalf("%s does not end", search)
	return nil
}

func searching(ctx context.Context, t testing.TB, s Store, at Target) func(*query.Query) *query.Page {
	return func(q *query.Query) *query.Page {
		t.Helper()
		a := ok(s.Search(ctx, at, q))(t)
		if a.Capped {
			t.Fatal("the search is capped")
		}
		return &a.Page
	}
}
