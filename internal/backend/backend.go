// Package backend says what the host needs from the code that runs the operations of a connection:
// the host's own sandbox (package direct), or the Airbyte API (package hosted). It also has
// what both of them need.
package backend

import (
	"context"
	"hash/maphash"
	"io"
	"time"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/recording"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/shape"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Backend runs the operations of one connection. It is safe for concurrent use. Making one
// reads nothing and sends nothing.
type Backend interface {
	// Mode is the backend's name in configurations and records. Nobody compares it.
	Mode() config.Mode
	// Operations returns all operations.
	Operations() []*abi.Operation
	// View returns an operation as callers see it: without parameters that Accept refuses.
	View(op *abi.Operation) *abi.Operation
	// Operation finds an operation. The error has kind unknown_operation.
	Operation(entity, action string) (*connector.Operation, error)
	// Accept refuses parameters that this backend cannot use.
	Accept(op *connector.Operation, params []byte) error
	// Requests returns the requests that an operation may send to the vendor.
	Requests(op *abi.Operation) []Request
	// Check is the operation that tests the credential, or nil.
	Check() *abi.OperationRef
	// Ready reports whether a call need not wait for Prepare.
	Ready() bool
	// Prepare loads what a call needs and what may take longer than a call.
	Prepare(ctx context.Context) error
	// Run runs an operation whose parameters are valid.
	Run(ctx context.Context, call *Call) (Result, error)
	// Close frees what the backend holds. No call runs then, and none comes later.
	Close(ctx context.Context) error
}

// File is the file of a connector, whose module runs the connection's calls.
type File interface {
	// Acquire returns the module, and keeps it in memory until release is called, once.
	// Release is nil where the error is not.
	Acquire(ctx context.Context) (module *sandbox.Module, release func(), err error)
	// Ready reports whether the module is in memory.
	Ready() bool
	// Bytes reads the module.
	Bytes(ctx context.Context) ([]byte, error)
}

// Call is one run of an operation.
type Call struct {
	Operation       *connector.Operation
	Params          []byte // valid JSON that fits the operation's schema
	Select, Exclude []string
	Intent          string
	// Credentials replace fields of the connection's credential; none uses the connection's.
	Credentials map[string]secret.Value
	// Output, if not nil, gets the file that the operation answers.
	Output io.Writer
	// Room is the memory that the host reserved for the call.
	Room *Reservation
	// Budget is what the call may send and receive, in all of its runs.
	Budget *egress.Budget
	// OnRequest, if not nil, is called after each request that was sent or tried.
	OnRequest func()
	// Observer keeps the record of the call; nil keeps none.
	Observer Observer
	// Digest, if not nil, makes the digest of the records for [Pages].
	Digest *maphash.Seed
	// Planning says that the call is only to show its requests: the backend reads no secret, asks
	// nobody, and sends nothing. [Plan] sets it.
	Planning bool
	// Copying says that the call is for copies of records, as [CopyHost] makes them.
	Copying bool
	// Show, if not nil, is [egress.Scope.Show] of the operation's own requests.
	Show func(*egress.Shown) *abi.Error
	// Attempt, if not nil, receives each request that was sent or tried. [Run] sets it.
	Attempt func(egress.Attempt)

	// Tape, if not nil, gets a recording of the call: it has the time and the seed that the
	// module's clock and random numbers start from.
	Tape *recording.Recording
	// Profile, if not nil, receives where the module spent its fuel.
	Profile func(*sandbox.Profile)

	fields  *shape.Shape // of Select and Exclude
	effects effects
}

// Observer receives what the record of a call needs, on the goroutine of the call.
type Observer interface {
	// Sent receives a request that was sent or tried, and its time; Start of r is not set.
	Sent(r audit.Request, at time.Time)
	// Refused receives a request for which the module got an error.
	Refused(req *abi.Request, at time.Time, err error)
	// Ran receives the cost of the module: counts of its meter, and bytes of its memory.
	Ran(fuel, memory int64)
}

// Request is a request that an operation may send: a method and a URL whose path is a
// template.
type Request struct {
	Method string
	URL    string
	// File says where a file may come from that the answer names; empty if it names none.
	File string
}
