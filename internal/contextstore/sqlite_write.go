package contextstore

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/ncruces/go-sqlite3"
)

// entity is what a database has of an entity.
type entity struct {
	slot     int64
	spec     string // of the terms of all its records; empty if they have several
	number   int64  // of the newest pass, which its records were seen in
	pass     string
	passSpec string // of the terms of all that the pass has seen
	cursor   string
	synced   int64
	complete bool
	count    int64
	bytes    int64 // of the records
	stale    int64 // records that are gone, or other ones now, and whose words are perhaps in the index; in files only
}

func (e *entity) state() *State {
	return &State{Synced: instant(e.synced), Complete: e.complete, Count: int(e.count), Bytes: max(e.bytes, 0), Pass: e.pass, Cursor: e.cursor}
}

const entityColumns = "slot, spec, number, pass, pass_spec, cursor, synced, complete, count, bytes"

// entity reads the row of an entity, nil if there is none.
func (c *conn) entity(t Target) (e *entity, err error) {
	_, err = c.one(func(s *sqlite3.Stmt) {
		e = &entity{
			slot: s.ColumnInt64(0), spec: s.ColumnText(1), number: s.ColumnInt64(2), pass: s.ColumnText(3), passSpec: s.ColumnText(4),
			cursor: s.ColumnText(5), synced: s.ColumnInt64(6), complete: s.ColumnInt64(7) != 0, count: s.ColumnInt64(8), bytes: s.ColumnInt64(9), stale: s.ColumnInt64(10),
		}
	}, "SELECT "+entityColumns+", stale FROM entity WHERE connection = ?1 AND entity = ?2", t.Connection, t.Entity)
	return e, err
}

// made is entity, and makes the tables of a new one. Each entity has its own, so that no search of
// one can see another one, and so that all of its bytes go with them.
func (c *conn) made(t Target) (*entity, error) {
	e, err := c.entity(t)
	if e != nil || err != nil {
		return e, err
	}
	if err := c.exec("INSERT INTO entity (connection, entity, spec, number, pass, pass_spec, cursor, synced, complete, count, bytes, stale) VALUES (?1, ?2, ?3, 0, '', '', '', 0, 0, 0, 0, 0)", t.Connection, t.Entity, spec(t.Fields)); err != nil {
		return nil, err
	}
	if e, err = c.entity(t); err != nil {
		return nil, err
	}
	return e, c.db.Exec(named(e.slot, `CREATE TABLE rN (place INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, updated INTEGER NOT NULL, seen INTEGER NOT NULL, record BLOB NOT NULL) STRICT;
CREATE VIRTUAL TABLE fN USING fts5(terms, content='', contentless_delete=1, detail=none, tokenize='ascii')`))
}

// named writes a statement on the tables rN and fN of an entity.
func named(slot int64, sql string) string {
	n := fmt.Sprint(slot)
	return strings.NewReplacer("rN", "r"+n, "fN", "f"+n).Replace(sql)
}

func (c *conn) save(e *entity) error {
	complete := int64(0)
	if e.complete {
		complete = 1
	}
	return c.exec("UPDATE entity SET spec = ?2, number = ?3, pass = ?4, pass_spec = ?5, cursor = ?6, synced = ?7, complete = ?8, count = ?9, bytes = ?10, stale = ?11 WHERE slot = ?1",
		e.slot, e.spec, e.number, e.pass, e.passSpec, e.cursor, e.synced, complete, e.count, e.bytes, e.stale)
}

// Begin implements [Store].
func (f *Files) Begin(ctx context.Context, t Target, pass string) (state *State, err error) {
	return f.change(ctx, t, func(_ *conn, e *entity) error { return e.begin(t, pass) })
}

// Apply implements [Store].
func (f *Files) Apply(ctx context.Context, t Target, b Batch) (state *State, err error) {
	terms := query.NewIndexer(t.Fields)
	if err := b.check(terms); err != nil {
		return nil, err
	}
	changed, removed := 0, 0
	state, err = f.change(ctx, t, func(c *conn, e *entity) error {
		before := *e
		renewed, err := e.enter(t, b)
		if err != nil {
			return err
		}
		w := &writer{c: c, e: e, renewed: renewed, now: f.now(), terms: terms}
		w.ids = newIDs{next: make(map[int64]int64), newest: w.newest}
		for _, r := range b.Put {
			if err := w.put(r); err != nil {
				return err
			}
		}
		if err := w.write(); err != nil {
			return err
		}
		for _, key := range b.Remove {
			if err := w.remove(key); err != nil {
				return err
			}
		}
		if err := w.write(); err != nil {
			return err
		}
		changed, removed = w.changed, w.removed
		others, err := c.others(t, e)
		if err != nil {
			return err
		}
		return f.room.grows(&before, e, others)
	})
	if err == nil {
		state.Changed, state.Removed = changed, removed
	}
	return state, err
}

// End implements [Store].
func (f *Files) End(ctx context.Context, t Target, pass string, at time.Time) (state *State, err error) {
	removed := 0
	state, err = f.change(ctx, t, func(c *conn, e *entity) error {
		if err := e.end(pass, at); err != nil {
			return err
		}
		w := &writer{c: c, e: e}
		if err := c.query(func(s *sqlite3.Stmt) (bool, error) {
			w.gone = append(w.gone, newestID-s.ColumnInt64(0))
			return true, nil
		}, named(e.slot, "SELECT place FROM rN WHERE seen < ?1"), e.number); err != nil {
			return err
		}
		removed = len(w.gone)
		if err := w.write(); err != nil {
			return err
		}
		_, err := c.one(func(s *sqlite3.Stmt) { e.count, e.bytes = s.ColumnInt64(0), s.ColumnInt64(1) }, named(e.slot, "SELECT COUNT(*), COALESCE(SUM(LENGTH(record)), 0) FROM rN"))
		return err
	})
	if err != nil {
		return nil, err
	}
	state.Removed = removed
	return state, f.tidy(ctx, t)
}

