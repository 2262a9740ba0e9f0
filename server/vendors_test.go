package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/ashby"
	"github.com/agenthost/agenthost/internal/vendorsim/incidentio"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// moment is when the data of the simulated vendors are from.
func moment() time.Time { return time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC) }

// ours are our connectors, each with a simulated vendor that is the same every time.
var ours = []struct {
	name, plugin, title, field string
	vendor                     func() http.Handler
}{
	{"pylon", "plugins/pylon", "Pylon", "api_token", func() http.Handler {
		return pylon.New(pylon.Options{Token: vendorToken, Scale: pylon.SmallScale(), Now: moment})
	}},
	{"ashby", "plugins/ashby", "Ashby", "api_key", func() http.Handler {
		return ashby.New(ashby.Options{Token: vendorToken, Scale: ashby.SmallScale(), Now: moment})
	}},
	{"incident-io", "plugins/incidentio", "Incident.io", "api_key", func() http.Handler {
		return incidentio.New(incidentio.Options{Token: vendorToken, Scale: incidentio.SmallScale(), Now: moment})
	}},
}

// startVendors starts a vendor of each kind, and returns their addresses.
func startVendors(t *testing.T) map[string]string {
	t.Helper()
	at := make(map[string]string)
	for _, o := range ours {
		v, err := vendorsim.Start(t.Context(), o.vendor(), vendorsim.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = v.Close() })
		at[o.name] = v.URL
	}
	return at
}

// all makes a lab have all three connectors.
func all(t *testing.T) func(*Options) {
	return func(o *Options) {
		o.Host.Plugins = wasmtest.Folder(t, ours[0].plugin, ours[1].plugin, ours[2].plugin)
		o.Connectors = make(map[string]host.Connection)
		for name, url := range startVendors(t) {
			o.Connectors[name] = host.Connection{Server: url}
		}
	}
}

// openLibrary opens a host over vendors of its own, with the same data as those of a lab. Its
// connections have the names of the connectors.
func openLibrary(t *testing.T) *host.Host {
	t.Helper()
	twins := host.StaticConnections{}
	at := startVendors(t)
	for _, o := range ours {
		twins[o.name] = host.Connection{Connector: o.name, Server: at[o.name], Secrets: map[string]secret.Value{o.field: secret.New([]byte(vendorToken))}}
	}
	library, err := host.Open(t.Context(), host.Options{Plugins: wasmtest.Folder(t, ours[0].plugin, ours[1].plugin, ours[2].plugin), Cache: compiled, Connections: twins})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = library.Close(context.WithoutCancel(t.Context())) })
	return library
}

// sampler makes parameters for operations, with ids of records that were listed before.
type sampler map[string]any

// params are those of an operation's first example. An id is that of the entity's first record.
func (s sampler) params(t *testing.T, op *abi.Operation) map[string]any {
	t.Helper()
	params := make(map[string]any)
	if len(op.Examples) > 0 {
		if err := json.Unmarshal(op.Examples[0], &params); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"id", op.Entity + "_id"} {
		if _, has := params[name]; has && s[op.Entity] != nil {
			params[name] = s[op.Entity]
		}
	}
	return params
}

// listed remembers the id of the first record of a list.
func (s sampler) listed(op *abi.Operation, data json.RawMessage) {
	var records []map[string]any
	if op.Action == "list" && json.Unmarshal(data, &records) == nil && len(records) > 0 {
		s[op.Entity] = records[0]["id"]
	}
}

// Every operation of our connectors answers through the server what the library answers on a
// vendor with the same data, and fails in the same way.
func TestEqualsTheLibrary(t *testing.T) {
	t.Parallel()
	l, library := newLab(t, all(t)), openLibrary(t)
	for _, o := range ours {
		t.Run(o.name, func(t *testing.T) {
			info, err := library.Connector(t.Context(), o.name)
			if err != nil {
				t.Fatal(err)
			}
			var made airbyteapi.Record
			l.ok(l.ask(http.MethodPost, airbyteapi.ConnectorsPath, l.token, map[string]any{"workspace_name": "acme", "definition_id": definitionOf(info), "credentials": map[string]string{o.field: vendorToken}}), &made)
			ids, succeeded := sampler{}, 0
			for i := range info.Manifest.Operations {
				op := &info.Manifest.Operations[i]
				params := ids.params(t, op)
				want, failure := library.Execute(t.Context(), o.name, host.Call{Entity: op.Entity, Action: op.Action, Params: params})
				r := l.ask(http.MethodPost, at(airbyteapi.ExecutePath, made.ID), l.token, map[string]any{"entity": op.Entity, "action": op.Action, "params": params})
				if failure != nil {
					sameFailure(t, op, failure, r)
					continue
				}
				succeeded++
				ids.listed(op, want.Data)
				same(t, op, want, r)
			}
			if n := len(info.Manifest.Operations); succeeded < n/3 {
				t.Errorf("only %d of %d operations succeeded", succeeded, n)
			}
		})
	}
}

// same compares a good answer of the server with the library's.
func same(t *testing.T, op *abi.Operation, want *host.Result, r reply) {
	t.Helper()
	var got struct {
		Result   any
		Metadata map[string]any `json:"connector_metadata"`
	}
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.status != http.StatusOK {
		t.Errorf("%s.%s: %d %s", op.Entity, op.Action, r.status, r.body)
		return
	}
	var data any
	meta := make(map[string]any)
	if len(want.Data) > 0 {
		if err := json.Unmarshal(want.Data, &data); err != nil {
			t.Fatal(err)
		}
	}
	if len(want.Meta) > 0 {
		if err := json.Unmarshal(want.Meta, &meta); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(got.Result, data) {
		t.Errorf("%s.%s answers %v, the library %v", op.Entity, op.Action, got.Result, data)
	}
	for name, value := range meta {
		if !reflect.DeepEqual(got.Metadata[name], value) {
			t.Errorf("%s.%s: %s is %v, the library's %v", op.Entity, op.Action, name, got.Metadata[name], value)
		}
	}
}

// sameFailure compares an error of the server with the library's.
func sameFailure(t *testing.T, op *abi.Operation, want error, r reply) {
	t.Helper()
	var got struct {
		Message string
		Errors  []struct {
			Details struct{ Kind abi.Kind }
		}
	}
	if json.Unmarshal([]byte(r.body), &got) != nil || len(got.Errors) != 1 {
		t.Errorf("%s.%s: %d %s; the library: %v", op.Entity, op.Action, r.status, r.body, want)
		return
	}
	if e, is := errors.AsType[*host.Error](want); !is || got.Errors[0].Details.Kind != e.Kind || got.Message != e.Message {
		t.Errorf("%s.%s: %s; the library: %v", op.Entity, op.Action, r.body, want)
	}
}
