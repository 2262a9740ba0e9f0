package config

import "github.com/goccy/go-yaml/ast"

// Audit configures the records of calls. The zero value keeps no records.
type Audit struct {
	// File is a rotating file with one line of JSON per call. A relative path is relative
	// to the configuration file.
	File string
	// MaxSize is the size in bytes at which the file rotates; 0 means 50 MB.
	MaxSize int64
	// Keep is the number of rotated files to keep; 0 means 10.
	Keep int
	// Log also writes every record to the host's logger, at level info.
	Log bool
	// Required makes the host refuse calls that it cannot record, and refuse to open
	// without the file. Otherwise the host logs the failure and makes the call, and it
	// batches the records of successful reads for up to 10 ms.
	Required bool
}

func (r *reader) audit(n ast.Node, path string, into *Audit) {
	before := len(r.problems)
	r.mapping(n, path, []key{
		{"file", func(v ast.Node, p string) { r.path(v, p, &into.File) }},
		{"max_size", func(v ast.Node, p string) { r.size(v, p, &into.MaxSize) }},
		{"keep", func(v ast.Node, p string) { r.number(v, p, &into.Keep) }},
		{"log", func(v ast.Node, p string) { r.flag(v, p, &into.Log) }},
		{"required", func(v ast.Node, p string) { r.flag(v, p, &into.Required) }},
	})
	if len(r.problems) > before {
		return
	}
	switch {
	case into.File == "" && !into.Log:
		r.problem(n, path, "has neither file nor log", "add file: ./audit.jsonl, or log: true")
	case into.File == "" && (into.MaxSize > 0 || into.Keep > 0):
		r.problem(n, path, "max_size and keep need file", "add file: ./audit.jsonl")
	}
}
