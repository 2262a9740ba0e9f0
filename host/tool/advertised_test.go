package tool_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/portable"
	"github.com/agenthost/agenthost/pdk/abi"
)

// awkward are operations whose schemas clients have trouble with.
func awkward() []abi.Operation {
	ops := []abi.Operation{
		operation("trees", "search", abi.EffectRead, `{"type":"object","properties":{"filter":{"$ref":"#/$defs/f"},"filter[id]":{"type":"string"},"select[fields]":{"type":"string"}},"$defs":{"f":{"type":"object","properties":{"and":{"type":"array","items":{"$ref":"#/$defs/f"}}}}},"additionalProperties":false}`),
		operation("ways", "create", abi.EffectWrite, `{"type":"object","properties":{"a":{"type":["string","null"]}},"anyOf":[{"required":["a"]},{"required":["b"]}]}`),
		operation("texts", "get", abi.EffectRead, `{"type":"object","description":"`+strings.Repeat("Long. ", 400)+`"}`),
	}
	ops[0].Result = json.RawMessage(`{"$ref":"#/$defs/t","$defs":{"t":{"type":"object","properties":{"id":{"type":["integer","null"]},"kids":{"type":"array","items":{"$ref":"#/$defs/t"}}}}}}`)
	ops[1].Result, ops[1].Description = ops[0].Result, strings.Repeat("What it does. ", 200)
	ops[0].Paginated = true
	for i := range 60 {
		ops = append(ops, operation(fmt.Sprintf("a_thing_with_a_long_name_%d", i), "get", abi.EffectRead, `{"type":"object"}`))
	}
	return ops
}

// TestToolsArePortable looks at the tools of every form as clients would.
func TestToolsArePortable(t *testing.T) {
	t.Parallel()
	for _, form := range tool.Forms() {
		for n, ops := range map[string][]abi.Operation{"all": awkward(), "two": awkward()[:2]} {
			set := newSet(t, tool.Options{Form: form}, vendor("long-name-of-a-connection", 0, nil, ops...))
			for i, one := range set {
				for _, problem := range append(portable.Check(one.Input, true), portable.Check(one.Output, false)...) {
					t.Errorf("%s of %s, %s: %s", form, n, one.Name, problem)
				}
				if len(one.Description) > portable.MaxDescription || one.Description == "" {
					t.Errorf("%s of %s, %s: the description has %d bytes", form, n, one.Name, len(one.Description))
				}
				for of, schema := range map[string]json.RawMessage{
					"OpenAI's chat": set.OpenAIChat()[i].Function.Parameters, "OpenAI's responses": set.OpenAIResponses()[i].Parameters,
					"Anthropic": set.Anthropic()[i].InputSchema, "Gemini": set.Gemini()[i].ParametersJSONSchema,
				} {
					if string(schema) != string(one.Input) {
						t.Errorf("%s gets %s", of, schema)
					}
				}
			}
		}
	}
}

// TestAliases: a call with an alias reaches the connector with its own name, in every form.
func TestAliases(t *testing.T) {
	t.Parallel()
	const args, both = `{"filter_id":"1","filter":{"and":[]}}`, `{"filter_id":"1","filter[id]":"2"}`
	for form, call := range map[tool.Form]func(args string) (name, arguments string){
		tool.FormOperations: func(args string) (string, string) { return "shop_trees_search", args },
		tool.FormSearch: func(args string) (string, string) {
			return tool.ExecuteOperation, `{"operation":"shop.trees.search","params":` + args + `}`
		},
		tool.FormConnections: func(args string) (string, string) {
			return "shop_execute", `{"entity":"trees","action":"search","params":` + args + `}`
		},
	} {
		var calls []tool.Call
		set := newSet(t, tool.Options{Form: form}, vendor("shop", 0, &calls, awkward()...))
		name, arguments := call(args)
		if answer, failed := set.Answer(t.Context(), name, json.RawMessage(arguments)); failed || len(calls) != 1 || string(calls[0].Params) != `{"filter[id]":"1","filter":{"and":[]}}` {
			t.Errorf("%s: %s, %v", form, answer, calls)
		}
		name, arguments = call(both)
		if answer, failed := set.Answer(t.Context(), name, json.RawMessage(arguments)); !failed || len(calls) != 1 || !strings.Contains(answer, "are the same parameter") {
			t.Errorf("%s: %s", form, answer)
		}
	}
}

