package policy

import (
	"strings"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Searching returns a grant that also decides on searches in copies of records, which are made by lists, by the
// entity: as on the list. A copy has all that the list answers, so that there is none of a list that may be called
// under conditions only.
func (g *Grant) Searching(lists map[string]*abi.Operation) *Grant {
	if g == nil || len(lists) == 0 {
		return g
	}
	searching := *g
	searching.copied = lists
	return &searching
}

// listOf is the list that a search in copies is decided as, nil for other operations.
func (g *Grant) listOf(op *abi.Operation) *abi.Operation {
	if g.copied == nil || op.Action != airbyteapi.ActionSearch {
		return nil
	}
	return g.copied[op.Entity]
}

// search decides on a search in the copies that a list made.
func (g *Grant) search(op, list *abi.Operation) grant.Decision {
	name := NameOf(list)
	d := g.operations.decide(list)
	if !d.Allowed {
		d.Why = "it searches copies of what " + name + " lists, whose effect is " + string(list.Effect)
		return d
	}
	instead := "call " + name + ", or "
	if rules := g.argumentsOf(list); len(rules) > 0 {
		return grant.Decision{
			Rule: rules[0].rule(), Why: "there are no copies of a list whose parameters have rules, such as " + name,
			Permit: instead + change("remove allow.params."+name),
		}
	}
	if len(g.requests) > 0 {
		return grant.Decision{
			Rule: "allow.requests: [" + strings.Join(g.RequestRules(), ", ") + "]", Why: "there are no copies where allow.requests says what may be sent",
			Permit: instead + change("remove allow.requests"),
		}
	}
	for _, asked := range []*abi.Operation{list, op} {
		if rule, asks := g.Asks(asked); asks {
			return grant.Decision{
				Rule: rule, Why: "a person must approve each call of " + NameOf(asked) + ", so there are no copies",
				Permit: instead + change("take it out of allow.ask"),
			}
		}
	}
	return d
}
