package host_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Explain must say what Execute does, for each question that can be answered with no.
func TestExplainAgreesWithExecute(t *testing.T) {
	t.Parallel()
	server, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: token, Scale: pylon.SmallScale()}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	narrow := labAt(server)
	narrow.Allow = &config.Allow{
		Effects: []abi.Effect{abi.EffectRead}, Operations: []string{"tags.create"},
		Params: map[string]map[string]grant.ParamRule{"tags.create": {"object_type": {Values: []any{"issue"}}}},
	}
	connections := host.StaticConnections{"lab": labAt(server), "narrow": narrow}
	for _, c := range []struct {
		name       string
		lock       bool
		connection string
		call       host.Call
		decides    string // the question whose answer counts
		allowed    bool
	}{
		{"all is allowed", false, "lab", host.Call{Entity: "tags", Action: "create", Params: host.Params{"value": "a", "object_type": "issue"}}, "arguments", true},
		{"nobody approved", true, "lab", host.Call{Entity: "accounts", Action: "list", Params: host.Params{}}, "approval", false},
		{"an effect", false, "narrow", host.Call{Entity: "issues", Action: "delete", Params: host.Params{"id": "x"}}, "operation", false},
		{"a value", false, "narrow", host.Call{Entity: "tags", Action: "create", Params: host.Params{"value": "a", "object_type": "account"}}, "arguments", false},
		{"the right value", false, "narrow", host.Call{Entity: "tags", Action: "create", Params: host.Params{"value": "a", "object_type": "issue"}}, "arguments", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(t, connections)
			if c.lock {
				o.Lock = filepath.Join(t.TempDir(), "agenthost.lock")
			}
			h, err := host.Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close(t.Context())
			x, err := h.Explain(t.Context(), c.connection, c.call)
			if err != nil {
				t.Fatal(err)
			}
			if x.Decision.Allowed != c.allowed {
				t.Errorf("decision: %+v", x.Decision)
			}
			for _, r := range x.Rulings {
				if r.Question == c.decides && (r.Rule != x.Decision.Rule || r.Allowed != c.allowed) {
					t.Errorf("%s says %+v, and the decision is %+v", r.Question, r.Decision, x.Decision)
				}
			}
			if n := len(server.Requests()); n != 0 {
				t.Errorf("explaining sent %d requests", n)
			}
			if c.lock {
				if _, err := os.Stat(o.Lock); err == nil {
					t.Error("explaining wrote a lock file")
				}
			}
			_, err = h.Execute(t.Context(), c.connection, c.call)
			var e *host.Error
			denied := errors.As(err, &e) && e.Kind == abi.KindDenied
			if denied == c.allowed {
				t.Fatalf("Execute: %v", err)
			}
			if denied && (e.Rule != x.Decision.Rule || e.Hint != x.Decision.Permit) {
				t.Errorf("Execute says %q, %q; Explain says %q, %q", e.Rule, e.Hint, x.Decision.Rule, x.Decision.Permit)
			}
			server.Reset()
		})
	}
}

// A call that names what is not there, or has parameters that do not fit, is told so.
func TestExplainRefuses(t *testing.T) {
	t.Parallel()
	h, _ := open(t)
	for _, c := range []struct {
		call host.Call
		kind abi.Kind
	}{
		{host.Call{Entity: "accounts", Action: "lst"}, abi.KindUnknownOperation},
		{host.Call{Entity: "accounts", Action: "list", Params: host.Params{"limt": 1}}, abi.KindInvalidParams},
	} {
		_, err := h.Explain(t.Context(), "lab", c.call)
		var e *host.Error
		if !errors.As(err, &e) || e.Kind != c.kind {
			t.Errorf("%+v: %v", c.call, err)
		}
	}
}
