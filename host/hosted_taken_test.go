package host_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/pdk/abi"
)

// A parameter that Airbyte's connector does not have used to be dropped on the way: the call
// went well, and the task had no date.
func TestHostedParameterThatAirbyteLacks(t *testing.T) {
	v := pylonOnTheWire()
	l := v.hosted(t, nil, nil)
	l.create(t, "lab")
	e := l.fails(t, "hosted", host.Call{Entity: "tasks", Action: "update", Params: host.Params{"id": "t1", "title": "Call back", "due_date": "2026-05-01"}})
	const message = "in Airbyte, tasks.update of Pylon has no parameter due_date, which would be dropped without a word"
	if e.Kind != abi.KindInvalidParams || e.Field != "due_date" || e.Message != message || e.RequestSent || len(l.airbyte.Requests()) != 0 {
		t.Errorf("error = %#v", e)
	}
}

// TestAirbyteOperations compares what the connectors say of Airbyte's with the facts, which
// the simulated service has by itself, and with their own parameters.
func TestAirbyteOperations(t *testing.T) {
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
