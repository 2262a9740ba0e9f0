package contextstore

import (
	"database/sql"
	"testing"

	"github.com/agenthost/agenthost/internal/store/pgtest"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// tables are the copies in a new database.
func tables(t testing.TB) *Tables {
	t.Helper()
	db := database(t)
	_, err := db.ExecContext(t.Context(), PostgresSchema())
	must(t, err)
	return OpenTables(db, clock)
}

func database(t testing.TB) *sql.DB {
	t.Helper()
	config := ok(pgx.ParseConfig(pgtest.Start(t) + " dbname=postgres"))(t)
	db := stdlib.OpenDB(*config)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
