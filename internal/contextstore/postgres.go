package contextstore

import (
	"bytes"
	"context"
	"database/sql"
	_ "embed" // the schema
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/agenthost/agenthost/internal/fault"
)

//go:embed schema/postgres.sql
var postgresSchema string

// PostgresSchema returns the tables of [Tables], as a step of the server's schema that only adds. They
// need no extension of PostgreSQL.
func PostgresSchema() string { return postgresSchema }

// PostgresBytes is the step after that: it counts the bytes of copies.
const PostgresBytes = "ALTER TABLE context_entity ADD COLUMN bytes BIGINT NOT NULL DEFAULT 0;"

// Tables are copies in tables of PostgreSQL, which several servers may use.
type Tables struct {
	db   *sql.DB
	now  func() time.Time
	room room // of a connection
}

var _ Store = (*Tables)(nil)

// OpenTables returns the copies in a database that has the tables of PostgresSchema. Its driver is
// pgx: arrays are handed to it as slices. The database stays the caller's.
func OpenTables(db *sql.DB, now func() time.Time) *Tables {
	return &Tables{db: db, now: now, room: roomy()}
}

// Close implements [Store].
func (p *Tables) Close() error { return nil }

// transaction runs do in a transaction, again if another one was in its way.
func (p *Tables) transaction(ctx context.Context, o *sql.TxOptions, do func(*sql.Tx) error) error {
	tx, err := p.db.BeginTx(ctx, o)
	if err != nil {
		return ofContext(ctx, err)
	}
	if err := do(tx); err != nil {
		return errors.Join(ofContext(ctx, err), rollback(tx))
	}
	return ofContext(ctx, tx.Commit())
}

func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

// ofContext is the error of a call that its context has ended, and otherwise err.
func ofContext(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return fault.Ended(ctx)
	}
	return err
}

// find reads the row of an entity, nil if there is none.
func find(ctx context.Context, tx *sql.Tx, t Target, lock string) (*entity, error) {
	e := &entity{}
	var complete int64
	err := tx.QueryRowContext(ctx, "SELECT "+entityColumns+" FROM context_entity WHERE workspace = $1 AND connection = $2 AND entity = $3"+lock, t.Workspace, t.Connection, t.Entity).
		Scan(&e.slot, &e.spec, &e.number, &e.pass, &e.passSpec, &e.cursor, &e.synced, &complete, &e.count, &e.bytes)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	e.complete = complete != 0
	return e, err
}

// change runs do in a transaction, with an entity that it may change and nobody else has.
func (p *Tables) change(ctx context.Context, t Target, do func(*sql.Tx, *entity) error) (state *State, err error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	err = p.transaction(ctx, nil, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO context_entity (workspace, connection, entity, spec) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", t.Workspace, t.Connection, t.Entity, spec(t.Fields)); err != nil {
			return err
		}
		e, err := find(ctx, tx, t, " FOR UPDATE")
		if err != nil {
			return err
		}
		if e == nil {
			return fmt.Errorf("the copies of %s were removed in the meantime", t.Entity)
		}
		if err := do(tx, e); err != nil {
			return err
		}
		complete := int64(0)
		if e.complete {
			complete = 1
		}
		state = e.state()
		_, err = tx.ExecContext(ctx, "UPDATE context_entity SET spec = $2, number = $3, pass = $4, pass_spec = $5, cursor = $6, synced = $7, complete = $8, count = $9, bytes = $10 WHERE slot = $1",
			e.slot, e.spec, e.number, e.pass, e.passSpec, e.cursor, e.synced, complete, e.count, e.bytes)
		return err
	})
	return state, err
}

// patient lets the statements of a transaction take as long as their context: they may be about a million rows.
func patient(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "SET LOCAL statement_timeout = 0")
	return err
}

// Begin implements [Store].
func (p *Tables) Begin(ctx context.Context, t Target, pass string) (*State, error) {
	return p.change(ctx, t, func(_ *sql.Tx, e *entity) error { return e.begin(t, pass) })
}

