package store

import (
	"strings"

	"github.com/agenthost/agenthost/internal/contextstore"
)

// dialect is where the two databases differ.
type dialect struct {
	name string
	// words replaces the words of PostgreSQL, in which statements are written.
	words *strings.Replacer
	// clock is an expression for the time of the database in milliseconds; statements say clock_ms().
	clock string
	// problem says what an error of the driver means.
	problem func(error) problem
	// hasColumn says whether a table has a column.
	hasColumn string
	// enterAlone keeps others from entering while a transaction runs, and older counts the processes with
	// programs that do not know a step; empty where one process uses the database.
	enterAlone, older string
	// together and oneByOne are said before and after the steps of the schema, which need not be on the disk
	// one by one: the first transaction after them has them there, too. Empty where they cost little.
	together, oneByOne string
}

// problem is what an error of a database means.
type problem int

const (
	other     problem = iota
	duplicate         // a row with this key or name is there already
	missing           // a row that this one refers to is not there
	again             // the transaction did nothing, because of another one
	gone              // the connection to the database
	moved             // the schema is not the one that the statement is for
	slow              // the database took too long
	locked            // somebody else has what the statement needs
)

// In SQLite, others of this process hear of a change after its transaction; see told.
func sqliteDialect() dialect {
	clock := "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
	return dialect{
		name:  "SQLite",
		clock: clock,
		words: strings.NewReplacer("clock_ms()", clock, "NOTIFIED(newest, $1)", "?1", "NOTIFIED('', $1)", "?1",
			"{jobs}", jobs("CAST(unixepoch(", ", 'subsec') * 1000 AS INTEGER)", "json_extract(river_job.errors, '$[#-1].error')"),
			"{copies}", "", "{copies bytes}", "", "$", "?", "BYTEA", "BLOB", "BIGINT", "INTEGER", "/*strict*/", "STRICT", " FOR SHARE", "", " FOR UPDATE", ""),
		problem:   sqliteProblem,
		hasColumn: "SELECT COUNT(*) > 0 FROM pragma_table_info(?1) WHERE name = ?2",
		together:  "PRAGMA synchronous = NORMAL", oneByOne: "PRAGMA synchronous = FULL",
	}
}

// Text is compared by bytes in both databases, whatever the locale of the server.
func postgresDialect() dialect {
	clock := "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
	notify := "pg_notify('" + channel + "', "
	return dialect{
		name:  "PostgreSQL",
		clock: clock,
		words: strings.NewReplacer("clock_ms()", clock, "NOTIFIED(newest, $1)", notify+"newest || ' ' || CAST($1 AS TEXT)) IS NULL", "NOTIFIED('', $1)", notify+"CAST($1 AS TEXT)) IS NULL",
			"{jobs}", jobs("CAST(EXTRACT(EPOCH FROM ", ") * 1000 AS BIGINT)", "river_job.errors[array_upper(river_job.errors, 1)] ->> 'error'"),
			"{copies}", contextstore.PostgresSchema(), "{copies bytes}", contextstore.PostgresBytes, " TEXT", ` TEXT COLLATE "C"`, " /*strict*/", ""),
		problem:    postgresProblem,
		hasColumn:  "SELECT COUNT(*) > 0 FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 AND column_name = $2",
		enterAlone: enterAlone,
		older:      countOlder,
	}
}

// jobs is the beginning of a statement that reads jobs, of which River's table says how far they are.
// before and after make milliseconds of a time of River, and problem is its newest error.
func jobs(before, after, problem string) string {
	return `SELECT job.id AS id, job.organization, job.workspace, job.kind, job.object, job.actor, job.river,
	CASE
		WHEN river_job.state IS NULL THEN job.state
		WHEN river_job.state = 'completed' THEN 'succeeded'
		WHEN river_job.state = 'running' THEN 'running'
		WHEN job.cancelled > 0 THEN 'cancelled'
		WHEN river_job.state IN ('cancelled', 'discarded') THEN 'parked'
		ELSE 'waiting'
	END AS state,
	COALESCE(river_job.attempt, 0), COALESCE(` + problem + `, job.error), job.created,
	CASE WHEN river_job.state IN ('available', 'retryable', 'scheduled') THEN ` + before + "river_job.scheduled_at" + after + ` ELSE 0 END,
	COALESCE(` + before + "river_job.finalized_at" + after + `, job.finished)
FROM job LEFT JOIN river_job ON river_job.id = job.river WHERE TRUE`
}
