package host_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Handing a credential over to the Airbyte API and taking it back are in the trail, refused
// ones too.
func TestHostedChangesHaveRecords(t *testing.T) {
	t.Parallel()
	kept := &keeper{}
	v := pylonOnTheWire()
	l := v.hosted(t, nil, func(o *host.Options) { o.Sinks, o.Caller = []audit.Sink{kept}, "ada" })
	at := host.HostedAt{Connection: "hosted"}
	start := map[string]string{"start_date": "2026-01-01T00:00:00Z"}
	record := func(want audit.Record) {
		t.Helper()
		got := kept.take()
		if n := len(got); n == 2 && got[0].Event == audit.EventStart && got[0].ID == got[1].ID {
			got = got[1:] // it was about to be done
		} else if n != 1 || got[0].RequestSent {
			t.Fatalf("%d records: %+v", n, got)
		}
		r := got[0]
		if r.Event != audit.EventCall || r.Via != "hosted" || r.Caller != "ada" || r.Connection != "hosted" || r.Mode != "hosted" ||
			r.Operation() != want.Operation() || r.Effect != want.Effect || r.Outcome != want.Outcome || r.RequestSent != want.RequestSent || len(r.Params) != len(want.Params) {
			t.Errorf("got %+v, want %+v", r, want)
		}
		for i, p := range want.Params {
			if r.Params[i] != p {
				t.Errorf("parameter %+v, want %+v", r.Params[i], p)
			}
		}
	}
	given := []audit.Param{{Name: "name", Bytes: 7}, {Name: "start_date", Bytes: 20}}
	handed := slices.Concat(given, []audit.Param{{Name: "api_token"}})
	made, err := l.h.CreateHosted(t.Context(), host.NewHosted{At: at, Name: "support", Replication: start})
	if err != nil {
		t.Fatal(err)
	}
	record(audit.Record{Entity: "hosted", Action: "create", Effect: abi.EffectWrite, Outcome: audit.Ok, RequestSent: true, Params: handed})
	if _, err := l.h.CreateHosted(t.Context(), host.NewHosted{At: at, Name: "support", Replication: start}); err == nil {
		t.Error("a name was taken twice")
	}
	record(audit.Record{Entity: "hosted", Action: "create", Effect: abi.EffectWrite, Outcome: string(abi.KindConflict), Params: handed})
	if _, err := l.h.CreateHosted(t.Context(), host.NewHosted{At: at, Name: "another", Replication: map[string]string{"start_date": "soon"}}); err == nil {
		t.Error("soon is a date")
	}
	record(audit.Record{Entity: "hosted", Action: "create", Effect: abi.EffectWrite, Outcome: string(abi.KindInvalidParams), Params: []audit.Param{{Name: "name", Bytes: 7}, {Name: "start_date", Bytes: 4}}})
	if _, err := l.h.DeleteHosted(t.Context(), at, made.ID); err != nil {
		t.Fatal(err)
	}
	record(audit.Record{Entity: "hosted", Action: "delete", Effect: abi.EffectDelete, Outcome: audit.Ok, RequestSent: true})
	if _, err := l.h.DeleteHosted(t.Context(), at, ""); err == nil {
		t.Error("deleted twice")
	}
	record(audit.Record{Entity: "hosted", Action: "delete", Outcome: string(abi.KindNotFound)})
}

// Where audit is required, no credential is handed over that the trail does not know of.
func TestHostedChangesNeedARequiredTrail(t *testing.T) {
	t.Parallel()
	kept := &keeper{}
	v := pylonOnTheWire()
	l := v.hosted(t, nil, func(o *host.Options) { o.Sinks, o.Audit.Required = []audit.Sink{kept}, true })
	kept.fail = func(*audit.Record) error { return errors.New("the disk is full") }
	l.airbyte.Reset()
	_, err := l.h.CreateHosted(t.Context(), host.NewHosted{
		At: host.HostedAt{Connection: "hosted"}, Name: "support", Replication: map[string]string{"start_date": "2026-01-01T00:00:00Z"},
	})
	var e *host.Error
	if !errors.As(err, &e) || e.Rule != "audit.required" || e.RequestSent {
		t.Errorf("got %v, want a refusal before anything is sent", err)
	}
	if n := len(l.airbyte.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}
