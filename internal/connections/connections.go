// Package connections holds the connections of a host: who may see which of them, and how they
// change while the host is open.
package connections

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/agenthost/agenthost/host/config"
)

// Source has the connections of a host. The host calls its methods from several goroutines at
// once.
type Source interface {
	// Get returns a connection that the principal may see, and its revision, which is another
	// one whenever the connection changed. It answers from memory: the host asks before every
	// call. The error is [ErrNone] where the principal may see no connection of that name.
	Get(ctx context.Context, p Principal, name string) (c config.Connection, revision string, err error)
	// List returns a page of the connections that the principal may see and whose names start
	// with a prefix. The first page has the empty cursor.
	List(ctx context.Context, p Principal, prefix, cursor string) (Page, error)
	// Changes returns a channel of what changed, which ends with ctx; nil if nothing changes.
	// What was not announced is noticed by the next call, and not by the tools. The host calls
	// it once.
	Changes(ctx context.Context) (<-chan Change, error)
}

// ErrNone says that the connection does not exist, or that the principal may not see it.
var ErrNone = errors.New("there is no such connection")

// Principal is the party that the host acts for. The zero Principal is the local operator, who may
// see every connection and has every scope: never make one for somebody else.
type Principal struct {
	// Workspace is whose connections they are. A name is unique in it.
	Workspace string
	// Subject is the person or the program, for [Source] and for the audit trail.
	Subject string
	// Scopes are what the principal may do at most. A principal without scopes may do nothing.
	Scopes []Scope
}

// Scope is something that a principal may do.
type Scope string

// The scopes. The first three are the effects of operations. The host does not ask for the
// others: they are for programs that let principals make connections.
const (
	Read    Scope = "read"
	Write   Scope = "write"
	Delete  Scope = "delete"
	Connect Scope = "connect" // connect an account of one's own
	Manage  Scope = "manage"  // make, change and remove connections
)

// IsOperator reports whether p is the zero Principal.
func (p Principal) IsOperator() bool {
	return p.Workspace == "" && p.Subject == "" && p.Scopes == nil
}

// May reports whether the principal has a scope.
func (p Principal) May(s Scope) bool { return p.IsOperator() || slices.Contains(p.Scopes, s) }

// Page is some connections of a list.
type Page struct {
	Connections []Listed
	// Next is the cursor of the next page; empty on the last one.
	Next string
}

// Listed is a connection of a list.
type Listed struct {
	Name       string
	Revision   string
	Connection config.Connection
}

// Change says which connections were added, changed or removed.
type Change struct {
	// Workspace is whose connections changed.
	Workspace string
	// Names are those of the connections; none means all of the workspace.
	Names []string
	// Everything says that connections of every workspace may have changed, as after a gap.
	Everything bool
}

// All yields the connections of all pages of a list, in the source's order. It ends after an
// error.
func All(ctx context.Context, s Source, p Principal) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		asked := make(map[string]bool)
		for cursor := ""; ; {
			if err := ctx.Err(); err != nil {
				yield(Listed{}, err)
				return
			}
			asked[cursor] = true
			page, err := s.List(ctx, p, "", cursor)
			if err != nil {
				yield(Listed{}, err)
				return
			}
			for _, c := range page.Connections {
				if !yield(c, nil) {
					return
				}
			}
			if cursor = page.Next; cursor == "" {
				return
			}
			if asked[cursor] {
				yield(Listed{}, fmt.Errorf("the list of connections repeats cursor %.60q", cursor))
				return
			}
		}
	}
}
