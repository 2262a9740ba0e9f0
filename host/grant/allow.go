package grant

import (
	"fmt"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Allow is what a connection may do. It allows an operation if its effect is in Effects or
// its name in Operations. An Allow with neither allows nothing. Params and Requests
// restrict the operations that it allows.
type Allow struct {
	Effects []abi.Effect `json:"effects,omitempty"`
	// Operations have the form entity.action. entity.* matches all actions of an entity but
	// context_store_sql_query, which can read other entities too.
	Operations []string `json:"operations,omitempty"`
	// Params are rules on arguments, by operation (entity.action) and by parameter. A
	// dot leads into an object: address.country. All rules of an operation must hold.
	Params map[string]map[string]ParamRule `json:"params,omitempty"`
	// Requests restrict what connectors may send. Each has a method, or *, and a path
	// with parameters in braces: "GET /repos/acme/{repo}". A path that ends with /**
	// matches every path below it. A path belongs to the connection's server. For another
	// server, write its URL: "POST https://files.example.com/upload".
	Requests []string `json:"requests,omitempty"`
}

// ParamRule is a rule on one parameter. It has either Values or Pattern.
//
// The call must set the parameter, because a missing parameter or an empty list often means
// "all". Each element of a list must fit. The rule also applies to aliases of the parameter.
type ParamRule struct {
	// Values are text, numbers, true, false or nil. They are compared as JSON values:
	// 1 and 1.0 are equal, 1 and "1" are not.
	Values []any `json:"values,omitempty"`
	// Pattern is an RE2 expression. It must match the whole text.
	Pattern string `json:"pattern,omitempty"`
	// Optional permits calls without the parameter.
	Optional bool `json:"optional,omitempty"`
}

// operationRules are the rules that decide on operations. A new rule on operations is a new
// field: then OperationKey has it too.
type operationRules struct {
	effects    []abi.Effect
	operations []string
}

// Operation decides whether the operation may run. It does not check parameters.
func (g *Grant) Operation(op *abi.Operation) Decision {
	if g == nil {
		return Decision{Allowed: true, Rule: "allow is not set"}
	}
	return g.operations.decide(op)
}

// OperationKey identifies the rules of [Grant.Operation]: grants with the same key decide
// alike on every operation. The key of the nil Grant is empty, and no other key is.
func (g *Grant) OperationKey() string {
	if g == nil {
		return ""
	}
	return fmt.Sprintf("%q", g.operations)
}

func (r *operationRules) decide(op *abi.Operation) Decision {
	if slices.Contains(r.effects, op.Effect) {
		return Decision{Allowed: true, Rule: fmt.Sprintf("allow.effects has %s", op.Effect)}
	}
	name := NameOf(op)
	for _, pattern := range r.operations {
		if pattern == name || pattern == op.Entity+".*" && op.Action != airbyteapi.ActionSQLQuery {
			return Decision{Allowed: true, Rule: "allow.operations has " + pattern}
		}
	}
	return Decision{Rule: r.config(), Why: "its effect is " + string(op.Effect), Permit: change("add " + name + " to allow.operations")}
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
