// Package policy decides whether a connection may run an operation with some parameters, and
// whether it may send a request. The package is pure: decisions depend only on the arguments.
//
// A [Grant] is what a person allowed a connection. [Grant.Operation] and [Grant.Arguments]
// check a call before a sandbox starts. [Grant.Request] checks each request in the form in
// which the host sends it.
package policy

import (
	"fmt"
	"slices"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// NameOf returns the name of an operation in a configuration: entity.action.
func NameOf(op *abi.Operation) string { return op.Entity + "." + op.Action }

// Grant is a compiled [grant.Allow]. The nil Grant allows everything that the connector declares.
// A Grant is immutable and safe for concurrent use.
type Grant struct {
	operations operationRules
	asks       operationRules        // what a person must approve
	arguments  map[string][]argument // by operation
	requests   []requestRule
	downloads  *downloads // nil leaves what connectors declare
	copied     map[string]*abi.Operation
}

// New compiles an Allow. For a nil Allow it returns the nil Grant.
//
// # Errors
//
// An error is an [*abi.Error] of kind invalid_params, whose Field is the key at fault
// within allow, such as params.issues.create.team_id.
func New(allow *grant.Allow) (*Grant, error) {
	if allow == nil {
		return nil, nil
	}
	if len(allow.Effects)+len(allow.Operations) == 0 && len(allow.Ask)+len(allow.Params)+len(allow.Requests)+len(allow.Downloads) > 0 {
		return nil, fault.Invalid("", "allow has ask, params, requests or downloads, but allows no operation: effects and operations are missing",
			"add effects: [read, write, delete], or name operations")
	}
	effects := []string{string(abi.EffectRead), string(abi.EffectWrite), string(abi.EffectDelete)}
	for _, e := range allow.Effects {
		if !slices.Contains(effects, string(e)) {
			return nil, fault.Invalid("effects", fmt.Sprintf("there is no effect %.60q", string(e)), fault.Hint(string(e), effects))
		}
	}
	g := &Grant{operations: operationRules{effects: allow.Effects, operations: allow.Operations}}
	for i, text := range allow.Ask {
		if err := g.ask(text, effects); err != nil {
			return nil, fault.Under(fmt.Sprintf("ask[%d]", i), err)
		}
	}
	var err error
	if g.arguments, err = compileArguments(allow.Params); err != nil {
		return nil, err
	}
	for i, text := range allow.Requests {
		rule, err := parseRequestRule(text)
		if err != nil {
			return nil, fault.Invalid(fmt.Sprintf("requests[%d]", i), err.Error(), "write a method and a path: GET /repos/acme/{repo}, or * /repos/acme/**")
		}
		g.requests = append(g.requests, rule)
	}
	var at int
	if g.downloads, at, err = parseDownloads(allow.Downloads); err != nil {
		return nil, fault.Invalid(fmt.Sprintf("downloads[%d]", at), err.Error(), "write a domain (files.example.com) or an origin (https://files.example.com:8443)")
	}
	return g, nil
}

// change completes a hint about a change to the configuration. Agents read it too, so it
// says that a person must agree.
func change(what string) string { return what + " of the connection, if a person agrees" }
