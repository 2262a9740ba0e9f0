package host_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestContextStoreSearch searches what only a hosted connection has.
func TestContextStoreSearch(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	l := v.hosted(t, nil, func(o *host.Options) {
		c := o.Connections.(host.StaticConnections)["hosted"]
		c.Allow = &config.Allow{Operations: []string{"accounts.context_store_search", "users.*"}}
		o.Connections.(host.StaticConnections)["hosted"] = c
	})
	l.create(t, "lab")
	search := host.Call{Entity: "accounts", Action: "context_store_search", Params: json.RawMessage(
		`{"query":{"filter":{"contains":{"name":"A"}},"sort":[{"name":"asc"}]},"limit":2,"fields":["id","name"]}`)}
	first, err := l.h.Execute(t.Context(), "hosted", search)
	if err != nil {
		t.Fatal(err)
	}
	if rawjson.Count(first.Data) != 2 || !first.HasMore {
		t.Errorf("found %s, %s", first.Data, first.Meta)
	}
	shaped := search
	shaped.Select = []string{"name"}
	if result, err := l.h.Execute(t.Context(), "hosted", shaped); err != nil || strings.Contains(string(result.Data), `"id"`) || !result.HasMore {
		t.Errorf("shaped: %+v, %v", result, err)
	}
	var names []string
	for record, err := range l.h.Records(t.Context(), "hosted", search) {
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := rawjson.Pointer(record, "/name")
		names = append(names, rawjson.Unquote(name))
	}
	if len(names) < 3 || !slices.IsSorted(names) {
		t.Errorf("found %q", names)
	}
	last := l.airbyte.Requests()[len(l.airbyte.Requests())-1]
	if !strings.Contains(string(last.Body), `"fields":[["id"],["name"]]`) {
		t.Errorf("sent %s", last.Body)
	}

	operations, err := l.h.Operations(t.Context(), "hosted")
	if err != nil {
		t.Fatal(err)
	}
	searches := 0
	for _, op := range operations {
		if op.Action == airbyteapi.ActionSearch {
			searches++
			if want := op.Entity == "accounts" || op.Entity == "users"; op.Allowed != want {
				t.Errorf("%s is allowed: %t", op.Entity, op.Allowed)
			}
		}
	}
	if searches != 9 {
		t.Errorf("%d searches, Airbyte's connector of Pylon has 9", searches)
	}

	for _, test := range []struct {
		connection, entity string
		params             string
		kind               abi.Kind
		hint               string
	}{
		{"lab", "accounts", `{"query":{}}`, abi.KindUnknownOperation, "use accounts search, or a connection with mode: hosted"},
		{"lab", "articles", `{"query":{}}`, abi.KindUnknownOperation, ""},
		{"hosted", "isues", `{"query":{}}`, abi.KindUnknownOperation, "did you mean issues?"},
		{"hosted", "issues", `{"query":{}}`, abi.KindDenied, ""},
		{"hosted", "accounts", `{"query":{"filter":{"eq":{"nam":"x"}}}}`, abi.KindInvalidParams, "did you mean name?"},
	} {
		before := len(l.airbyte.Requests())
		_, err := l.h.Execute(t.Context(), test.connection, host.Call{Entity: test.entity, Action: "context_store_search", Params: json.RawMessage(test.params)})
		var e *host.Error
		if !errors.As(err, &e) || e.Kind != test.kind || !strings.Contains(e.Hint, test.hint) || e.RequestSent {
			t.Errorf("%s %s: %#v", test.connection, test.entity, err)
		}
		if len(l.airbyte.Requests()) != before {
			t.Errorf("%s %s: something was sent", test.connection, test.entity)
		}
	}
}

// TestContextStoreSQLQuery hands SQL on, and answers rows.
func TestContextStoreSQLQuery(t *testing.T) {
	t.Parallel()
	v := pylonOnTheWire()
	l := v.hosted(t, nil, nil)
	l.create(t, "lab")
	query := host.Call{Entity: "accounts", Action: "context_store_sql_query", Params: host.Params{"sql": "SELECT id, name FROM accounts ORDER BY name", "limit": 2}}
	result, err := l.h.Execute(t.Context(), "hosted", query)
	if err != nil {
		t.Fatal(err)
	}
	if rawjson.Count(result.Data) != 2 || !strings.Contains(string(result.Meta), `"has_more":true`) || result.NextCursor != "" {
		t.Errorf("the rows are %s, %s", result.Data, result.Meta)
	}
	query.Params = host.Params{"sql": "DROP TABLE accounts"}
	var e *host.Error
	if _, err := l.h.Execute(t.Context(), "hosted", query); !errors.As(err, &e) || e.Kind != abi.KindInvalidParams {
		t.Errorf("a statement that changes something: %v", err)
	}
	if _, err := l.h.Execute(t.Context(), "lab", query); !errors.As(err, &e) || e.Kind != abi.KindUnknownOperation || !strings.Contains(e.Message, "context_store_sql_query") {
		t.Errorf("a direct connection: %v", err)
	}
}

// TestSearchByMeaning hands a search by meaning on. Either query or semantic is needed.
func TestSearchByMeaning(t *testing.T) {
	t.Parallel()
	v := incidentioOnTheWire()
	l := v.hosted(t, nil, nil)
	l.create(t, "lab")
	search := host.Call{Entity: "incidents", Action: "context_store_search", Params: json.RawMessage(`{"semantic":{"prompt":"database","field":"name"},"limit":3}`)}
	result, err := l.h.Execute(t.Context(), "hosted", search)
	if err != nil {
		t.Fatal(err)
	}
	if score, _, _ := rawjson.Pointer(result.Data, "/0/metadata/score"); len(score) == 0 {
		t.Errorf("the hits are %s", result.Data)
	}
	for _, params := range []string{`{}`, `{"query":{},"semantic":{"prompt":"x"}}`, `{"semantic":{}}`, `{"semantic":{"prompt":"x","field":"nam"}}`} {
		search.Params = json.RawMessage(params)
		var e *host.Error
		if _, err := l.h.Execute(t.Context(), "hosted", search); !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.RequestSent {
			t.Errorf("%s: %v", params, err)
		} else {
			t.Logf("%s: %s: %s", params, e.Field, e.Message)
		}
	}
}
