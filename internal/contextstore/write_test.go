package contextstore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/agenthost/agenthost/pdk/abi"
)

// found are the ids of all records, the newest first.
func found(t testing.TB, s Store, at Target) string {
	t.Helper()
	return ids(ok(s.Search(t.Context(), at, parse(t, `{"query":{},"limit":1000}`)))(t).Records)
}

func simple(id string, updated int) Record {
	return Record{Key: id, JSON: fmt.Appendf(nil, `{"id":%q,"name":"word%d"}`, id, updated), Updated: clock().Add(time.Duration(updated) * time.Second)}
}

func testPasses(t *testing.T, s Store, workspace string) {
	ctx, at := t.Context(), target(workspace)
	if state := ok(s.State(ctx, at))(t); *state != (State{}) {
		t.Errorf("%+v of nothing", state)
	}
	if a := ok(s.Search(ctx, at, parse(t, `{"query":{}}`)))(t); len(a.Records) > 0 || a.State.Complete {
		t.Errorf("%+v of nothing", a)
	}
	if _, err := s.Apply(ctx, at, Batch{Pass: "p1", Put: []Record{simple("a", 1)}}); !errors.Is(err, ErrPass) {
		t.Errorf("a step of no pass: %v", err)
	}
	ok(s.Begin(ctx, at, "p1"))(t)
	ok(s.Apply(ctx, at, Batch{Pass: "p1", Cursor: "2", Put: []Record{simple("a", 1), simple("b", 2)}}))(t)
	state := ok(s.Begin(ctx, at, "p1"))(t) // after a crash
	if state.Cursor != "2" || state.Pass != "p1" || state.Complete || state.Count != 2 {
		t.Errorf("%+v", state)
	}
	if got := found(t, s, at); got != "b a" {
		t.Errorf("during the first pass: %s", got)
	}
	ok(s.Apply(ctx, at, Batch{Pass: "p1", Put: []Record{simple("c", 3)}}))(t)
	state = ok(s.End(ctx, at, "p1", clock()))(t)
	if !state.Complete || state.Removed != 0 || state.Pass != "" || state.Cursor != "" || !state.Synced.Equal(clock()) {
		t.Errorf("%+v", state)
	}
	if _, err := s.End(ctx, at, "p1", clock()); !errors.Is(err, ErrPass) {
		t.Errorf("ended twice: %v", err)
	}

	// What a pass does not see goes at its end, and not before; what somebody puts meanwhile stays.
	ok(s.Begin(ctx, at, "p2"))(t)
	state = ok(s.Apply(ctx, at, Batch{Pass: "p2", Put: []Record{simple("a", 1)}}))(t)
	if state.Changed != 0 || !state.Complete {
		t.Errorf("%+v of a record as it was", state)
	}
	ok(s.Apply(ctx, at, Batch{Put: []Record{simple("d", 4)}}))(t)
	if got := found(t, s, at); got != "d c b a" {
		t.Errorf("during a pass: %s", got)
	}
	state = ok(s.End(ctx, at, "p2", clock().Add(time.Hour)))(t)
	if got := found(t, s, at); got != "d a" || state.Removed != 2 || state.Count != 2 || !state.Synced.Equal(clock().Add(time.Hour)) {
		t.Errorf("after a pass: %s, %+v", got, state)
	}

	// A pass that is over writes nothing.
	ok(s.Begin(ctx, at, "p3"))(t)
	ok(s.Begin(ctx, at, "p4"))(t)
	for _, err := range []error{
		func() error { _, err := s.Apply(ctx, at, Batch{Pass: "p3", Put: []Record{simple("x", 9)}}); return err }(),
		func() error { _, err := s.End(ctx, at, "p3", clock()); return err }(),
	} {
		if !errors.Is(err, ErrPass) {
			t.Errorf("a pass that is over: %v", err)
		}
	}
	if got := found(t, s, at); got != "d a" {
		t.Errorf("after a pass that is over: %s", got)
	}
	if state := ok(s.Apply(ctx, at, Batch{Synced: clock().Add(2 * time.Hour)}))(t); !state.Synced.Equal(clock().Add(2 * time.Hour)) {
		t.Errorf("%+v", state)
	}
	if state := ok(s.Apply(ctx, at, Batch{Synced: clock()}))(t); !state.Synced.Equal(clock().Add(2 * time.Hour)) {
		t.Errorf("the copies became older: %+v", state)
	}
}

