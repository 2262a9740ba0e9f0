package host

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/host/egress"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/host/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// BenchmarkTrail is all that a trail adds to a call: what [Host.Execute] tells its entry,
// and the line in the file.
func BenchmarkTrail(b *testing.B) {
	file, err := audit.Open(filepath.Join(b.TempDir(), "audit.jsonl"), audit.FileOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	c := &connection{name: "lab", connector: &connector.Connector{Digest: "ab", Manifest: &abi.Manifest{Name: "pylon", Version: "1.0.0"}}}
	op := &connector.Operation{Operation: &abi.Operation{Entity: "issues", Action: "get", Effect: abi.EffectRead}}
	for name, sink := range map[string]audit.Sink{"file": file, "nowhere": audit.Tee()} {
		t := &trail{sink: sink, now: time.Now, log: hclog.NewNullLogger(), caller: "ada"}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e := t.begin(audit.ViaExecute, "lab", Call{Entity: "issues", Action: "get"})
				e.found(c, op)
				e.params([]byte(`{"id":"iss_1"}`))
				e.decided(grant.Decision{Allowed: true, Rule: "allow.effects has read"})
				e.attempt(egress.Attempt{Method: "GET", Template: "/issues/{id}", ID: "9e3779b8", Number: 1, Start: time.Now(), Duration: time.Millisecond, Sent: 100, Received: 1000, Status: 200})
				e.outcome(&sandbox.Outcome{Fuel: 1000, Memory: 1 << 20})
				if _, err := e.end(b.Context(), &Result{Data: []byte("{}"), Stats: Stats{Requests: 1}}, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
