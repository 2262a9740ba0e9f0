package client_test

import (
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/backend/hosted/client"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestSearchable refuses searches of copies that the service says it does not have, and asks it
// once a minute.
func TestSearchable(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	target := client.Target{ID: l.create(t, "lab"), Title: "Pylon"}
	for _, c := range []struct {
		entity string
		kind   abi.Kind // empty for none
		parts  []string
	}{
		{"accounts", "", nil},
		{"issues", abi.KindConflict, []string{"not ready to search the copies of issues", `"SYNCING"`}},
		{"tags", abi.KindConflict, []string{"keeps no copies of tags of this connector", "add the entity"}},
		{"acounts", abi.KindUnknownOperation, []string{"cannot keep copies of acounts of Pylon", "did you mean accounts?"}},
	} {
		err := l.client.Searchable(t.Context(), target, c.entity, "")
		if c.kind == "" {
			if err != nil {
				t.Errorf("%s: %v", c.entity, err)
			}
			continue
		}
		if e := want(t, err, c.kind, c.parts...); e.RequestSent {
			t.Errorf("%s: the error says that a request was sent", c.entity)
		}
	}
	if n := l.count("/inspect"); n != 1 {
		t.Errorf("the service was asked %d times", n)
	}
	l.clock.pass(time.Minute)
	if err := l.client.Searchable(t.Context(), target, "accounts", ""); err != nil || l.count("/inspect") != 2 {
		t.Errorf("a minute later: %v, %d questions", err, l.count("/inspect"))
	}
}

// TestSearchableForgetsDeletedConnectors: what the service said of a connector's copies is not used
// once the connector is deleted.
func TestSearchableForgetsDeletedConnectors(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	target := client.Target{ID: l.create(t, "lab"), Title: "Pylon"}
	want(t, l.client.Searchable(t.Context(), target, "issues", ""), abi.KindConflict, "SYNCING")
	if _, err := l.client.Delete(t.Context(), target.ID); err != nil {
		t.Fatal(err)
	}
	// The search itself will say that there is no such connector.
	if err := l.client.Searchable(t.Context(), target, "issues", ""); err != nil || l.count("/inspect") != 2 {
		t.Errorf("of a deleted connector: %v, after %d questions", err, l.count("/inspect"))
	}
}

// TestSearchableByMeaning looks at the field of a search by meaning.
func TestSearchableByMeaning(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	c, err := l.client.Create(t.Context(), client.NewConnector{
		Workspace: acme, Type: "Incident-Io", Name: "lab", Credentials: []client.Credential{{Name: "api_key", Value: value(vendorToken)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	target := client.Target{ID: c.ID, Title: "incident.io"}
	want(t, l.client.Searchable(t.Context(), target, "alerts", "description"), abi.KindConflict, "not ready to search alerts.description by meaning", `"INDEXING"`)
	for entity, field := range map[string]string{"alerts": "", "incidents": "name"} {
		if err := l.client.Searchable(t.Context(), target, entity, field); err != nil {
			t.Errorf("%s %q: %v", entity, field, err)
		}
	}
}

// TestSearchableUnknown lets a search through where the service does not say what it has.
func TestSearchableUnknown(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	target := client.Target{ID: airbyteapi.ID("3f1f8c1e-0000-4000-8000-000000000000"), Title: "Pylon"}
	if err := l.client.Searchable(t.Context(), target, "accounts", ""); err != nil {
		t.Error(err)
	}
}
