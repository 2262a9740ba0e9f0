// Package pdktest runs connectors in plain Go, without Wasm, a host or a network: the connector's
// requests go straight to an [http.Handler], after the same checks as in a real host.
//
//	func TestGet(t *testing.T) {
//		r := pdktest.Run(t, &connector, pdktest.Script(t, pdktest.Exchange{
//			Method: "GET", URL: "/things/1", Answer: `{"data":{"id":"1"}}`,
//		}))
//		data, meta, err := r.Execute("things", "get", map[string]any{"id": "1"})
//		...
//	}
//
// For whole connectors there are [GoldenManifest], which shows changes of what one may do in review;
// [WireCase], which compares the tables with the vendor's documentation; and [Failure], for tables
// of the vendor's errors.
package pdktest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"github.com/agenthost/agenthost/internal/configvalue"
	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// T is the part of *[testing.T] that package pdktest needs. Examples and programs have their own.
type T interface {
	Helper()
	Log(args ...any)
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Runner runs a connector. It is for one goroutine.
type Runner struct {
	t         T
	connector *pdk.Connector
	handler   http.Handler
	server    string
	manifest  *abi.Manifest
	auth      *abi.AuthSchema
	config    configvalue.Values
	requests  []Request
	slept     []time.Duration
}

// Run makes a runner whose requests go to handler. The test fails at once if [Check] finds a
// problem.
func Run(t T, connector *pdk.Connector, handler http.Handler) *Runner {
	t.Helper()
	r := &Runner{t: t, connector: connector, handler: handler}
	r.manifest, r.auth = r.Manifest(), r.AuthSchema()
	for _, problem := range Check(connector) {
		t.Error(problem)
	}
	if len(r.manifest.Servers) > 0 {
		r.server = r.manifest.Servers[0].ID
	}
	r.config = configvalue.Example(r.manifest.Config)
	return r
}

// Configured returns a runner like r for a connection with these values of config, as text. Without
// it, a connection has values that fit their declaration.
func (r *Runner) Configured(values map[string]string) *Runner {
	r.t.Helper()
	c := *r
	c.requests, c.slept = nil, nil
	var err error
	if c.config, err = configvalue.New("config", r.manifest.Config, values); err == nil {
		err = c.config.Complete("config")
	}
	if err != nil {
		r.t.Fatalf("%v", err)
	}
	return &c
}

// On returns a runner like r with another server for the connection.
func (r *Runner) On(server string) *Runner {
	c := *r
	c.server, c.requests, c.slept = server, nil, nil
	return &c
}

// Manifest returns the connector's manifest, as the describe export writes it.
func (r *Runner) Manifest() *abi.Manifest {
	r.t.Helper()
	var m abi.Manifest
	if err := json.Unmarshal(r.export(hostfunc.ExportDescribe, &host{}), &m); err != nil {
		r.t.Fatalf("describe does not write a manifest: %v", err)
	}
	return &m
}

// AuthSchema returns the connector's auth schema, as the auth_schema export writes
// it.
func (r *Runner) AuthSchema() *abi.AuthSchema {
	r.t.Helper()
	var a abi.AuthSchema
	if err := json.Unmarshal(r.export(hostfunc.ExportAuthSchema, &host{}), &a); err != nil {
		r.t.Fatalf("auth_schema does not write an auth schema: %v", err)
	}
	return &a
}

// Requests returns all requests so far, in order.
func (r *Runner) Requests() []Request { return r.requests }

// Slept returns how long the connector slept each time, in order. The runner does not wait.
func (r *Runner) Slept() []time.Duration { return r.slept }

// Execute runs an operation. params is anything that encodes to a JSON object: a map, a struct, a
// json.RawMessage, or nil for none. The error is an *abi.Error: the connector's, or invalid_params
// if the parameters do not fit the operation's schema; the connector then does not run. A request
// that every host refuses fails the test.
func (r *Runner) Execute(entity, action string, params any) (data, meta json.RawMessage, err error) {
	r.t.Helper()
	text := json.RawMessage("{}")
	if params != nil {
		if text, err = json.Marshal(params); err != nil {
			r.t.Fatalf("params: %v", err)
		}
	}
	h := &host{handler: r.handler, rules: r.rules(), executes: true, scope: wire.Scope{Given: &wire.Given{Params: text, Config: r.config.JSON()}}}
	for _, op := range r.manifest.Operations {
		if op.Entity == entity && op.Action == action {
			h.scope.Requests = op.Requests
			if e := validateParams(op.Params, text); e != nil {
				return nil, nil, e
			}
		}
	}
	call, err := json.Marshal(abi.Call{Entity: entity, Action: action, Params: []byte(text), Server: r.server, Config: r.config.JSON()})
	if err != nil {
		r.t.Fatalf("call: %v", err)
	}
	// A newer host may send unknown members, which a connector ignores.
	const future = `,"a_member_of_the_future":[{"entity":"wrong"}]}`
	h.values = []value{{bytes: append(call[:len(call)-1], future...)}}
	text = r.export(hostfunc.ExportExecute, h)
	r.requests, r.slept = append(r.requests, h.requests...), append(r.slept, h.slept...)
	var out struct {
		Data, Meta json.RawMessage
		Error      *abi.Error
	}
	if err := json.Unmarshal(text, &out); err != nil {
		r.t.Fatalf("execute does not write an output: %v\n%s", err, text)
	}
	if out.Error != nil {
		if out.Error.Kind != out.Error.Kind.Known() {
			r.t.Errorf("execute answers with the unknown error kind %q", out.Error.Kind)
		}
		if out.Error.Kind == abi.KindCancelled {
			r.t.Errorf("execute answers with the error kind %q, which only the host may use", out.Error.Kind)
		}
		if h.refused != nil {
			out.Error = wire.Blame(h.refused)
		}
		out.Error.RequestSent = len(h.requests) > 0
		return nil, nil, out.Error
	}
	return out.Data, out.Meta, nil
}

// rules returns the rules of a host with the credential of each scheme, and without one.
func (r *Runner) rules() []*wire.Rules {
	r.t.Helper()
	servers, err := r.config.Servers("config", r.manifest.Servers)
	if err != nil {
		r.t.Fatalf("%v", err)
	}
	var all []*wire.Rules
	for i := range r.auth.Schemes {
		all = append(all, wire.NewRules(servers, r.server, &r.auth.Schemes[i]))
	}
	return append(all, wire.NewRules(servers, r.server, nil))
}

// export runs an export and returns its output.
func (r *Runner) export(name string, h *host) json.RawMessage {
	r.t.Helper()
	h.t = r.t
	if result := pdk.Run(h, r.connector, name); result != 0 {
		r.t.Fatalf("%s returned %d: %v", name, result, h.failure)
	}
	return bytes.Clone(h.output.Bytes())
}