func testBatches(t *testing.T, s Store, workspace string) {
	ctx, at := t.Context(), target(workspace)
	// Of several records with one key, the last one counts; a record moves as its time does.
	state := ok(s.Apply(ctx, at, Batch{Put: []Record{simple("a", 1), simple("b", 2), simple("a", 3), simple("c", 2)}}))(t)
	if got := found(t, s, at); got != "a b c" || state.Count != 3 || state.Changed != 3 {
		t.Errorf("%s %+v", got, state)
	}
	state = ok(s.Apply(ctx, at, Batch{Put: []Record{simple("a", 0), simple("b", 2)}, Remove: []string{"c", "none"}}))(t)
	if got := found(t, s, at); got != "b a" || state.Changed != 1 || state.Removed != 1 || state.Count != 2 {
		t.Errorf("%s %+v", got, state)
	}
	byWord := func(word string) string {
		return ids(ok(s.Search(ctx, at, parse(t, `{"query":{"filter":{"keyword":{"name":"`+word+`"}}}}`)))(t).Records)
	}
	if byWord("word3") != "" || byWord("word0") != "a" {
		t.Errorf("old words find %q, new ones %q", byWord("word3"), byWord("word0"))
	}
	// Without a time, it is that of the change.
	later := simple("z", 0)
	later.Updated = time.Time{}
	ok(s.Apply(ctx, at, Batch{Put: []Record{later, simple("y", 0)}}))(t)
	if state := ok(s.Apply(ctx, at, Batch{Put: []Record{later}}))(t); state.Changed != 0 {
		t.Errorf("%+v of a record as it was", state)
	}
	if got := found(t, s, at); got != "b a y z" {
		t.Errorf("%s", got)
	}
	// A field that has the time counts more than what the caller knows.
	ok(s.Apply(ctx, at, Batch{Put: []Record{{Key: "t", JSON: []byte(`{"id":"t","updated_at":"2026-02-01T00:00:01Z"}`), Updated: clock().Add(-time.Hour)}}}))(t)
	if got := found(t, s, at); got != "b t a y z" {
		t.Errorf("%s", got)
	}
	ok(s.Apply(ctx, at, Batch{Remove: []string{"t"}}))(t)
	// Times that no id can have.
	ok(s.Apply(ctx, at, Batch{Put: []Record{simple("future", 1<<33), simple("past", -1<<33)}}))(t)
	if got := found(t, s, at); got != "future b a y z past" {
		t.Errorf("%s", got)
	}

	before := found(t, s, at)
	long := strings.Repeat("a", MostRecordBytes)
	for name, b := range map[string]Batch{
		"no object":      {Put: []Record{{Key: "n", JSON: []byte(`[]`)}}},
		"no JSON":        {Put: []Record{simple("n", 1), {Key: "m", JSON: []byte(`{"a":}`)}}},
		"no UTF-8":       {Put: []Record{{Key: "n", JSON: []byte("{\"a\":\"\xff\"}")}}},
		"no key":         {Put: []Record{{JSON: []byte(`{}`)}}},
		"a key of 0":     {Put: []Record{{Key: "a\x00", JSON: []byte(`{}`)}}},
		"a long key":     {Put: []Record{{Key: long[:600], JSON: []byte(`{}`)}}},
		"a large record": {Put: []Record{{Key: "n", JSON: []byte(`{"a":"` + long + `"}`)}}},
		"many records":   {Put: make([]Record, MostRecords+1)},
		"a wrong remove": {Put: []Record{simple("n", 1)}, Remove: []string{""}},
		"a long cursor":  {Put: []Record{simple("n", 1)}, Cursor: long},
	} {
		if _, err := s.Apply(ctx, at, b); err == nil {
			t.Errorf("%s: no error", name)
		} else if _, is := errors.AsType[*abi.Error](err); !is {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := found(t, s, at); got != before {
		t.Errorf("a step that failed has changed something: %s", got)
	}
	bad := at
	bad.Entity = ""
	if _, err := s.Apply(ctx, bad, Batch{}); err == nil {
		t.Error("an entity without a name")
	}
}

// testDeclarations: where the declaration changes, the index is not asked before it is whole.
func testDeclarations(t *testing.T, s Store, workspace string) {
	ctx := t.Context()
	bare := target(workspace)
	bare.Fields = &query.Entity{Fields: []query.Field{{Name: "id"}, {Name: "name"}}}
	full := target(workspace)
	search := func(at Target) string {
		t.Helper()
		q, err := query.Parse([]byte(`{"query":{"filter":{"keyword":{"name":"word1 word2 word3"},"neq":{"id":null}}}}`), at.Fields)
		must(t, err)
		return ids(ok(s.Search(ctx, at, q))(t).Records)
	}
	ok(s.Apply(ctx, bare, Batch{Put: []Record{simple("a", 1), simple("b", 2)}}))(t)
	for _, step := range []struct {
		name string
		do   func() error
		want string
	}{
		{"a new declaration", func() error { return nil }, "b a"},
		{"one record with it", func() error { _, err := s.Apply(ctx, full, Batch{Put: []Record{simple("c", 3)}}); return err }, "c b a"},
		{"a pass with it", func() error { _, err := s.Begin(ctx, full, "p"); return err }, "c b a"},
		{"a step of it", func() error {
			_, err := s.Apply(ctx, full, Batch{Pass: "p", Put: []Record{simple("a", 1)}})
			return err
		}, "c b a"},
		{"the end of it", func() error {
			if _, err := s.Apply(ctx, full, Batch{Pass: "p", Put: []Record{simple("b", 2), simple("c", 3)}}); err != nil {
				return err
			}
			_, err := s.End(ctx, full, "p", clock())
			return err
		}, "c b a"},
		{"a pass with an old record in it", func() error {
			if _, err := s.Begin(ctx, full, "p2"); err != nil {
				return err
			}
			if _, err := s.Apply(ctx, bare, Batch{Put: []Record{simple("b", 2)}}); err != nil {
				return err
			}
			if _, err := s.Apply(ctx, full, Batch{Pass: "p2", Put: []Record{simple("a", 1), simple("c", 3)}}); err != nil {
				return err
			}
			_, err := s.End(ctx, full, "p2", clock())
			return err
		}, "c b a"},
	} {
		must(t, step.do())
		for name, at := range map[string]Target{"bare": bare, "full": full} {
			if got := search(at); got != step.want {
				t.Errorf("after %s: the %s declaration finds %q, want %q", step.name, name, got, step.want)
			}
		}
	}
}

// testRemoval: what is removed is found no more, and what is beside it is.
func testRemoval(t *testing.T, s Store, workspace string) {
	ctx := t.Context()
	a, b, c := target(workspace), target(workspace), target(workspace)
	b.Entity, c.Connection = "others", "c2"
	for i, at := range []Target{a, b, c} {
		ok(s.Apply(ctx, at, Batch{Put: []Record{simple(fmt.Sprint("r", i), i)}}))(t)
	}
	check := func(want string) {
		t.Helper()
		if got := found(t, s, a) + "," + found(t, s, b) + "," + found(t, s, c); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	connections := func(want ...string) {
		t.Helper()
		if got := ok(s.Connections(ctx, workspace))(t); !slices.Equal(got, want) {
			t.Errorf("the connections are %q, want %q", got, want)
		}
	}
	check("r0,r1,r2")
	connections("c1", "c2")
	must(t, s.Remove(ctx, workspace, "c1", "others"))
	check("r0,,r2")
	must(t, s.Remove(ctx, workspace, "c1", "others"))
	must(t, s.Remove(ctx, workspace, "c9", ""))
	check("r0,,r2")
	ok(s.Apply(ctx, b, Batch{Put: []Record{simple("r3", 1)}}))(t)
	check("r0,r3,r2")
	must(t, s.Remove(ctx, workspace, "c1", ""))
	check(",,r2")
	connections("c2")
	must(t, s.Remove(ctx, workspace, "", ""))
	must(t, s.Remove(ctx, workspace, "", ""))
	check(",,")
	connections()
	ok(s.Apply(ctx, a, Batch{Put: []Record{simple("r4", 1)}}))(t)
	check("r4,,")
	if state := ok(s.State(ctx, a))(t); state.Count != 1 || state.Complete {
		t.Errorf("%+v", state)
	}
}

// testRoom: a step after which a connection has more copies than it may have changes nothing, and one that takes nothing more is
// taken.
func testRoom(t *testing.T, s Store, workspace string) {
	ctx, at := t.Context(), target(workspace)
	other, elsewhere := at, at
	other.Entity, elsewhere.Connection = "others", "c2"
	long := Record{Key: "long", JSON: fmt.Appendf(nil, `{"id":"long","name":%q}`, strings.Repeat("x", 600))}
	bytes := func(records ...Record) (n int64) {
		for _, r := range records {
			n += int64(len(r.JSON))
		}
		return n
	}
	switch one := s.(type) {
	case *Files:
		one.room = room{4, 1000}
	case *Tables:
		s = &Tables{db: one.db, now: one.now, room: room{4, 1000}}
	}
	expect := func(step string, at Target, b Batch, full bool, count int, size int64) {
		t.Helper()
		if _, err := s.Apply(ctx, at, b); errors.Is(err, ErrFull) != full || !full && err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		if state := ok(s.State(ctx, at))(t); state.Count != count || state.Bytes != size {
			t.Errorf("%s: %d records of %d bytes, want %d of %d", step, state.Count, state.Bytes, count, size)
		}
	}
	a, b, c, d := simple("a", 1), simple("b", 2), simple("c", 3), simple("d", 4)
	expect("three", at, Batch{Put: []Record{a, b, c}}, false, 3, bytes(a, b, c))
	expect("two of another entity", other, Batch{Put: []Record{a, b}}, true, 0, 0)
	expect("one of another entity", other, Batch{Put: []Record{d}}, false, 1, bytes(d))
	expect("one more", at, Batch{Put: []Record{d}}, true, 3, bytes(a, b, c))
	expect("another connection", elsewhere, Batch{Put: []Record{a, b, c, d}}, false, 4, bytes(a, b, c, d))
	a = simple("a", 50) // another one of the same key
	expect("a change", at, Batch{Put: []Record{a}}, false, 3, bytes(a, b, c))
	expect("one for one", at, Batch{Put: []Record{long}, Remove: []string{"b"}}, false, 3, bytes(a, c, long))
	long2 := long
	long2.Key, long2.JSON = "long2", fmt.Appendf(nil, `{"id":"long2","name":%q}`, strings.Repeat("x", 600))
	expect("too many bytes", at, Batch{Put: []Record{long2}, Remove: []string{"a"}}, true, 3, bytes(a, c, long))
	expect("less", at, Batch{Remove: []string{"c", "none"}}, false, 2, bytes(a, long))

	// A full pass counts anew, also what an older program did not count.
	ok(s.Begin(ctx, at, "p"))(t)
	expect("a pass", at, Batch{Pass: "p", Put: []Record{a}}, false, 2, bytes(a, long))
	if one, is := s.(*Tables); is {
		ok(one.db.ExecContext(ctx, "UPDATE context_entity SET bytes = -50 WHERE workspace = $1", workspace))(t)
		if state := ok(s.State(ctx, at))(t); state.Bytes != 0 {
			t.Errorf("%d bytes", state.Bytes)
		}
	}
	ok(s.End(ctx, at, "p", clock()))(t)
	if state := ok(s.State(ctx, at))(t); state.Count != 1 || state.Bytes != bytes(a) {
		t.Errorf("after a pass: %d records of %d bytes", state.Count, state.Bytes)
	}
}
