package main

import (
	"fmt"
	"testing"

	"github.com/agenthost/agenthost/host"
)

// TestPlaces keeps a hint short, whatever the configuration has.
func TestPlaces(t *testing.T) {
	var many []host.HostedConnection
	for i := range maxPlaces + 3 {
		many = append(many, host.HostedConnection{Name: fmt.Sprintf("c%d", i)})
	}
	for _, c := range []struct {
		hosted []host.HostedConnection
		want   string
	}{
		{nil, ""},
		{many[:2], "c0, c1"},
		{many[:maxPlaces], "c0, c1, c2, c3, c4, c5, c6, c7"},
		{many, "c0, c1, c2, c3, c4, c5, c6, c7 and 3 more"},
		{[]host.HostedConnection{{Name: "a", Workspace: "w", Organization: "o"}, {Name: "b", Organization: "o"}}, "a (workspace w), b"},
		{[]host.HostedConnection{{Name: "a", Workspace: "w", Organization: "o"}, {Name: "b", Workspace: "w"}}, "a (workspace w, organization o), b (workspace w)"},
	} {
		if got := places(c.hosted); got != c.want {
			t.Errorf("places(%+v) = %q, want %q", c.hosted, got, c.want)
		}
	}
}
