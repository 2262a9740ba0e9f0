package host

import (
	"context"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Explanation says which rules decide about a call.
type Explanation struct {
	Connection string
	Operation  abi.Operation
	Mode       config.Mode
	// Decision is the result: that of the first question with the answer no, or of the last
	// question.
	Decision grant.Decision
	// Rulings are all questions, in the order in which they are asked before a call, also those
	// after the first no, because a person may have to fix more than one thing.
	Rulings []Ruling
	// Ask is the rule by which a person must approve each call; empty if nobody must.
	Ask string
	// Arguments says in words which rules the parameters must follow.
	Arguments []string
	// Requests are those that the operation may send, and Narrowed are the connection's
	// allow.requests, one of which a request must also match, if there are any. An operation of a
	// hosted connection sends none of its own.
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
	// File says where a file may come from that the answer names, by the connector or by the
	// connection's allow.downloads; empty if it names none.
	File string
}

// Explain says what would decide on a call, by the same rules as [Host.Execute], and the smallest
// change that would permit it. It runs nothing, sends nothing, reads no secret and changes nothing.
// If Params is nil, it skips the question about the arguments, and Arguments says which rules they
// must follow.
//
// # Errors
//
// As those of Execute: unknown_operation, and invalid_params if the operation may run and Params do
// not fit it.
func (h *Host) Explain(ctx context.Context, connection string, call Call) (explanation *Explanation, err error) {
	ctx, leave, err := h.gate.pass(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	defer func() {
		if p := recover(); p != nil {
			err = panicked(h.log, "explaining a call", p)
		}
	}()
	var asked backend.Call
	c, err := h.lookUp(ctx, connection, call, &asked)
	if c != nil {
		defer c.release()
	}
	if err != nil {
		return nil, err
	}
	op := asked.Operation
	// Not approved, which writes down that an update was let through.
	j, _, err := h.judge(c.Connector.Module(), c.file.Path())
	if err != nil {
		return nil, err
	}
	x := &Explanation{
		Connection: c.Name, Operation: *op.Operation, Mode: c.backend.Mode(),
		Rulings:   []Ruling{{"approval", j.Decision}, {"operation", c.permits(call.Principal, op.Operation)}},
		Arguments: c.Grant.ArgumentRules(op.Operation),
		Narrowed:  c.Grant.RequestRules(),
		Limits:    c.Limits,
	}
	x.Ask, _ = c.Grant.Asks(op.Operation)
	for _, r := range c.backend.Requests(op.Operation) {
		x.Requests = append(x.Requests, ExplainedRequest(r))
	}
	if call.Params != nil {
		params, err := encode(call.Params)
		if err == nil {
			asked.Params, asked.Select, asked.Exclude, asked.Intent = params, call.Select, call.Exclude, call.Intent
			err = asked.Validate(ctx, c.backend)
		}
		switch {
		case err == nil:
			x.Rulings = append(x.Rulings, Ruling{"arguments", c.Grant.Arguments(op.Operation, params)})
		case x.Rulings[0].Allowed && x.Rulings[1].Allowed:
			return nil, err
		}
	}
	for _, r := range x.Rulings {
		x.Decision = r.Decision
		if !r.Allowed {
			break
		}
	}
	return x, nil
}
