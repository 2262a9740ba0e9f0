package contextstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// conn is a connection to a file. One goroutine uses it at a time.
type conn struct {
	db         *sqlite3.Conn
	main       *mainFile
	statements map[string]*sqlite3.Stmt
	// vocabularies are the slots whose words a search has asked for.
	vocabularies map[int64]bool
	broken       bool // it panicked, as the driver does where memory ends
}

// mostStatements is how many prepared statements a connection keeps.
const mostStatements = 128

// connect opens a file by the file system of a name. The pragmas are statements that begin with PRAGMA.
func connect(path, system, pragmas string) (c *conn, err error) {
	c = &conn{statements: make(map[string]*sqlite3.Stmt), vocabularies: make(map[int64]bool)}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	err = c.guarded(func() (err error) {
		name := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: "vfs=" + system}
		if c.db, err = sqlite3.OpenFlags(name.String(), sqlite3.OPEN_READWRITE|sqlite3.OPEN_NOFOLLOW|sqlite3.OPEN_URI); err != nil {
			return err
		}
		opened, err := c.db.FileControl("main", sqlite3.FCNTL_FILE_POINTER)
		if err != nil {
			return err
		}
		one, _ := opened.(vfs.File)
		if c.main, _ = vfsutil.UnwrapFile[*mainFile](one); c.main == nil {
			return errors.New("the copies were opened by another file system")
		}
		if err := fts5.Register(c.db); err != nil {
			return err
		}
		if err := c.leave(true); err != nil { // until the log is known to belong to the file
			return err
		}
		if err := c.db.BusyTimeout(busyTime); err != nil {
			return err
		}
		return c.db.Exec("PRAGMA trusted_schema=0; PRAGMA cell_size_check=1; PRAGMA temp_store=2;" + pragmas)
	})
	return c, err
}

// moved reports whether the file is no more where it was opened: another process has removed it.
func (c *conn) moved() bool {
	moved, err := c.main.HasMoved()
	return moved || err != nil
}

// leave says whether close leaves the log where it is, or puts it into the file if nobody else has it open.
func (c *conn) leave(log bool) error {
	return c.guarded(func() error {
		_, err := c.db.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, log)
		return err
	})
}

// number reads a pragma.
func (c *conn) number(pragma string) (n int64, err error) {
	_, err = c.one(func(s *sqlite3.Stmt) { n = s.ColumnInt64(0) }, "PRAGMA "+pragma)
	return n, err
}

// change runs f in a transaction that changes the file.
func (c *conn) change(ctx context.Context, f func() error) error {
	defer func() { c.main.end = math.MaxInt64 }()
	return c.transaction(ctx, "BEGIN IMMEDIATE", func() error {
		pages, err := c.number("page_count")
		if err != nil {
			return err
		}
		c.main.end = pages * pageBytes
		if err := f(); err != nil {
			return err
		}
		return c.step()
	})
}

// step numbers the state that a transaction makes, so that a file and the log of another state of it are told apart.
func (c *conn) step() error {
	state, err := c.number("user_version")
	if err != nil {
		return err
	}
	return c.db.Exec(fmt.Sprintf("PRAGMA user_version=%d", int32(uint32(state)+1)))
}

// matches reports whether the log belongs to the file: it goes on where the file is, or the file has a part of it.
// Nobody writes in the meantime. Used says that SQLite has found states in the log.
func (c *conn) matches(used bool) (bool, error) {
	last, err := c.number("user_version")
	if err != nil {
		return false, err
	}
	base, needs, err := c.main.state()
	if err != nil || c.main.log == nil || base == uint32(last) && !needs {
		return err == nil && base == uint32(last) && !needs, err
	}
	first, found, err := c.main.log.first()
	from := first - 1
	return used && found && base-from <= uint32(last)-from, err
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
