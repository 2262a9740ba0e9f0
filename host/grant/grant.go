// Package grant has the words of what a person allows: what a connection may do ([Allow]),
// which access a connector declares ([Reach]), what a person approved of it ([Approval]), and
// how the host decided ([Decision]). The package is pure.
//
// [ReachOf] returns the access that a connector declares. [Reach.Beyond] returns the part
// that a person has not approved.
package grant

import (
	"fmt"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Decision says whether an action is allowed, and why.
type Decision struct {
	Allowed bool `json:"allowed"`
	// Rule is the rule that decided, as in the configuration.
	Rule string `json:"rule"`
	// Why is the reason for a denial.
	Why string `json:"why,omitempty"`
	// Permit is the smallest change that would allow the action.
	Permit string `json:"permit,omitempty"`
	// Field is the parameter that caused a denial, or empty.
	Field string `json:"field,omitempty"`
}

// Denied returns the error of kind denied for an operation that may not run.
func (d Decision) Denied(connection string, op *abi.Operation) *abi.Error {
	message := fmt.Sprintf("connection %s may not run %s", connection, nameOf(op))
	if d.Why != "" {
		message += ": " + d.Why
	}
	return &abi.Error{
		Kind: abi.KindDenied, Rule: d.Rule, Field: d.Field,
		Message: message + ", by " + d.Rule,
		Hint:    d.Permit,
	}
}

// Refusal returns the error of kind denied for a request that the host does not send.
func (d Decision) Refusal() *abi.Error {
	return &abi.Error{Kind: abi.KindDenied, Rule: d.Rule, Message: d.Why, Hint: d.Permit, Field: d.Field}
}

// nameOf returns the name of an operation in a configuration.
func nameOf(op *abi.Operation) string { return op.Entity + "." + op.Action }
