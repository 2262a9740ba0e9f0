package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/store/pgtest"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/jackc/pgx/v5"
)

// eventually waits for something.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for begun := time.Now(); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > 20*time.Second {
			t.Fatal("this never happens: " + what)
		}
	}
}

// A PostgreSQL that ends is away: what waits for it ends, everything else fails at once and says so, and
// the store goes on when it is back.
//
// threat: K6
func TestPostgresAway(t *testing.T) {
	t.Parallel()
	postgresServer(t)
	server := pgtest.StartServer(t)
	l := postgresLab(t, server.Connection(), "away")
	p := l.organization(t)
	var back atomic.Int64
	l.OnBack(func() { back.Add(1) })
	began := make(chan struct{})
	slow := make(chan error)
	go func() {
		slow <- l.write(t.Context(), func(s session) error {
			if err := s.record(p, Change{Entity: "tests", Action: "slow"}); err != nil {
				return err
			}
			select {
			case <-began:
			default:
				close(began)
			}
			<-s.ctx.Done()
			return s.ctx.Err()
		})
	}()
	<-began
	halted := l.now()
	if err := server.Halt(); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "a change that had begun", <-slow, ErrAway)
	eventually(t, "the database is away", func() bool { return !l.Away().IsZero() })
	if since := l.Away(); since.After(halted) { // when it last answered, and not when that was noticed
		t.Errorf("away since %s after it ended", since.Sub(halted))
	}
	for what, do := range map[string]func(context.Context) error{
		"a change": func(ctx context.Context) error {
			_, err := l.CreateWorkspace(ctx, p.Organization, "late")
			return err
		},
		"a read": func(ctx context.Context) error { _, err := l.Organizations(ctx, "", Page{}); return err },
		"ready":  l.Ready,
	} {
		err := do(t.Context())
		wantErr(t, what, err, ErrAway)
		if e, is := errors.AsType[*abi.Error](err); !is || e.Code != CodeAway || !e.Retryable {
			t.Errorf("%s: %#v", what, err)
		}
	}
	if err := server.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the database is back", func() bool { return l.Away().IsZero() })
	ok(l.CreateWorkspace(t.Context(), p.Organization, "after"))(t)
	if back.Load() != 1 {
		t.Errorf("back %d times", back.Load())
	}
	for _, r := range ok(l.Audit(t.Context(), p, Page{}))(t) {
		if r.Event == "tests" {
			t.Errorf("%s", r.Record)
		}
	}
}

// Who is cut off in the middle of a change keeps others from theirs for a moment only. Who waits for
// something that takes longer is told to ask again.
//
// threat: K6
func TestPostgresCutOffInAChange(t *testing.T) {
	t.Parallel()
	server := postgresServer(t)
	l := postgresLab(t, server, "stuck")
	config := ok(postgresConfig(value(server + " dbname=stuck")))(t)
	begin := func(t *testing.T) *pgx.Conn {
		t.Helper()
		c := ok(pgx.ConnectConfig(t.Context(), config))(t)
		t.Cleanup(func() { _ = c.Close(context.WithoutCancel(t.Context())) })
		if _, err := c.Exec(t.Context(), "BEGIN"); err != nil {
			t.Fatal(err)
		}
		return c
	}
	const change = "SELECT newest FROM revision FOR UPDATE"
	for name, c := range map[string]struct {
		last   string // what the one says that is cut off
		behind int    // its other changes, which wait for that one
		want   error
	}{
		"idle":              {"SELECT 1", 0, nil},
		"idle, with others": {"SELECT 1", 2, nil},
		"busy":              {"SELECT pg_sleep(8)", 0, ErrAway},
	} {
		t.Run(name, func(t *testing.T) {
			cut := begin(t)
			if _, err := cut.Exec(t.Context(), change); err != nil {
				t.Fatal(err)
			}
			var waiting sync.WaitGroup
			defer waiting.Wait()
			for range c.behind {
				behind := begin(t)
				waiting.Go(func() { _, _ = behind.Exec(t.Context(), change) })
			}
			eventually(t, "they wait", func() bool {
				var n int
				err := l.reader.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = 'stuck' AND wait_event_type = 'Lock'").Scan(&n)
				return err == nil && n == c.behind
			})
			said := make(chan struct{})
			go func() { defer close(said); _, _ = cut.Exec(t.Context(), c.last) }()
			defer func() { <-said }()
			begun := time.Now()
			wantErr(t, "a change", l.Announce(t.Context(), NoticeToken, ""), c.want)
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("it takes %s", took)
			}
		})
	}
}

