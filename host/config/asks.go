package config

import (
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Asks configures how persons are asked about calls of operations in [grant.Allow.Ask].
type Asks struct {
	// Folder keeps the questions and answers of the command. Empty means agenthost/asks in the
	// user's configuration folder.
	Folder string
	// Wait is how long a call waits for an answer; 0 does not wait.
	Wait time.Duration
	// Expires is how long a question and its answer are good; 0 means an hour.
	Expires time.Duration
}

func (r *reader) asks(n ast.Node, path string, into *Asks) {
	r.mapping(n, path, []key{
		{"folder", func(v ast.Node, p string) { r.path(v, p, &into.Folder) }},
		{"wait", func(v ast.Node, p string) { r.duration(v, p, &into.Wait) }},
		{"expires", func(v ast.Node, p string) { r.duration(v, p, &into.Expires) }},
	})
}
