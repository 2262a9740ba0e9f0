package contextstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/agenthost/agenthost/internal/contextstore/query"
)

// State implements [Store].
func (p *Tables) State(ctx context.Context, t Target) (*State, error) {
	state := &State{}
	err := p.read(ctx, t, func(_ *sql.Tx, e *entity) error {
		state = e.state()
		return nil
	})
	return state, err
}

// read calls do with an entity, if there is one, in a transaction that sees one state of it.
func (p *Tables) read(ctx context.Context, t Target, do func(*sql.Tx, *entity) error) error {
	if err := t.check(); err != nil {
		return err
	}
	return p.transaction(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, func(tx *sql.Tx) error {
		e, err := find(ctx, tx, t, "")
		if err != nil || e == nil {
			return err
		}
		return do(tx, e)
	})
}

// Search implements [Store].
func (p *Tables) Search(ctx context.Context, t Target, q *query.Query) (*Answer, error) {
	w, err := newWalk(t, q)
	if err != nil {
		return nil, err
	}
	state := &State{}
	within, cancel := bounded(ctx)
	defer cancel()
	err = p.read(within, t, func(tx *sql.Tx, e *entity) error {
		state = e.state()
		// A plan that knows the terms is worth more than the time to make it. None reads the whole table, or
		// takes processors from others.
		if _, err := tx.ExecContext(within, "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_seqscan = off; SET LOCAL max_parallel_workers_per_gather = 0"); err != nil {
			return err
		}
		newest, oldest, terms := w.begin(e)
		// The server makes all rows of a statement, so a page without an order of its own asks for a few
		// at first.
		size := w.most + 1
		if !q.Sorted() {
			size = min(size, 4*q.Limit+32)
		}
		for ; ; size = min(8*size, w.most+1) {
			last, n, err := chunk(within, tx, e, terms, w, newest, oldest, size)
			if err != nil || w.over || n < size {
				return err
			}
			newest = last - 1
		}
	})
	if err != nil {
		if e := ended(ctx, within); e != nil {
			return nil, e
		}
		return nil, err
	}
	return w.page(state), nil
}

// chunk walks over some candidates, and returns how many there were, and the id of the last one.
func chunk(ctx context.Context, tx *sql.Tx, e *entity, terms *query.Terms, w *walk, newest, oldest int64, size int) (last int64, n int, err error) {
	condition := ""
	args := []any{e.slot, newest, oldest, size}
	if terms != nil {
		condition = " AND terms @@ $5::tsquery"
		args = append(args, tsquerySyntax().expression(prefix(e.slot), terms))
	}
	statement := "SELECT id, key, updated, record FROM context_record WHERE slot = $1 AND id BETWEEN $3 AND $2" + condition + " ORDER BY id DESC LIMIT $4"
	rows, err := tx.QueryContext(ctx, statement, args...)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var key string
		var updated int64
		var record sql.RawBytes
		if err := rows.Scan(&last, &key, &updated, &record); err != nil {
			return last, n, err
		}
		n++
		if !w.add(last, key, updated, record) {
			return last, n, nil
		}
	}
	return last, n, rows.Err()
}