// TestReservedAliases: no alias is the name of a parameter that the host adds.
func TestReservedAliases(t *testing.T) {
	t.Parallel()
	var calls []tool.Call
	set := newSet(t, tool.Options{Form: tool.FormOperations}, vendor("shop", 0, &calls, awkward()...))
	if _, failed := set.Answer(t.Context(), "shop_trees_search", json.RawMessage(`{"select_fields":["id"]}`)); failed || len(calls) != 1 || !slices.Equal(calls[0].Select, []string{"id"}) || string(calls[0].Params) != "{}" {
		t.Errorf("%+v", calls)
	}
}

// TestDescribeInConnections: the tool of a connection says how to call an action.
func TestDescribeInConnections(t *testing.T) {
	t.Parallel()
	var calls []tool.Call
	set := newSet(t, tool.Options{Form: tool.FormConnections}, vendor("shop", 0, &calls, awkward()...))
	answer, failed := set.Answer(t.Context(), "shop_execute", json.RawMessage(`{"entity":"trees","action":"search","describe":true}`))
	var got struct {
		Data struct {
			Operation string
			Params    struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil || failed || len(calls) > 0 || got.Data.Operation != "shop.trees.search" || got.Data.Params.Properties["filter_id"] == nil {
		t.Errorf("%s, %v, %d calls", answer, err, len(calls))
	}
	if answer, failed := set.Answer(t.Context(), "shop_execute", json.RawMessage(`{"entity":"trees","action":"search","describe":"maybe"}`)); !failed || len(calls) > 0 {
		t.Error(answer)
	}
}

// TestDescribedIsRefused: a description of an operation that is not allowed is recorded as one.
func TestDescribedIsRefused(t *testing.T) {
	t.Parallel()
	var refused []tool.Refusal
	o := tool.Options{Form: tool.FormConnections, Refused: func(_ context.Context, r tool.Refusal) error {
		refused = append(refused, r)
		return r.Err
	}}
	set := newSet(t, o, vendor("shop", 0, nil))
	if _, failed := set.Answer(t.Context(), "shop_execute", json.RawMessage(`{"entity":"things","action":"delete","describe":true}`)); !failed || len(refused) != 1 || !refused[0].Described {
		t.Errorf("%+v", refused)
	}
}

// TestShortNames: names of at most 48 characters, which do not depend on other connections.
func TestShortNames(t *testing.T) {
	t.Parallel()
	o := tool.Options{Form: tool.FormOperations, MaxName: 48}
	one := vendor("the-customer-support-desk", 0, nil, awkward()...)
	alone := newSet(t, o, one)
	among := newSet(t, o, vendor("a", 0, nil), one, vendor("the-customer-support", 0, nil, awkward()...))
	known := make(map[string]bool)
	for _, t2 := range among {
		if len(t2.Name) > 48 || known[t2.Name] {
			t.Errorf("%s has %d characters, or is there twice", t2.Name, len(t2.Name))
		}
		known[t2.Name] = true
	}
	short := 0
	for i, t2 := range alone {
		op := one.Operations[i]
		if !known[t2.Name] || t2.Name != o.NameOf(one.Name, op.Entity, op.Action) || !strings.HasPrefix(t2.Name, o.PrefixOf(one.Name)) {
			t.Errorf("%s depends on other connections", t2.Name)
		}
		if len(t2.Name) == 48 {
			short++
		}
	}
	if short < 50 {
		t.Errorf("%d names were shortened", short)
	}
}
