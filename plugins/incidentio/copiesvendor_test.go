//go:build !wasip1

package main

import (
	"testing"
	"time"

	declared "github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/connector/synctest"
	"github.com/agenthost/agenthost/internal/contextstore/syncer/syncertest"
)

// TestCopiesOfTheSimulatedVendor lists everything once, asks again for what changed, and gets a record of each
// entity.
func TestCopiesOfTheSimulatedVendor(t *testing.T) {
	credential := "token"
	_, r := simulated(t, &credential)
	c, err := declared.Parse(t.Context(), "", connector.Manifest(), connector.AuthSchema())
	if err != nil {
		t.Fatal(err)
	}
	for entity, n := range synctest.Everything(t, c, time.Now(), r.Execute) {
		t.Logf("%s: %d records", entity, n)
	}
}

// TestCopiesAreEqual copies everything through failures, changes records, and copies what changed.
func TestCopiesAreEqual(t *testing.T) {
	credential := "token"
	_, r := simulated(t, &credential)
	c, err := declared.Parse(t.Context(), "", connector.Manifest(), connector.AuthSchema())
	if err != nil {
		t.Fatal(err)
	}
	l := syncertest.New(t, c, time.Now, 1, r.Execute)
	l.Pass(true)
	before := l.Equal(true)
	if before["incidents"] == 0 || len(before) < 25 {
		t.Errorf("%v", before)
	}
	incident := l.Key("incidents", "list", map[string]any{})
	l.Do("incidents", "update", map[string]any{"id": incident, "incident": map[string]any{"name": "a new name"}, "notify_incident_channel": false})
	l.Pass(false)
	if after := l.Equal(false); after["incidents"] != before["incidents"] {
		t.Errorf("%v", after)
	}
}
