package host

import (
	"context"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Explanation says what decides on a call.
type Explanation struct {
	Connection string
	Operation  abi.Operation
	Mode       config.Mode
	// Decision is the one that counts: of the first question whose answer is no, or of
	// the last question.
	Decision grant.Decision
	// Rulings are all questions, in the order in which they are asked before a call, those
	// after the first no as well: a person may have to mend more than one thing.
	Rulings []Ruling
	// Arguments says in words which rules the parameters must keep.
	Arguments []string
	// Requests are those that the operation may send, and Narrowed are the connection's
	// allow.requests, one of which a request must fit as well where there are any. An
	// operation of a hosted connection sends none of its own.
	Requests []ExplainedRequest
	Narrowed []string
	// Limits are those of one call, defaults included.
	Limits config.Limits
}

// Ruling is a question that is asked before a call, and its answer.
type Ruling struct {
	// Question is approval, operation or arguments.
	Question string
	grant.Decision
}

// ExplainedRequest is a request that an operation may send: a method and a URL whose path is
// a template.
type ExplainedRequest struct {
	Method string
	URL    string
}

// The questions of a [Ruling].
const (
	QuestionApproval  = "approval"
	QuestionOperation = "operation"
	QuestionArguments = "arguments"
)

// Explain says what would decide on a call, by the same rules as [Host.Execute], and the
// smallest change that would permit it. It runs nothing, sends nothing, reads no secret and
// changes nothing. With Params nil the question about the arguments is left out, and
// Arguments says which rules they must keep.
//
// # Errors
//
// As those of Execute before it decides: unknown_operation, and invalid_params where Params
// do not fit the operation.
func (h *Host) Explain(ctx context.Context, connection string, call Call) (*Explanation, error) {
	c, op, err := h.look(ctx, connection, call)
	if err != nil {
		return nil, err
	}
	// Not approved, which writes down that an update was let through.
	j, _, err := h.judge(moduleOf(c.connector), c.file.path)
	if err != nil {
		return nil, err
	}
	x := &Explanation{
		Connection: c.name, Operation: *op.Operation, Mode: config.Direct,
		Rulings:   []Ruling{{QuestionApproval, j.Decision}, {QuestionOperation, c.grant.Operation(op.Operation)}},
		Arguments: c.grant.ArgumentRules(op.Operation),
		Narrowed:  c.grant.RequestRules(),
		Limits:    c.limits,
	}
	if c.isHosted() {
		x.Mode = config.Hosted
	} else {
		x.Requests = c.requestsOf(op.Operation)
	}
	if call.Params != nil {
		params, err := validate(c, op, call)
		if err != nil {
			return nil, err
		}
		x.Rulings = append(x.Rulings, Ruling{QuestionArguments, c.grant.Arguments(op.Operation, params)})
	}
	for _, r := range x.Rulings {
		x.Decision = r.Decision
		if !r.Allowed {
			break
		}
	}
	return x, nil
}

// requestsOf writes the requests that an operation declares with the URLs of the servers
// that they go to.
func (c *connection) requestsOf(op *abi.Operation) []ExplainedRequest {
	requests := make([]ExplainedRequest, 0, len(op.Requests))
	for _, r := range op.Requests {
		requests = append(requests, ExplainedRequest{Method: r.Method, URL: c.serverURL(r.Server) + r.Path})
	}
	return requests
}

// serverURL is where requests to a server go; an empty id means the connection's.
func (c *connection) serverURL(id string) string {
	if id == "" || id == c.server.ID {
		if c.override != "" {
			return c.override
		}
		return c.server.URL
	}
	for _, s := range c.connector.Manifest.Servers {
		if s.ID == id {
			return s.URL
		}
	}
	return id
}
