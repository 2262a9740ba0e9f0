package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// forgetBatch is how many rows one transaction forgets.
	forgetBatch = 1000
	// forgetTimes is how many such transactions [Store.Forget] makes at most for each kind.
	forgetTimes = 100
	// deletedFor is how long the row of what was deleted stays: an id, and nothing of what it had.
	// Who holds connections in memory hears of a deletion by it.
	deletedFor = 7 * 24 * time.Hour
)

// forgets are the statements that remove what has expired, in this order: what refers to something
// else comes before it. Each has a time, before which rows are removed, and how many at most.
var forgets = []struct {
	statement string
	after     time.Duration // of the time that the row has
}{
	{"idempotency.forget", 0},
	{"connect_link.forget", 0},
	{"plan.forget", 0},
	{"data_key.forget", 0},
	{"workspace.forget", deletedFor},
	{"lease.forget", deletedFor},
	{"rate.forget", deletedFor},
}

// Forget removes what nobody needs: keys of writes and links that have expired, data keys that
// nothing is sealed with, what is left of connections and workspaces that were deleted a week ago,
// jobs and leases that ended then, and audit records from before a time; none if it is zero. Its work is
// bounded, and more says that something is left for the next call.
func (s *Store) Forget(ctx context.Context, audit time.Time) (more bool, err error) {
	now := s.now()
	if err := s.forgetConnections(ctx, millis(now.Add(-deletedFor))); err != nil {
		return false, err
	}
	for _, f := range forgets {
		left, err := s.forgetRows(ctx, f.statement, millis(now.Add(-f.after)), forgetBatch, forgetTimes)
		if more = more || left; err != nil {
			return more, err
		}
	}
	left, err := s.forgetRows(ctx, "job.forget", firstID(now.Add(-deletedFor)), forgetBatch, forgetTimes)
	if more = more || left; err != nil {
		return more, err
	}
	if !audit.IsZero() {
		left, err := s.forgetRows(ctx, "audit.forget", firstID(audit), forgetBatch, forgetTimes)
		if more = more || left; err != nil {
			return more, err
		}
	}
	return more, s.wipe(ctx)
}

// forgetConnections removes the rows of connections that were deleted before a time.
func (s *Store) forgetConnections(ctx context.Context, before int64) error {
	return s.write(ctx, func(t session) error {
		newest, err := one(t, scanNumber, "connection.newest_deleted", before)
		if err != nil || newest == 0 {
			return err
		}
		if _, err := t.exec("revision.forget", newest); err != nil {
			return err
		}
		_, err = t.exec("connection.forget", before)
		return err
	})
}

// forgetRows removes rows from before a time, and reports whether some may be left.
func (s *Store) forgetRows(ctx context.Context, name string, before any, batch int64, times int) (more bool, err error) {
	more = true
	for range times {
		err = s.batch(ctx, func(t session) error {
			n, err := t.exec(name, before, batch)
			more = n == batch
			return err
		})
		if errors.Is(err, ErrNone) { // something was sealed with a key at this moment
			return true, nil
		}
		if !more || err != nil {
			break
		}
	}
	return more, err
}

// firstID returns a text that sorts before every id of a time, and after every earlier one.
func firstID(t time.Time) string {
	digits := fmt.Sprintf("%012x", t.UnixMilli())
	return digits[:8] + "-" + digits[8:]
}

// wipe removes from the files of SQLite what was deleted: the database's own pages are overwritten at
// a deletion, and this empties its log. Where others read at this moment, the next one does.
func (s *Store) wipe(ctx context.Context) error {
	if s.file == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	_, err := s.writer.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return s.named(ctx, err)
}
