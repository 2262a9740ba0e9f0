package pylon

import (
	_ "embed"
	"slices"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// operationsJSON is the contract this package enforces, one operation a line, taken from the vendor's published
// specification of July 2026 and, where marked "airbyte", from the parameter names Airbyte's connector uses.
//
//go:embed operations.json
var operationsJSON []byte

// Operation is one operation of the Pylon API.
type Operation struct {
	contract.Operation
	// Renamed maps a path variable to the name Airbyte's connector gives it, if that differs ("id": "kb_id").
	Renamed map[string]string `json:"renamed,omitempty"`
	// Rate is how many requests a minute the organization may make (specification of July 2026).
	Rate int `json:"rate"`
}

// Param is one parameter of an operation.
type Param = contract.Param

// Operations returns all 95 operations: the 43 of Airbyte's connector and 52 more of the vendor. Every call
// returns a fresh copy.
func Operations() []Operation { return contract.Operations[Operation](operationsJSON) }

// mergedRoutes merges the operations that share a route: it takes every parameter that any of them takes, and requires
// only what all of them require, which is what the vendor does on the wire.
func mergedRoutes() map[string]Operation {
	merged := map[string]Operation{}
	for _, op := range Operations() {
		have, ok := merged[op.Route()]
		if !ok {
			merged[op.Route()] = op
			continue
		}
		have.Body = mergeParams(have.Body, op.Body)
		have.Query = mergeParams(have.Query, op.Query)
		merged[op.Route()] = have
	}
	return merged
}

func mergeParams(a, b []Param) []Param {
	out := slices.Clone(a)
	for i := range out {
		other := contract.ParamNamed(b, out[i].Name)
		out[i].Required = out[i].Required && other != nil && other.Required
	}
	for _, p := range b {
		if contract.ParamNamed(out, p.Name) == nil {
			p.Required = false
			out = append(out, p)
		}
	}
	return out
}
