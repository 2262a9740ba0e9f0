//go:build !wasip1

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/table"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// many is a connector of so many operations.
func many(operations int) *table.Table {
	c := &pdk.Connector{
		Name: "many", Title: "Many", Version: "1.0.0", Description: "A vendor of many things.",
		Servers: []abi.Server{{ID: "main", URL: "https://api.many.example"}},
		Auth: abi.AuthSchema{Schemes: []abi.AuthScheme{{
			ID: "key", Type: abi.AuthBearer, Fields: []abi.AuthField{{Name: "key", Secret: true, Required: true}},
			Inject: []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {key}"}}, Origins: []string{"https://api.many.example"},
		}}},
	}
	for i := range operations {
		c.Operations = append(c.Operations, pdk.Operation{
			Entity: fmt.Sprintf("things_%d", i), Action: "get", Description: fmt.Sprintf("Gets a thing of kind %d, such as %d in a group.", i, i*i),
			Effect: pdk.Read, Method: "GET", Path: fmt.Sprintf("/groups/{group}/things/%d", i), Data: "/data",
			Params: []pdk.Param{
				pdk.Path("group", pdk.String("Of which group.").Max(50)), pdk.Query("state", pdk.String("State of the things.").Max(50)),
				pdk.Query("created_after", pdk.String("Only things that are newer.").Max(50)), pdk.Query("order", pdk.String("What comes first.").Max(50)),
			},
			Meta: []pdk.Meta{{Name: "request_id", Pointer: "/request_id"}, {Name: "total", Pointer: "/meta/total"}},
		})
	}
	return &table.Table{Rows: c.Rows(), Auth: c.AuthSchema(), Manifest: c.Manifest(), Name: c.Name, Operations: operations}
}

// Of a table of 1,000 operations a guest reads the row that is called: it has no more memory than with a few operations,
// and a call costs the reading of one row.
func TestRowsOfManyOperations(t *testing.T) {
	t.Parallel()
	e := engine(t)
	var outcomes []*sandbox.Outcome
	for _, operations := range []int{40, 1000} {
		m := load(t, e, many(operations))
		o, err := m.Run(t.Context(), sandbox.Call{
			Export: hostfunc.ExportExecute, Input: []byte(`{"entity":"things_39","action":"get","params":{"group":"x"}}`),
			Send: func(_ context.Context, r *abi.Request, _ []byte) (*sandbox.Response, error) {
				if r.Path != "/groups/{group}/things/39" {
					t.Errorf("the request is for %s", r.Path)
				}
				return &sandbox.Response{Status: 200, Header: http.Header{}, Body: []byte(`{"data":{"id":"x"},"request_id":"r"}`)}, nil
			},
		})
		if err != nil || o.Err != nil {
			t.Fatal(err, o.Err)
		}
		outcomes = append(outcomes, o)
	}
	if few, all := outcomes[0], outcomes[1]; !bytes.Equal(few.Output, all.Output) || all.Memory > few.Memory+1<<20 || all.Fuel > few.Fuel+400_000 {
		t.Errorf("%s with %d bytes and %d counts of fuel; with a few operations it is %s with %d and %d", all.Output, all.Memory, all.Fuel, few.Output, few.Memory, few.Fuel)
	}
}

// A connector of 1,000 operations is known, listed and searched for what that many cost, and not
// for more. It is not parallel, because it counts what the process allocates.
func TestManyOperations(t *testing.T) { //nolint:paralleltest // see above
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "many.wasm"), many(1000).Module(interpreter(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	var h *host.Host
	connections := host.StaticConnections{"many": {Connector: "many", Server: "http://127.0.0.1:9", Credentials: map[string]string{"key": "env:TOKEN"}}}
	open := func() {
		var err error
		h, err = host.Open(t.Context(), host.Options{
			Plugins: dir, Cache: wasmtest.Cache(t), Connections: connections,
			LookupEnv: func(string) (string, bool) { return "a-token", true },
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Connectors(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	open() // which fills the cache
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var set tool.Set
	for _, step := range []struct {
		name string
		most uint64 // bytes
		do   func() error
	}{
		{"known", 8 << 20, func() error { open(); return nil }},
		{"listed", 6 << 20, func() (err error) {
			set, err = h.Tools(t.Context(), host.ToolOptions{Connections: []string{"many"}, Options: tool.Options{Form: tool.FormSearch}})
			return err
		}},
		{"searched", 1 << 20, func() error {
			_, err := set.Call(t.Context(), "search_operations", json.RawMessage(`{"query":"things of kind 77"}`))
			return err
		}},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		runtime.ReadMemStats(&after)
		spent := after.TotalAlloc - before.TotalAlloc
		t.Logf("%s: %d KB", step.name, spent>>10)
		if spent > step.most {
			t.Errorf("%s: %d MB are allocated", step.name, spent>>20)
		}
	}
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
