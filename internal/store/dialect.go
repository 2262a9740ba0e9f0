package store

import "strings"

// dialect is where the two databases differ.
type dialect struct {
	name string
	// words replaces the words of PostgreSQL, in which statements are written.
	words *strings.Replacer
	// problem says what an error of the driver means.
	problem func(error) problem
}

// problem is what an error of a database means.
type problem int

const (
	other     problem = iota
	duplicate         // a row with this key or name is there already
	missing           // a row that this one refers to is not there
	again             // the transaction did nothing, because of another one
)

func sqliteDialect() dialect {
	return dialect{
		name:    "SQLite",
		words:   strings.NewReplacer("$", "?", "BYTEA", "BLOB", "BIGINT", "INTEGER", "/*strict*/", "STRICT", " FOR SHARE", ""),
		problem: sqliteProblem,
	}
}

// Text is compared by bytes in both databases, whatever the locale of the server.
func postgresDialect() dialect {
	return dialect{
		name:    "PostgreSQL",
		words:   strings.NewReplacer(" TEXT", ` TEXT COLLATE "C"`, " /*strict*/", ""),
		problem: postgresProblem,
	}
}
