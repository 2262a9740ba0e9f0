package main

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/oauthsim"
	database "github.com/agenthost/agenthost/internal/store"
)

// silentRevocations is a vendor that does not answer when a login ends.
type silentRevocations struct {
	http.Handler
	came chan struct{}
}

func (s *silentRevocations) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/revoke" {
		close(s.came)
		<-r.Context().Done()
		return
	}
	s.Handler.ServeHTTP(w, r)
}

// TestKilledRevocation kills agenthost serve while it ends the login of a connector that was deleted.
// The next start ends the job, and the trail says so.
//
// threat: C7
func TestKilledRevocation(t *testing.T) {
	t.Parallel()
	accounts := &oauthsim.Accounts{Lifetime: time.Hour}
	vendor := &silentRevocations{accounts, make(chan struct{})}
	s := newServedConnector(t, "oauthcrm", "", vendor, "")
	s.start()
	app := s.bootstrap()
	token := s.token(app)
	l := &killedLogin{t: t, s: s, vendor: accounts, account: accounts.Add("client")}
	l.create(token, "acme")
	if a := l.me(token); a == nil || a.status != http.StatusOK {
		t.Fatalf("%+v", a)
	}
	if a, err := s.ask(http.MethodDelete, connectorAt(airbyteapi.ConnectorPath, l.id), token, nil); err != nil || a.status != http.StatusAccepted {
		t.Fatalf("%+v, %v", a, err)
	}
	select {
	case <-vendor.came:
	case <-time.After(30 * time.Second):
		t.Fatal("nobody ends the login")
	}
	s.kill()
	s.start()
	s.stop()
	db := s.open()
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	records, err := db.Audit(t.Context(), database.Scope{Organization: app.Organization}, database.Page{})
	if err != nil {
		t.Fatal(err)
	}
	ended := 0
	for _, r := range records {
		var c database.Change
		if err := json.Unmarshal(r.Record, &c); err != nil {
			t.Fatal(err)
		}
		if c.Entity != "jobs" || c.Action != "end" {
			continue
		}
		ended++
		if j, err := db.Job(t.Context(), database.Scope{Organization: app.Organization}, c.Object); err != nil || j.State != database.JobFailed || j.Kind != "connector.revoke" || j.Finished.IsZero() {
			t.Errorf("%+v, %v", j, err)
		}
	}
	if ended != 1 {
		t.Errorf("%d jobs are ended, in %d records", ended, len(records))
	}
}
