package host_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// keeper is a sink that keeps every record, and fails when it is told to.
type keeper struct {
	mu      sync.Mutex // guards what follows
	records []audit.Record
	fail    func(r *audit.Record) error
}

func (k *keeper) Write(ctx context.Context, r *audit.Record) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		if err := k.fail(r); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	k.records = append(k.records, *r)
	return nil
}

// take returns the records since the last time.
func (k *keeper) take() []audit.Record {
	k.mu.Lock()
	defer k.mu.Unlock()
	taken := k.records
	k.records = nil
	return taken
}

// openAudited is open with a trail, and with a connection that may only read.
func openAudited(t *testing.T, change ...func(*host.Options)) (*host.Host, *vendorsim.Server, *keeper) {
	t.Helper()
	server, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: token, Scale: pylon.SmallScale()}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	k := &keeper{}
	reader := labAt(server)
	reader.Allow = &config.Allow{Effects: []abi.Effect{abi.EffectRead}}
	o := options(t, host.StaticConnections{"lab": labAt(server), "reader": reader})
	o.Sinks, o.Caller = []audit.Sink{k}, "ada"
	o.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	for _, c := range change {
		c(&o)
	}
	h, err := host.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(context.Background()) })
	return h, server, k
}

// However a call ends, there is one record of it.
func TestEveryCallHasARecord(t *testing.T) {
	t.Parallel()
	h, server, kept := openAudited(t)
	for name, tt := range map[string]struct {
		connection string
		call       host.Call
		fault      *vendorsim.Fault
		want       func(r audit.Record) bool
	}{
		"ok": {
			connection: "lab", call: host.Call{Entity: "accounts", Action: "list", Params: host.Params{"limit": 10}},
			want: func(r audit.Record) bool {
				return r.Outcome == audit.Ok && r.Via == "execute" && r.Connector == "pylon" && len(r.Digest) == 64 && r.Effect == abi.EffectRead &&
					r.Mode == "direct" && r.RequestSent && r.ResultBytes > 0 && r.Fuel > 0 && r.GuestMemory > 0 && r.Duration > 0 &&
					len(r.Params) == 1 && r.Params[0] == audit.Param{Name: "limit", Bytes: 2} && r.ParamsBytes == len(`{"limit":10}`) &&
					r.Decision != nil && r.Decision.Allowed && len(r.Requests) == 1 && r.Requests[0].Origin == server.URL &&
					r.Requests[0].Method == "GET" && r.Requests[0].Template == "/accounts" && r.Requests[0].Status == 200 && r.Requests[0].Attempt == 1 &&
					r.Requests[0].Sent > 0 && r.Requests[0].Received > 0 && r.Requests[0].Duration > 0
			},
		},
		"no such connection": {
			connection: "nowhere", call: host.Call{Entity: "accounts", Action: "list"},
			want: func(r audit.Record) bool { return r.Outcome == string(abi.KindUnknownOperation) && r.Connector == "" },
		},
		"no such operation": {
			connection: "lab", call: host.Call{Entity: "accounts", Action: "lizt"},
			want: func(r audit.Record) bool {
				return r.Outcome == string(abi.KindUnknownOperation) && r.Connector == "pylon" && r.Effect == "" && r.Action == "lizt"
			},
		},
		"bad parameters": {
			connection: "lab", call: host.Call{Entity: "accounts", Action: "list", Params: host.Params{"limitt": "secret"}},
			want: func(r audit.Record) bool {
				return r.Outcome == string(abi.KindInvalidParams) && len(r.Params) == 1 && r.Params[0] == audit.Param{Name: "limitt", Bytes: 8} && !r.RequestSent
			},
		},
		"denied": {
			connection: "reader", call: host.Call{Entity: "accounts", Action: "create", Params: host.Params{"name": "Acme"}},
			want: func(r audit.Record) bool {
				return r.Outcome == string(abi.KindDenied) && r.Denied() && r.Decision != nil && !r.Decision.Allowed && r.Decision.Rule != "" && len(r.Requests) == 0
			},
		},
		"vendor refuses": {
			connection: "lab", call: host.Call{Entity: "accounts", Action: "list"},
			fault: &vendorsim.Fault{Count: -1, Effect: vendorsim.Respond(403, nil, `{"errors":["no"]}`)},
			want: func(r audit.Record) bool {
				return r.Outcome == string(abi.KindPermissionDenied) && !r.Denied() && len(r.Requests) == 1 && r.Requests[0].Status == 403
			},
		},
		"attempts": {
			connection: "lab", call: host.Call{Entity: "accounts", Action: "list"},
			fault: &vendorsim.Fault{Count: 2, Effect: vendorsim.Respond(503, nil, "{}")},
			want: func(r audit.Record) bool {
				return r.Outcome == audit.Ok && len(r.Requests) == 3 && r.Requests[0].Status == 503 && r.Requests[2].Attempt == 3 && r.Requests[2].Status == 200
			},
		},
		"no answer": {
			connection: "lab", call: host.Call{Entity: "accounts", Action: "create", Params: host.Params{"name": "Acme"}},
			fault: &vendorsim.Fault{Count: -1, Effect: vendorsim.DropConnection()},
			want: func(r audit.Record) bool {
				return r.Outcome == string(abi.KindNetwork) && r.RequestSent && len(r.Requests) == 1 && r.Requests[0].Kind == abi.KindNetwork && r.Requests[0].Status == 0
			},
		},
		"redirect refused": {
			connection: "lab", call: host.Call{Entity: "accounts", Action: "list"},
			fault: &vendorsim.Fault{Effect: vendorsim.RedirectTo(302, "https://evil.example/"+token)},
			want: func(r audit.Record) bool {
				return r.Outcome == string(abi.KindDenied) && r.RequestSent && len(r.Requests) == 2 && r.Requests[0].Status == 302 &&
					r.Requests[1].Attempt == 0 && r.Requests[1].Rule == "egress.redirect" && r.Requests[1].Origin == "" && r.Requests[1].Template == ""
			},
		},
		"timeout": {
			connection: "lab", call: host.Call{Entity: "accounts", Action: "list", Timeout: time.Nanosecond},
			want: func(r audit.Record) bool { return r.Outcome == string(abi.KindTimeout) },
		},
		"caller": {
			connection: "lab", call: host.Call{Entity: "accounts", Action: "list", Caller: "grace"},
			want: func(r audit.Record) bool { return r.Caller == "grace" },
		},
	} {
		t.Run(name, func(t *testing.T) {
			server.ClearFaults()
			if tt.fault != nil {
				server.Inject(*tt.fault)
			}
			_, _ = h.Execute(t.Context(), tt.connection, tt.call)
			records := kept.take()
			r := records[len(records)-1]
			// What may change something, and came to its sandbox, has a start too.
			if begun := len(records) == 2 && records[0].Event == audit.EventStart && records[0].ID == r.ID; begun != (r.Effect == abi.EffectWrite && len(r.Requests) > 0) || !begun && len(records) != 1 {
				t.Errorf("%d records", len(records))
			}
			if !tt.want(r) || r.Event != audit.EventCall || len(r.ID) != 36 || r.Connection != tt.connection || tt.call.Caller == "" && r.Caller != "ada" {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestCheckRecordAndReplayHaveRecords(t *testing.T) {
	t.Parallel()
	h, _, kept := openAudited(t)
	if _, err := h.Check(t.Context(), "lab"); err != nil {
		t.Fatal(err)
	}
	_, tape, err := h.Record(t.Context(), "lab", host.Call{Entity: "accounts", Action: "list", Params: host.Params{"limit": 5}})
	if err != nil {
		t.Fatal(err)
	}
	if differences, err := h.Replay(t.Context(), tape); err != nil || len(differences) > 0 {
		t.Fatal(differences, err)
	}
	if _, err := h.Check(t.Context(), "nowhere"); err == nil {
		t.Fatal("a connection that is not there works")
	}
	records := kept.take()
	want := []struct {
		via     audit.Via
		sent    bool
		outcome string
	}{{"check", true, audit.Ok}, {"record", true, audit.Ok}, {"replay", false, audit.Ok}, {"check", false, string(abi.KindUnknownOperation)}}
	if len(records) != len(want) {
		t.Fatalf("%d records", len(records))
	}
	for i, r := range records {
		if r.Via != want[i].via || r.RequestSent != want[i].sent || r.Outcome != want[i].outcome || r.Caller != "ada" {
			t.Errorf("%+v", r)
		}
	}
}

// Where audit is required, nothing is done that the trail cannot have.
func TestRequiredAudit(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left on device")
	h, server, kept := openAudited(t, func(o *host.Options) { o.Audit.Required = true })
	create := host.Call{Entity: "accounts", Action: "create", Params: host.Params{"name": "Acme"}}

	if _, err := h.Execute(t.Context(), "lab", create); err != nil {
		t.Fatal(err)
	}
	if r := kept.take(); len(r) != 2 || r[0].Event != audit.EventStart || r[0].Outcome != "" || r[0].ID != r[1].ID || r[1].Event != audit.EventCall || r[1].Outcome != audit.Ok {
		t.Errorf("%+v", r)
	}
	server.Reset()

	kept.fail = func(*audit.Record) error { return full }
	res, err := h.Execute(t.Context(), "lab", create)
	var e *host.Error
	if res != nil || !errors.As(err, &e) || e.Kind != abi.KindInternal || e.Rule != "audit.required" || e.RequestSent || !errors.Is(err, full) {
		t.Errorf("%v %+v", res, err)
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("%d requests were sent that the trail does not have", n)
	}

	kept.fail = func(r *audit.Record) error {
		if r.Event == audit.EventCall {
			return full
		}
		return nil
	}
	res, err = h.Execute(t.Context(), "lab", create)
	if res != nil || !errors.As(err, &e) || e.Kind != abi.KindInternal || !e.RequestSent {
		t.Errorf("%v %+v", res, err)
	}
	// What failed anyway keeps its own error.
	_, err = h.Execute(t.Context(), "reader", create)
	if !errors.As(err, &e) || e.Kind != abi.KindDenied {
		t.Errorf("%+v", err)
	}
}

// Where it is not, a call does not depend on the trail. What is missing is logged: of a write
// its start and its end.
func TestAuditMayFail(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h, server, kept := openAudited(t, func(o *host.Options) {
		o.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: &log})
	})
	kept.fail = func(*audit.Record) error { return errors.New("no space left on device") }
	for action, lines := range map[string]int{"list": 1, "create": 2} {
		log.Reset()
		call := host.Call{Entity: "accounts", Action: action}
		if action == "create" {
			call.Params = host.Params{"name": "Acme"}
		}
		if _, err := h.Execute(t.Context(), "lab", call); err != nil {
			t.Error(err)
		}
		if n := strings.Count(log.String(), "[ERROR]"); n != lines || strings.Contains(log.String(), "Acme") {
			t.Errorf("%s: %d lines of the log: %s", action, n, &log)
		}
	}
	if n := len(server.Requests()); n != 2 {
		t.Errorf("%d requests", n)
	}
}

// An audit file that cannot be opened ends nothing where it is not required. It is tried
// again with every record.
func TestAuditFileThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "later", "audit.jsonl")
	var log bytes.Buffer
	o := options(t, nil)
	o.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: &log})
	o.Audit.File = path
	h := opened(t, o)
	if _, err := h.Check(t.Context(), "nobody"); err == nil || !strings.Contains(log.String(), path) {
		t.Errorf("%v; the log has %s", err, &log)
	}
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Check(t.Context(), "nobody"); err == nil {
		t.Error("there is nobody")
	}
	n := 0
	for _, err := range audit.Scan(path, audit.Filter{}) {
		if err != nil {
			t.Error(err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d records", n)
	}
	o.Audit.File, o.Audit.Required = filepath.Join(t.TempDir(), "never", "audit.jsonl"), true
	if h, err := host.Open(t.Context(), o); err == nil {
		h.Close(t.Context())
		t.Error("a host without the trail that it requires")
	}
	// What will not become better by itself is a mistake in the configuration.
	o.Audit.File, o.Audit.Required = t.TempDir(), false
	if h, err := host.Open(t.Context(), o); err == nil {
		h.Close(t.Context())
		t.Error("a folder is taken for a trail")
	}
}

// Records of reads may wait for each other to be written: not where audit is required, and
// not beyond the end of the host.
func TestAuditFileHasEveryCall(t *testing.T) {
	t.Parallel()
	records := func(path string) (n int) {
		for _, err := range audit.Scan(path, audit.Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	for _, required := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		h, _, _ := openAudited(t, func(o *host.Options) { o.Audit = config.Audit{File: path, Required: required} })
		const calls = 10
		for i := range calls {
			if _, err := h.Execute(t.Context(), "lab", host.Call{Entity: "me", Action: "get"}); err != nil {
				t.Fatal(err)
			}
			if n := records(path); required && n != i+1 {
				t.Errorf("audit is required, and after %d calls %d are in the trail", i+1, n)
			}
		}
		if err := h.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := records(path); n != calls {
			t.Errorf("after the end, %d of %d calls are in the trail", n, calls)
		}
	}
}

func TestRequiredAuditNeedsAPlace(t *testing.T) {
	t.Parallel()
	_, err := host.Open(t.Context(), host.Options{Cache: t.TempDir(), Audit: config.Audit{Required: true}})
	var e *host.Error
	if !errors.As(err, &e) || e.Field != "audit.required" {
		t.Errorf("%+v", err)
	}
}
