package host_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/tool"
)

// TestToolsOfHostedConnection makes tools of a hosted connection: a model uses them as those
// of a direct one, and has the searches of the context store beside them.
func TestToolsOfHostedConnection(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	l := v.hosted(t, nil, nil)
	l.create(t, "lab")
	var sets [2]tool.Set
	for i, connection := range []string{"lab", "hosted"} {
		var err error
		if sets[i], err = l.h.Tools(t.Context(), host.ToolOptions{Connections: []string{connection}, Options: tool.Options{Form: tool.FormOperations}}); err != nil {
			t.Fatal(err)
		}
	}
	direct, hosted := sets[0], sets[1]
	if len(hosted) != len(direct)+18 {
		t.Errorf("%d tools direct, %d hosted", len(direct), len(hosted))
	}
	const arguments = `{"limit":3,"select_fields":["id","name"]}`
	a, err := direct.Call(t.Context(), "lab_accounts_list", json.RawMessage(arguments))
	if err != nil {
		t.Fatal(err)
	}
	b, err := hosted.Call(t.Context(), "hosted_accounts_list", json.RawMessage(arguments))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := member(t, b, "data"), member(t, a, "data"); got != want || !strings.Contains(got, `"name"`) {
		t.Errorf("direct %s\nhosted %s", want, got)
	}
	found, err := hosted.Call(t.Context(), "hosted_accounts_context_store_search", json.RawMessage(`{"query":{"filter":{"contains":{"name":"a"}}},"limit":2,"select_fields":["name"]}`))
	if err != nil || strings.Count(member(t, found, "data"), `"name"`) != 2 {
		t.Errorf("found %s, %v", found, err)
	}
	text, failed := hosted.Answer(t.Context(), "hosted_tasks_update", json.RawMessage(`{"id":"t1","due_date":"2026-05-01"}`))
	if !failed || !strings.Contains(text, "due_date") || !strings.Contains(text, "mode: direct") {
		t.Errorf("answer %q", text)
	}
	for _, one := range hosted {
		if one.Name == "hosted_tasks_update" && strings.Contains(string(one.Input), "due_date") {
			t.Errorf("a model is offered %s", one.Input)
		}
	}
}

func member(t *testing.T, object json.RawMessage, name string) string {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		t.Fatal(err)
	}
	return string(members[name])
}
