package server

import (
	"context"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/store/pgtest"
)

// Writes that are refused while the database is away leave room for the ends of those that were sent
// before: one workspace has no other one forget how its writes ended.
//
// threat: K6
func TestRefusedWritesLeaveRoomForEnds(t *testing.T) {
	t.Parallel()
	tr := &trail{owed: &owed{}}
	for range 2 * mostOwed {
		if err := tr.startAway(&write{Write: store.Write{Key: "k"}}, store.AuditRecord{}, store.ErrAway); err == nil {
			t.Fatal("a write with a key is sent")
		}
	}
	told := false
	end := func(context.Context) error { told = true; return nil }
	if err := tr.owed.later(store.ErrAway, end); err != nil {
		t.Fatal(err)
	}
	if n := len(tr.owed.tells); n != mostOwedStarts+1 {
		t.Errorf("%d wait", n)
	}
	tr.owed.tells = tr.owed.tells[mostOwedStarts:] // those need a database
	if err := tr.owed.pay(t.Context()); err != nil || !told {
		t.Error(err, told)
	}
}

// While PostgreSQL is away, the server runs reads and writes without a key, and refuses everything else.
// Nothing of what it did is missing in the trail when the database is back.
//
// threat: K6
func TestPostgresAway(t *testing.T) {
	if os.Getenv("AGENTHOST_TEST_POSTGRES") == "" {
		t.Skip("make test-postgres runs it")
	}
	t.Parallel()
	for name, required := range map[string]bool{"audit": false, "audit.required": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := pgtest.StartServer(t)
			var later atomic.Int64 // what the clock of the server is ahead
			l := newLab(t, func(o *Options) {
				o.Database = secret.New([]byte(database.Connection() + " dbname=postgres"))
				o.Host.Audit.Required = required
				o.Host.Seams.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
			})
			// status waits for an answer of the probe.
			status := func(want string) {
				t.Helper()
				for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
					r := l.ask(http.MethodGet, "/readyz", "", nil)
					if strings.TrimSpace(r.body) == want && (r.status == http.StatusOK) == (want != "ending") {
						return
					}
					if time.Since(begun) > 20*time.Second {
						t.Fatalf("readyz: %d %s, want %s", r.status, r.body, want)
					}
				}
			}
			id := l.create("acme", "Pylon")
			run := at(airbyteapi.ExecutePath, id)
			const list = `{"entity": "users", "action": "list"}`
			l.ok(l.ask(http.MethodPost, run, l.token, list), &answered{})
			l.ok(l.ask(http.MethodPost, run, l.token, newTeam, keyHeader, "before"), &answered{})
			status("ok")
			l.writes()

			if err := database.Halt(); err != nil {
				t.Fatal(err)
			}
			status("degraded")
			l.ok(l.ask(http.MethodPost, run, l.token, list), &answered{})
			writes := 1
			if required {
				writes = 0
				l.away(l.ask(http.MethodPost, run, l.token, newTeam))
			} else {
				l.ok(l.ask(http.MethodPost, run, l.token, newTeam), &answered{})
			}
			l.away(l.ask(http.MethodPost, run, l.token, newTeam, keyHeader, "during"))
			l.away(l.ask(http.MethodPost, run, l.token, newTeam, keyHeader, "before"))
			l.away(l.ask(http.MethodPost, airbyteapi.TokenPath, "", map[string]string{"client_id": l.first.ClientID, "client_secret": "x"}))
			l.away(l.ask(http.MethodPost, airbyteapi.ConnectorsPath, l.token, map[string]any{
				"workspace_name": "acme", "connector_type": "Pylon", "credentials": map[string]string{"api_token": vendorToken}, "replication_config": map[string]string{"start_date": "2026-01-01T00:00:00Z"},
			}))
			l.ok(l.ask(http.MethodPost, run, l.token, list), &answered{}) // also after a change that was refused
			if n := l.writes(); n != writes {
				t.Errorf("the vendor got %d writes", n)
			}
			l.away(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, "0193a5f2-0000-7000-8000-000000000000"), l.token, list)) // another server may have made it
			later.Store(int64(databaseAway + time.Second))
			status("ending")
			l.away(l.ask(http.MethodPost, run, l.token, list))
			later.Store(0)

			if err := database.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			status("ok")
			l.ok(l.ask(http.MethodPost, run, l.token, newTeam, keyHeader, "during"), &answered{})
			l.ok(l.ask(http.MethodPost, run, l.token, newTeam, keyHeader, "before"), &answered{})
			if n := l.writes(); n != 1 {
				t.Errorf("the vendor got %d writes", n)
			}
			l.s.trail.close()
			claims, err := l.s.check(t.Context(), l.token)
			if err != nil {
				t.Fatal(err)
			}
			records, err := l.s.store.Audit(t.Context(), store.Scope{Organization: claims.Organization}, store.Page{})
			if err != nil {
				t.Fatal(err)
			}
			events := make(map[string]int)
			for _, r := range records {
				events[r.Event]++
			}
			starts := 3 // of writes
			if required {
				starts = 2 + 3 // of reads, too
			}
			if events["call"] != 9 || events["start"] != starts {
				t.Errorf("the trail has %v", events)
			}
		})
	}
}

// away checks that a request is refused because the database is away, and may be sent again.
func (l *lab) away(r reply) {
	l.t.Helper()
	f := l.fails(r, http.StatusServiceUnavailable, "")
	if f.Code() != store.CodeAway || r.header.Get("Retry-After") == "" {
		l.t.Errorf("%d %s, Retry-After %q", r.status, r.body, r.header.Get("Retry-After"))
	}
}

// Without the file of its database, the server is not ready.
func TestReadyWithoutItsFile(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	if r := l.ask(http.MethodGet, "/readyz", "", nil); r.status != http.StatusOK || strings.TrimSpace(r.body) != "ok" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if err := l.s.store.Close(); err != nil {
		t.Fatal(err)
	}
	if r := l.ask(http.MethodGet, "/readyz", "", nil); r.status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", r.status, r.body)
	}
}
