package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/fault"
)

// queryTimeout bounds a transaction, and a statement outside of one.
const queryTimeout = 15 * time.Second

// session runs statements by their names: in a transaction, or each on its own.
type session struct {
	ctx context.Context
	s   *Store
	db  interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}
	// notices are what others hear if the transaction is committed; nil outside of one.
	notices *[]string
}

// row is what a function scans.
type row interface{ Scan(into ...any) error }

// retries is how often a transaction is tried that another one made fail.
const retries = 5

// lockTries is how often one is tried that waits for another one.
const lockTries = 3

// write runs f in a transaction, which is committed if f returns nil. It may call f again, so f
// must not leave anything behind.
func (s *Store) write(ctx context.Context, f func(session) error) error {
	ctx, cancel := s.within(ctx)
	defer cancel()
	for i := 0; ; i++ {
		committing, err := s.transact(ctx, f)
		if err == nil || i == retries || !s.again(ctx, err, committing, i+1) {
			return s.named(ctx, err)
		}
	}
}

// writeOne runs f, which runs one statement, without the cost of a transaction around it. It may call f
// again after a statement that was perhaps carried out: f is told so.
func (s *Store) writeOne(ctx context.Context, f func(t session, again bool) error) (err error) {
	ctx, cancel := s.within(ctx)
	defer cancel()
	began := time.Now()
	defer func() { s.observer.Transaction(time.Since(began), err == nil) }()
	for i := 0; ; i++ {
		err := f(session{ctx, s, s.writer, nil}, i > 0)
		if err == nil || i == retries || !s.again(ctx, err, false, i+1) {
			return s.named(ctx, err)
		}
	}
}

// has reports whether the database has a statement.
func (s *Store) has(name string) bool { return s.queries[name] != "" }

// again reports whether a transaction that failed may be tried again, after so many times: it did nothing.
func (s *Store) again(ctx context.Context, err error, committing bool, tried int) bool {
	switch s.dialect.problem(err) {
	case again:
		return true
	case locked:
		return tried < lockTries
	case moved: // by another process
		return s.readSchema(ctx) == nil
	case gone: // perhaps all idle connections, as after a restart of the database
		s.health.failed()
		s.flush()
		return !committing
	}
	return false
}

// transact runs f in a transaction. After an error, it may be done all the same if it was committing.
func (s *Store) transact(ctx context.Context, f func(session) error) (committing bool, err error) {
	began := time.Now()
	defer func() { s.observer.Transaction(time.Since(began), err == nil) }()
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	var notices []string
	if err = f(session{ctx, s, tx, &notices}); err != nil {
		if undo := tx.Rollback(); undo != nil && !errors.Is(undo, sql.ErrTxDone) {
			return false, fmt.Errorf("%w (and rolling back: %w)", err, undo)
		}
		return false, err
	}
	return true, s.told.commit(tx, notices)
}

// named makes the errors of the database those of this package.
func (s *Store) named(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(context.Cause(ctx), ErrAway):
		return awayError(err)
	case ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ctx.Err())):
		return fault.EndedWith(ctx, "the call ended while it waited for the database")
	}
	switch s.dialect.problem(err) {
	case duplicate:
		return ErrExists
	case missing:
		return ErrNone
	case gone, slow, locked:
		return awayError(err)
	}
	return err
}

// named is [Store.named] with the context of the session.
func (t session) named(err error) error { return t.s.named(t.ctx, err) }

func (t session) statement(name string, args []any) (string, error) {
	text, ok := t.s.text(name)
	if !ok {
		return "", fmt.Errorf("there is no statement %s", name)
	}
	// What no database stores as text is nobody's name. PostgreSQL would refuse the statement.
	unstorable := func(text string) bool { return strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) }
	for _, a := range args {
		switch v := a.(type) {
		case string:
			if unstorable(v) {
				return "", ErrNone
			}
		case []string:
			if slices.ContainsFunc(v, unstorable) {
				return "", ErrNone
			}
		}
	}
	if t.s.onQuery != nil {
		t.s.onQuery(name)
	}
	return text, nil
}

// ran tells of a statement that began at a time.
func (t session) ran(name string, began time.Time) { t.s.observer.Statement(name, time.Since(began)) }

