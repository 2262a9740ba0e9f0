package direct_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/authfield"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/backend/direct"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/recording"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// file is a connector's file whose module answers every call with the same text.
type file struct {
	module []byte
	engine *sandbox.Engine
	held   int
	err    error
}

func (f *file) Acquire(ctx context.Context) (*sandbox.Module, func(), error) {
	if f.err != nil {
		return nil, nil, f.err
	}
	m, err := f.engine.Load(ctx, f.module)
	if err != nil {
		return nil, nil, err
	}
	f.held++
	return m, func() { f.held-- }, nil
}

func (f *file) Ready() bool { return f.err == nil }

func (f *file) Bytes(context.Context) ([]byte, error) { return f.module, f.err }

// observed counts what a backend tells its observer.
type observed struct{ fuel, refused int }

func (*observed) Sent(audit.Request, time.Time) {}

func (o *observed) Refused(*abi.Request, time.Time, error) { o.refused++ }

func (o *observed) Ran(fuel, _ int64) { o.fuel += int(fuel) }

// TestRun: what a module answers becomes the result or the error of a call, and the module is
// released however the call ends.
func TestRun(t *testing.T) {
	t.Parallel()
	unavailable := &abi.Error{Kind: abi.KindConnectorFault, Message: "the file is gone"}
	tests := map[string]struct {
		answer     string
		operation  abi.Operation
		room       int64
		unset      bool // the credential
		file       error
		data, next string
		tape       *recording.Recording
		kind       abi.Kind
		message    string
	}{
		"an object":        {answer: `{"data":{"id":"t1"},"meta":{}}`, data: `{"id":"t1"}`},
		"a page":           {answer: `{"data":[1],"meta":{"next_cursor":"c2"}}`, operation: abi.Operation{Paginated: true}, data: `[1]`, next: "c2"},
		"the last page":    {answer: `{"data":[1],"meta":{"next_cursor":"c2","has_more":false}}`, operation: abi.Operation{Paginated: true}, data: `[1]`},
		"no page":          {answer: `{"data":{},"meta":{}}`, operation: abi.Operation{Paginated: true}, kind: abi.KindConnectorFault},
		"an error":         {answer: `{"error":{"kind":"not_found","message":"no such thing"}}`, kind: abi.KindNotFound},
		"an unknown error": {answer: `{"error":{"kind":"bored","message":"no"}}`, kind: abi.KindInternal},
		"no JSON":          {answer: `hello`, kind: abi.KindConnectorFault},
		"no memory":        {answer: `{"data":{},"meta":{}}`, room: 1, kind: abi.KindLimitExceeded, message: "the parameters"},
		"no credential":    {answer: `{"data":{},"meta":{}}`, unset: true, kind: abi.KindAuthFailed},
		"no module":        {file: unavailable, kind: abi.KindConnectorFault},
		"a short seed":     {tape: &recording.Recording{Seed: []byte("ab")}, kind: abi.KindInvalidParams, message: "seed is 2 bytes long"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, f, _ := newBackend(t, test.answer, func(name string) (string, bool) { return "token-0123456789", !test.unset && name == "TOKEN" })
			f.err = test.file
			op := test.operation
			op.Entity, op.Action, op.Effect = "things", "get", abi.EffectRead
			most := test.room
			if most == 0 {
				most = 64 << 20
			}
			room := &backend.Reservation{}
			params := []byte(`{"id":"t1"}`)
			if err := backend.NewMemory(most).Reserve(t.Context(), nil, "lab", params, room); err != nil && test.room == 0 {
				t.Fatal(err)
			}
			defer room.Release()
			seen := &observed{}
			result, err := b.Run(t.Context(), &backend.Call{Operation: &connector.Operation{Operation: &op}, Params: params, Room: room, Tape: test.tape, Budget: backend.NewBudget(&config.Limits{Requests: 1, RequestBytes: 1 << 20, ResponseBytes: 1 << 20}, room), Observer: seen})
			public, _ := errors.AsType[*abi.Error](err)
			switch {
			case test.kind != "" && (public == nil || public.Kind != test.kind || public.RequestSent || !strings.Contains(public.Message, test.message)):
				t.Errorf("got %v, want %s and no request sent", err, test.kind)
			case test.kind == "" && (err != nil || string(result.Data) != test.data || result.NextCursor != test.next || result.HasMore != (test.next != "")):
				t.Errorf("got %s, next %q, more %t, %v", result.Data, result.NextCursor, result.HasMore, err)
			case test.kind == "" && (result.Stats.Fuel == 0 || int(result.Stats.Fuel) != seen.fuel || result.Stats.Requests != 0 || !json.Valid(result.Meta)):
				t.Errorf("stats %+v, observed %+v, meta %s", result.Stats, seen, result.Meta)
			}
			if f.held != 0 || seen.refused != 0 {
				t.Errorf("the module is held %d times, %d requests were refused", f.held, seen.refused)
			}
		})
	}
}

