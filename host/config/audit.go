package config

import "github.com/goccy/go-yaml/ast"

// Audit says where the record of every call is kept. The zero value keeps none.
type Audit struct {
	// File is a file of one JSON line per call, which rotates. A relative path is
	// relative to the configuration file.
	File string
	// MaxSize is the size in bytes at which the file rotates; 0 means 50 MB.
	MaxSize int64
	// Keep is how many rotated files are kept; 0 means 10.
	Keep int
	// Log writes every record to the host's logger as well, at level info.
	Log bool
	// Required says that nothing is done that the trail does not have: a call whose
	// record cannot be written is not made. Otherwise it is made, and the failure
	// logged; and the records of reads in quick succession are written together, 10 ms
	// after the first of them at the latest.
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
		r.problem(n, path, "says nowhere to keep records", "add file: ./audit.jsonl, or log: true")
	case into.File == "" && (into.MaxSize > 0 || into.Keep > 0):
		r.problem(n, path, "max_size and keep are for a file, and there is none", "add file: ./audit.jsonl")
	}
}
