// Package grant decides: whether a connection may run an operation, with these
// parameters, and whether a request may be sent. It is pure: what was allowed and what
// is asked go in, a decision comes out, and a folder of files is the test of all of it.
//
// A [Grant] is what a person allowed a connection. [Grant.Operation] and
// [Grant.Arguments] judge a call before a sandbox starts, and [Grant.Request] judges
// each request in the form in which it is sent.
//
// [ReachOf] is everything that a connector declares that it may do, and
// [Reach.Beyond] says what of it a person has not approved yet.
package grant

import (
	"fmt"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Decision is whether something may be done, and why.
type Decision struct {
	Allowed bool `json:"allowed"`
	// Rule is what decided, in the words of the configuration.
	Rule string `json:"rule"`
	// Why says what is wrong with what was denied.
	Why string `json:"why,omitempty"`
	// Permit is the smallest change that would allow what was denied.
	Permit string `json:"permit,omitempty"`
	// Field is the parameter at fault, where it is one.
	Field string `json:"field,omitempty"`
}

// Denied is the error for an operation that may not run, of kind denied.
func (d Decision) Denied(connection string, op *abi.Operation) *abi.Error {
	message := fmt.Sprintf("connection %s may not run %s", connection, NameOf(op))
	if d.Why != "" {
		message += ": " + d.Why
	}
	return &abi.Error{
		Kind: abi.KindDenied, Rule: d.Rule, Field: d.Field,
		Message: message + ", by " + d.Rule,
		Hint:    d.Permit,
	}
}

// Refusal is the error for a request that may not be sent, of kind denied.
func (d Decision) Refusal() *abi.Error {
	return &abi.Error{Kind: abi.KindDenied, Rule: d.Rule, Message: d.Why, Hint: d.Permit, Field: d.Field}
}

// NameOf is the name of an operation in a configuration: entity.action.
func NameOf(op *abi.Operation) string { return op.Entity + "." + op.Action }

// Grant is what a connection may do, ready to decide. The nil Grant lets everything pass
// that the connector declares. It is immutable and may be used by several goroutines.
type Grant struct {
	allow     Allow
	arguments map[string][]argument // by operation
	requests  []requestRule
}

// New returns the Grant of an Allow, and the nil Grant of none.
//
// # Errors
//
// An error is an [*abi.Error] of kind invalid_params, whose Field is the key at fault
// within allow, such as params.issues.create.team_id.
func New(allow *Allow) (*Grant, error) {
	if allow == nil {
		return nil, nil
	}
	if len(allow.Effects)+len(allow.Operations) == 0 && len(allow.Params)+len(allow.Requests) > 0 {
		return nil, invalid("", "allow narrows operations and has none to narrow: without effects and operations nothing is allowed",
			"add effects: [read, write, delete], or name operations")
	}
	g := &Grant{allow: *allow}
	var err error
	if g.arguments, err = compileArguments(allow.Params); err != nil {
		return nil, err
	}
	for i, text := range allow.Requests {
		rule, err := parseRequestRule(text)
		if err != nil {
			return nil, invalid(fmt.Sprintf("requests[%d]", i), err.Error(), "write a method and a path: GET /repos/acme/{repo}, or * /repos/acme/**")
		}
		g.requests = append(g.requests, rule)
	}
	return g, nil
}

// change completes what a person may do to the configuration.
func change(what string) string { return what + " of the connection, if a person agrees" }

func invalid(field, message, hint string) *abi.Error {
	return &abi.Error{Kind: abi.KindInvalidParams, Field: field, Message: message, Hint: hint}
}
