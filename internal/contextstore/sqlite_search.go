package contextstore

import (
	"context"
	"errors"

	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/ncruces/go-sqlite3"
)

// State implements [Store].
func (f *Files) State(ctx context.Context, t Target) (*State, error) {
	state := &State{}
	err := f.read(ctx, t, func(_ *conn, e *entity) error {
		state = e.state()
		return nil
	})
	return state, interrupted(ctx, err)
}

// read calls do with an entity, if there is one.
func (f *Files) read(ctx context.Context, t Target, do func(*conn, *entity) error) error {
	if err := t.check(); err != nil {
		return err
	}
	return f.with(ctx, t.Workspace, func(one *file) error {
		if exists, err := one.exists(); err != nil || !exists {
			return err
		}
		return one.read(ctx, func(c *conn) error {
			e, err := c.entity(t)
			if err != nil || e == nil {
				return err
			}
			return do(c, e)
		})
	})
}

// Search implements [Store].
func (f *Files) Search(ctx context.Context, t Target, q *query.Query) (*Answer, error) {
	w, err := newWalk(t, q)
	if err != nil {
		return nil, err
	}
	state := &State{}
	within, cancel := bounded(ctx)
	defer cancel()
	err = f.read(within, t, func(c *conn, e *entity) error {
		state = e.state()
		statement, args, err := c.candidates(e, w)
		if err != nil {
			return err
		}
		return c.query(func(s *sqlite3.Stmt) (bool, error) {
			more := w.add(newestID-s.ColumnInt64(0), s.ColumnText(1), s.ColumnInt64(2), s.ColumnRawBlob(3))
			return more, within.Err()
		}, statement, args...)
	})
	if err != nil {
		if e := ended(ctx, within); e != nil {
			return nil, e
		}
		return nil, err
	}
	return w.page(state), nil
}

// candidates is the statement for the candidates of a search, the newest first.
func (c *conn) candidates(e *entity, w *walk) (string, []any, error) {
	if w.asksForTimes(e) {
		untimed, err := c.one(func(*sqlite3.Stmt) {}, named(e.slot, "SELECT rowid FROM fN WHERE fN MATCH ?1 LIMIT 1"), fts5Syntax().expression("", query.Untimed()))
		if err != nil {
			return "", nil, err
		}
		if !untimed {
			w.selection.Timed()
		}
	}
	newest, oldest, terms := w.begin(e)
	args := []any{newestID - newest, newestID - oldest}
	if terms != nil {
		terms, err := c.spelled(e, terms)
		if err != nil {
			return "", nil, err
		}
		return named(e.slot, "SELECT r.place, r.key, r.updated, r.record FROM fN CROSS JOIN rN AS r ON r.place = fN.rowid WHERE fN MATCH ?3 AND fN.rowid BETWEEN ?1 AND ?2 ORDER BY fN.rowid"),
			append(args, fts5Syntax().expression("", terms)), nil
	}
	return named(e.slot, "SELECT place, key, updated, record FROM rN WHERE place BETWEEN ?1 AND ?2 ORDER BY place"), args, nil
}

// interrupted is the error of a call that its context has ended, and otherwise err.
func interrupted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && errors.Is(err, sqlite3.INTERRUPT) {
		return fault.Ended(ctx)
	}
	return err
}