// A connection that ends is not the end of the database: the next one does what the first could not.
func TestPostgresLosesConnections(t *testing.T) {
	t.Parallel()
	server := postgresServer(t)
	l := postgresLab(t, server, "cut")
	p := l.organization(t)
	for i := range 20 {
		pgtest.EndConnections(t, server, "cut")
		for begun := time.Now(); ; time.Sleep(time.Millisecond) {
			if _, err := l.Organizations(t.Context(), "", Page{}); err == nil {
				break
			} else if !errors.Is(err, ErrAway) || time.Since(begun) > 10*time.Second {
				t.Fatal(err)
			}
		}
		eventually(t, "the database is back", func() bool { return l.Away().IsZero() })
		if err := l.Record(t.Context(), p, Change{Entity: "tests", Action: "cut"}); err != nil && !errors.Is(err, ErrAway) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// Several servers use a database, and a command where there is none. Neither joins the other.
func TestPostgresUsers(t *testing.T) {
	t.Parallel()
	server := postgresServer(t)
	l := postgresLab(t, server, "users")
	p := l.organization(t)
	w := Write{Scope: p, Connection: "c", Caller: "a", Key: "k", Hash: []byte("h"), Start: "s"}
	ok(l.BeginWrite(t.Context(), w, AuditRecord{ID: "s", Event: "start", Scope: p, Record: []byte("{}")}))(t)
	o := l.options(masterKeys(t, "first"))
	second := ok(l.reopen(o))(t)
	if prior := ok(l.PriorWrite(t.Context(), w))(t); prior.State != WriteRunning {
		t.Errorf("a second server ended the write of the first: %s", prior.State)
	}
	only := o
	only.Only = true
	denied := func(what string, s *Store, err error) {
		t.Helper()
		if e, is := errors.AsType[*abi.Error](err); !is || e.Rule != "one_server" || e.Field != "db" {
			t.Errorf("%s: %v", what, err)
		}
		if s != nil {
			_ = s.Close()
		}
	}
	s, err := l.reopen(only)
	denied("a command beside servers", s, err)
	for _, one := range []*Store{l.Store, second} {
		if err := one.Close(); err != nil {
			t.Fatal(err)
		}
	}
	command := ok(l.reopen(only))(t)
	if prior := ok(command.PriorWrite(t.Context(), w))(t); prior.State != WriteUnknown {
		t.Errorf("a write whose servers are gone is %s", prior.State)
	}
	s, err = l.reopen(o)
	denied("a server beside a command", s, err)
	s, err = l.reopen(only)
	denied("two commands", s, err)
	if err := command.Close(); err != nil {
		t.Fatal(err)
	}
	l.Store = ok(l.reopen(o))(t)
}

// Servers that start at the same time with a fresh database make one schema.
func TestPostgresStartsTogether(t *testing.T) {
	t.Parallel()
	server := postgresServer(t)
	l := postgresLab(t, server, "together")
	o := l.options(masterKeys(t, "first"))
	stores := make(chan *Store)
	for range 8 {
		go func() {
			s, err := l.reopen(o)
			if err != nil {
				t.Error(err)
			}
			stores <- s
		}()
	}
	for range 8 {
		if s := <-stores; s != nil {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
