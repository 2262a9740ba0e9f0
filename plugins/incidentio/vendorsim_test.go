package main

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/incidentio"
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// simulated runs the connector against the simulated vendor, with the credential
// that a host would add.
func simulated(t *testing.T, credential *string) (*incidentio.Vendor, *pdktest.Runner) {
	t.Helper()
	v := incidentio.New(incidentio.Options{
		Token: "token", Keys: []incidentio.Key{{Token: "narrow", Scopes: []string{"users.view"}}}, Seed: 1, Scale: incidentio.SmallScale(),
	})
	return v, pdktest.Run(t, &connector, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+*credential)
		v.ServeHTTP(w, r)
	}))
}

// TestEveryOperationAgainstTheSimulatedVendor calls each operation with the least
// and with the most that the vendor takes.
func TestEveryOperationAgainstTheSimulatedVendor(t *testing.T) {
	var credential string
	v, r := simulated(t, &credential)
	contract := map[string]incidentio.Operation{}
	for _, op := range incidentio.Operations() {
		contract[op.Route()] = op
	}
	if len(contract) != len(connector.Operations) {
		t.Errorf("the simulated vendor has %d operations, the connector %d", len(contract), len(connector.Operations))
	}
	for _, full := range []bool{false, true} {
		for _, op := range connector.Operations {
			name := op.Entity + "." + op.Action
			sim, ok := contract[op.Method+" "+op.Path]
			if !ok {
				t.Errorf("the simulated vendor has no %s", name)
				continue
			}
			if sim.Action != "" && (sim.Entity != op.Entity || sim.Action != op.Action) {
				t.Errorf("%s is %s.%s in Airbyte's connector", name, sim.Entity, sim.Action)
			}
			if want := strings.Join(sim.Scopes, " "); op.Permission != want {
				t.Errorf("%s needs the permission %q, the vendor says %q", name, op.Permission, want)
			}
			t.Run(name, func(t *testing.T) {
				sample := v.Sample(sim, full)
				credential = "token"
				if sample.AlertSourceToken != "" {
					credential = sample.AlertSourceToken
				}
				params := sampleParams(t, op, sample)
				if _, _, err := r.Execute(op.Entity, op.Action, params); err != nil {
					t.Errorf("%v\nparams %v", err, params)
				}
			})
		}
	}
}

// sampleParams gives a sample the form of the connector's parameters: true and false
// in filters are booleans. It leaves out what the connector does not take, the query
// and the token of alert events.
func sampleParams(t *testing.T, op pdk.Operation, s incidentio.Sample) map[string]any {
	t.Helper()
	all := maps.Clone(s.Query)
	maps.Copy(all, s.Body)
	for name, value := range s.Path {
		all[name] = value
	}
	for _, value := range s.Query {
		if filter, ok := value.(map[string]any); ok && (filter["is"] == "true" || filter["is"] == "false") {
			filter["is"] = filter["is"] == "true"
		}
	}
	for name := range all {
		if !slices.ContainsFunc(op.Parameters(), func(p pdk.Parameter) bool { return p.Name == name }) {
			if op.Entity != "alert_events" || name != "query" {
				t.Errorf("%s.%s does not take %s", op.Entity, op.Action, name)
			}
			delete(all, name)
		}
	}
	return all
}

// everything walks all pages of a list.
func everything(t *testing.T, r *pdktest.Runner, entity string, params map[string]any) []pdk.Raw {
	t.Helper()
	params = maps.Clone(params)
	var rows []pdk.Raw
	for range 1000 {
		data, meta, err := r.Execute(entity, "list", params)
		if err != nil {
			t.Fatal(err)
		}
		for row := range pdk.Raw(data).Elements() {
			rows = append(rows, row)
		}
		next := pdk.Raw(meta).Member(abi.MetaNextCursor)
		if next.Kind() == pdk.JSONNull {
			return rows
		}
		params["cursor"] = next.Text()
	}
	t.Fatal("the pages do not end")
	return nil
}

