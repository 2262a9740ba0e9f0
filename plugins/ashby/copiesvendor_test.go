//go:build !wasip1

package main

import (
	"sync/atomic"
	"testing"
	"time"

	declared "github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/connector/synctest"
	"github.com/agenthost/agenthost/internal/contextstore/syncer/syncertest"
	"github.com/agenthost/agenthost/internal/vendorsim/ashby"
)

// TestCopiesOfTheSimulatedVendor lists everything once, asks again for what changed, and gets a record of each
// entity.
func TestCopiesOfTheSimulatedVendor(t *testing.T) {
	_, r := simulated(t, ashby.Options{Token: "key"}, "key")
	c, err := declared.Parse(t.Context(), "", connector.Manifest(), connector.AuthSchema())
	if err != nil {
		t.Fatal(err)
	}
	for entity, n := range synctest.Everything(t, c, time.Now(), r.Execute) {
		t.Logf("%s: %d records", entity, n)
	}
}

// TestCopiesAreEqual copies everything through failures, changes records, and copies what changed, by the
// vendor's tokens and without one that it has forgotten.
func TestCopiesAreEqual(t *testing.T) {
	var passed atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	_, r := simulated(t, ashby.Options{Token: "key", Now: now, SyncTokenLife: 24 * time.Hour, Scale: ashby.Scale{
		Candidates: 30, Applications: 30, Jobs: 6, Openings: 6, Plans: 3, Interviews: 6, Schedules: 10, Offers: 6, Feedback: 10, Notes: 20, Tags: 6, Projects: 4, Users: 8, Departments: 4, Locations: 4,
	}}, "key")
	c, err := declared.Parse(t.Context(), "", connector.Manifest(), connector.AuthSchema())
	if err != nil {
		t.Fatal(err)
	}
	l := syncertest.New(t, c, now, 1, r.Execute)
	l.Pass(true)
	if counts := l.Equal(true); counts["candidates"] != 30 || len(counts) < 20 {
		t.Errorf("%v", counts)
	}
	for i, step := range []time.Duration{time.Minute, 48 * time.Hour} {
		passed.Add(int64(step))
		l.Do("candidates", "update", map[string]any{"candidateId": l.Key("candidates", "list", map[string]any{}), "phoneNumber": "+44 20 7946 0000"})
		l.Do("candidates", "create", map[string]any{"name": "Ada Lovelace"})
		l.Pass(false)
		if counts := l.Equal(false); counts["candidates"] != 31+i {
			t.Errorf("after %s: %v", step, counts)
		}
	}
}