// newBackend returns a backend of a connection whose credential is env:TOKEN.
func newBackend(t *testing.T, answer string, lookUp func(string) (string, bool)) (*direct.Backend, *file, *backend.Connection) {
	t.Helper()
	s := seams.Seams{}.WithDefaults()
	runner, err := direct.NewRunner(direct.Options{LookupEnv: lookUp, Logger: hclog.NewNullLogger(), Seams: s})
	if err != nil {
		t.Fatal(err)
	}
	f := &file{module: wasmtest.Static("{}", "{}", answer), engine: runner.Engine()}
	m := &abi.Manifest{Name: "fake", Servers: []abi.Server{{ID: "main", URL: "https://api.example.com"}, {ID: "files", URL: "https://files.example.com"}}}
	c := &backend.Connection{
		Name: "lab", Config: config.Connection{Connector: "fake", Credentials: map[string]string{"token": "env:TOKEN"}}, Limits: backend.DefaultLimits(),
		Connector: &connector.Connector{Manifest: m, Digest: "ab", Auth: &abi.AuthSchema{Schemes: []abi.AuthScheme{{
			ID: "token", Type: abi.AuthBearer, Fields: []abi.AuthField{{Name: "token", Required: true, Secret: true}},
			Inject: []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {token}"}}, Origins: []string{"https://api.example.com"},
		}}}},
		File: f, Server: &m.Servers[0],
	}
	b, err := runner.Backend(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(b.Close(context.Background()), runner.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return b, f, c
}

// TestRequests: explain shows where requests go, the operator's own URL included.
func TestRequests(t *testing.T) {
	t.Parallel()
	op := &abi.Operation{Requests: []abi.RequestTemplate{{Method: "GET", Path: "/a"}, {Server: "files", Method: "PUT", Path: "/b"}}}
	for override, first := range map[string]string{"": "https://api.example.com/a", "https://proxy.example.com": "https://proxy.example.com/a"} {
		b, _, c := newBackend(t, "{}", func(string) (string, bool) { return "", false })
		c.Override = override
		got := b.Requests(op)
		if len(got) != 2 || got[0] != (backend.Request{Method: "GET", URL: first}) || got[1] != (backend.Request{Method: "PUT", URL: "https://files.example.com/b"}) {
			t.Errorf("override %q: %v", override, got)
		}
	}
}

// TestServerOfAValue: the values of a connection decide where its requests and its credential go.
//
// threat: C11
func TestServerOfAValue(t *testing.T) {
	t.Parallel()
	_, f, c := newBackend(t, "{}", func(string) (string, bool) { return "", false })
	m := *c.Connector.Manifest
	m.Servers = []abi.Server{{ID: "main", URL: "https://{tenant}.vendor.example/v1"}}
	m.Config = []abi.AuthField{{Name: "tenant", Required: true}}
	declared := &connector.Connector{Manifest: &m, Digest: "ab", Auth: &abi.AuthSchema{Schemes: []abi.AuthScheme{{ID: "token", Origins: []string{"https://{tenant}.vendor.example"}}}}}
	op := &abi.Operation{Requests: []abi.RequestTemplate{{Method: "GET", Path: "/a"}}}
	runner, err := direct.NewRunner(direct.Options{Logger: hclog.NewNullLogger(), Seams: seams.Seams{}.WithDefaults()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = runner.Close(context.Background()) })
	for value, want := range map[string]string{"acme": "https://acme.vendor.example/v1/a", "": "", "evil.example/": "", "a.b": "", "Acme": ""} {
		given := map[string]string{"tenant": value}
		if value == "" {
			given = nil
		}
		made, err := backend.NewConnection("lab", config.Connection{Connector: "fake", Config: given}, declared, f)
		if err != nil {
			t.Fatal(err)
		}
		b, err := runner.Backend(&made)
		if want == "" {
			if e, ok := errors.AsType[*abi.Error](err); !ok || e.Kind != abi.KindInvalidParams || e.Field != "connections.lab.config.tenant" {
				t.Errorf("%q: %v", value, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Requests(op); len(got) != 1 || got[0].URL != want {
			t.Errorf("%q: %v, want %s", value, got, want)
		}
		if input := string(made.Input(&connector.Operation{Operation: op}, []byte("{}"))); !strings.Contains(input, `,"config":{"tenant":"acme"}`) {
			t.Errorf("the guest gets %s", input)
		}
	}
	if m.Servers[0].URL != "https://{tenant}.vendor.example/v1" || declared.Auth.Schemes[0].Origins[0] != "https://{tenant}.vendor.example" {
		t.Error("the declaration was changed, which other connections share")
	}
}

// TestServerOfATokenIsExplained: nobody knows the server before there is a token, and people are told
// where it may be.
func TestServerOfATokenIsExplained(t *testing.T) {
	t.Parallel()
	_, f, c := newBackend(t, "{}", func(string) (string, bool) { return "", false })
	m := *c.Connector.Manifest
	m.Servers = []abi.Server{{ID: "main", URL: "https://login.vendor.example/v1"}}
	scheme := abi.AuthScheme{ID: "oauth", Type: abi.AuthOAuth2, Fields: []abi.AuthField{{Name: authfield.ClientID, Required: true}}, OAuth2: &abi.OAuth2{
		Server: &abi.TokenServer{ID: "main", Pointer: "/at", Suffixes: []string{"vendor.example", "vendor.test"}},
	}}
	declared := &connector.Connector{Manifest: &m, Digest: "ab", Auth: &abi.AuthSchema{Schemes: []abi.AuthScheme{{ID: "key", Fields: []abi.AuthField{{Name: "key", Required: true}}}, scheme}}}
	op := &abi.Operation{Requests: []abi.RequestTemplate{{Method: "GET", Path: "/a"}}}
	runner, err := direct.NewRunner(direct.Options{Logger: hclog.NewNullLogger(), Seams: seams.Seams{}.WithDefaults()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = runner.Close(context.Background()) })
	for _, test := range []struct{ field, server, want string }{
		{"client_id", "", "{the server that the token names, under *.vendor.example or *.vendor.test}/v1/a"},
		{"client_id", "https://acme.vendor.example", "https://acme.vendor.example/a"},
		{"key", "", "https://login.vendor.example/v1/a"},
	} {
		made, err := backend.NewConnection("lab", config.Connection{Connector: "fake", Server: test.server, Credentials: map[string]string{test.field: "env:X"}}, declared, f)
		if err != nil {
			t.Fatal(err)
		}
		b, err := runner.Backend(&made)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Requests(op); len(got) != 1 || got[0].URL != test.want {
			t.Errorf("%s, %q: %v, want %s", test.field, test.server, got, test.want)
		}
	}
}
