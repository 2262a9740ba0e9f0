package backend

import (
	"testing"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestEffects: what a call of several requests may have changed, by its requests in order.
func TestEffects(t *testing.T) {
	t.Parallel()
	get, post := func(status int) egress.Attempt { return egress.Attempt{Method: "GET", Status: status} }, func(status int) egress.Attempt { return egress.Attempt{Method: "POST", Status: status} }
	failed := func(sent bool) egress.Attempt {
		return egress.Attempt{Method: "POST", Err: &abi.Error{Kind: abi.KindNetwork, RequestSent: sent}}
	}
	for name, test := range map[string]struct {
		effect     abi.Effect
		idempotent bool
		attempts   []egress.Attempt
		want       bool
	}{
		"nothing":              {abi.EffectWrite, false, nil, false},
		"a read":               {abi.EffectRead, false, []egress.Attempt{post(500), post(200)}, false},
		"idempotent":           {abi.EffectWrite, true, []egress.Attempt{post(500)}, false},
		"only a look":          {abi.EffectWrite, false, []egress.Attempt{get(500)}, false},
		"refused":              {abi.EffectWrite, false, []egress.Attempt{get(200), post(422), post(429)}, false},
		"failed":               {abi.EffectDelete, false, []egress.Attempt{post(500)}, true},
		"moved":                {abi.EffectWrite, false, []egress.Attempt{post(303)}, true},
		"one of two":           {abi.EffectWrite, false, []egress.Attempt{post(201), post(429)}, true},
		"then not sent":        {abi.EffectWrite, false, []egress.Attempt{post(201), failed(false)}, true},
		"not sent":             {abi.EffectWrite, false, []egress.Attempt{failed(false)}, false},
		"sent, and then ended": {abi.EffectWrite, false, []egress.Attempt{failed(true), failed(false)}, true},
	} {
		c := Call{Operation: &connector.Operation{Operation: &abi.Operation{Effect: test.effect, Idempotent: test.idempotent}}}
		if watch := c.attempts(); watch != nil {
			for _, a := range test.attempts {
				watch(a)
			}
		}
		if c.effects.changed != test.want {
			t.Errorf("%s: %t", name, c.effects.changed)
		}
	}
}
