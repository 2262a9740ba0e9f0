package backend

import (
	"context"
	"encoding/json"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Copies keeps copies of the records of connections, and searches them. The host knows only this: which
// database has the copies is the program's matter. It is safe for concurrent use.
type Copies interface {
	// Use tells which host the copies are of. It is called once, before all else.
	Use(h CopyHost)
	// Decorate returns a backend that also searches the copies of the connection's records, or b itself where
	// nothing can be copied. It sets [Connection.Copied]. It reads nothing: hosts also make connections
	// that nobody calls.
	Decorate(c *Connection, b Backend) Backend
}

// CopyHost is what copies need of a host. The copies of a workspace read as the workspace: they need the scope
// read and no other.
type CopyHost interface {
	// Hold returns a connection as it is now, which stays so until release is called, once.
	Hold(ctx context.Context, workspace, connection string) (c *Connection, release func(), err error)
	// Run runs an operation that reads, under the connection's grant. Nobody is asked: an operation in
	// allow.ask is denied. It takes no place of limits.concurrency, nor of the workspace's calls, as a search may wait for it that
	// has one; so make one call of a connection at a time. The audit trail has it as via sync.
	Run(ctx context.Context, workspace, connection string, op abi.OperationRef, params json.RawMessage) (*Result, error)
}

// decorated is a backend with another one in it.
type decorated interface{ Undecorated() Backend }

// Undecorated is the backend that runs the operations of the connector.
func Undecorated(b Backend) Backend {
	for {
		d, ok := b.(decorated)
		if !ok {
			return b
		}
		b = d.Undecorated()
	}
}
