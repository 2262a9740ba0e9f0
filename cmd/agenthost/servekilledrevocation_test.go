package main

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/oauthsim"
	database "github.com/agenthost/agenthost/internal/store"
)

// silentRevocations is a vendor that does not answer the first request that ends a login.
type silentRevocations struct {
	http.Handler
	asked atomic.Int64
	came  chan struct{}
}

func (s *silentRevocations) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/revoke" && s.asked.Add(1) == 1 {
		close(s.came)
		<-r.Context().Done()
		return
	}
	s.Handler.ServeHTTP(w, r)
}

// TestKilledRevocation kills agenthost serve while it ends the login of a connector that was deleted.
// The next start ends it.
//
// threat: C7
func TestKilledRevocation(t *testing.T) {
	t.Parallel()
	accounts := &oauthsim.Accounts{Lifetime: time.Hour}
	vendor := &silentRevocations{Handler: accounts, came: make(chan struct{})}
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
	if l.account.Refresh() == "" {
		t.Fatal("the login has ended already")
	}
	s.start()
	for deadline := time.Now().Add(30 * time.Second); l.account.Refresh() != ""; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the vendor still takes the login")
		}
	}
	s.stop()
	db := s.open()
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	jobs, err := db.Jobs(t.Context(), database.Scope{Organization: app.Organization}, "", database.Page{})
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		if j.Kind == "connector.revoke" && (j.Attempts != 2 || j.Object != l.id) {
			t.Errorf("%+v", j)
		}
	}
}