// End implements [Store].
func (p *Tables) End(ctx context.Context, t Target, pass string, at time.Time) (*State, error) {
	removed := int64(0)
	state, err := p.change(ctx, t, func(tx *sql.Tx, e *entity) error {
		if err := e.end(pass, at); err != nil {
			return err
		}
		if err := patient(ctx, tx); err != nil {
			return err
		}
		r, err := tx.ExecContext(ctx, "DELETE FROM context_record WHERE slot = $1 AND seen < $2", e.slot, e.number)
		if err != nil {
			return err
		}
		if removed, err = r.RowsAffected(); err != nil {
			return err
		}
		// An older program beside this one does not count bytes.
		return tx.QueryRowContext(ctx, "SELECT COUNT(*), COALESCE(SUM(octet_length(record)), 0) FROM context_record WHERE slot = $1", e.slot).Scan(&e.count, &e.bytes)
	})
	if err == nil {
		state.Removed = int(removed)
	}
	return state, err
}

// Apply implements [Store].
func (p *Tables) Apply(ctx context.Context, t Target, b Batch) (*State, error) {
	terms := query.NewIndexer(t.Fields)
	if err := b.check(terms); err != nil {
		return nil, err
	}
	var s step
	state, err := p.change(ctx, t, func(tx *sql.Tx, e *entity) error {
		before := *e
		renewed, err := e.enter(t, b)
		if err != nil {
			return err
		}
		s = step{tx: tx, e: e, terms: terms}
		if err := s.run(ctx, b, p.now(), renewed); err != nil {
			return err
		}
		var others room
		if err := tx.QueryRowContext(ctx, "SELECT COALESCE(SUM(count), 0)::bigint, COALESCE(SUM(bytes), 0)::bigint FROM context_entity WHERE workspace = $1 AND connection = $2 AND slot <> $3", t.Workspace, t.Connection, e.slot).
			Scan(&others.records, &others.bytes); err != nil {
			return err
		}
		return p.room.grows(&before, e, others)
	})
	if err == nil {
		state.Changed, state.Removed = s.changed, s.removed
	}
	return state, err
}

// step writes the records of a step, with a few statements for all of them.
type step struct {
	tx    *sql.Tx
	e     *entity
	terms *query.Indexer

	gone, touched []int64
	new           struct {
		ids, updated []int64
		keys, terms  []string
		records      [][]byte
	}
	changed, removed int
}

func (s *step) run(ctx context.Context, b Batch, now time.Time, renewed bool) error {
	old, err := s.old(ctx, b)
	if err != nil {
		return err
	}
	newest, err := s.newest(ctx, b, now)
	if err != nil {
		return err
	}
	ids := newIDs{next: make(map[int64]int64), newest: func(from, _ int64) (int64, bool, error) {
		id, found := newest[idSecond(from)]
		return id, found, nil
	}}
	for _, r := range b.Put {
		there := old[r.Key]
		what, updated := becomes(r, there, now, renewed)
		if what == touched {
			s.touched = append(s.touched, there.id)
			continue
		}
		s.changed++
		var id int64
		s.e.bytes += int64(len(r.JSON))
		if there == nil {
			s.e.count++
		} else {
			s.gone = append(s.gone, there.id)
			s.e.bytes -= there.bytes
			id = there.id
		}
		if what == moved {
			if id, err = ids.take(updated); err != nil {
				return err
			}
		}
		old[r.Key] = &row{id: id, bytes: int64(len(r.JSON))}
		s.new.ids, s.new.updated, s.new.keys = append(s.new.ids, id), append(s.new.updated, updated), append(s.new.keys, r.Key)
		s.new.records, s.new.terms = append(s.new.records, r.JSON), append(s.new.terms, vector(prefix(s.e.slot), s.terms.Terms(r.JSON)))
	}
	if err := s.write(ctx); err != nil {
		return err
	}
	if len(b.Remove) == 0 {
		return nil
	}
	n, size := int64(0), int64(0)
	err = s.tx.QueryRowContext(ctx, "WITH gone AS (DELETE FROM context_record WHERE slot = $1 AND key = ANY($2) RETURNING octet_length(record) AS n) SELECT COUNT(*), COALESCE(SUM(n), 0) FROM gone", s.e.slot, b.Remove).Scan(&n, &size)
	s.removed = int(n)
	s.e.count -= n
	s.e.bytes -= size
	return err
}

