package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/pdk/abi"
)

// operationRules are the rules that decide on operations. A new rule on operations is a new
// field: then OperationKey has it too.
type operationRules struct {
	effects    []abi.Effect
	operations []string
}

// Operation decides whether the operation may run. It does not check parameters.
func (g *Grant) Operation(op *abi.Operation) grant.Decision {
	if g == nil {
		return grant.Decision{Allowed: true, Rule: "allow is not set"}
	}
	if list := g.listOf(op); list != nil {
		return g.search(op, list)
	}
	return g.operations.decide(op)
}

// OperationKey identifies the rules of [Grant.Operation]: grants with the same key decide
// alike on every operation. The key of the nil Grant is empty, and no other key is.
func (g *Grant) OperationKey() string {
	if g == nil {
		return ""
	}
	if g.copied == nil {
		return fmt.Sprintf("%q", g.operations)
	}
	return fmt.Sprintf("%q %q %q %t", g.operations, g.asks, slices.Sorted(maps.Keys(g.arguments)), len(g.requests) > 0)
}

func (r *operationRules) decide(op *abi.Operation) grant.Decision {
	if slices.Contains(r.effects, op.Effect) {
		return grant.Decision{Allowed: true, Rule: fmt.Sprintf("allow.effects has %s", op.Effect)}
	}
	name := NameOf(op)
	for _, pattern := range r.operations {
		if pattern == name || pattern == op.Entity+".*" && op.Action != airbyteapi.ActionSQLQuery {
			return grant.Decision{Allowed: true, Rule: "allow.operations has " + pattern}
		}
	}
	return grant.Decision{Rule: r.config(), Why: "its effect is " + string(op.Effect), Permit: change("add " + name + " to allow.operations")}
}

// config formats the rules as in a configuration.
func (r *operationRules) config() string {
	var parts []string
	if len(r.effects) > 0 {
		var effects []string
		for _, e := range r.effects {
			effects = append(effects, string(e))
		}
		parts = append(parts, "effects: ["+strings.Join(effects, ", ")+"]")
	}
	if len(r.operations) > 0 {
		parts = append(parts, "operations: ["+strings.Join(r.operations, ", ")+"]")
	}
	return "allow: {" + strings.Join(parts, ", ") + "}"
}
