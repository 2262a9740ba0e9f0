package host_test

import (
	"slices"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/vendorsim/incidentio"
)

func incidentioOnTheWire() wireVendor {
	vendor := incidentio.New(incidentio.Options{Token: token, Scale: incidentio.SmallScale()})
	v := wireVendor{
		// The 76 of the facts, and the successors of two deprecated ones.
		connector: "incident-io", plugin: "plugins/incidentio", vendor: vendor, credential: "api_key", authorization: "Bearer " + token, operations: 78,
		encode: incidentio.EncodeQuery,
	}
	for _, op := range incidentio.Operations() {
		c := wireContract{
			method: op.Method, path: op.Path, json: op.ContentType == "application/json", none: op.ContentType == "", other: op.AlertSourceToken,
			sample: func(full bool) wireSample {
				s := vendor.Sample(op, full)
				return wireSample{s.Path, booleans(s.Query), s.Body}
			},
		}
		if op.Route() == "GET /v2/alerts" {
			// The OpenAPI file calls it required, the vendor serves requests without it.
			c.defaults = map[string]any{"page_size": float64(25)}
		}
		if op.AlertSourceToken {
			value := vendor.Sample(op, false).AlertSourceToken
			v.other = &otherCredential{name: "alert_source_token", value: value, authorization: "Bearer " + value}
		}
		v.contracts = append(v.contracts, c)
	}
	return v
}

// booleans replaces the texts true and false in filters: the connector's schema has
// booleans, which are the same on the wire.
func booleans(query map[string]any) map[string]any {
	for _, value := range query {
		if filter, ok := value.(map[string]any); ok && (filter["is"] == "true" || filter["is"] == "false") {
			filter["is"] = filter["is"] == "true"
		}
	}
	return query
}

// TestAllPagesFromTheVendorsCursor starts in the middle, by the vendor's name of the
// cursor, which must give way to the uniform one on the next page.
func TestAllPagesFromTheVendorsCursor(t *testing.T) {
	t.Parallel()
	v := incidentioOnTheWire()
	h, _ := v.open(t)
	first, err := h.Execute(t.Context(), "lab", host.Call{Entity: "users", Action: "list", Params: host.Params{"page_size": 4}})
	if err != nil {
		t.Fatal(err)
	}
	all := records(t, h, host.Call{Entity: "users", Action: "list"})
	rest := records(t, h, host.Call{Entity: "users", Action: "list", Params: host.Params{"page_size": 4, "after": first.NextCursor}})
	if len(rest) < 5 || !slices.Equal(rest, all[4:]) {
		t.Errorf("%d records after the first 4 of %d", len(rest), len(all))
	}
}
