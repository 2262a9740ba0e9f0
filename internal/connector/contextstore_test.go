package connector

import (
	"errors"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

// searchable is a declaration with a context store.
func searchable(t *testing.T) *Connector {
	t.Helper()
	m, a := valid()
	m.Airbyte = &abi.Airbyte{
		ConnectorType: "Acme", DefinitionID: "f2e53e88-3c6b-4e5a-b7c2-a1d9c5e8f4b6",
		ContextStore: []abi.SearchEntity{{Entity: "issues", Fields: []string{"id", "title", "tags", "account"}}},
	}
	c, err := parse(m, a)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestContextStoreParams(t *testing.T) {
	op, err := searchable(t).ContextStoreOperation("issues", airbyteapi.ActionSearch)
	if err != nil {
		t.Fatal(err)
	}
	if !op.Paginated || op.Effect != abi.EffectRead || op.Name() != "issues.context_store_search" {
		t.Errorf("the operation is %+v", op.Operation)
	}
	for _, example := range op.Examples {
		if err := op.Validate(t.Context(), example); err != nil {
			t.Errorf("example %s: %v", example, err)
		}
	}
	for _, good := range []string{
		`{"query":{}}`,
		`{"query":{"filter":{"eq":{"title":"x"}},"sort":[{"title":"desc"},{"id":"asc"}]},"limit":1000,"cursor":"c","fields":["id","account.name",["account","name"]]}`,
		`{"query":{"filter":{"eq":{"account.name":null}}}}`,
		`{"query":{"filter":{"in":{"id":["a",1,true]}}}}`,
		`{"query":{"filter":{"and":[{"gte":{"id":1}},{"or":[{"startswith":{"title":"a"}},{"not":{"fuzzy":{"title":"a b"}}}]}]}}}`,
		`{"query":{"filter":{"keyword":{"title":"a b"}}}}`,
		`{"query":{"filter":{"array_contains":{"tags":"bug"}}}}`,
		`{"query":{"filter":{"eq":{"id":1},"neq":{"id":2}}}}`,
		`{"query":{"filter":{"any":{"tags":{"eq":{"name":"bug"}}}}}}`,
	} {
		if err := op.Validate(t.Context(), []byte(good)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []struct{ params, field, message, hint string }{
		{`{}`, "query", `missing parameter "query"`, ""},
		{`{"query":{"filtre":{}}}`, "query.filtre", "unknown parameter", "did you mean filter?"},
		{`{"query":{"filter":{"equals":{"id":1}}}}`, "query.filter.equals", "unknown parameter", ""},
		{`{"query":{"filter":{"eq":{"titel":"x"}}}}`, "query.filter.eq.titel", "unknown parameter", "did you mean title?"},
		{`{"query":{"filter":{"and":[{"not":{"endswith":{"titel":"x"}}}]}}}`, "query.filter.and.0.not.endswith.titel", "unknown parameter", "did you mean title?"},
		{`{"query":{"filter":{"eq":{"id":1,"title":2}}}}`, "query.filter.eq", "has 2 members, must have at most 1", ""},
		{`{"query":{"filter":{}}}`, "query.filter", "minProperties", ""},
		{`{"query":{"filter":{"like":{"title":"%x%"}}}}`, "query.filter.like", "unknown parameter", ""},
		{`{"query":{"filter":{"eq":{"id":[1]}}}}`, "query.filter.eq.id", "array", ""},
		{`{"query":{"filter":{"in":{"id":1}}}}`, "query.filter.in.id", "array", ""},
		{`{"query":{"filter":{"contains":{"title":1}}}}`, "query.filter.contains.title", "string", ""},
		{`{"query":{"sort":[{"id":"up"}]}}`, "query.sort.0.id", "unknown value", ""},
		{`{"query":{},"limit":0}`, "limit", "", ""},
		{`{"query":{},"fields":["titel"]}`, "fields.0", "", ""},
		{`{"query":{},"fields":[["titel"]]}`, "fields.0.0", "unknown value", "did you mean title?"},
		{`{"query":{},"page":2}`, "page", "unknown parameter", ""},
	} {
		err := op.Validate(t.Context(), []byte(bad.params))
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != bad.field || !strings.Contains(e.Message, bad.message) || !strings.Contains(e.Hint, bad.hint) {
			t.Errorf("%s: %#v", bad.params, err)
		}
	}
}

func TestContextStoreUnknownEntity(t *testing.T) {
	_, err := searchable(t).ContextStoreOperation("isues", airbyteapi.ActionSearch)
	var e *abi.Error
	if !errors.As(err, &e) || e.Kind != abi.KindUnknownOperation || e.Hint != "did you mean issues?" {
		t.Errorf("error = %#v", err)
	}
	m, a := valid()
	c, err := parse(m, a)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ContextStoreOperation("issues", airbyteapi.ActionSearch); !errors.As(err, &e) || e.Kind != abi.KindUnknownOperation {
		t.Errorf("error = %#v", err)
	}
	if len(c.ContextStoreOperations()) != 0 {
		t.Error("there are searches that the manifest does not declare")
	}
}

// The action is the host's: a connector that has it would hide the search.
func TestConnectorHasNoContextStoreSearch(t *testing.T) {
	m, a := valid()
	m.Check, m.Operations[0].Action = nil, airbyteapi.ActionSearch
	if _, err := parse(m, a); err == nil || !strings.Contains(err.Error(), "airbyte.context_store") {
		t.Errorf("error = %v", err)
	}
}
