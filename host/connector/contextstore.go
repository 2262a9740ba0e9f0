package connector

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// ContextStoreOperations returns the searches that hosted connections have beside the
// connector's own operations, in the order of the manifest.
func (c *Connector) ContextStoreOperations() []*Operation { return c.contextStore() }

// ContextStoreOperation returns the search of an entity. The error has kind
// unknown_operation and says what was probably meant.
func (c *Connector) ContextStoreOperation(entity string) (*Operation, error) {
	var entities []string
	for _, op := range c.contextStore() {
		if op.Entity == entity {
			return op, nil
		}
		entities = append(entities, op.Entity)
	}
	e := &abi.Error{
		Kind: abi.KindUnknownOperation, Field: "entity",
		Message: fmt.Sprintf("the context store has no entity %q of %s", entity, c.Manifest.Name),
		Hint:    nearest.Hint(entity, entities),
	}
	if len(entities) == 0 {
		e.Message = "the context store has nothing of " + c.Manifest.Name
	}
	return nil, e
}

// contextStoreOperations makes the searches that a manifest declares.
func contextStoreOperations(a *abi.Airbyte) []*Operation {
	if a == nil {
		return nil
	}
	operations := make([]*Operation, 0, len(a.ContextStore))
	for _, e := range a.ContextStore {
		operations = append(operations, &Operation{Operation: &abi.Operation{
			Entity:      e.Entity,
			Action:      abi.ActionContextStoreSearch,
			Title:       "Search the copies of " + strings.ReplaceAll(e.Entity, "_", " "),
			Description: contextStoreDescription,
			Effect:      abi.EffectRead,
			Params:      contextStoreParams(e.Fields),
			Requests:    []abi.RequestTemplate{},
			Paginated:   true,
			Examples:    []abi.RawMessage{contextStoreExample(e.Fields)},
		}})
	}
	return operations
}

const contextStoreDescription = "Search the copies that the Airbyte API keeps. They are as old as its last replication. " +
	`A filter is one condition: {"eq": {"field": value}}, and so neq, gt, gte, lt, lte; {"in": {"field": [values]}}; ` +
	`{"like": {"field": "%text%"}}; {"fuzzy": {"field": "words in this order"}}; {"keyword": {"field": "any of these words"}}; ` +
	`{"contains": {"field": value}} and {"any": {"field": condition}} for arrays; {"not": condition}, {"and": [conditions]}, {"or": [conditions]}.`

type object = map[string]any

// contextStoreParams is the schema of a search. Every place where a field stands knows
// the fields, so that a mistyped one is found here and not in an empty result.
func contextStoreParams(fields []string) json.RawMessage {
	alternatives := strings.Join(fields, "|")
	// perField is an object with one member, which a field names.
	perField := func(value object) object {
		properties := make(object, len(fields))
		for _, f := range fields {
			properties[f] = value
		}
		return object{
			"type": "object", "minProperties": 1, "maxProperties": 1, "properties": properties,
			"patternProperties": object{"^(" + alternatives + `)\.`: value}, "additionalProperties": false,
		}
	}
	condition := object{"$ref": "#/$defs/condition"}
	scalar := object{"type": []string{"string", "number", "boolean", "null"}}
	conditions := object{"type": "array", "minItems": 1, "items": condition}
	operators := object{
		"in":       perField(object{"type": "array", "items": scalar}),
		"contains": object{"$ref": "#/$defs/comparison"},
		"any":      perField(object{"type": "object"}), // its fields are those of an element
		"not":      condition, "and": conditions, "or": conditions,
	}
	for _, name := range []string{"eq", "neq", "gt", "gte", "lt", "lte"} {
		operators[name] = object{"$ref": "#/$defs/comparison"}
	}
	for _, name := range []string{"like", "fuzzy", "keyword"} {
		operators[name] = object{"$ref": "#/$defs/text"}
	}
	schema := object{
		"type": "object", "required": []string{"query"}, "additionalProperties": false,
		"properties": object{
			"query": object{
				"type": "object", "additionalProperties": false, "description": "What to find, and in which order.",
				"properties": object{
					"filter": condition,
					"sort": object{
						"type": "array", "description": "Fields, the most important one first.",
						"items": perField(object{"enum": []string{"asc", "desc"}}),
					},
				},
			},
			"limit":  object{"type": "integer", "minimum": 1, "description": "The most records of a page; the service's own limit is 1000."},
			"cursor": object{"type": "string", "minLength": 1, "description": "next_cursor of the page before."},
			"fields": object{
				"type": "array", "description": "The only fields to answer, as name or name.part; all where it is missing.",
				"items": object{
					"type": []string{"string", "array"}, "pattern": "^(" + alternatives + `)(\.[A-Za-z0-9_]+)*$`,
					"minItems": 1, "prefixItems": []object{{"enum": fields}}, "items": object{"type": "string", "minLength": 1},
				},
			},
		},
		"$defs": object{
			"comparison": perField(scalar),
			"text":       perField(object{"type": "string", "minLength": 1}),
			"condition": object{
				"type": "object", "minProperties": 1, "maxProperties": 1, "properties": operators, "additionalProperties": false,
			},
		},
	}
	raw, _ := json.Marshal(schema) // maps, slices and strings always marshal
	return raw
}

func contextStoreExample(fields []string) json.RawMessage {
	field := fields[0]
	if i := slices.Index(fields, "name"); i >= 0 {
		field = fields[i]
	}
	raw, _ := json.Marshal(object{"query": object{"filter": object{"like": object{field: "%a%"}}}, "limit": 10})
	return raw
}
