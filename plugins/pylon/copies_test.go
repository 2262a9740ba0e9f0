package main

import (
	"slices"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

// TestEveryListIsCopied: an entity with a list has copies, and so have those that the Airbyte API
// searches.
func TestEveryListIsCopied(t *testing.T) {
	for _, op := range connector.Operations {
		copied := slices.ContainsFunc(copies, func(s abi.Sync) bool { return s.Entity == op.Entity })
		if list := op.List || op.Page != nil; list && !copied {
			t.Errorf("%s.%s lists, and %s is not copied", op.Entity, op.Action, op.Entity)
		}
	}
	for _, e := range airbyte.ContextStore {
		if !slices.ContainsFunc(copies, func(s abi.Sync) bool { return s.Entity == e.Entity && len(s.Text) > 0 }) {
			t.Errorf("%s cannot be searched", e.Entity)
		}
	}
}