// old reads the rows that the step's records have already.
func (s *step) old(ctx context.Context, b Batch) (_ map[string]*row, err error) {
	found := make(map[string]*row, len(b.Put))
	put := make(map[string][]byte, len(b.Put))
	keys := make([]string, len(b.Put))
	for i, r := range b.Put {
		put[r.Key], keys[i] = r.JSON, r.Key
	}
	if s.e.count == 0 || len(keys) == 0 {
		return found, nil
	}
	rows, err := s.tx.QueryContext(ctx, "SELECT key, id, updated, record FROM context_record WHERE slot = $1 AND key = ANY($2)", s.e.slot, keys)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var key string
		var r row
		var record sql.RawBytes
		if err := rows.Scan(&key, &r.id, &r.updated, &record); err != nil {
			return nil, err
		}
		r.same, r.bytes = bytes.Equal(record, put[key]), int64(len(record))
		found[key] = &r
	}
	return found, rows.Err()
}

// newest reads the newest id of each second that the step's records may be in.
func (s *step) newest(ctx context.Context, b Batch, now time.Time) (_ map[int64]int64, err error) {
	found := make(map[int64]int64)
	var seconds []int64
	for _, r := range b.Put {
		_, updated := becomes(r, nil, now, false)
		if _, known := found[secondOf(updated)]; !known {
			found[secondOf(updated)] = 0
			seconds = append(seconds, secondOf(updated))
		}
	}
	clear(found)
	if s.e.count == 0 || len(seconds) == 0 {
		return found, nil
	}
	rows, err := s.tx.QueryContext(ctx, "SELECT s, r.id FROM unnest($2::bigint[]) AS s, LATERAL (SELECT id FROM context_record WHERE slot = $1 AND id BETWEEN s << $3::int AND (s << $3::int) | $4::bigint ORDER BY id DESC LIMIT 1) AS r", s.e.slot, seconds, sameSecond, int64(1)<<sameSecond-1)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var second, id int64
		if err := rows.Scan(&second, &id); err != nil {
			return nil, err
		}
		found[second] = id
	}
	return found, rows.Err()
}

func (s *step) write(ctx context.Context) error {
	if len(s.touched) > 0 {
		if _, err := s.tx.ExecContext(ctx, "UPDATE context_record SET seen = $2 WHERE slot = $1 AND id = ANY($3) AND seen <> $2", s.e.slot, s.e.number, s.touched); err != nil {
			return err
		}
	}
	if len(s.gone) > 0 {
		if _, err := s.tx.ExecContext(ctx, "DELETE FROM context_record WHERE slot = $1 AND id = ANY($2)", s.e.slot, s.gone); err != nil {
			return err
		}
	}
	if len(s.new.ids) == 0 {
		return nil
	}
	_, err := s.tx.ExecContext(ctx, "INSERT INTO context_record (slot, id, key, updated, seen, record, terms) SELECT $1, id, key, updated, $2, record, terms::tsvector FROM unnest($3::bigint[], $4::text[], $5::bigint[], $6::bytea[], $7::text[]) AS n (id, key, updated, record, terms)",
		s.e.slot, s.e.number, s.new.ids, s.new.keys, s.new.updated, s.new.records, s.new.terms)
	return err
}

// prefix is what the terms of an entity begin with.
func prefix(slot int64) string { return strconv.FormatInt(slot, 36) + "." }

// vector writes terms as PostgreSQL reads a tsvector.
func vector(prefix string, terms []string) string {
	var b strings.Builder
	for _, t := range terms {
		b.WriteString("'" + prefix + t + "' ")
	}
	return b.String()
}

// Remove implements [Store].
func (p *Tables) Remove(ctx context.Context, workspace, connection, name string) error {
	return p.transaction(ctx, nil, func(tx *sql.Tx) (err error) {
		if err := patient(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, "DELETE FROM context_entity WHERE workspace = $1 AND ($2 = '' OR connection = $2 AND ($3 = '' OR entity = $3)) RETURNING slot", workspace, connection, name)
		if err != nil {
			return err
		}
		var slots []int64
		for rows.Next() {
			var slot int64
			if err = rows.Scan(&slot); err != nil {
				break
			}
			slots = append(slots, slot)
		}
		if err = errors.Join(err, rows.Err(), rows.Close()); err != nil || len(slots) == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM context_record WHERE slot = ANY($1)", slots)
		return err
	})
}
