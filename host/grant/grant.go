// Package grant decides whether a connection may run an operation. It is pure: what
// was allowed and what is asked go in, a decision comes out.
package grant

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Decision is whether an operation may run, and why.
type Decision struct {
	Allowed bool
	// Rule is what decided, in the words of the configuration.
	Rule string
	// Permit is the smallest change that would allow what was denied.
	Permit string
}

// Decide judges an operation by what a connection allows. A nil allow lets every
// operation of the connector pass; the zero Allow lets none.
func Decide(allow *config.Allow, op *abi.Operation) Decision {
	if allow == nil {
		return Decision{Allowed: true, Rule: "allow is not set"}
	}
	if slices.Contains(allow.Effects, op.Effect) {
		return Decision{Allowed: true, Rule: fmt.Sprintf("allow.effects has %s", op.Effect)}
	}
	name := op.Entity + "." + op.Action
	for _, pattern := range allow.Operations {
		if pattern == name || pattern == op.Entity+".*" {
			return Decision{Allowed: true, Rule: "allow.operations has " + pattern}
		}
	}
	return Decision{Rule: rule(allow), Permit: "add " + name + " to allow.operations"}
}

// rule writes an allow the way a configuration does.
func rule(a *config.Allow) string {
	var parts []string
	if len(a.Effects) > 0 {
		var effects []string
		for _, e := range a.Effects {
			effects = append(effects, string(e))
		}
		parts = append(parts, "effects: ["+strings.Join(effects, ", ")+"]")
	}
	if len(a.Operations) > 0 {
		parts = append(parts, "operations: ["+strings.Join(a.Operations, ", ")+"]")
	}
	return "allow: {" + strings.Join(parts, ", ") + "}"
}

// Denied is the error for an operation that may not run.
func (d Decision) Denied(connection string, op *abi.Operation) *abi.Error {
	return &abi.Error{
		Kind:    abi.KindDenied,
		Rule:    d.Rule,
		Message: fmt.Sprintf("connection %s may not run %s.%s, whose effect is %s, by %s", connection, op.Entity, op.Action, op.Effect, d.Rule),
		Hint:    d.Permit + " of the connection, if a person agrees",
	}
}
