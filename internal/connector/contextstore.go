package connector

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// IsContextStore reports whether an action works on the copies that the Airbyte API keeps. Only
// the host provides such actions.
func IsContextStore(action string) bool {
	return action == airbyteapi.ActionSearch || action == airbyteapi.ActionSQLQuery
}

// ContextStoreOperations returns the operations on copies that hosted connections have in
// addition to the connector's own, in the order of the manifest.
func (c *Connector) ContextStoreOperations() []*Operation { return c.contextStore() }

// ContextStoreOperation returns an operation on the copies of an entity. The error has kind
// unknown_operation and suggests a similar name.
func (c *Connector) ContextStoreOperation(entity, action string) (*Operation, error) {
	return c.copiesOperation(c.contextStore(), entity, action)
}

// SearchOperations returns the searches in copies that agenthost keeps: one for each of [Connector.Syncs].
func (c *Connector) SearchOperations() []*Operation { return c.searches() }

// SearchOperation is [Connector.ContextStoreOperation] for copies that agenthost keeps. They are not searched with
// SQL.
func (c *Connector) SearchOperation(entity, action string) (*Operation, error) {
	if action == airbyteapi.ActionSQLQuery {
		return nil, &abi.Error{
			Kind: abi.KindUnknownOperation, Field: "action",
			Message: "copies that agenthost keeps are not queried with SQL",
			Hint:    "use " + airbyteapi.ActionSearch + ", which has filters, sorting and words",
		}
	}
	return c.copiesOperation(c.searches(), entity, action)
}

func (c *Connector) copiesOperation(all []*Operation, entity, action string) (*Operation, error) {
	var entities []string
	for _, op := range all {
		if op.Action != action {
			continue
		}
		if op.Entity == entity {
			return op, nil
		}
		entities = append(entities, op.Entity)
	}
	e := &abi.Error{
		Kind: abi.KindUnknownOperation, Field: "entity",
		Message: fmt.Sprintf("the context store has no entity %q of %s", entity, c.Manifest.Name),
		Hint:    fault.Hint(entity, entities),
	}
	if len(entities) == 0 {
		e.Message = "the context store has nothing of " + c.Manifest.Name
	}
	return nil, e
}

// contextStoreOperations makes the operations on copies that a manifest declares.
func contextStoreOperations(a *abi.Airbyte) []*Operation {
	if a == nil {
		return nil
	}
	operations := make([]*Operation, 0, 2*len(a.ContextStore))
	for _, e := range a.ContextStore {
		name := strings.ReplaceAll(e.Entity, "_", " ")
		search := &abi.Operation{
			Entity:      e.Entity,
			Action:      airbyteapi.ActionSearch,
			Title:       "Search the copies of " + name,
			Description: contextStoreDescription,
			Effect:      abi.EffectRead,
			Params:      contextStoreParams(e),
			Requests:    []abi.RequestTemplate{},
			Paginated:   true,
			Examples:    []abi.RawMessage{query.Example(e.Fields)},
		}
		sqlQuery := &abi.Operation{
			Entity:      e.Entity,
			Action:      airbyteapi.ActionSQLQuery,
			Title:       "Query the copies of " + name + " with SQL",
			Description: contextStoreSQLDescription,
			Effect:      abi.EffectRead,
			Params:      json.RawMessage(contextStoreSQLParams),
			Requests:    []abi.RequestTemplate{},
			Examples:    []abi.RawMessage{contextStoreSQLExample(e)},
		}
		operations = append(operations, &Operation{Operation: search}, &Operation{Operation: sqlQuery})
	}
	return operations
}

const contextStoreDescription = "Search the copies that the Airbyte API keeps. They are as old as its last replication. " + filterDescription

const filterDescription = `A filter has conditions, all of which must hold: {"eq": {"field": value}}, and so neq, gt, gte, lt, lte; {"in": {"field": [values]}}; ` +
	`for texts {"contains": {"field": "part"}}, {"startswith": {"field": "start"}}, {"endswith": {"field": "end"}}, ` +
	`{"fuzzy": {"field": "words in this order"}}, {"keyword": {"field": "any of these words"}}; ` +
	`for arrays {"array_contains": {"field": value}} and {"any": {"field": condition}}; {"not": condition}, {"and": [conditions]}, {"or": [conditions]}.`

const contextStoreSQLDescription = "Query the copies that the Airbyte API keeps with one SELECT statement in the SQL of DuckDB. They are as old as its last replication. " +
	"A statement can read the copies of other entities too. Some connectors have this in place of context_store_search."

const contextStoreSQLParams = `{"type":"object","required":["sql"],"additionalProperties":false,"properties":{` +
	`"sql":{"type":"string","minLength":1,"description":"One SELECT statement. The entities are its tables."},` +
	`"limit":{"type":"integer","minimum":1,"description":"The most rows to answer."}}}`

type object = map[string]any

// contextStoreParams is the schema of a search.
func contextStoreParams(e abi.SearchEntity) json.RawMessage {
	schema := query.Schema(e.Fields)
	if properties, ok := schema["properties"].(object); ok && len(e.Semantic) > 0 {
		delete(schema, "required") // the backend asks for one of them
		properties["semantic"] = semanticParams(e)
	}
	raw, _ := json.Marshal(schema) // maps, slices and strings always marshal
	return raw
}

// semanticParams is the schema of a search by meaning. The service checks the names in a filter.
func semanticParams(e abi.SearchEntity) object {
	return object{
		"type": "object", "required": []string{"prompt"}, "additionalProperties": false,
		"description": "Search by meaning. Give this or query, and not both. The service may still change this.",
		"properties": object{
			"prompt":         object{"type": "string", "minLength": 1, "description": "What to find, in words."},
			"field":          object{"enum": e.Fields, "description": "The field to search: " + strings.Join(e.Semantic, ", ") + "."},
			"filter":         object{"type": "object", "description": "Conditions on the parts of texts that are ranked."},
			"min_similarity": object{"type": "number", "description": "The least score of a result."},
			"dedup":          object{"enum": []string{"max", "none"}, "description": "max answers the best part of each record, none answers all parts."},
			"context_size":   object{"type": "integer", "minimum": 1, "description": "How many characters to answer around a result."},
		},
	}
}

func contextStoreSQLExample(e abi.SearchEntity) json.RawMessage {
	raw, _ := json.Marshal(object{"sql": "SELECT " + e.Fields[0] + " FROM " + e.Entity, "limit": 10})
	return raw
}
