package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"
)

// errMemory says that SQLite panicked, which it does where its memory ends.
var errMemory = errors.New("SQLite ran out of memory")

// guarded makes errors of the panics of SQLite's driver, and has database/sql close a connection
// that panicked. Without it, database/sql would keep a lock or the connection forever. Its
// connections keep their statements: to prepare one takes longer than to run it.
type guarded struct{ driver.Connector }

func (g guarded) Connect(ctx context.Context) (c driver.Conn, err error) {
	defer func() { err = recovered(nil, recover(), err) }()
	inner, err := g.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	whole, ok := inner.(sqliteConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver has connections of type %T", inner), inner.Close())
	}
	return &guardedConn{sqliteConn: whole, idle: make(map[string]sqliteStmt)}, nil
}

// sqliteConn is what the driver's connections implement.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
}

// sqliteStmt is what the driver's statements implement.
type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
	driver.NamedValueChecker
	ClearBindings() error
}

// recovered makes an error of a panic of the driver, and returns err if there was none.
func recovered(broken *atomic.Bool, panicked any, err error) error {
	if panicked == nil {
		return err
	}
	if broken != nil {
		broken.Store(true)
	}
	return fmt.Errorf("%w: %v", errMemory, panicked)
}

// closing calls a function that closes something, and calls it again if it panicked: the driver
// panics once more when it closes what ran out of memory, and then closes it.
func closing(broken *atomic.Bool, do func() error) error {
	once := func() (err error) {
		defer func() { err = recovered(broken, recover(), err) }()
		return do()
	}
	err := once()
	if errors.Is(err, errMemory) {
		err = once()
	}
	return err
}

type guardedConn struct {
	sqliteConn
	broken atomic.Bool
	// idle are prepared statements that nobody uses. One goroutine at a time has the connection.
	idle map[string]sqliteStmt
}

// mostIdle is how many statements a connection keeps.
const mostIdle = 256

// IsValid tells database/sql whether to use the connection again.
func (c *guardedConn) IsValid() bool { return !c.broken.Load() }

func (c *guardedConn) Close() error {
	var err error
	for _, s := range c.idle {
		err = errors.Join(err, closing(&c.broken, s.Close))
	}
	return errors.Join(err, closing(&c.broken, c.sqliteConn.Close))
}

func (c *guardedConn) BeginTx(ctx context.Context, o driver.TxOptions) (t driver.Tx, err error) {
	defer func() { err = recovered(&c.broken, recover(), err) }()
	inner, err := c.sqliteConn.BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	return &guardedTx{inner, c}, nil
}

func (c *guardedConn) PrepareContext(ctx context.Context, query string) (s driver.Stmt, err error) {
	defer func() { err = recovered(&c.broken, recover(), err) }()
	if s, ok := c.idle[query]; ok {
		delete(c.idle, query)
		return &guardedStmt{s, c, query}, nil
	}
	inner, err := c.sqliteConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	whole, ok := inner.(sqliteStmt)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver has statements of type %T", inner), inner.Close())
	}
	return &guardedStmt{whole, c, query}, nil
}

func (c *guardedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (r driver.Result, err error) {
	defer func() { err = recovered(&c.broken, recover(), err) }()
	return c.sqliteConn.ExecContext(ctx, query, args)
}

type guardedTx struct {
	driver.Tx
	conn *guardedConn
}

func (t *guardedTx) Commit() (err error) {
	defer func() { err = recovered(&t.conn.broken, recover(), err) }()
	return t.Tx.Commit()
}

func (t *guardedTx) Rollback() error { return closing(&t.conn.broken, t.Tx.Rollback) }

type guardedStmt struct {
	sqliteStmt
	conn  *guardedConn
	query string
}

// Close keeps the statement for the next one who prepares it.
func (s *guardedStmt) Close() error {
	c := s.conn
	if _, twice := c.idle[s.query]; twice || len(c.idle) >= mostIdle || c.broken.Load() || s.ClearBindings() != nil {
		return closing(&c.broken, s.sqliteStmt.Close)
	}
	c.idle[s.query] = s.sqliteStmt
	return nil
}

func (s *guardedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (r driver.Result, err error) {
	defer func() { err = recovered(&s.conn.broken, recover(), err) }()
	return s.sqliteStmt.ExecContext(ctx, args)
}

func (s *guardedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (r driver.Rows, err error) {
	defer func() { err = recovered(&s.conn.broken, recover(), err) }()
	inner, err := s.sqliteStmt.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	return &guardedRows{inner, s.conn}, nil
}

type guardedRows struct {
	driver.Rows
	conn *guardedConn
}

func (r *guardedRows) Close() error { return closing(&r.conn.broken, r.Rows.Close) }

func (r *guardedRows) Next(into []driver.Value) (err error) {
	defer func() { err = recovered(&r.conn.broken, recover(), err) }()
	return r.Rows.Next(into)
}
