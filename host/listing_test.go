package host_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/pdk/abi"
)

// fleet are n connections of one connector, which all allow the same.
func fleet(n int, allow *config.Allow) host.StaticConnections {
	connections := make(host.StaticConnections, n)
	for i := range n {
		connections[fmt.Sprintf("customer-%05d", i)] = host.Connection{Connector: "pylon", Credentials: map[string]string{"api_token": "env:TOKEN"}, Allow: allow}
	}
	return connections
}

// TestToolsKeepNothing: a connection that has tools and is not called costs little more than
// its name.
func TestToolsKeepNothing(t *testing.T) {
	for name, c := range map[string]struct {
		allow *config.Allow
		most  float64
	}{"all": {nil, 7}, "reads": {&config.Allow{Effects: []abi.Effect{abi.EffectRead}}, 13}, "one": {&config.Allow{Operations: []string{"issues.get"}}, 13}} {
		count := func(n int) float64 {
			h := opened(t, options(t, fleet(n, c.allow)))
			tools := func() tool.Set {
				set, err := h.Tools(t.Context(), host.ToolOptions{Options: tool.Options{Form: tool.FormSearch}})
				if err != nil {
					t.Fatal(err)
				}
				return set
			}
			set := tools()
			if n := h.Connected(); n != 0 {
				t.Errorf("%s: the host keeps %d connections for their tools", name, n)
			}
			if text, failed := set.Answer(t.Context(), tool.ExecuteOperation, json.RawMessage(`{"operation":"customer-00001.issues.get","params":{"no":1}}`)); !failed || h.Connected() != 1 {
				t.Errorf("%s: the host keeps %d connections after a call of one: %s", name, h.Connected(), text)
			}
			fewest := testing.AllocsPerRun(1, func() { tools() })
			for range 2 { // under the race detector, a sync.Pool forgets at random
				fewest = min(fewest, testing.AllocsPerRun(1, func() { tools() }))
			}
			return fewest
		}
		if each := (count(300) - count(100)) / 200; each > c.most {
			t.Errorf("%s: %v allocations for each connection", name, each)
		}
	}
}

// TestToolsOfManyGrants holds that what connections share does not give one of them what
// another one allows.
func TestToolsOfManyGrants(t *testing.T) {
	t.Parallel()
	connections := make(host.StaticConnections)
	for i, allow := range []*config.Allow{
		nil, {}, {Effects: []abi.Effect{abi.EffectRead}}, {Effects: []abi.Effect{abi.EffectRead, abi.EffectWrite}}, {Effects: []abi.Effect{abi.EffectWrite, abi.EffectRead}},
		{Operations: []string{"issues.get"}}, {Operations: []string{"issues.*"}}, {Effects: []abi.Effect{abi.EffectDelete}, Operations: []string{"issues.get", "accounts.list"}},
		{Operations: []string{"issues.get"}, Requests: []string{"GET /issues/{id}"}}, nil, {Effects: []abi.Effect{abi.EffectRead}},
	} {
		c := host.Connection{Connector: "pylon", Credentials: map[string]string{"api_token": "env:TOKEN"}, Allow: allow}
		connections[fmt.Sprintf("c%d", i)] = c
		c.Mode, c.Credentials = config.Hosted, map[string]string{"client_id": "env:TOKEN", "client_secret": "env:TOKEN"}
		c.Airbyte = &config.Airbyte{WorkspaceName: "acme"}
		connections[fmt.Sprintf("h%d", i)] = c
	}
	h := opened(t, options(t, connections))
	set, err := h.Tools(t.Context(), host.ToolOptions{Options: tool.Options{Form: tool.FormOperations}})
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, one := range set {
		got[one.Name] = string(one.Input)
	}
	if len(got) == 0 {
		t.Error("there are no tools")
	}
	for name := range connections {
		operations, err := h.Operations(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		alone, err := h.Tools(t.Context(), host.ToolOptions{Connections: []string{name}, Options: tool.Options{Form: tool.FormOperations}})
		if err != nil {
			t.Fatal(err)
		}
		want := make(map[string]string)
		for _, one := range alone {
			want[one.Name] = string(one.Input)
		}
		for _, op := range operations {
			if same, err := h.Operation(t.Context(), name, op.Entity, op.Action); err != nil || !reflect.DeepEqual(*same, op) {
				t.Errorf("Operation = %+v, %v; Operations has %+v", same, err, op)
			}
			of := name + "_" + op.Entity + "_" + op.Action
			input, there := got[of]
			if there != op.Allowed {
				t.Errorf("%s has a tool: %t; it is allowed: %t", of, there, op.Allowed)
			}
			if input != want[of] {
				t.Errorf("%s takes %.200s, and %.200s beside other connections", of, want[of], input)
			}
		}
	}
}

// TestToolsNamedTwice: a connection that is named twice has its tools once.
func TestToolsNamedTwice(t *testing.T) {
	t.Parallel()
	h := opened(t, options(t, fleet(2, nil)))
	set, err := h.Tools(t.Context(), host.ToolOptions{Connections: []string{"customer-00001", "customer-00000", "customer-00001"}, Options: tool.Options{Form: tool.FormConnections}})
	if err != nil || len(set) != 2 || set[0].Name != "customer-00001_execute" {
		t.Errorf("%v, %v", set, err)
	}
}

// BenchmarkTools is what tools over connections of one connector with 76 operations cost,
// by the number of connections.
func BenchmarkTools(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			connections := fleet(n, nil)
			for _, form := range []tool.Form{tool.FormSearch, tool.FormConnections, tool.FormOperations} {
				b.Run(string(form), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						b.StopTimer()
						h := opened(b, options(b, connections))
						if _, err := h.Connectors(b.Context()); err != nil {
							b.Fatal(err)
						}
						b.StartTimer()
						if _, err := h.Tools(b.Context(), host.ToolOptions{Options: tool.Options{Form: form}}); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			h := opened(b, options(b, connections))
			set, err := h.Tools(b.Context(), host.ToolOptions{Options: tool.Options{Form: tool.FormSearch}})
			if err != nil {
				b.Fatal(err)
			}
			b.Run("execute", func(b *testing.B) {
				b.ReportAllocs()
				args := json.RawMessage(fmt.Sprintf(`{"operation":"customer-%05d.issues.get","params":{"ID":"x"}}`, n-1))
				for b.Loop() {
					if _, failed := set.Answer(b.Context(), tool.ExecuteOperation, args); !failed { // by the parameters
						b.Fatal("no failure")
					}
				}
			})
			b.Run("unknown", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := h.Execute(b.Context(), "custmer", host.Call{Entity: "issues", Action: "get"}); err == nil {
						b.Fatal("no failure")
					}
				}
			})
		})
	}
}
