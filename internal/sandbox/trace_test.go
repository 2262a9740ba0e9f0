package sandbox_test

import (
	"context"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"os"
	"slices"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestTraceOfArguments: a parameter of 32 bits sits in a slot of 64, and a compiled Go
// guest leaves anything in the other half. A trace has to leave that out, or the
// pointers in it lead nowhere.
func TestTraceOfArguments(t *testing.T) {
	module, err := os.ReadFile(wasmtest.Build(t, "plugins/incidentio"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := newEngine(t, sandbox.Config{Cache: wasmtest.Cache(t)}).Load(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	_, err = m.Run(t.Context(), sandbox.Call{
		Export: hostfunc.ExportExecute, Input: []byte(`{"entity":"users","action":"list","params":{}}`),
		Send: func(context.Context, *abi.Request, []byte) (*sandbox.Response, error) {
			return &sandbox.Response{Status: 200, Body: []byte(`{"users":[],"pagination_meta":{"after":"a"}}`)}, nil
		},
		Trace: func(c sandbox.HostCall) {
			for i, a := range c.Args {
				if a >= 1<<32 {
					t.Errorf("argument %d of %s is %#x", i, c.Function, a)
				}
			}
			if c.Function == hostfunc.ValuePart {
				if start, length := c.Args[1], c.Args[2]; start+length <= uint64(len(c.Memory)) {
					asked = append(asked, string(c.Memory[start:start+length]))
				}
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"/pagination_meta/after", "/users", "/pagination_meta/page_size", "/pagination_meta/total_record_count"}; !slices.Equal(asked, want) {
		t.Errorf("it asked for %q, want %q", asked, want)
	}
}