// exec runs a statement, and returns how many rows it changed.
func (t session) exec(name string, args ...any) (int64, error) {
	text, err := t.statement(name, args)
	if err != nil {
		return 0, err
	}
	defer t.ran(name, time.Now())
	result, err := t.db.ExecContext(t.ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// execRows is exec for a statement that inserts count rows.
func (t session) execRows(name string, count int, values ...any) error {
	text, err := t.statement(name, values)
	if err != nil {
		return err
	}
	defer t.ran(name, time.Now())
	_, err = t.db.ExecContext(t.ctx, strings.Replace(text, "{rows}", tuples(t.s.dialect, count, len(values)/count), 1), values...)
	return err
}

// change is exec for a statement that changes one row. The error is [ErrNone] if it changed none.
func (t session) change(name string, args ...any) error {
	n, err := t.exec(name, args...)
	if err == nil && n == 0 {
		return ErrNone
	}
	return err
}

// each calls f for each row of a result.
func (t session) each(name string, f func(row) error, args ...any) (err error) {
	text, err := t.statement(name, args)
	if err != nil {
		return err
	}
	defer t.ran(name, time.Now())
	rows, err := t.db.QueryContext(t.ctx, text, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one returns the row of a result. The error is [ErrNone] if there is none.
func one[T any](t session, scan func(row) (T, error), name string, args ...any) (T, error) {
	var found T
	var n int
	err := t.each(name, func(r row) (err error) {
		n++
		found, err = scan(r)
		return err
	}, args...)
	if err == nil && n == 0 {
		err = ErrNone
	}
	return found, err
}

func scanNumber(r row) (n int64, err error) {
	err = r.Scan(&n)
	return n, err
}

func scanText(r row) (text string, err error) {
	err = r.Scan(&text)
	return text, err
}

// many returns the rows of a result.
func many[T any](t session, scan func(row) (T, error), name string, args ...any) ([]T, error) {
	var found []T
	err := t.each(name, func(r row) error {
		v, err := scan(r)
		if err == nil {
			found = append(found, v)
		}
		return err
	}, args...)
	return found, err
}

// read returns a session for statements that only read, each on its own, and what ends it.
func (s *Store) read(ctx context.Context) (session, context.CancelFunc) {
	ctx, cancel := s.within(ctx)
	return session{ctx, s, s.reader, nil}, cancel
}

// reading calls f with a session of [Store.read], again if only its connection was gone.
func reading[T any](ctx context.Context, s *Store, f func(session) (T, error)) (T, error) {
	t, cancel := s.read(ctx)
	defer cancel()
	for i := 0; ; i++ {
		found, err := f(t)
		if err == nil || i == retries || !s.again(t.ctx, err, false, i+1) { //nolint:contextcheck // it is that of the session
			return found, t.named(err)
		}
	}
}

// readOne reads one row outside of a transaction.
func readOne[T any](ctx context.Context, s *Store, scan func(row) (T, error), name string, args ...any) (T, error) {
	return reading(ctx, s, func(t session) (T, error) { return one(t, scan, name, args...) })
}

// readMany reads rows outside of a transaction.
func readMany[T any](ctx context.Context, s *Store, scan func(row) (T, error), name string, args ...any) ([]T, error) {
	return reading(ctx, s, func(t session) ([]T, error) { return many(t, scan, name, args...) })
}

// Page asks for a part of a list.
type Page struct {
	// After is the id of the last one that the caller has; empty for the first page.
	After string
	// Limit is how many to return, at most [MaxPage]; as many if 0.
	Limit int
}

// MaxPage is the length of the longest page.
const MaxPage = 1000

func (p Page) limit() int {
	if p.Limit <= 0 || p.Limit > MaxPage {
		return MaxPage
	}
	return p.Limit
}

// maxName is the length of the longest name in bytes.
const maxName = 255

// checkName checks the name of something.
func checkName(field, name string) error {
	switch {
	case name == "":
		return fault.Invalid(field, "the name is empty", "give it a name of 1 to 255 bytes")
	case len(name) > maxName:
		return fault.Invalid(field, fmt.Sprintf("the name has %d bytes", len(name)), "use at most 255")
	case !utf8.ValidString(name):
		return fault.Invalid(field, "the name is not valid UTF-8", "use text in UTF-8")
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) }):
		return fault.Invalid(field, "the name has a character that nobody sees, or that turns the direction of text", "use printable characters")
	}
	return nil
}

// checkText checks a text that others chose.
func checkText(field, text string, most int) error {
	switch {
	case len(text) > most:
		return fault.Invalid(field, fmt.Sprintf("it has %d bytes", len(text)), fmt.Sprintf("use at most %d", most))
	case !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0:
		return fault.Invalid(field, "it is not valid UTF-8, or it has a zero byte", "use text in UTF-8")
	}
	return nil
}
