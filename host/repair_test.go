package host_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestToolsRepairArguments: what a model writes otherwise than the schema wants it works in
// every form of the tools. The vendor and the audit trail get what was repaired.
func TestToolsRepairArguments(t *testing.T) {
	t.Parallel()
	h, server, kept := openAudited(t)
	for form, call := range map[tool.Form][2]string{
		tool.FormOperations:  {"lab_issues_search", `{"filter":"{\"field\":\"state\",\"operator\":\"equals\",\"value\":\"new\",\"values\":null}","limit":2e0,"cursor":null,"text_from":"0","select_fields":"[\"id\"]"}`},
		tool.FormSearch:      {tool.ExecuteOperation, `{"operation":"lab.issues.search","all_pages":"false","params":"{\"filter\":{\"field\":\"state\",\"operator\":\"equals\",\"value\":\"new\",\"subfilters\":null},\"limit\":\"2\"}"}`},
		tool.FormConnections: {"lab_execute", `{"entity":"issues","action":"search","params":{"filter":{"field":"state","operator":"equals","value":"new","values":null},"limit":2.0,"cursor":null}}`},
	} {
		tools, err := h.Tools(t.Context(), host.ToolOptions{Connections: []string{"lab"}, Options: tool.Options{Form: form}})
		if err != nil {
			t.Fatal(err)
		}
		server.Reset()
		kept.take()
		if _, err := tools.Call(t.Context(), call[0], json.RawMessage(call[1])); err != nil {
			t.Errorf("%s: %v", form, err)
			continue
		}
		const want = `{"filter":{"field":"state","operator":"equals","value":"new"},"limit":2}`
		if got := server.Requests(); len(got) != 1 || string(got[0].Body) != want {
			t.Errorf("%s: the vendor got %s, want %s", form, got[0].Body, want)
		}
		r := kept.take()
		if last := r[len(r)-1]; len(last.Params) != 2 || last.Params[1] != (audit.Param{Name: "limit", Bytes: 1}) || last.ParamsBytes != len(want) {
			t.Errorf("%s: the record has %+v, %d bytes", form, last.Params, last.ParamsBytes)
		}
	}
	// The library is strict.
	_, err := h.Execute(t.Context(), "lab", host.Call{Entity: "accounts", Action: "list", Params: json.RawMessage(`{"limit":"2"}`)})
	if e, _ := errors.AsType[*host.Error](err); e == nil || e.Kind != abi.KindInvalidParams || !strings.Contains(e.Message, `parameter "limit" is of type string, want integer`) {
		t.Errorf("Execute says %v", err)
	}
	// What is not repaired gets the same message.
	tools, err := h.Tools(t.Context(), host.ToolOptions{Connections: []string{"lab"}, Options: tool.Options{Form: tool.FormOperations}})
	if err != nil {
		t.Fatal(err)
	}
	if text, failed := tools.Answer(t.Context(), "lab_accounts_list", json.RawMessage(`{"limit":"two","cursor":null}`)); !failed || !strings.Contains(text, `parameter "limit" is of type string, want integer`) {
		t.Errorf("answer %s", text)
	}
}

// TestRepairComesBeforeTheGrant: a rule decides on what the connector gets.
func TestRepairComesBeforeTheGrant(t *testing.T) {
	t.Parallel()
	server, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: token, Scale: pylon.SmallScale()}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	k := &keeper{}
	c := labAt(server)
	c.Allow = &config.Allow{
		Operations: []string{"accounts.list", "issues.search"},
		Params: map[string]map[string]grant.ParamRule{
			"accounts.list": {"limit": {Values: []any{1, 5}}},
			"issues.search": {"filter.value": {Values: []any{"new"}, Optional: true}},
		},
	}
	o := options(t, map[string]host.Connection{"lab": c})
	o.Sinks = []audit.Sink{k}
	tools, err := opened(t, o).Tools(t.Context(), host.ToolOptions{Options: tool.Options{Form: tool.FormOperations}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		tool, args string
		kind       abi.Kind // of the refusal
		sent       string   // what the vendor gets
	}{
		{"lab_accounts_list", `{"limit":5}`, "", "limit=5"},
		{"lab_accounts_list", `{"limit":"5"}`, "", "limit=5"},
		{"lab_accounts_list", `{"limit":50e-1}`, "", "limit=5"},
		{"lab_accounts_list", `{"limit":"9"}`, abi.KindDenied, ""},
		{"lab_accounts_list", `{"limit":0.9e1}`, abi.KindDenied, ""},
		{"lab_accounts_list", `{"limit":null}`, abi.KindDenied, ""},
		{"lab_accounts_list", `{}`, abi.KindDenied, ""},
		{"lab_accounts_list", `{"limit":"5","Limit":null}`, abi.KindInvalidParams, ""},
		{"lab_accounts_list", `{"limit":"5","limit":"9"}`, abi.KindInvalidParams, ""},
		{"lab_accounts_list", `{"limit":"5","\u006cimit":9}`, abi.KindInvalidParams, ""},
		{"lab_issues_search", `{"filter":{"field":"state","operator":"equals","value":"new"}}`, "", `{"filter":{"field":"state","operator":"equals","value":"new"}}`},
		{"lab_issues_search", `{"filter":"{\"field\":\"state\",\"operator\":\"equals\",\"value\":\"new\"}"}`, "", `{"filter":{"field":"state","operator":"equals","value":"new"}}`},
		{"lab_issues_search", `{"filter":"{\"field\":\"state\",\"operator\":\"equals\",\"value\":\"closed\"}"}`, abi.KindDenied, ""},
		{"lab_issues_search", `{"filter":"{\"field\":\"state\",\"operator\":\"equals\",\"value\":\"new\",\"value\":\"closed\"}"}`, abi.KindInvalidParams, ""},
		{"lab_issues_search", `{"filter":"{\"field\":\"assignee_id\",\"operator\":\"is_set\",\"value\":null}"}`, "", `{"filter":{"field":"assignee_id","operator":"is_set"}}`},
	} {
		server.Reset()
		k.take()
		_, err := tools.Call(t.Context(), tt.tool, json.RawMessage(tt.args))
		e, _ := errors.AsType[*host.Error](err)
		requests := server.Requests()
		switch {
		case tt.kind == "" && (err != nil || len(requests) != 1 || string(requests[0].Body) != tt.sent && requests[0].RawQuery != tt.sent):
			t.Errorf("%s: %v, the vendor got %+v", tt.args, err, requests)
		case tt.kind != "" && (e == nil || e.Kind != tt.kind || len(requests) > 0):
			t.Errorf("%s: %v, want %s; the vendor got %+v", tt.args, err, tt.kind, requests)
		}
		if r := k.take(); len(r) != 1 || tt.kind == abi.KindDenied && !r[0].Denied() {
			t.Errorf("%s: %d records, %+v", tt.args, len(r), r)
		}
	}
}