// TestPagesOfTheSimulatedVendor walks every paginated list that needs nothing, in
// small pages and in large ones.
func TestPagesOfTheSimulatedVendor(t *testing.T) {
	credential := "token"
	_, r := simulated(t, &credential)
	for _, op := range connector.Operations {
		if op.Page == nil || slices.ContainsFunc(op.Parameters(), func(p pdk.Parameter) bool { return p.Required }) {
			continue
		}
		var whole []string
		for _, limit := range []int64{op.Page.MaxLimit, 3} {
			var got []string
			seen := map[string]bool{}
			for _, row := range everything(t, r, op.Entity, map[string]any{"limit": limit}) {
				id := row.Member("id").Text()
				if id == "" || seen[id] {
					t.Errorf("%s: record %q came twice, or has no id", op.Entity, id)
				}
				seen[id] = true
				got = append(got, id)
			}
			if whole == nil {
				whole = got
			}
			if len(got) == 0 || !slices.Equal(got, whole) {
				t.Errorf("%s: %d records in pages of %d, %d in large ones", op.Entity, len(got), limit, len(whole))
			}
		}
	}
}

// TestDateRangeAgainstTheSimulatedVendor compares what gte beside lte finds with what
// each of them does.
func TestDateRangeAgainstTheSimulatedVendor(t *testing.T) {
	credential := "token"
	_, r := simulated(t, &credential)
	for _, entity := range []string{"incidents", "alerts", "escalations"} {
		rows := everything(t, r, entity, map[string]any{"limit": 50}) // newest first
		all := len(rows)
		from, to := createdAt(t, rows[all*2/3]), createdAt(t, rows[all/3])
		for _, form := range []string{time.DateOnly, time.RFC3339} {
			gte, lte := from.Format(form), to.Format(form)
			count := func(filter map[string]string) int {
				return len(everything(t, r, entity, map[string]any{"created_at": filter, "limit": 50}))
			}
			both := count(map[string]string{"gte": gte, "lte": lte})
			since, until := count(map[string]string{"gte": gte}), count(map[string]string{"lte": lte})
			if both == 0 || form == time.RFC3339 && both == all || both != since+until-all {
				t.Errorf("%s from %s to %s: %d records, %d since, %d until, %d in all", entity, gte, lte, both, since, until, all)
			}
		}
	}
}

func createdAt(t *testing.T, row pdk.Raw) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, row.Member("created_at").Text())
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

func TestRefusalsOfTheSimulatedVendor(t *testing.T) {
	for _, tt := range []struct {
		credential, entity, action string
		params                     map[string]any
		kind                       abi.Kind
		text                       string // a part of the message or the hint
	}{
		{"wrong", "identity", "get", nil, abi.KindAuthFailed, "api_key"},
		{"narrow", "incidents", "list", nil, abi.KindPermissionDenied, "incidents.view"},
		{"narrow", "users", "list", map[string]any{"cursor": "nobody"}, "", ""},
		{"token", "users", "get", map[string]any{"id": "nobody"}, abi.KindNotFound, "nobody"},
		{"token", "alert_events", "create", map[string]any{"alert_source_config_id": "x", "title": "t", "status": "firing"}, abi.KindAuthFailed, "alert_source_token"},
		{"token", "incidents", "create", map[string]any{"idempotency_key": "k", "visibility": "public", "severity_id": "nothing"}, abi.KindInvalidParams, "severity_id"},
	} {
		_, r := simulated(t, &tt.credential)
		params := map[string]any{}
		maps.Copy(params, tt.params)
		_, _, err := r.Execute(tt.entity, tt.action, params)
		var e *abi.Error
		if !errors.As(err, &e) {
			t.Errorf("%s.%s: %v", tt.entity, tt.action, err)
			continue
		}
		if tt.kind != "" && e.Kind != tt.kind || !strings.Contains(e.Message+" "+e.Hint, tt.text) || e.RequestID == "" || e.Code == "" {
			t.Errorf("%s.%s: %+v", tt.entity, tt.action, e)
		}
	}
}

// TestRepeatedCreateMakesOneIncident is why incidents.create counts as idempotent.
func TestRepeatedCreateMakesOneIncident(t *testing.T) {
	credential := "token"
	_, r := simulated(t, &credential)
	var first json.RawMessage
	for range 2 {
		data, _, err := r.Execute("incidents", "create", map[string]any{"idempotency_key": "one", "visibility": "public", "name": "It is down"})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = data
		}
		if a, b := pdk.Raw(first).Member("id").Text(), pdk.Raw(data).Member("id").Text(); a == "" || a != b {
			t.Errorf("incident %s, then %s", a, b)
		}
	}
}
