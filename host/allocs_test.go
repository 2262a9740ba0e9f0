package host_test

import (
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/audit"
)

// What a call allocates does not depend on the machine. The bounds have some room for other
// versions of Go, and none for a decoder or a logger on the way of each call.
func TestAllocationsOfACall(t *testing.T) {
	o := options(t, host.StaticConnections{"lab": {Connector: "pylon", Server: "http://127.0.0.1:9", Credentials: map[string]string{"api_token": "env:TOKEN"}}})
	o.Dial = piped
	audited := o
	audited.Sinks = []audit.Sink{sinkFunc(func(*audit.Record) {})}
	get := host.Call{Entity: "issues", Action: "get", Params: host.Params{"id": "iss_1"}}
	for _, tt := range []struct {
		name string
		h    *host.Host
		call func(h *host.Host) error
		most float64
	}{
		{"up to the sandbox", opened(t, o), func(h *host.Host) error { return h.ExecuteStopped(t.Context(), "lab", get) }, 9},
		{"up to the sandbox, with a trail", opened(t, audited), func(h *host.Host) error { return h.ExecuteStopped(t.Context(), "lab", get) }, 15},
		{"in all", opened(t, o), func(h *host.Host) error { _, err := h.Execute(t.Context(), "lab", get); return err }, 140},
	} {
		run := func() {
			if err := tt.call(tt.h); err != nil {
				t.Fatal(err)
			}
		}
		n := testing.AllocsPerRun(50, run)
		for range 3 { // the race detector makes pools forget at random
			n = min(n, testing.AllocsPerRun(50, run))
		}
		t.Logf("%s: %v", tt.name, n)
		if n > tt.most {
			t.Errorf("a get makes %v allocations %s, want %v at most", n, tt.name, tt.most)
		}
	}
}
