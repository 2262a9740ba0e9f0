package contextstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// sinceID is the least id of a record that was updated at a time or later, 0 for all.
func sinceID(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return secondOf(within(at)) << sameSecond
}

// Keys implements [Store].
func (f *Files) Keys(ctx context.Context, t Target, after string, since time.Time, limit int, each func(key string, record []byte) error) (n int, err error) {
	err = f.read(ctx, t, func(c *conn, e *entity) error {
		// The plus has SQLite walk over the index of keys, which has the places too, and not sort all records.
		return c.query(func(s *sqlite3.Stmt) (bool, error) {
			n++
			return true, each(s.ColumnText(0), s.ColumnRawBlob(1))
		}, named(e.slot, "SELECT key, record FROM rN WHERE key > ?1 AND +place <= ?2 ORDER BY key LIMIT ?3"), after, newestID-sinceID(since), int64(limit))
	})
	return n, interrupted(ctx, err)
}

// Keys implements [Store].
func (p *Tables) Keys(ctx context.Context, t Target, after string, since time.Time, limit int, each func(key string, record []byte) error) (n int, err error) {
	err = p.read(ctx, t, func(tx *sql.Tx, e *entity) error {
		if _, err := tx.ExecContext(ctx, "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_seqscan = off"); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, "SELECT key, record FROM context_record WHERE slot = $1 AND key > $2 AND id >= $3 ORDER BY key LIMIT $4", e.slot, after, sinceID(since), limit)
		if err != nil {
			return err
		}
		for err == nil && rows.Next() {
			var key string
			var record sql.RawBytes
			if err = rows.Scan(&key, &record); err == nil {
				n++
				err = each(key, record)
			}
		}
		return errors.Join(err, rows.Err(), rows.Close())
	})
	return n, err
}
