package host_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestOperationIsDecidedFirst: a call of what is not allowed is denied whatever is wrong with
// it, through each way into the host, and the trail has one record of it with the decision.
func TestOperationIsDecidedFirst(t *testing.T) {
	t.Parallel()
	server, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: token, Scale: pylon.SmallScale()}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	reader := labAt(server)
	reader.Allow = &config.Allow{Effects: []abi.Effect{abi.EffectRead}}
	trail := &keeper{}
	o := options(t, host.StaticConnections{"reader": reader, "hidden": reader})
	o.Sinks = []audit.Sink{trail}
	h := opened(t, o)
	tools := func(form tool.Form) tool.Set {
		set, err := h.Tools(t.Context(), host.ToolOptions{Connections: []string{"reader"}, Options: tool.Options{Form: form}})
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	for name, call := range map[string]host.Call{
		"unknown parameter": {Params: host.Params{"titel": "x"}},
		"no JSON":           {Params: json.RawMessage(`{"name":`)},
		"no object":         {Params: []int{1}},
		"not encodable":     {Params: func() {}},
		"select, exclude":   {Params: host.Params{"name": "x"}, Select: []string{"a"}, Exclude: []string{"b"}},
		"bad path":          {Params: host.Params{"name": "x"}, Select: []string{"a..b"}},
		"long intent":       {Params: host.Params{"name": "x"}, Intent: string(make([]byte, 600))},
		"all well":          {Params: host.Params{"name": "x"}},
	} {
		call.Entity, call.Action = "accounts", "create"
		for way, do := range map[string]func() error{
			"execute": func() error { _, err := h.Execute(t.Context(), "reader", call); return err },
			"record":  func() error { _, _, err := h.Record(t.Context(), "reader", call); return err },
			"pages": func() error {
				for _, err := range h.Pages(t.Context(), "reader", call) {
					return err
				}
				return nil
			},
			"refuse": func() error { return h.Refuse(t.Context(), "reader", call, errors.New("it is not well written")) },
		} {
			wantDenied(t, name+", "+way, trail, do())
		}
		if _, err := h.Explain(t.Context(), "reader", call); err != nil {
			t.Errorf("%s: explain ends with %v and says nothing of the decision", name, err)
		}
	}
	for name, args := range map[string]string{"unknown": `{"titel":1}`, "bad extra": `{"select_fields":1}`, "no object": `[]`, "no JSON": `{`, "twice": `{"a":1,"a":1}`, "none": ``} {
		_, err := tools(tool.FormOperations).Call(t.Context(), "reader_accounts_create", json.RawMessage(args))
		wantDenied(t, "tool, "+name, trail, err)
	}
	for name, args := range map[string]string{"good": `{}`, "unknown": `{"titel":1}`, "no object": `3`} {
		_, err := tools(tool.FormSearch).Call(t.Context(), tool.ExecuteOperation, json.RawMessage(`{"operation":"reader.accounts.create","params":`+args+`}`))
		wantDenied(t, "search, "+name, trail, err)
		_, err = tools(tool.FormConnections).Call(t.Context(), "reader_execute", json.RawMessage(`{"entity":"accounts","action":"create","params":`+args+`}`))
		wantDenied(t, "connections, "+name, trail, err)
	}
	// What is not offered is not there, and not looked up.
	for _, operation := range []string{"hidden.accounts.create", "hidden.accounts.list", "nobody.accounts.list", "accounts.list", "x", "....", ""} {
		_, err := tools(tool.FormSearch).Call(t.Context(), tool.ExecuteOperation, json.RawMessage(`{"operation":"`+operation+`"}`))
		var e *host.Error
		if len(trail.records) != 1 || !errors.As(err, &e) || e.Kind != abi.KindUnknownOperation {
			t.Fatalf("%q: %d records, %v", operation, len(trail.records), err)
		}
		if r := trail.records[0]; r.Connector != "" || r.Decision != nil || r.Outcome != string(abi.KindUnknownOperation) {
			t.Errorf("%q: the record is %+v", operation, r)
		}
		trail.records = nil
	}
	if n := len(server.Requests()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func wantDenied(t *testing.T, name string, trail *keeper, err error) {
	t.Helper()
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != abi.KindDenied || e.Hint == "" {
		t.Errorf("%s: %v, want denied, and what would permit it", name, err)
	}
	if len(trail.records) != 1 {
		t.Fatalf("%s: %d records", name, len(trail.records))
	}
	r := trail.records[0]
	if r.Connection != "reader" || r.Operation() != "accounts.create" || r.Outcome != string(abi.KindDenied) || r.Decision == nil || r.Decision.Allowed || r.RequestSent {
		t.Errorf("%s: the record is %+v", name, r)
	}
	trail.records = nil
}
