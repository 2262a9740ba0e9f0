package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
)

// The schema, in steps: 0001.sql and so on. A step that was released never changes.
//
//go:embed schema/*.sql
var migrations embed.FS

// additive is the first line of a step that only adds: programs that do not know it go on beside those
// that do, and start again. Every other step waits until no process of such a program uses the database,
// and a program that knows it works before it and after it; see upgrade.go.
const additive = "-- additive\n"

// bringSchema brings the tables of this program and those of River to the newest schema that they can have.
func (s *Store) bringSchema(ctx context.Context, alone bool) error {
	steps := func() error { return errors.Join(s.migrate(ctx, s.migrations, alone), s.migrateQueue(ctx)) }
	if s.dialect.together == "" {
		return steps()
	}
	if _, err := s.writer.ExecContext(ctx, s.dialect.together); err != nil {
		return fmt.Errorf("prepare the database: %w", err)
	}
	err := steps()
	_, restored := s.writer.ExecContext(ctx, s.dialect.oneByOne)
	return errors.Join(err, restored)
}

// migrate brings the database to the newest schema that it can have beside the processes that use it.
// Each step is one transaction with the row that says so. Nobody else does this at the same time. Alone
// says that no process of an older program is there, as far as is known.
func (s *Store) migrate(ctx context.Context, files fs.FS, alone bool) (err error) {
	steps, err := fs.Glob(files, "schema/*.sql") // in order
	if err != nil {
		return err
	}
	c, err := s.writer.Conn(ctx)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := c.ExecContext(ctx, s.dialect.words.Replace("CREATE TABLE IF NOT EXISTS migration (version BIGINT PRIMARY KEY, applied BIGINT NOT NULL, additive BIGINT NOT NULL) /*strict*/")); err != nil {
		return fmt.Errorf("prepare the database: %w", err)
	}
	applied, err := appliedSchema(ctx, c)
	if err == nil && applied > 0 {
		err = s.mend(ctx, c)
	}
	if err != nil {
		return err
	}
	if err := s.knows(ctx, c, applied, len(steps)); err != nil {
		return err
	}
	for done := true; applied < len(steps) && done; {
		text, err := fs.ReadFile(files, steps[applied])
		if err != nil {
			return err
		}
		for i := 0; ; i++ {
			done, err = s.step(ctx, c, applied+1, string(text), alone)
			if p := s.dialect.problem(err); i == retries || p != again && p != locked { // as calls of other servers can cause
				break
			}
		}
		if err != nil {
			return fmt.Errorf("bring the database to schema %d: %w", applied+1, err)
		}
		if done {
			applied++
		}
	}
	if err := works(files, steps, applied); err != nil {
		return err
	}
	s.schema.Store(int64(applied))
	return nil
}

// mend adds the columns that 0001.sql got before the first release, but after servers had databases. An
// empty start is that of no write: one that runs is not ended under it.
func (s *Store) mend(ctx context.Context, c *sql.Conn) error {
	for _, l := range []struct{ table, column, kind string }{
		{"migration", "additive", "BIGINT NOT NULL DEFAULT 0"},
		{"idempotency", "start", "TEXT NOT NULL DEFAULT ''"},
		{"idempotency", "undone", "TEXT NOT NULL DEFAULT ''"},
	} {
		var has bool
		if err := c.QueryRowContext(ctx, s.dialect.hasColumn, l.table, l.column).Scan(&has); err != nil {
			return fmt.Errorf("read the columns of the database: %w", err)
		}
		if has {
			continue
		}
		if _, err := c.ExecContext(ctx, s.dialect.words.Replace("ALTER TABLE "+l.table+" ADD COLUMN "+l.column+" "+l.kind)); err != nil {
			return fmt.Errorf("add %s to the table %s: %w", l.column, l.table, err)
		}
	}
	return nil
}

// works returns an error if a program that knows steps does not work with the first ones of them: if one
// of the others only adds.
func works(files fs.FS, steps []string, applied int) error {
	for i := applied; i < len(steps); i++ {
		text, err := fs.ReadFile(files, steps[i])
		if err != nil {
			return err
		}
		if strings.HasPrefix(string(text), additive) {
			return fault.Invalid("data", fmt.Sprintf("the database has schema %d, and this agenthost needs schema %d", applied, i+1),
				"use the agenthost that serves it; a newer one brings it to the newest schema when it serves, if no server is older than the release before")
		}
	}
	return nil
}

// unknownSteps counts the steps that a program does not know, and does not work after.
const unknownSteps = "SELECT COUNT(*) FROM migration WHERE version > $1 AND additive = 0"

// knows refuses a schema with steps that this program does not know, unless they only add.
func (s *Store) knows(ctx context.Context, c querier, applied, known int) error {
	if applied <= known {
		return nil
	}
	var others int
	if err := c.QueryRowContext(ctx, s.dialect.words.Replace(unknownSteps), known).Scan(&others); err != nil {
		return fmt.Errorf("read the version of the schema: %w", err)
	}
	if others > 0 {
		return fault.Invalid("data", fmt.Sprintf("the database has schema %d, and this agenthost knows up to %d", applied, known), "use the agenthost that wrote it, or a newer one")
	}
	return nil
}

// querier is a database, or a connection to one.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func appliedSchema(ctx context.Context, c querier) (version int, err error) {
	if err := c.QueryRowContext(ctx, "SELECT COALESCE(MAX(version), 0) FROM migration").Scan(&version); err != nil {
		return 0, fmt.Errorf("read the version of the schema: %w", err)
	}
	return version, nil
}

// checkSchema refuses a database that a server has not brought to the newest schema.
func (s *Store) checkSchema(ctx context.Context, files fs.FS) error {
	steps, err := fs.Glob(files, "schema/*.sql")
	if err != nil {
		return err
	}
	applied, err := appliedSchema(ctx, s.reader)
	if err != nil {
		return fmt.Errorf("%w; name the database of a server", err)
	}
	s.schema.Store(int64(applied))
	return errors.Join(s.knows(ctx, s.reader, applied, len(steps)), works(files, steps, applied))
}

// step does a step, if that is possible beside the processes that use the database.
func (s *Store) step(ctx context.Context, c *sql.Conn, version int, text string, alone bool) (done bool, err error) {
	adds := 0
	if strings.HasPrefix(text, additive) {
		adds = 1
	} else if !alone {
		return false, nil
	}
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	if adds == 0 {
		if older, err := s.olderAlone(ctx, tx, version); err != nil || older > 0 {
			return false, errors.Join(err, tx.Rollback())
		}
	}
	_, err = tx.ExecContext(ctx, s.dialect.words.Replace(text)) // several statements: without arguments both databases take them
	if err == nil {
		_, err = tx.ExecContext(ctx, s.dialect.words.Replace("INSERT INTO migration (version, applied, additive) VALUES ($1, $2, $3)"), version, s.now().UnixMilli(), adds)
	}
	if err != nil {
		return false, errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return false, err
	}
	return true, nil
}
