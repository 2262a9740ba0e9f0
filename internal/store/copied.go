package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/store/envelope"
)

// Copied is a connection whose copies of records are kept.
type Copied struct {
	Connection string
	Scope      Scope
	// Job keeps the copies.
	Job string
	// Searched is when somebody searched in them last, as far as the database knows.
	Searched time.Time
}

// copiesPurpose is what a key is for that seals the copies of a workspace.
const copiesPurpose = "agenthost copies of records"

// Copies opens the copies of records: in PostgreSQL, or in files in a folder, sealed with a key that comes
// from the workspace's data key. So they close for good when the workspace is deleted, or has a new data
// key: then they are made again.
func (s *Store) Copies(ctx context.Context, dir string) (contextstore.Store, error) {
	if s.file == "" {
		return contextstore.OpenTables(s.writer, s.now), nil
	}
	// The database may come from a backup that is older than the files. No revision from before it is given
	// again, so no copies are taken for those of another login.
	err := s.write(ctx, func(t session) error {
		_, err := t.exec("revision.leap", millis(s.now()))
		return err
	})
	if err != nil {
		return nil, err
	}
	files, err := contextstore.OpenFiles(dir, s.now, s.copiesKey)
	if err == nil {
		files.Renew() // nobody has the data key of before any more
	}
	return files, err
}

// copiesKey returns the key that seals the copies of a workspace. The error is [ErrNone] if there is no such
// workspace.
func (s *Store) copiesKey(ctx context.Context, workspace string) ([]byte, error) {
	k, err := readOne(ctx, s, scanWrapped, "data_key.of", workspace)
	if err != nil {
		return nil, err
	}
	key, err := s.openWrapped(ctx, k.place(), k.wrapped)
	if err != nil {
		return nil, err
	}
	return envelope.Derive(key, copiesPurpose)
}

// KeepCopies says that somebody searches in the copies of a connection. The order is that of the job that
// keeps them: it is added, unless there is one that waits or runs. One that waits is done now.
func (s *Store) KeepCopies(ctx context.Context, p Scope, o JobOrder) error {
	return s.write(ctx, func(t session) error {
		id, err := one(t, scanText, "copied.searched", o.Object, p.Organization, p.Workspace, millis(s.now()))
		if err != nil {
			return err
		}
		if id != "" {
			there, err := t.hasten(p, id)
			if there || err != nil {
				return err
			}
		}
		jobs, err := t.order(p, o)
		if err != nil {
			return err
		}
		return t.change("copied.kept_by", o.Object, jobs[0].ID)
	})
}

// hasten has a job done now that waits, and reports whether there is one that waits or runs.
func (t session) hasten(p Scope, id string) (there bool, err error) {
	j, err := t.job(p, id)
	switch {
	case errors.Is(err, ErrNone):
		return false, nil
	case err != nil:
		return false, err
	case j.State == JobRunning:
		return true, nil
	case j.State != JobWaiting:
		return false, nil
	}
	tx, ok := t.db.(*sql.Tx)
	if !ok {
		return false, errors.New("a job is hastened outside of a transaction")
	}
	_, err = t.s.queue.JobRetryTx(t.ctx, tx, j.river)
	return true, err
}

// Copied returns what is known of the copies of a connection. The error is [ErrNone] if nobody keeps any.
func (s *Store) Copied(ctx context.Context, connection string) (Copied, error) {
	return readOne(ctx, s, scanCopied, "copied.get", connection)
}

// IdleCopies returns connections in whose copies nobody has searched since a time.
func (s *Store) IdleCopies(ctx context.Context, since time.Time, limit int) ([]Copied, error) {
	return readMany(ctx, s, scanCopied, "copied.idle", millis(since), limit)
}

// ForgetCopies says that a job does not keep the copies of a connection any more, and reports whether it did
// and nobody has searched in them since a time.
func (s *Store) ForgetCopies(ctx context.Context, c Copied, since time.Time) (done bool, err error) {
	err = s.write(ctx, func(t session) error {
		n, err := t.exec("copied.forget", c.Connection, c.Job, millis(since))
		done = n > 0
		return err
	})
	return done, err
}

// NoteCopies notes what there is of the copies of a connection: how many, and as of when the oldest entity is up
// to date.
func (s *Store) NoteCopies(ctx context.Context, c Copied, records int, synced time.Time) error {
	return s.writeOne(ctx, func(t session, _ bool) error {
		_, err := t.exec("copied.note", c.Connection, c.Job, int64(records), millis(synced))
		return err
	})
}

// CopyTotals says of how many connections there are copies, how many these are, and as of when the oldest ones
// are up to date; that is zero if there are none.
func (s *Store) CopyTotals(ctx context.Context) (connections, records int, oldest time.Time, err error) {
	_, err = readOne(ctx, s, func(r row) (struct{}, error) {
		var synced int64
		err := r.Scan(&connections, &records, &synced)
		oldest = instant(synced)
		return struct{}{}, err
	}, "copied.totals")
	return connections, records, oldest, err
}

func scanCopied(r row) (c Copied, err error) {
	var searched int64
	err = r.Scan(&c.Connection, &c.Scope.Organization, &c.Scope.Workspace, &c.Job, &searched)
	c.Searched = instant(searched)
	return c, err
}
