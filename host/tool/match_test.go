package tool_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/pdk/abi"
)

type searchAnswer struct {
	Operations []struct {
		Operation   string
		Connections []string
		Effect      abi.Effect
		Description string
	}
	Found int
	Note  string
}

func search(t *testing.T, set tool.Set, query string) (searchAnswer, int) {
	t.Helper()
	args, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	text, err := set.Call(t.Context(), tool.SearchOperations, args)
	if err != nil {
		t.Fatal(err)
	}
	var a searchAnswer
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	return a, len(text)
}

// TestSearchListsAnOperationOnce: connections of one vendor differ in what they allow, and
// not in what an operation does.
func TestSearchListsAnOperationOnce(t *testing.T) {
	params := `{"type":"object","properties":{"id":{"type":"string"}},"additionalProperties":false}`
	list, remove := operation("things", "list", abi.EffectRead, params), operation("things", "delete", abi.EffectDelete, params)
	newer := operation("things", "list", abi.EffectRead, `{"type":"object"}`)
	other := vendor("other", 1, nil, list)
	other.Title = "Other things"
	set := newSet(t, tool.Options{Form: tool.FormSearch},
		vendor("audit", 1, nil, list), vendor("shop", 1, nil, list, remove), vendor("lab", 1, nil, list, remove), vendor("next", 1, nil, newer), other)
	for query, want := range map[string][]string{
		"":            {"audit.things.list [audit shop lab]", "shop.things.delete [shop lab]", "next.things.list []", "other.things.list []"},
		"list things": {"audit.things.list [audit shop lab]", "next.things.list []", "other.things.list []", "shop.things.delete [shop lab]"},
		"shop list":   {"shop.things.list [shop audit lab]", "shop.things.delete [shop lab]", "next.things.list []", "other.things.list []"},
		"delete":      {"shop.things.delete [shop lab]"},
	} {
		a, _ := search(t, set, query)
		var got []string
		for _, o := range a.Operations {
			got = append(got, fmt.Sprintf("%s %v", o.Operation, o.Connections))
		}
		if !slices.Equal(got, want) || a.Found != len(want) || a.Note != "" {
			t.Errorf("%q: %q of %d %s, want %q", query, got, a.Found, a.Note, want)
		}
	}
	// What the answer names can be described and run, by each connection's name.
	for _, path := range []string{"audit.things.list", "shop.things.list", "lab.things.delete"} {
		if _, err := set.Call(t.Context(), tool.DescribeOperation, json.RawMessage(`{"operation":"`+path+`"}`)); err != nil {
			t.Error(err)
		}
	}
	if _, err := set.Call(t.Context(), tool.DescribeOperation, json.RawMessage(`{"operation":"audit.things.delete"}`)); err == nil {
		t.Error("audit has no things.delete")
	}
	text, failed := set.Answer(t.Context(), tool.DescribeOperation, json.RawMessage(`{"operation":"things.delete"}`))
	if !failed || !strings.Contains(text, "name the connection too: shop.things.delete, lab.things.delete") {
		t.Error(text)
	}
}

// TestSearchIsShort: an answer has what is worth a look, and says how much more there is.
func TestSearchIsShort(t *testing.T) {
	var ops []abi.Operation
	for i := range 200 {
		op := operation(fmt.Sprintf("kind%d", i), "list", abi.EffectRead, `{"type":"object"}`)
		op.Description = strings.Repeat("A long text about what there is to list. ", 10)
		ops = append(ops, op)
	}
	ops = append(ops, operation("candidates", "get", abi.EffectRead, `{"type":"object"}`), operation("candidates", "list", abi.EffectRead, `{"type":"object"}`))
	set := newSet(t, tool.Options{Form: tool.FormSearch}, vendor("shop", 1, nil, ops...))
	a, size := search(t, set, "list")
	if len(a.Operations) != 25 || a.Found != 201 || a.Note != "176 more match; use more or other words" || size > 10_000 {
		t.Errorf("%d of %d in %d characters: %s", len(a.Operations), a.Found, size, a.Note)
	}
	a, _ = search(t, set, "list candidates")
	if len(a.Operations) == 0 || a.Operations[0].Operation != "shop.candidates.list" || len(a.Operations) > 25 {
		t.Errorf("%+v", a)
	}
	a, size = search(t, set, "")
	if a.Found != 202 || size > 20_000 || len(a.Operations) < 150 {
		t.Errorf("%d of %d in %d characters: %s", len(a.Operations), a.Found, size, a.Note)
	}
	if a, _ = search(t, set, "zebra"); a.Found != 0 || !strings.HasPrefix(a.Note, "nothing matches; entities: candidates, kind0") {
		t.Errorf("%+v", a)
	}
}
