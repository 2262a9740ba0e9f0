package policy_test

import (
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"testing"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/policy"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestEntityDoesNotAllowSQL: SQL on the copies of one entity can read those of all others.
func TestEntityDoesNotAllowSQL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		allow grant.Allow
		want  bool
	}{
		{grant.Allow{Operations: []string{"accounts.*"}}, false},
		{grant.Allow{Operations: []string{"accounts.context_store_search"}}, false},
		{grant.Allow{Operations: []string{"accounts.context_store_sql_query"}}, true},
		{grant.Allow{Effects: []abi.Effect{abi.EffectRead}}, true},
	} {
		g, err := policy.New(&c.allow)
		if err != nil {
			t.Fatal(err)
		}
		op := &abi.Operation{Entity: "accounts", Action: airbyteapi.ActionSQLQuery, Effect: abi.EffectRead}
		if d := g.Operation(op); d.Allowed != c.want {
			t.Errorf("%+v allows SQL: %t", c.allow, d.Allowed)
		}
		op.Action = airbyteapi.ActionSearch
		if d := g.Operation(op); !d.Allowed && len(c.allow.Effects) == 0 && c.allow.Operations[0] == "accounts.*" {
			t.Errorf("%+v does not allow a search", c.allow)
		}
	}
}
