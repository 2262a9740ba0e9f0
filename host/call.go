package host

import (
	"context"
	"io"
	"time"

	"github.com/agenthost/agenthost/host/ask"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Error is the error type of all methods of [Host].
type Error = abi.Error

// Connection is a configured use of a connector.
type Connection = config.Connection

// Params are the parameters of a call.
type Params map[string]any

// Call is one use of an operation.
type Call struct {
	Entity string
	Action string
	// Params is anything that marshals to a JSON object: [Params], a struct, or a
	// json.RawMessage, whose numbers are kept as they are written. Nil means {}.
	Params any
	// Select keeps only the named fields of every record, Exclude drops fields.
	// A name is a path such as "assignee.email"; at most one of the two is set.
	Select  []string
	Exclude []string
	// Timeout shortens the connection's time limit for this call; 0 means that limit. A negative
	// timeout has passed already.
	Timeout time.Duration
	// Principal decides which connections the call sees, and limits what it may do. The zero value
	// is the local operator.
	Principal Principal
	// Caller names the caller for the audit trail: a user, an agent, a session. Empty means
	// [Options.Caller]. It has no effect on what the call may do.
	Caller string
	// Intent is the reason for the call, in up to 512 characters. A hosted connection sends it to
	// the Airbyte API for its records.
	Intent string
	// Credentials replace fields of the connection's credential for this call only, as for an
	// end user whose token the program holds; a connection without credentials takes any auth
	// scheme that they complete. For OAuth 2.0 that is access_token. The call
	// has a client of its own: it uses no connection to the vendor, token or rate limit of other
	// calls, and leaves none. A hosted connection takes none.
	Credentials map[string]secret.Value
	// Confirm, if not nil, asks a person at once about a call of an operation in allow.ask, with
	// its plan, whose texts may be anybody's. The call waits for it, for up to five minutes. An
	// [*Error] ends the call; after another error [Options.Asks] keeps the question. Whatever an agent controls must not answer.
	Confirm func(ctx context.Context, plan *ask.Plan) (ask.Answer, error)
	// Output, if not nil, gets the file that the operation answers, as it comes: it is not in
	// memory, and only limits.download_bytes bounds it. The result's data then has
	// content_type, bytes and sha256. If the call fails, what was written is of no use. The
	// operation's content is not JSON, and the connection is direct.
	Output io.Writer
	// OnRequest, if not nil, is called after each request of the call to the vendor, also those
	// that failed or will be repeated. The call waits for it.
	OnRequest func()
	// OnCompile, if not nil, is called when the call has to wait because the connector is
	// compiled, with its name. The call waits for it. See [Options.OnCompile].
	OnCompile func(connector string)
	// Limit is the number of records after which [Host.Pages] and [Host.Records]
	// stop; 0 means all.
	Limit int
}

// Result is what an operation answered.
type Result = backend.Result

// Stats is what a call cost.
type Stats = backend.Stats

// encode returns the parameters of a call as JSON.
func encode(params any) ([]byte, error) {
	if p, ok := params.(Params); ok {
		params = map[string]any(p)
	}
	return backend.Encode(params)
}
