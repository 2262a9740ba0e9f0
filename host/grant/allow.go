package grant

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Allow is what a connection may do: an operation passes if its effect is in Effects or
// its name in Operations. An Allow with neither allows nothing. Params and Requests
// narrow what passes.
type Allow struct {
	Effects []abi.Effect `json:"effects,omitempty"`
	// Operations are named entity.action; entity.* stands for all of an entity.
	Operations []string `json:"operations,omitempty"`
	// Params are rules on arguments, by operation (entity.action) and by parameter. A
	// dot leads into an object: address.country. All rules of an operation must hold.
	Params map[string]map[string]ParamRule `json:"params,omitempty"`
	// Requests narrow what connectors may send. Each is a method, or *, and a path
	// with parameters in braces: "GET /repos/acme/{repo}". A path that ends with /**
	// stands for all that starts so. A path is one of the connection's server; to name
	// another server, write its URL: "POST https://files.example.com/upload".
	Requests []string `json:"requests,omitempty"`
}

// ParamRule is a rule on one parameter: Values or Pattern, and not both.
//
// The parameter must be given, because leaving it out often means all there is; so does
// an empty list. Each element of a list must fit. An alias of the parameter is held to
// the same rule.
type ParamRule struct {
	// Values are text, numbers, true, false or nil. They are compared as JSON values:
	// 1 and 1.0 are equal, 1 and "1" are not.
	Values []any `json:"values,omitempty"`
	// Pattern is an RE2 expression that the whole of a text matches.
	Pattern string `json:"pattern,omitempty"`
	// Optional says that the parameter may be left out.
	Optional bool `json:"optional,omitempty"`
}

// Operation decides whether the operation may be run at all.
func (g *Grant) Operation(op *abi.Operation) Decision {
	if g == nil {
		return Decision{Allowed: true, Rule: "allow is not set"}
	}
	if slices.Contains(g.allow.Effects, op.Effect) {
		return Decision{Allowed: true, Rule: fmt.Sprintf("allow.effects has %s", op.Effect)}
	}
	name := NameOf(op)
	for _, pattern := range g.allow.Operations {
		if pattern == name || pattern == op.Entity+".*" {
			return Decision{Allowed: true, Rule: "allow.operations has " + pattern}
		}
	}
	return Decision{Rule: g.allow.operations(), Why: "its effect is " + string(op.Effect), Permit: change("add " + name + " to allow.operations")}
}

// operations writes effects and operations the way a configuration does.
func (a *Allow) operations() string {
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
