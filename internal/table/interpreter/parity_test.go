//go:build !wasip1

package main_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/table"
	"github.com/agenthost/agenthost/internal/table/tabletest"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// asTable is a connector in Go as a table, without its operations that are code.
func asTable(t *testing.T, name string, module []byte) *table.Table {
	t.Helper()
	written, err := table.Of(t.Context(), module, sandbox.Config{Cache: wasmtest.Cache(t)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := tabletest.Resized(written, name, 0)
	if err != nil {
		t.Fatal(err)
	}
	read, err := table.Read(t.Context(), "table.json", text)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d operations are no code", read.Operations)
	return read
}

// The rows of our own connectors say and do the same as a table: the manifests are equal, and
// so are the requests and the results, byte for byte.
func TestConnectorsAsTables(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"pylon", "ashby", "incidentio"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := engine(t)
			module, err := os.ReadFile(wasmtest.Build(t, "plugins/"+name))
			if err != nil {
				t.Fatal(err)
			}
			ours, err := e.Load(t.Context(), module)
			if err != nil {
				t.Fatal(err)
			}
			read := asTable(t, name, module)
			theirs := load(t, e, read)
			declared := make([]*connector.Connector, 2)
			for i, m := range []*sandbox.Module{ours, theirs} {
				var outputs [2][]byte
				for k, export := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema} {
					o, err := m.Run(t.Context(), sandbox.Call{Export: export})
					if err != nil {
						t.Fatal(err)
					}
					outputs[k] = o.Output
				}
				if declared[i], err = connector.Parse(t.Context(), "", outputs[0], outputs[1]); err != nil {
					t.Fatal(err)
				}
			}
			var most float64
			for i := range declared[1].Manifest.Operations {
				op := &declared[1].Manifest.Operations[i]
				was, err := declared[0].Operation(op.Entity, op.Action)
				if err != nil {
					t.Fatal(err)
				}
				if a, b := encoded(t, was.Operation), encoded(t, op); a != b {
					t.Errorf("the manifest has\n%s\nand as a table\n%s", a, b)
				}
				for _, params := range append([]abi.RawMessage{[]byte("{}")}, op.Examples...) {
					for _, answer := range []string{
						`{"success":true,"data":[{"id":"x"}],"results":[{"id":1.0}],"incidents":[],"request_id":"r"}`,
						`{"success":true,"data":{"id":"x"},"results":{"id":1.0},"request_id":"r"}`, `[]`, `null`, `<html>`,
					} {
						a, fuelA := run(t, ours, op, params, answer)
						b, fuelB := run(t, theirs, op, params, answer)
						fails := a.Error != nil || b.Error != nil
						if fails { // what errors say is code
							a.Data, a.Meta, a.Error, b.Data, b.Meta, b.Error = "", "", nil, "", "", nil
						} else {
							most = max(most, float64(fuelB)/float64(fuelA))
						}
						if a, b := encoded(t, a), encoded(t, b); a != b {
							t.Errorf("%s.%s %s:\n%s\nas a table\n%s", op.Entity, op.Action, params, a, b)
						}
					}
				}
			}
			if most > 1.15 {
				t.Errorf("a call through the table costs %.3f times the fuel", most)
			}
			t.Logf("a call costs at most %.3f times the fuel, with %d bytes of rows", most, len(read.Rows))
		})
	}
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// result is what a call sent and answered.
type result struct {
	Requests []*abi.Request
	Bodies   []string
	Data     string
	Meta     string
	Error    *abi.Error
}

func run(t *testing.T, m *sandbox.Module, op *abi.Operation, params []byte, answer string) (r result, fuel int64) {
	t.Helper()
	input, err := json.Marshal(abi.Call{Entity: op.Entity, Action: op.Action, Params: params, Server: "us"})
	if err != nil {
		t.Fatal(err)
	}
	o, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: input, Send: func(_ context.Context, request *abi.Request, body []byte) (*sandbox.Response, error) {
		r.Requests, r.Bodies = append(r.Requests, request), append(r.Bodies, string(body))
		return &sandbox.Response{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(answer)}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	r.Data, r.Meta, r.Error = string(o.Data), string(o.Meta), o.Err
	return r, o.Fuel
}
