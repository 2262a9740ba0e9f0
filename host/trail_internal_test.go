package host

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/connector"
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
	c := &connection{backend: stopped{}, Connection: backend.Connection{Name: "lab", Connector: &connector.Connector{Digest: "ab", Manifest: &abi.Manifest{Name: "pylon", Version: "1.0.0"}}}}
	call := &backend.Call{Operation: &connector.Operation{Operation: &abi.Operation{Entity: "issues", Action: "get", Effect: abi.EffectRead}}}
	for name, sink := range map[string]audit.Sink{"file": file, "nowhere": writers{}} {
		t := &trail{sink: sink, now: time.Now, log: hclog.NewNullLogger(), caller: "ada"}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e := t.begin(viaExecute, "lab", Call{Entity: "issues", Action: "get"})
				e.found(c, call)
				e.params([]byte(`{"id":"iss_1"}`))
				e.decided(grant.Decision{Allowed: true, Rule: "allow.effects has read"})
				e.Sent(audit.Request{Method: "GET", Template: "/issues/{id}", ID: "9e3779b8", Attempt: 1, Duration: time.Millisecond, Sent: 100, Received: 1000, Status: 200}, time.Now())
				e.Ran(1000, 1<<20)
				if _, err := e.end(b.Context(), &Result{Data: []byte("{}"), Stats: Stats{Requests: 1}}, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNewID(b *testing.B) {
	at := time.UnixMilli(0x0123456789ab)
	b.ReportAllocs()
	for b.Loop() {
		newID(at)
	}
}

func TestIDsSortByTime(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(0x0123456789ab)
	id := newID(at)
	if !strings.HasPrefix(id, "01234567-89ab-7") || len(id) != 36 || !strings.ContainsRune("89ab", rune(id[19])) {
		t.Error(id)
	}
	if newID(at) == id || newID(at.Add(time.Millisecond)) < id {
		t.Error("ids are equal, or do not sort")
	}
}

// keptSink keeps the last record.
type keptSink struct{ record audit.Record }

func (s *keptSink) Write(_ context.Context, r *audit.Record) error {
	s.record = *r
	return nil
}

// TestRecordIsBounded: a caller, a module and a vendor cannot make a record as large as they
// like, for any sink.
func TestRecordIsBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 500)
	sink := &keptSink{}
	trail := &trail{sink: sink, now: time.Now, log: hclog.NewNullLogger()}
	params := map[string]int{long: 1}
	for i := range 200 {
		params[fmt.Sprint("p", i)] = i
	}
	encoded, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(*entry) error{
		"start": func(e *entry) error { return e.start(t.Context()) },
		"end":   func(e *entry) error { return e.write(t.Context()) },
	} {
		e := trail.begin(viaExecute, long, Call{Entity: long, Action: long, Caller: long})
		e.of(&abi.Manifest{Name: long, Version: long}, "")
		e.params(encoded)
		e.decided(grant.Decision{Rule: long})
		for range 200 {
			e.Sent(audit.Request{Template: long, Rule: long}, time.Time{})
		}
		if err := write(e); err != nil {
			t.Fatal(err)
		}
		r := sink.record
		for i, text := range []string{r.Connection, r.Entity, r.Action, r.Caller, r.Connector, r.Version, r.Decision.Rule, r.Requests[0].Template, r.Requests[0].Rule} {
			if len(text) > 200 || !strings.HasSuffix(text, "é...") {
				t.Errorf("%s: name %d is %d bytes", name, i, len(text))
			}
		}
		if len(r.Params) != 64 || r.ParamsBytes != len(encoded) || len(r.Requests) != 100 || r.MoreRequests != 100 {
			t.Errorf("%s: %d params of %d bytes, %d requests and %d more", name, len(r.Params), r.ParamsBytes, len(r.Requests), r.MoreRequests)
		}
		for _, p := range r.Params {
			if len(p.Name) > 200 {
				t.Errorf("%s: a parameter's name is %d bytes", name, len(p.Name))
			}
		}
	}
}
