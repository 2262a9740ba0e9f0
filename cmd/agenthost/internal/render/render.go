// Package render writes results as JSON, lines of JSON, a table or YAML.
//
// Vendors' data must not control the terminal. Output to a terminal, tables and YAML have no
// control characters, escape sequences or characters that change the direction of text.
package render

import (
	"encoding/json"
	"io"
	"iter"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// Format is an output format.
type Format string

// The formats.
const (
	JSON   Format = "json"   // {"data": ..., "meta": ...}
	NDJSON Format = "ndjson" // one record per line, without meta
	Table  Format = "table"
	YAML   Format = "yaml"
)

// Formats lists the names of all formats.
func Formats() []string {
	return []string{string(JSON), string(NDJSON), string(Table), string(YAML)}
}

// Options configure a Writer.
type Options struct {
	Format Format
	// Terminal reports whether the output goes to a terminal.
	Terminal bool
	// Width is the number of columns for a table; 0 means 120.
	Width int
	// Color allows bold headings.
	Color bool
	// Fields are paths that the caller selected. They become the columns of a table.
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
	// End writes meta and the closing of the format after the last record.
	End(meta json.RawMessage) error
}

// Write writes one result: data, or where that is a list its records.
func Write(w Writer, data, meta json.RawMessage, records iter.Seq[json.RawMessage]) error {
	if rawjson.KindOf(data) != rawjson.Array {
		return w.Single(data, meta)
	}
	for record := range records {
		if err := w.Record(record); err != nil {
			return err
		}
	}
	return w.End(meta)
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

// orEmpty returns meta, or an empty object if meta is missing.
func orEmpty(meta json.RawMessage) json.RawMessage {
	if len(meta) == 0 || strings.TrimSpace(string(meta)) == "null" {
		return json.RawMessage("{}")
	}
	return meta
}
