package connector

import (
	"context"
	"fmt"
	"slices"

	"github.com/agenthost/agenthost/internal/lazyregexp"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Bounds of what a manifest says about the Airbyte API.
const (
	maxSearchEntities = 200
	maxSearchFields   = 200
	maxAirbyteParams  = 200
)

var (
	uuidForm  = lazyregexp.New(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	fieldForm = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)
)

// checkAirbyte checks what a manifest says about hosted mode.
func checkAirbyte(ctx context.Context, c *Connector) error {
	for i := range c.Manifest.Operations {
		if op := &c.Manifest.Operations[i]; IsContextStore(op.Action) {
			return malformed(fmt.Sprintf("operations[%d].action", i), "is %s, which only the host provides: list the entity in airbyte.context_store", op.Action)
		}
	}
	a := c.Manifest.Airbyte
	if a == nil {
		return nil
	}
	if a.DefinitionID != "" && !uuidForm.MatchString(a.DefinitionID) {
		return malformed("airbyte.definition_id", "is %q, want a UUID in lower case", a.DefinitionID)
	}
	if err := checkText("airbyte.connector_type", a.ConnectorType); err != nil {
		return err
	}
	if err := checkCheck(ctx, c, "airbyte.check", a.Check); err != nil {
		return err
	}
	if err := checkEnvelope(a.Envelope); err != nil {
		return err
	}
	if err := checkAirbyteOperations(c, a.Operations); err != nil {
		return err
	}
	return checkContextStore(a.ContextStore)
}

func checkAirbyteOperations(c *Connector, operations []abi.AirbyteOperation) error {
	if len(operations) > maxOperations {
		return malformed("airbyte.operations", "has %d entries, the limit is %d", len(operations), maxOperations)
	}
	left := make(map[abi.OperationRef]bool, len(c.Manifest.Operations))
	for i := range c.Manifest.Operations {
		left[abi.OperationRef{Entity: c.Manifest.Operations[i].Entity, Action: c.Manifest.Operations[i].Action}] = true
	}
	for i, op := range operations {
		at := fmt.Sprintf("airbyte.operations[%d]", i)
		ref := abi.OperationRef{Entity: op.Entity, Action: op.Action}
		switch first, own := left[ref]; {
		case !own:
			return malformed(at, "is %s.%s, which is not an operation of this connector", op.Entity, op.Action)
		case !first:
			return malformed(at, "repeats %s.%s", op.Entity, op.Action)
		case len(op.Params) > maxAirbyteParams:
			return malformed(at+".params", "has %d entries, the limit is %d", len(op.Params), maxAirbyteParams)
		}
		left[ref] = false
		for _, name := range op.Params {
			if name == "" {
				return malformed(at+".params", "has an empty name")
			}
			if err := checkText(at+".params", name); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkEnvelope(e *abi.Envelope) error {
	if e == nil {
		return nil
	}
	if len(e.Marks) == 0 {
		return malformed("airbyte.envelope.marks", "is empty: every object with a member %q would be unwrapped", e.Record)
	}
	for _, name := range append([]string{e.Record}, e.Marks...) {
		if name == "" {
			return malformed("airbyte.envelope", "has an empty name")
		}
		if err := checkText("airbyte.envelope", name); err != nil {
			return err
		}
	}
	return nil
}

func checkContextStore(entities []abi.SearchEntity) error {
	if len(entities) > maxSearchEntities {
		return malformed("airbyte.context_store", "has %d entries, the limit is %d", len(entities), maxSearchEntities)
	}
	known := make(map[string]bool)
	for i, e := range entities {
		at := fmt.Sprintf("airbyte.context_store[%d]", i)
		switch {
		case !wordForm.MatchString(e.Entity):
			return malformed(at+".entity", "is %q, want lower-case letters, digits and underscores", e.Entity)
		case known[e.Entity]:
			return malformed(at+".entity", "repeats %q", e.Entity)
		case len(e.Fields) == 0 || len(e.Fields) > maxSearchFields:
			return malformed(at+".fields", "has %d entries, want 1 to %d", len(e.Fields), maxSearchFields)
		}
		known[e.Entity] = true
		for _, field := range e.Semantic {
			if !slices.Contains(e.Fields, field) {
				return malformed(at+".semantic", "has %q, which is not one of the fields", field)
			}
		}
		for _, field := range e.Fields {
			if !fieldForm.MatchString(field) {
				return malformed(at+".fields", "has %q, want a name of letters, digits and underscores", field)
			}
		}
	}
	return nil
}
