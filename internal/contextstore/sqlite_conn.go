package contextstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"
)

// conn is a connection to a file. One goroutine uses it at a time.
type conn struct {
	db         *sqlite3.Conn
	statements map[string]*sqlite3.Stmt
	broken     bool // it panicked, as the driver does where memory ends
}

// mostStatements is how many prepared statements a connection keeps.
const mostStatements = 128

// connect opens a file. The pragmas are statements that begin with PRAGMA.
func connect(path string, flags sqlite3.OpenFlag, pragmas string) (c *conn, err error) {
	c = &conn{statements: make(map[string]*sqlite3.Stmt)}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	err = c.guarded(func() (err error) {
		if c.db, err = sqlite3.OpenFlags(path, flags|sqlite3.OPEN_NOFOLLOW); err != nil {
			return err
		}
		if err := fts5.Register(c.db); err != nil {
			return err
		}
		return c.db.Exec("PRAGMA busy_timeout=10000; PRAGMA trusted_schema=0; PRAGMA cell_size_check=1; PRAGMA temp_store=2;" + pragmas)
	})
	return c, err
}

// within runs f, which the end of a context interrupts, and makes errors of the driver's panics.
func (c *conn) within(ctx context.Context, f func() error) error {
	return c.guarded(func() error {
		if c.db != nil {
			before := c.db.SetInterrupt(ctx)
			defer c.db.SetInterrupt(before)
		}
		return f()
	})
}

// guarded makes errors of the driver's panics.
func (c *conn) guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.broken = true
			err = fmt.Errorf("SQLite ran out of memory: %v", p)
		}
	}()
	return f()
}

// close closes the connection. A connection that panicked does so once more, and is closed then.
func (c *conn) close() error {
	once := func() error {
		return c.guarded(func() error {
			var err error
			for sql, s := range c.statements {
				err = errors.Join(err, s.Close())
				delete(c.statements, sql)
			}
			if c.db == nil {
				return err
			}
			return errors.Join(err, c.db.Close())
		})
	}
	if broken := c.broken; once() != nil && (broken || c.broken) {
		return once()
	}
	return nil
}

func (c *conn) statement(sql string, args []any) (*sqlite3.Stmt, error) {
	s := c.statements[sql]
	if s == nil {
		if len(c.statements) >= mostStatements {
			for old, s := range c.statements {
				if err := s.Close(); err != nil {
					return nil, err
				}
				delete(c.statements, old)
			}
		}
		var err error
		if s, _, err = c.db.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT); err != nil {
			return nil, err
		}
		c.statements[sql] = s
	}
	for i, arg := range args {
		var err error
		switch arg := arg.(type) {
		case int64:
			err = s.BindInt64(i+1, arg)
		case string:
			err = s.BindText(i+1, arg)
		case []byte:
			err = s.BindBlob(i+1, arg)
		default:
			err = fmt.Errorf("an argument of type %T", arg)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// exec runs a statement that answers no rows.
func (c *conn) exec(sql string, args ...any) error {
	s, err := c.statement(sql, args)
	if err != nil {
		return err
	}
	err = s.Exec()
	return errors.Join(err, s.ClearBindings())
}

// query calls each with the rows of a statement until it returns false.
func (c *conn) query(each func(*sqlite3.Stmt) (bool, error), sql string, args ...any) (err error) {
	s, err := c.statement(sql, args)
	if err != nil {
		return err
	}
	defer func() {
		// The error of a step is also that of the reset after it.
		if reset := s.Reset(); err == nil {
			err = reset
		}
		err = errors.Join(err, s.ClearBindings())
	}()
	for s.Step() {
		more, err := each(s)
		if err == nil {
			err = s.Err() // of reading a column
		}
		if err != nil || !more {
			return err
		}
	}
	return s.Err()
}

// one calls read with the row of a statement, and reports whether there is one.
func (c *conn) one(read func(*sqlite3.Stmt), sql string, args ...any) (found bool, err error) {
	err = c.query(func(s *sqlite3.Stmt) (bool, error) {
		found = true
		read(s)
		return false, nil
	}, sql, args...)
	return found, err
}

// transaction runs f in a transaction, which begin begins.
func (c *conn) transaction(ctx context.Context, begin string, f func() error) error {
	return c.within(ctx, func() error {
		if err := c.exec(begin); err != nil {
			return err
		}
		err := f()
		if err == nil {
			err = c.exec("COMMIT")
		}
		if err != nil && !c.db.GetAutocommit() {
			c.db.SetInterrupt(context.Background()) // or it would end nothing
			err = errors.Join(err, c.exec("ROLLBACK"))
		}
		return err
	})
}
