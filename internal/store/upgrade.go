package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A group of servers is upgraded one server after the other, without an end of service. So for a while
// servers of two programs use one database. Steps of the schema that only add are done when the first new
// server starts. The others wait until the last old one has ended; then one of the new servers does them.
//
// A program works before and after the steps that may wait: a statement that is another one before step 4
// is there twice, as "NAME" and as "NAME before 4". A server that did not hear yet that the step was done
// does its statement or its transaction again. In Go, [Store.schema] says what is done.
//
// Calls wait for a step that locks their table: it takes a second at most, or is divided. A release has its
// steps that add before the others, as a program that needs one of them cannot start while one before it waits.

// earlier is a statement for databases that do not have a step.
type earlier struct {
	before int64
	text   string
}

// takeEarlier takes the statements for earlier schemas out of a map: those of a name by their steps.
func takeEarlier(queries map[string]string) (map[string][]earlier, error) {
	found := make(map[string][]earlier)
	for key, text := range queries {
		name, step, is := strings.Cut(key, " before ")
		if !is {
			continue
		}
		before, err := strconv.ParseInt(step, 10, 64)
		if err != nil || queries[name] == "" {
			return nil, fmt.Errorf("statement %q: no step, or no statement for the time after it", key)
		}
		delete(queries, key)
		found[name] = append(found[name], earlier{before, text})
	}
	for _, all := range found {
		slices.SortFunc(all, func(a, b earlier) int { return int(a.before - b.before) })
	}
	return found, nil
}

// text returns the statement of a name for the schema of the database.
func (s *Store) text(name string) (text string, ok bool) {
	for _, e := range s.earlier[name] {
		if s.schema.Load() < e.before {
			return e.text, true
		}
	}
	text, ok = s.queries[name]
	return text, ok
}

// readSchema notes the schema of the database.
func (s *Store) readSchema(ctx context.Context) error {
	applied, err := appliedSchema(ctx, s.reader)
	if err == nil {
		s.schema.Store(int64(applied))
	}
	return err
}

// countOlder counts the processes that use the database and do not know a step. Those of before knowsLock know
// none.
const countOlder = `SELECT COUNT(*) FROM (
	SELECT pid FROM pg_locks
	WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
	GROUP BY pid
	HAVING bool_or(objsubid = 1 AND CAST(classid AS BIGINT) = CAST($1 AS BIGINT) >> 32 AND CAST(objid AS BIGINT) = CAST($1 AS BIGINT) & 4294967295)
		AND NOT bool_or(objsubid = 2 AND CAST(classid AS BIGINT) = CAST($2 AS BIGINT) AND CAST(objid AS BIGINT) >= CAST($3 AS BIGINT))
) p`

// enterAlone keeps processes from entering again: they look into this table, after they have their locks.
const enterAlone = "LOCK TABLE migration IN ACCESS EXCLUSIVE MODE"

// olderAlone counts the processes that do not know a step, and keeps others from entering until the
// transaction ends.
func (s *Store) olderAlone(ctx context.Context, tx *sql.Tx, step int) (n int, err error) {
	if s.dialect.older == "" {
		return 0, nil
	}
	if _, err := tx.ExecContext(ctx, s.dialect.enterAlone); err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, s.dialect.older, int64(usersLock), int64(knowsLock), step).Scan(&n)
	return n, err
}

// settled is for how many looks, lookEvery apart, no older process may be there before a step is done: one
// whose connection was cut is not to be seen until it has noticed that.
const settled = 4

// awaitOlder does the steps that wait for older processes to end, until all are done or ctx ends. It also notes
// what others do.
func (s *Store) awaitOlder(ctx context.Context, steps int) {
	if s.schema.Load() >= int64(steps) {
		return
	}
	s.onSchema(fmt.Sprintf("a change of the database, from schema %d to %d, waits until each older server has ended", s.schema.Load(), steps), nil)
	for quiet := 0; s.schema.Load() < int64(steps); {
		if s.sleep(ctx, lookEvery) != nil {
			return
		}
		n, err := s.lookForOlder(ctx)
		if quiet++; err != nil || n > 0 {
			quiet = 0
		}
		if quiet < settled {
			continue
		}
		if err := starting(ctx, s.config, func(ctx context.Context) error { return s.migrate(ctx, s.migrations, true) }); err != nil && ctx.Err() == nil {
			s.onSchema("the database is not changed, and this is tried again", err)
			quiet = 0
		}
	}
	s.onSchema(fmt.Sprintf("the database is changed, to schema %d", s.schema.Load()), nil)
}

// lookForOlder reads the schema, and counts the processes that do not know its next step.
func (s *Store) lookForOlder(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	if err := s.readSchema(ctx); err != nil {
		return 0, err
	}
	err = s.reader.QueryRowContext(ctx, s.dialect.older, int64(usersLock), int64(knowsLock), s.schema.Load()+1).Scan(&n)
	return n, err
}
