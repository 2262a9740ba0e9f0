// Package render writes results as JSON, lines of JSON, a table or YAML.
//
// What a vendor sent is data, not a command to the terminal: nothing that this
// package writes to a terminal, and no table or YAML anywhere, holds a control
// character, an escape sequence or a character that changes the direction of text.
package render

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Format is a form of output.
type Format string

// The formats.
const (
	JSON   Format = "json"   // {"data": ..., "meta": ...}
	NDJSON Format = "ndjson" // one record a line, without meta
	Table  Format = "table"
	YAML   Format = "yaml"
)

// Formats lists the names of all formats.
func Formats() []string {
	return []string{string(JSON), string(NDJSON), string(Table), string(YAML)}
}

// ParseFormat returns the format of a name.
func ParseFormat(name string) (Format, error) {
	if !slices.Contains(Formats(), name) {
		return "", fmt.Errorf("there is no output format %q", name)
	}
	return Format(name), nil
}

// Options say how to write.
type Options struct {
	Format Format
	// Terminal says that a person reads the output as it is written.
	Terminal bool
	// Width is the number of columns for a table; 0 means 120.
	Width int
	// Color allows bold headings.
	Color bool
	// Fields are paths that the caller selected, and become the columns of a table.
	Fields []string
}

// Writer writes one result: either Single once, or Record for each record and End.
// It is not safe for concurrent use. Its memory does not grow with the number of
// records.
type Writer interface {
	// Single writes a result whose data is one object.
	Single(data, meta json.RawMessage) error
	// Record writes one record of a list.
	Record(record json.RawMessage) error
	// End writes what comes after the last record.
	End(meta json.RawMessage) error
}

// New returns a Writer of the format.
func New(w io.Writer, o Options) Writer {
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	switch o.Format {
	case Table:
		return &tableWriter{w: w, o: o}
	case YAML:
		return &yamlWriter{w: w}
	case NDJSON:
		return &linesWriter{w: w, o: o}
	default:
		return &jsonWriter{w: w, o: o}
	}
}

const defaultWidth = 120

// orEmpty is meta, or an empty object where there is none.
func orEmpty(meta json.RawMessage) json.RawMessage {
	if len(meta) == 0 || strings.TrimSpace(string(meta)) == "null" {
		return json.RawMessage("{}")
	}
	return meta
}
