package config

import "github.com/goccy/go-yaml/ast"

// ContextStore configures where the command keeps copies of the records of connections, which
// context_store_search finds. The zero value keeps no copies.
type ContextStore struct {
	// Folder has the copies. A relative path is relative to the configuration file.
	Folder string
	// Key is a reference to the key that seals the copies; empty leaves them unsealed.
	Key string
}

func (r *reader) contextStore(n ast.Node, path string, into *ContextStore) {
	before := len(r.problems)
	r.mapping(n, path, []key{
		{"folder", func(v ast.Node, p string) { r.path(v, p, &into.Folder) }},
		{"key", func(v ast.Node, p string) { r.reference(v, p, func(s string) { into.Key = s }) }},
	})
	if into.Folder == "" && len(r.problems) == before {
		r.problem(n, path, "needs a folder", "add folder: ./context")
	}
}
