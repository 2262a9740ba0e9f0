package contextstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// Bounds of a step of what is removed or tidied. Others write between two steps, and none needs much memory: SQLite keeps
// in memory what a statement that drops a table has changed.
const (
	goneRows  = 2000
	gonePages = 1000 // of SQLite, and of an index
)

// Remove implements [Store]. The file of a workspace goes with its last copies.
func (f *Files) Remove(ctx context.Context, workspace, connection, name string) error {
	if err := (Target{Workspace: workspace, Connection: "c", Entity: "e"}).check(); err != nil {
		return err
	}
	if connection == "" {
		return f.unlink(ctx, workspace)
	}
	last := false
	err := f.with(ctx, workspace, func(one *file) (err error) {
		last, err = one.removeCopies(ctx, connection, name)
		return err
	})
	if errors.Is(err, errNone) { // there is nothing to remove
		return nil
	}
	if err == nil && last {
		return f.unlink(ctx, workspace)
	}
	return interrupted(ctx, err)
}

// removeCopies removes copies, and reports whether they were the last ones. They are found no more after the first step,
// and are overwritten in steps, which whoever opens the file next goes on with.
func (f *file) removeCopies(ctx context.Context, connection, name string) (last bool, err error) {
	gone, left := int64(0), int64(0)
	if err := f.write(ctx, false, func(c *conn) error {
		const of = " FROM entity WHERE connection = ?1 AND (?2 = '' OR entity = ?2)"
		if err := c.exec("INSERT INTO removing SELECT slot"+of, connection, name); err != nil {
			return err
		}
		if c.db.Changes() > 0 {
			if err := errors.Join(c.exec("INSERT OR IGNORE INTO removing VALUES (0)"), c.exec("DELETE"+of, connection, name)); err != nil {
				return err
			}
		}
		if gone, err = c.removing(); err != nil {
			return err
		}
		_, err := c.one(func(s *sqlite3.Stmt) { left = s.ColumnInt64(0) }, "SELECT COUNT(*) FROM entity")
		return err
	}); err != nil || gone == 0 {
		return false, err
	}
	if left == 0 {
		return true, nil
	}
	return false, f.writerDo(ctx, false, func(c *conn) error { return c.purge(ctx) })
}

// removing is how much is being removed.
func (c *conn) removing() (n int64, err error) {
	_, err = c.one(func(s *sqlite3.Stmt) { n = s.ColumnInt64(0) }, "SELECT COUNT(*) FROM removing")
	return n, err
}

// errBusy says that a log keeps what was removed.
var errBusy = errors.New("the copies are removed, and are still in the log of the file: remove them again")

// purge overwrites what was removed, gives its pages back to the disk, and empties the log, which has it too.
func (c *conn) purge(ctx context.Context) error {
	for first := true; ; first = false {
		slot, left := int64(0), false
		if err := c.within(ctx, func() (err error) {
			left, err = c.one(func(s *sqlite3.Stmt) { slot = s.ColumnInt64(0) }, "SELECT slot FROM removing ORDER BY slot DESC LIMIT 1")
			return err
		}); err != nil || !left && first {
			return err
		}
		if slot == 0 {
			break
		}
		if err := c.drop(ctx, slot); err != nil {
			return err
		}
	}
	for {
		free := int64(0)
		if err := c.change(ctx, func() (err error) {
			if free, err = c.number("freelist_count"); err != nil || free == 0 {
				return err
			}
			return c.db.Exec(fmt.Sprintf("PRAGMA incremental_vacuum(%d)", gonePages))
		}); err != nil {
			return err
		}
		if free <= gonePages {
			break
		}
	}
	if err := c.within(ctx, func() error {
		empty, err := c.emptyLog()
		if err == nil && !empty {
			err = errBusy
		}
		return err
	}); err != nil {
		return err
	}
	return c.change(ctx, func() error { return c.exec("DELETE FROM removing WHERE slot = 0") })
}

// drop overwrites and drops the tables of an entity.
func (c *conn) drop(ctx context.Context, slot int64) error {
	for _, one := range []struct {
		table, key string
		rows       int
	}{{"rN", "place", goneRows}, {"fN_data", "id", gonePages}} {
		for {
			if err := c.change(ctx, func() error {
				return c.exec(named(slot, fmt.Sprintf("DELETE FROM %s WHERE %[2]s IN (SELECT %[2]s FROM %[1]s LIMIT %[3]d)", one.table, one.key, one.rows)))
			}); err != nil {
				return err
			}
			if c.db.Changes() == 0 {
				break
			}
		}
	}
	return c.change(ctx, func() error {
		return c.db.Exec(named(slot, "DROP TABLE rN; DROP TABLE fN; DELETE FROM removing WHERE slot = ") + fmt.Sprint(slot))
	})
}

// emptyLog puts the log into the file, and reports whether nobody kept it from being cut.
func (c *conn) emptyLog() (bool, error) {
	busy := int64(0)
	_, err := c.one(func(s *sqlite3.Stmt) { busy = s.ColumnInt64(0) }, "PRAGMA wal_checkpoint(TRUNCATE)")
	return busy == 0, err
}

// tidy takes the words of records that are gone from the index of an entity, and them from the log if nobody reads. The pass
// has ended before: what keeps this from being done is no error of it.
func (f *Files) tidy(ctx context.Context, t Target) error {
	err := f.with(ctx, t.Workspace, func(one *file) error {
		return one.writerDo(ctx, false, func(c *conn) error { return c.tidy(ctx, t) })
	})
	if !errors.Is(err, ErrDamaged) { // the next pass does it
		return nil
	}
	return err
}

func (c *conn) tidy(ctx context.Context, t Target) error {
	if err := c.purge(ctx); err != nil && !errors.Is(err, errBusy) {
		return err
	}
	size, stale := -gonePages, int64(0) // the first step begins to merge all, and the others go on
	for merged := int64(2); merged > 1; size = gonePages {
		if err := c.change(ctx, func() error {
			e, err := c.entity(t)
			if err != nil || e == nil || e.stale == 0 || stale != 0 && stale != e.stale {
				merged = 0 // nothing to do, or others have removed more in the meantime
				return err
			}
			stale = e.stale
			before := c.db.TotalChanges()
			if err := c.db.Exec(named(e.slot, fmt.Sprintf("INSERT INTO fN(fN, rank) VALUES('merge', %d)", size))); err != nil {
				return err
			}
			if merged = c.db.TotalChanges() - before; merged < 2 {
				e.stale = 0
			}
			return c.save(e)
		}); err != nil {
			return err
		}
	}
	if stale == 0 {
		return nil
	}
	return c.within(ctx, func() error {
		if err := c.db.BusyTimeout(0); err != nil {
			return err
		}
		_, err := c.emptyLog()
		return errors.Join(err, c.db.BusyTimeout(busyTime))
	})
}

// busyTime is how long a process waits for another one that writes.
const busyTime = 10 * time.Second
