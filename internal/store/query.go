package store

import (
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// The statements are in files, one per concept. They use the words of PostgreSQL; see dialect.go.
//
//go:embed sql/*.sql
var statements embed.FS

// readQueries returns the statements by their names. A line "-- name: NAME" begins a statement,
// and comments before it describe it. With the name of a database in parentheses after it, other ones do
// not have the statement. "NAME before 4" is that of a schema without step 4; see upgrade.go.
func readQueries(files fs.FS, d dialect) (map[string]string, error) {
	queries := make(map[string]string)
	names, err := fs.Glob(files, "sql/*.sql")
	if err != nil {
		return nil, err
	}
	for _, file := range names {
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return nil, err
		}
		name, only, body := "", "", []string(nil)
		finish := func() error {
			text := strings.TrimSpace(strings.Join(body, "\n"))
			switch {
			case name == "" && text == "":
			case name == "":
				return fmt.Errorf("%s: a statement has no name", file)
			case text == "":
				return fmt.Errorf("%s: %s has no statement", file, name)
			case only != "" && only != d.name:
			case queries[name] != "":
				return fmt.Errorf("%s: there are two statements %s", file, name)
			default:
				queries[name] = d.words.Replace(text)
			}
			return nil
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimRight(line, "\r\n")
			if next, ok := strings.CutPrefix(line, "-- name: "); ok {
				if err := finish(); err != nil {
					return nil, err
				}
				name, only, _ = strings.Cut(strings.TrimSpace(next), " (")
				only, body = strings.TrimSuffix(only, ")"), nil
			} else if !strings.HasPrefix(line, "--") {
				body = append(body, line)
			}
		}
		if err := finish(); err != nil {
			return nil, err
		}
	}
	return queries, nil
}

// tuples returns count times ($1, $2, ...), for statements that insert several rows at once.
func tuples(d dialect, count, columns int) string {
	var b strings.Builder
	for i := range count * columns {
		switch {
		case i == 0:
			b.WriteString("($")
		case i%columns == 0:
			b.WriteString("), ($")
		default:
			b.WriteString(", $")
		}
		b.WriteString(strconv.Itoa(i + 1))
	}
	b.WriteByte(')')
	return d.words.Replace(b.String())
}
