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
// that do, and start again.
const additive = "-- additive\n"

// migrate brings the database to the newest schema. Each step is one transaction with the row that
// says so. The server holds the lock on the database.
func (s *Store) migrate(ctx context.Context, files fs.FS) (err error) {
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
	if err != nil {
		return err
	}
	if err := s.knows(ctx, c, applied, len(steps)); err != nil {
		return err
	}
	for version := applied + 1; version <= len(steps); version++ {
		text, err := fs.ReadFile(files, steps[version-1])
		if err != nil {
			return err
		}
		if err := s.step(ctx, c, version, s.dialect.words.Replace(string(text))); err != nil {
			return fmt.Errorf("bring the database to schema %d: %w", version, err)
		}
	}
	return nil
}

// knows refuses a schema with steps that this program does not know, unless they only add.
func (s *Store) knows(ctx context.Context, c querier, applied, known int) error {
	if applied <= known {
		return nil
	}
	var others int
	if err := c.QueryRowContext(ctx, s.dialect.words.Replace("SELECT COUNT(*) FROM migration WHERE version > $1 AND additive = 0"), known).Scan(&others); err != nil {
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
	switch {
	case err != nil:
		return fmt.Errorf("%w; name the database of a server", err)
	case applied > len(steps):
		return s.knows(ctx, s.reader, applied, len(steps))
	case applied < len(steps):
		return fault.Invalid("data", fmt.Sprintf("the database has schema %d, and this agenthost has %d", applied, len(steps)), "use the agenthost that serves it; a newer one brings it to the newest schema when it serves")
	}
	return nil
}

func (s *Store) step(ctx context.Context, c *sql.Conn, version int, text string) error {
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	adds := 0
	if strings.HasPrefix(text, additive) {
		adds = 1
	}
	_, err = tx.ExecContext(ctx, text) // several statements: without arguments both databases take them
	if err == nil {
		_, err = tx.ExecContext(ctx, s.dialect.words.Replace("INSERT INTO migration (version, applied, additive) VALUES ($1, $2, $3)"), version, s.now().UnixMilli(), adds)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
