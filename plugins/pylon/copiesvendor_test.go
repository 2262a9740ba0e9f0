//go:build !wasip1

package main

import (
	"net/http"
	"testing"
	"time"

	declared "github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/connector/synctest"
	"github.com/agenthost/agenthost/internal/contextstore/syncer/syncertest"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// TestCopiesOfTheSimulatedVendor lists everything once, asks again for what changed, and gets a record of each
// entity.
func TestCopiesOfTheSimulatedVendor(t *testing.T) {
	_, r := simulated(t)
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
	v := pylon.New(pylon.Options{Token: "token", Seed: 1, Scale: pylon.Scale{
		Issues: 60, Messages: 200, Accounts: 20, Contacts: 120, Users: 10, Teams: 4, Tags: 10, Tasks: 30, Projects: 10, Articles: 30, AuditLogs: 120,
	}})
	r := pdktest.Run(t, &connector, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", "Bearer token")
		v.ServeHTTP(w, r)
	}))
	c, err := declared.Parse(t.Context(), "", connector.Manifest(), connector.AuthSchema())
	if err != nil {
		t.Fatal(err)
	}
	l := syncertest.New(t, c, time.Now, 1, r.Execute)
	l.Pass(true)
	if counts := l.Equal(true); counts["issues"] != 60 || counts["messages"] != 200 || len(counts) < 20 {
		t.Errorf("%v", counts)
	}
	issue := l.Key("issues", "list", map[string]any{"start_time": time.Now().AddDate(0, 0, -30).UTC().Format(time.RFC3339), "end_time": time.Now().UTC().Format(time.RFC3339)})
	l.Do("issues", "update", map[string]any{"id": issue, "title": "a new title"})
	l.Do("issues", "create", map[string]any{"title": "a new issue", "body_html": "<p>new</p>", "requester_email": "somebody@example.com"})
	l.Pass(false)
	if counts := l.Equal(false); counts["issues"] != 61 {
		t.Errorf("%v", counts)
	}
	l.Do("issues", "delete", map[string]any{"id": issue})
	l.Pass(true)
	if counts := l.Equal(true); counts["issues"] != 60 {
		t.Errorf("%v", counts)
	}
}
