package main

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
)

// slowPages is a vendor that takes its time for each page of contacts, and says when it was asked for one.
type slowPages struct {
	http.Handler
	pages atomic.Int64
	third chan struct{}
}

func (s *slowPages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/contacts" {
		if s.pages.Add(1) == 3 {
			close(s.third)
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.Handler.ServeHTTP(w, r)
}

// TestKilledCopies kills agenthost serve while it copies records. The next start goes on, by itself, and
// has all of them.
//
// threat: K5
func TestKilledCopies(t *testing.T) {
	t.Parallel()
	testKilledCopies(t, "")
}

func TestPostgresKilledCopies(t *testing.T) {
	t.Parallel()
	onPostgres(t, testKilledCopies)
}

func testKilledCopies(t *testing.T, database string) {
	const contacts, key = 1500, "a-token-of-the-vendor"
	vendor := &slowPages{third: make(chan struct{}), Handler: pylon.New(pylon.Options{Token: key, Seed: 1, Scale: pylon.Scale{Issues: 1, Accounts: 3, Contacts: contacts, Users: 2, Teams: 1, Tags: 1}})}
	s := newServedPlugin(t, "plugins/pylon", "", vendor, database)
	s.start()
	token := s.token(s.bootstrap())
	var made airbyteapi.Record
	a, err := s.ask(http.MethodPost, airbyteapi.ConnectorsPath, token, map[string]any{"workspace_name": "acme", "connector_type": "Pylon", "credentials": map[string]string{"api_token": key}})
	if err == nil {
		err = a.into(&made)
	}
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = s.ask(http.MethodPost, connectorAt(airbyteapi.ExecutePath, made.ID), token, airbyteapi.ExecuteRequest{Entity: "contacts", Action: airbyteapi.ActionSearch, Params: json.RawMessage(`{"query": {}}`)}) // it ends with the server
	}()
	select {
	case <-vendor.third:
	case <-time.After(time.Minute):
		t.Fatal("nobody copies contacts")
	}
	s.kill()
	<-ended
	before := vendor.pages.Load()
	s.start()
	for until := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var now airbyteapi.Inspection
		a, err := s.ask(http.MethodGet, connectorAt(airbyteapi.InspectPath, made.ID), token, nil)
		if err == nil {
			err = a.into(&now)
		}
		if err != nil || now.Readiness == nil {
			t.Fatalf("%v, %+v", err, now)
		}
		for _, e := range now.Readiness.Configured {
			if e.Entity == "contacts" && e.UpdatedAt != "" {
				if *e.Count != contacts {
					t.Errorf("there are %d copies of %d contacts", *e.Count, contacts)
				}
				t.Logf("%d pages before the kill, %d after it", before, vendor.pages.Load()-before)
				s.stop()
				return
			}
		}
		if time.Now().After(until) {
			t.Fatalf("the copies are not complete: %+v\n%s", now.Readiness, s.log)
		}
	}
}
