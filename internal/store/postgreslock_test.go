package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/store/pgtest"
)

// TestPostgresLostLock ends the connection that has the lock: the server changes nothing any more,
// while another one uses the database.
//
// threat: K6
func TestPostgresLostLock(t *testing.T) {
	t.Parallel()
	server := postgresServer(t)
	l := postgresLab(t, server, "lost")
	p := l.organization(t)
	select {
	case <-l.Lost():
		t.Fatal("the lock is lost at once")
	case <-time.After(20 * time.Millisecond):
	}
	// A transaction that began before is not committed after it.
	err := l.write(t.Context(), func(s session) error {
		if err := s.record(p, Change{Entity: "tests", Action: "begin"}); err != nil {
			return err
		}
		pgtest.TakeLocks(t, server+" dbname=lost")
		select {
		case <-l.Lost():
			return nil
		case <-time.After(lockEvery):
			return errors.New("nobody notices")
		}
	})
	wantErr(t, "a change that had begun", err, ErrLost)
	_, err = l.CreateWorkspace(t.Context(), p.Organization, "late")
	wantErr(t, "a change", err, ErrLost)
	wantErr(t, "ready", l.Ready(t.Context()), ErrLost)
	second := ok(l.reopen(l.options(masterKeys(t, "first"))))(t)
	if _, err := second.CreateWorkspace(t.Context(), p.Organization, "of the second"); err != nil {
		t.Error(err)
	}
	for _, r := range ok(second.Audit(t.Context(), p, Page{}))(t) {
		if strings.Contains(string(r.Record), "tests") {
			t.Errorf("%s", r.Record)
		}
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}
