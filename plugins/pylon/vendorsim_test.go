package main

import (
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// simulated runs the connector against the simulated vendor, with the credential
// that a host would add.
func simulated(t *testing.T) (*pylon.Vendor, *pdktest.Runner) {
	t.Helper()
	v := pylon.New(pylon.Options{Token: "token", Seed: 1})
	return v, pdktest.Run(t, &connector, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", "Bearer token")
		v.ServeHTTP(w, r)
	}))
}

var pathVariable = regexp.MustCompile(`\{[^{}]*\}`)

// TestEveryOperationAgainstTheSimulatedVendor calls each operation with the least
// and with the most that the vendor takes.
func TestEveryOperationAgainstTheSimulatedVendor(t *testing.T) {
	v, r := simulated(t)
	contract := map[string]pylon.Operation{}
	for _, op := range pylon.Operations() {
		contract[op.Method+" "+pathVariable.ReplaceAllString(op.Path, "{}")] = op
		contract[op.Entity+"."+op.Action] = op
	}
	for _, full := range []bool{false, true} {
		for _, op := range connector.Operations {
			name := op.Entity + "." + op.Action
			sim, ok := contract[name]
			if !ok {
				sim, ok = contract[op.Method+" "+pathVariable.ReplaceAllString(op.Path, "{}")]
			}
			if !ok {
				t.Errorf("the simulated vendor has no %s", name)
				continue
			}
			t.Run(name, func(t *testing.T) {
				params := sampleParams(op, sim, v.Sample(sim, full))
				if _, _, err := r.Execute(op.Entity, op.Action, params); err != nil {
					t.Errorf("%v\nparams %v", err, params)
				}
			})
		}
	}
}

// sampleParams gives a sample the names of the connector's parameters. It leaves
// out what the connector does not take: the fields of an issue that the two narrow
// operations do not touch, and the paging of GET /contacts/{id}.
func sampleParams(op pdk.Operation, sim pylon.Operation, s pylon.Sample) map[string]any {
	all := maps.Clone(s.Query)
	maps.Copy(all, s.Body)
	ours := pathVariable.FindAllString(op.Path, -1)
	for i, theirs := range pathVariable.FindAllString(sim.Path, -1) {
		all[strings.Trim(ours[i], "{}")] = s.Path[strings.Trim(theirs, "{}")]
	}
	if config, ok := all["visibility_config"].(map[string]any); ok {
		if condition, ok := config["customer_visibility_condition"].(map[string]any); ok {
			delete(condition, "subfilters") // the sample's are not conditions
		}
	}
	params := map[string]any{}
	for _, p := range op.Parameters() {
		if value, ok := all[p.Name]; ok {
			params[p.Name] = value
		}
	}
	return params
}

func TestLongWindowAgainstTheSimulatedVendor(t *testing.T) {
	_, r := simulated(t)
	end := time.Now().UTC().Truncate(time.Second)
	count := func(from, to time.Time) map[string]bool {
		seen := map[string]bool{}
		params := map[string]any{"start_time": from.Format(time.RFC3339), "end_time": to.Format(time.RFC3339), "limit": 100}
		for range 1000 {
			data, meta, err := r.Execute("issues", "list", params)
			if err != nil {
				t.Fatal(err)
			}
			for row := range pdk.Raw(data).Elements() {
				id := row.Member("id").Text()
				if seen[id] {
					t.Errorf("issue %s came twice", id)
				}
				seen[id] = true
			}
			next := pdk.Raw(meta).Member(abi.MetaNextCursor)
			if next.Kind() == pdk.JSONNull {
				return seen
			}
			params["cursor"] = next.Text()
		}
		t.Fatal("the pages do not end")
		return nil
	}
	whole := count(end.AddDate(0, 0, -40), end)
	var parts int
	for day := 40; day > 0; day -= 20 {
		parts += len(count(end.AddDate(0, 0, -day), end.AddDate(0, 0, -day+20)))
	}
	if len(whole) == 0 || len(whole) != parts {
		t.Errorf("%d issues in one window, %d in its parts", len(whole), parts)
	}
}
