package host_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/pdk/abi"
)

// A parameter that Airbyte's connector does not have used to be dropped on the way: the call
// went well, and the task had no date.
func TestHostedParameterThatAirbyteLacks(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	l := v.hosted(t, nil, nil)
	l.create(t, "lab")
	e := l.fails(t, "hosted", host.Call{Entity: "tasks", Action: "update", Params: host.Params{"id": "t1", "title": "Call back", "due_date": "2026-05-01"}})
	const message = "Airbyte's Pylon connector does not support due_date for tasks.update and would silently ignore it"
	if e.Kind != abi.KindInvalidParams || e.Field != "due_date" || e.Message != message || e.RequestSent || len(l.airbyte.Requests()) != 0 {
		t.Errorf("error = %#v", e)
	}
	for params, want := range map[string]string{
		`{"id":"t1","due_date":5,"custom_fields":"[]"}`: "does not support due_date, custom_fields for tasks.update and would silently ignore them", // what is wrong with their types is no matter
		`{"id":"t1","titel":"x"}`:                       `unknown parameter "titel"`,
	} {
		if e := l.fails(t, "hosted", host.Call{Entity: "tasks", Action: "update", Params: json.RawMessage(params)}); e.Kind != abi.KindInvalidParams || !strings.Contains(e.Message, want) {
			t.Errorf("%s: %#v", params, e)
		}
	}
}

// What is shown of a hosted operation is what it takes.
func TestHostedOperationsAreShownAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, v := range []wireVendor{pylonOnTheWire(), ashbyOnTheWire(), incidentioOnTheWire()} {
		l := v.hosted(t, nil, nil)
		c, err := l.h.Connector(t.Context(), v.connector)
		if err != nil {
			t.Fatal(err)
		}
		operations, err := l.h.Operations(t.Context(), "hosted")
		if err != nil {
			t.Fatal(err)
		}
		narrower := 0
		for i, own := range c.Manifest.Operations {
			shown, full := properties(t, operations[i].Params), properties(t, own.Params)
			j := slices.IndexFunc(c.Manifest.Airbyte.Operations, func(o abi.AirbyteOperation) bool { return o.Entity == own.Entity && o.Action == own.Action })
			if j < 0 {
				if !slices.Equal(shown, full) {
					t.Errorf("%s.%s is shown with %v of %v", own.Entity, own.Action, shown, full)
				}
				continue
			}
			for _, name := range full {
				_, isAlias := own.Aliases[name]
				want := slices.Contains(c.Manifest.Airbyte.Operations[j].Params, name) || own.Paginated && (name == "limit" || name == "cursor") || isAlias
				if slices.Contains(shown, name) != want {
					t.Errorf("%s.%s is shown with %v, and %s is taken: %t", own.Entity, own.Action, shown, name, want)
				}
			}
			if len(shown) < len(full) {
				narrower++
			}
			for _, example := range operations[i].Examples {
				for _, name := range keys(t, example) {
					if !slices.Contains(shown, name) {
						t.Errorf("the example %s of %s.%s has what is not shown", example, own.Entity, own.Action)
					}
				}
			}
		}
		if narrower == 0 {
			t.Errorf("%s: every operation is shown whole", v.connector)
		}
	}
}

func properties(t *testing.T, schema json.RawMessage) []string {
	t.Helper()
	var s struct {
		Properties json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(schema, &s); err != nil {
		t.Fatal(err)
	}
	return keys(t, s.Properties)
}

func keys(t *testing.T, object json.RawMessage) []string {
	t.Helper()
	var members map[string]json.RawMessage
	if len(object) == 0 {
		return nil
	}
	if err := json.Unmarshal(object, &members); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(members))
}

// TestAirbyteOperations compares what the connectors say of Airbyte's with the facts, which
// the simulated service has by itself, and with their own parameters.
func TestAirbyteOperations(t *testing.T) {
	t.Parallel()
	for _, v := range []wireVendor{pylonOnTheWire(), ashbyOnTheWire(), incidentioOnTheWire()} {
		h, _ := v.open(t)
		c, err := h.Connector(t.Context(), v.connector)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(airbyte.Definitions(), func(d airbyte.Definition) bool { return d.Slug == v.connector })
		want := airbyte.Definitions()[i].Operations
		got := make(map[string][]string)
		for _, op := range c.Manifest.Airbyte.Operations {
			got[op.Entity+"."+op.Action] = op.Params
		}
		if !maps.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s: the manifest says %v\nthe facts %v", v.connector, got, want)
		}
		searchable, semantic := make(map[string][]string), make(map[string][]string)
		for _, e := range c.Manifest.Airbyte.ContextStore {
			searchable[e.Entity] = e.Fields
			if len(e.Semantic) > 0 {
				semantic[e.Entity] = e.Semantic
			}
		}
		facts := airbyte.Definitions()[i]
		if !maps.EqualFunc(searchable, facts.Searchable, slices.Equal) || !maps.EqualFunc(semantic, facts.Semantic, slices.Equal) {
			t.Errorf("%s: the manifest's context store is %v, %v\nthe facts %v, %v", v.connector, searchable, semantic, facts.Searchable, facts.Semantic)
		}
		for _, op := range c.Manifest.Operations {
			params, listed := got[op.Entity+"."+op.Action]
			if !listed {
				continue
			}
			var schema struct {
				Properties map[string]json.RawMessage `json:"properties"`
				Required   []string                   `json:"required"`
			}
			if err := json.Unmarshal(op.Params, &schema); err != nil {
				t.Fatal(err)
			}
			for _, name := range params {
				if _, ok := schema.Properties[name]; !ok {
					t.Errorf("%s: %s.%s has no parameter %s", v.connector, op.Entity, op.Action, name)
				}
			}
			for _, name := range schema.Required {
				if !slices.Contains(params, name) {
					t.Errorf("%s: %s.%s needs %s, which Airbyte's does not have", v.connector, op.Entity, op.Action, name)
				}
			}
		}
	}
}
