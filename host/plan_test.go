package host_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/agenthost/agenthost/host/ask"
	"github.com/agenthost/agenthost/internal/vendorsim"
)

// arrivedAsPlanned compares a request that a vendor got with the plan of the call, byte for byte.
// Not in the plan are the credential, which it has the place of, the request's id, and Content-Length.
func arrivedAsPlanned(t *testing.T, plan *ask.Plan, got *vendorsim.Request) {
	t.Helper()
	if len(plan.Requests) != 1 {
		t.Fatalf("the plan has %d requests", len(plan.Requests))
	}
	want := plan.Requests[0]
	url := "http://" + got.Host + got.Path
	if got.RawQuery != "" {
		url += "?" + got.RawQuery
	}
	header := got.Header.Clone()
	for _, place := range want.Credential {
		if header.Get(place.Name) == "" {
			t.Errorf("no credential in %s %s", place.In, place.Name)
		}
		header.Del(place.Name)
	}
	if header.Get("X-Request-Id") == "" || len(want.Credential) == 0 {
		t.Errorf("the request has no id, or the plan no credential: %v", want.Credential)
	}
	for _, name := range []string{"X-Request-Id", "Content-Length"} {
		header.Del(name)
	}
	planned := make(http.Header)
	for _, line := range want.Header {
		planned[line[0]] = append(planned[line[0]], line[1])
	}
	if got.Method != want.Method || url != want.URL || string(got.Body) != string(want.Body) || !maps.EqualFunc(header, planned, slices.Equal) {
		t.Errorf("planned %s %s %v %s\n   sent %s %s %v %s", want.Method, want.URL, planned, want.Body, got.Method, url, header, got.Body)
	}
}