// change runs do in a transaction, with an entity that it may change.
func (f *Files) change(ctx context.Context, t Target, do func(*conn, *entity) error) (state *State, err error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	err = f.with(ctx, t.Workspace, func(one *file) error {
		return one.write(ctx, true, func(c *conn) error {
			e, err := c.made(t)
			if err != nil {
				return err
			}
			if err := do(c, e); err != nil {
				return err
			}
			state = e.state()
			return c.save(e)
		})
	})
	return state, interrupted(ctx, err)
}

// others is what the other entities of a connection have.
func (c *conn) others(t Target, e *entity) (all room, err error) {
	_, err = c.one(func(s *sqlite3.Stmt) { all = room{s.ColumnInt64(0), s.ColumnInt64(1)} }, "SELECT COALESCE(SUM(count), 0), COALESCE(SUM(bytes), 0) FROM entity WHERE connection = ?1 AND slot <> ?2", t.Connection, e.slot)
	return all, err
}

// writer writes the records of a step. In a file, the place of a record is the reverse of its id, so that the
// newest records are the first ones: an index of SQLite is read faster forwards.
type writer struct {
	c       *conn
	e       *entity
	renewed bool
	now     time.Time
	terms   *query.Indexer
	ids     newIDs

	gone             []int64 // ids
	new              []newRow
	changed, removed int
}

type newRow struct {
	Record
	id, updated int64
}

func (w *writer) newest(from, to int64) (id int64, found bool, err error) {
	found, err = w.c.one(func(s *sqlite3.Stmt) { id = newestID - s.ColumnInt64(0) }, named(w.e.slot, "SELECT place FROM rN WHERE place BETWEEN ?1 AND ?2 ORDER BY place LIMIT 1"), newestID-to, newestID-from)
	return id, found, err
}

func (w *writer) put(r Record) error {
	var old *row
	seen := int64(0)
	if _, err := w.c.one(func(s *sqlite3.Stmt) {
		there := s.ColumnRawBlob(3)
		old = &row{id: newestID - s.ColumnInt64(0), updated: s.ColumnInt64(1), same: bytes.Equal(there, r.JSON), bytes: int64(len(there))}
		seen = s.ColumnInt64(2)
	}, named(w.e.slot, "SELECT place, updated, seen, record FROM rN WHERE key = ?1"), r.Key); err != nil {
		return err
	}
	what, updated := becomes(r, old, w.now, w.renewed)
	if what == touched {
		if seen == w.e.number {
			return nil
		}
		return w.c.exec(named(w.e.slot, "UPDATE rN SET seen = ?2 WHERE place = ?1"), newestID-old.id, w.e.number)
	}
	w.changed++
	one := newRow{Record: r, updated: updated}
	w.e.bytes += int64(len(r.JSON))
	if old == nil {
		w.e.count++
	} else {
		w.e.bytes -= old.bytes
		w.gone = append(w.gone, old.id)
		one.id = old.id
	}
	if what == moved {
		var err error
		if one.id, err = w.ids.take(updated); err != nil {
			return err
		}
	}
	w.new = append(w.new, one)
	return nil
}

func (w *writer) remove(key string) error {
	found, err := w.c.one(func(s *sqlite3.Stmt) {
		w.gone = append(w.gone, newestID-s.ColumnInt64(0))
		w.e.bytes -= s.ColumnInt64(1)
	}, named(w.e.slot, "SELECT place, LENGTH(record) FROM rN WHERE key = ?1"), key)
	if found {
		w.removed++
		w.e.count--
	}
	return err
}

// write writes what was collected, in the order of places: in another order, the full-text index would write
// a piece of itself for every record.
func (w *writer) write() error {
	slices.SortFunc(w.gone, func(a, b int64) int { return cmp.Compare(b, a) })
	w.gone = slices.Compact(w.gone)
	w.e.stale += int64(len(w.gone))
	for _, id := range w.gone {
		for _, sql := range []string{"DELETE FROM rN WHERE place = ?1", "DELETE FROM fN WHERE rowid = ?1"} {
			if err := w.c.exec(named(w.e.slot, sql), newestID-id); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(w.new, func(a, b newRow) int { return cmp.Compare(b.id, a.id) })
	for _, r := range w.new {
		if err := w.c.exec(named(w.e.slot, "INSERT INTO rN (place, key, updated, seen, record) VALUES (?1, ?2, ?3, ?4, ?5)"), newestID-r.id, r.Key, r.updated, w.e.number, r.JSON); err != nil {
			return err
		}
		if terms := w.terms.Terms(r.JSON); len(terms) > 0 {
			if err := w.c.exec(named(w.e.slot, "INSERT INTO fN (rowid, terms) VALUES (?1, ?2)"), newestID-r.id, strings.Join(terms, " ")); err != nil {
				return err
			}
		}
	}
	w.gone, w.new = w.gone[:0], nil
	return nil
}
