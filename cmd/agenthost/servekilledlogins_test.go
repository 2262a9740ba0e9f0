package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/oauthsim"
)

// TestKilledServerLogins kills agenthost serve at random moments while the tokens of its connectors
// rotate, most often soon after the vendor gave one. The vendor takes each refresh token once. After
// each restart, a login works whose newest token was used: it was committed before. Another one may
// be lost, and the connector then says so, and takes a new login.
//
// threat: C4
func TestKilledServerLogins(t *testing.T) {
	t.Parallel()
	testKilledServerLogins(t, "")
}

func TestPostgresKilledServerLogins(t *testing.T) {
	t.Parallel()
	onPostgres(t, testKilledServerLogins)
}

// killedLogin is a connector and its account at the vendor.
type killedLogin struct {
	t       *testing.T
	s       *servedProcess
	vendor  *oauthsim.Accounts
	account *oauthsim.Server
	random  *rand.Rand
	id      string
}

func testKilledServerLogins(t *testing.T, database string) {
	random := seeded(t)
	given := make(chan struct{}, 1)
	vendor := &oauthsim.Accounts{Lifetime: time.Second, Given: func() {
		select {
		case given <- struct{}{}:
		default:
		}
	}}
	s := newServedConnector(t, "oauthcrm", "", vendor, database)
	s.start()
	app := s.bootstrap()
	token := s.token(app)
	var all []*killedLogin
	for i := range 8 {
		l := &killedLogin{t: t, s: s, vendor: vendor, account: vendor.Add(fmt.Sprintf("client-%d", i)), random: rand.New(rand.NewPCG(random.Uint64(), 0))}
		l.create(token, fmt.Sprintf("workspace-%d", i/2))
		all = append(all, l)
	}
	var calls atomic.Int64
	lost := 0
	for range *serverKills {
		running, stop := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for _, l := range all {
			group.Go(func() { l.work(running.Err, token, &calls) }) //nolint:contextcheck // a kill ends its requests
		}
		for n := 1 + random.IntN(8); n > 0 && !t.Failed(); n-- {
			select {
			case <-given:
			case <-time.After(30 * time.Second):
				t.Error("nobody asked for a token")
			}
		}
		time.Sleep(time.Duration(random.IntN(4000)) * time.Microsecond)
		s.kill()
		stop()
		group.Wait()
		time.Sleep(20 * time.Millisecond) // what the kernel had of the last requests arrives now
		s.start()
		token = s.token(app)
		for _, l := range all {
			if l.check(token) {
				lost++
			}
		}
		if t.Failed() {
			t.Fatalf("the server says: %.4000s", s.log)
		}
	}
	s.stop()
	refreshes := 0
	for _, l := range all {
		refreshes += l.account.Refreshes()
	}
	t.Logf("%d kills, %d calls, %d refreshes, %d logins lost before their commit", *serverKills, calls.Load(), refreshes, lost)
}

// credentials are those of a new login.
func (l *killedLogin) credentials() map[string]any {
	return map[string]any{"client_id": l.account.ClientID, "client_secret": l.account.ClientSecret, "refresh_token": l.account.Seed()}
}

func (l *killedLogin) create(token, workspace string) {
	l.t.Helper()
	var made airbyteapi.Record
	a, err := l.s.ask(http.MethodPost, airbyteapi.ConnectorsPath, token, map[string]any{"workspace_name": workspace, "connector_type": "OAuth CRM", "credentials": l.credentials()})
	if err == nil {
		err = a.into(&made)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	l.id = made.ID
}

// me runs an operation; the answer is nil if the server was killed.
func (l *killedLogin) me(token string) *answer {
	a, err := l.s.ask(http.MethodPost, connectorAt(airbyteapi.ExecutePath, l.id), token, map[string]string{"entity": "me", "action": "get"})
	if err != nil {
		return nil
	}
	if strings.Contains(a.body, "CANARY") {
		l.t.Errorf("the answer has a token: %s", a.body)
	}
	return a
}

// work runs operations until ended says that the server was killed.
func (l *killedLogin) work(ended func() error, token string, calls *atomic.Int64) {
	for ended() == nil {
		a := l.me(token)
		if a == nil {
			return
		}
		if a.status != http.StatusOK {
			l.t.Errorf("%s: %d %s", l.account.ClientID, a.status, a.body)
			return
		}
		calls.Add(1)
		time.Sleep(time.Duration(l.random.IntN(10)) * time.Millisecond)
	}
}

// check looks at a login after a restart, and reports whether it was lost. It makes a new one then.
func (l *killedLogin) check(token string) (lost bool) {
	newest := l.account.Access()
	used := l.vendor.Used(newest)
	a := l.me(token)
	if a != nil && a.status == http.StatusOK {
		return false
	}
	if a == nil || a.status != http.StatusUnauthorized || !strings.Contains(a.body, "needs a new login") || used {
		l.t.Errorf("%s: %+v; the API got its newest token: %t", l.account.ClientID, a, used)
		return false
	}
	var r airbyteapi.Record
	a, err := l.s.ask(http.MethodGet, connectorAt(airbyteapi.ConnectorPath, l.id), token, nil)
	if err == nil {
		err = a.into(&r)
	}
	if err != nil || r.State != "needs_login" {
		l.t.Errorf("%s: state %q, %v", l.account.ClientID, r.State, err)
	}
	if a, err = l.s.ask(http.MethodPut, connectorAt(airbyteapi.ConnectorPath, l.id), token, map[string]any{"credentials": l.credentials()}); err != nil || a.status != http.StatusOK {
		l.t.Errorf("%s: new credentials: %+v, %v", l.account.ClientID, a, err)
	}
	if a := l.me(token); a == nil || a.status != http.StatusOK {
		l.t.Errorf("%s: with new credentials: %+v", l.account.ClientID, a)
	}
	return true
}
