package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/coordinate"
	"github.com/agenthost/agenthost/internal/coordinate/databasetest"
)

var _ coordinate.Database = (*Store)(nil)

// manual gives the database a clock that a test moves.
func (l *lab) manual(t testing.TB) (advance func(time.Duration)) {
	t.Helper()
	exec := func(text string) {
		t.Helper()
		if _, err := l.writer.ExecContext(context.Background(), text); err != nil {
			t.Fatal(err)
		}
	}
	exec("CREATE TABLE test_clock (now BIGINT NOT NULL)")
	exec(fmt.Sprintf("INSERT INTO test_clock VALUES (%d)", l.clock().UnixMilli()))
	for name, text := range l.Store.queries {
		l.Store.queries[name] = strings.ReplaceAll(text, l.dialect.clock, "(SELECT now FROM test_clock)")
	}
	return func(d time.Duration) { exec(fmt.Sprintf("UPDATE test_clock SET now = now + %d", d.Milliseconds())) }
}

// coordinated runs the tests of what nodes agree through.
func coordinated(t *testing.T, open func(t testing.TB) *lab) {
	databasetest.Run(t, func(t *testing.T) databasetest.Target {
		l := open(t)
		advance := l.manual(t)
		p := l.organization(t)
		c := l.connection(t, p, "pylon")
		return databasetest.Target{
			Database: l.Store, Advance: advance, Announce: func(ctx context.Context, about string) error { return l.Announce(ctx, about, "") },
			Write: func(ctx context.Context, version int64, lease string, fence int64) error {
				_, err := l.PutToken(ctx, p, c, origins, value("token"), version, Held{lease, fence})
				if errors.Is(err, ErrChanged) {
					return databasetest.ErrLate
				}
				return err
			},
		}
	})
}

// testAbandoned: the end of a write is unknown once its node is gone, and not before.
func testAbandoned(t *testing.T, l *lab) {
	ctx := t.Context()
	advance := l.manual(t)
	p := l.organization(t)
	c := l.connection(t, p, "pylon")
	n := 0
	state := func(key string) WriteState {
		t.Helper()
		n++
		prior, err := l.BeginWrite(ctx, Write{Scope: p, Connection: c.ID, Caller: "app", Key: key, Hash: []byte("h"), Start: "s"}, start(p, fmt.Sprint("0193-", n)))
		if err != nil {
			t.Fatal(err)
		}
		if prior == nil {
			return ""
		}
		return prior.State
	}
	beat := func(id, place string) {
		t.Helper()
		if _, _, _, _, err := l.Beat(ctx, id, place, time.Second); err != nil {
			t.Fatal(err)
		}
	}
	state("of nobody")
	beat("n1", "a")
	state("of n1")
	beat("n2", "b")
	state("of n2")
	beat("n3", "a") // instead of n1, which was killed
	state("of n3")
	if got := state("of n1"); got != WriteUnknown {
		t.Errorf("the write of a node whose place another one has is %s", got)
	}
	for _, key := range []string{"of n2", "of n3", "of nobody"} {
		if got := state(key); got != WriteRunning {
			t.Errorf("the write %s is %s", key, got)
		}
	}
	advance(time.Minute)
	beat("n3", "a")
	if got := ok(l.ForgetNodes(ctx, time.Minute))(t); got != 1 || state("of n2") != WriteUnknown || state("of n3") != WriteRunning {
		t.Errorf("%d nodes are forgotten: %s, %s", got, state("of n2"), state("of n3"))
	}
	if err := l.Leave(ctx, "n3"); err != nil || state("of n3") != WriteUnknown {
		t.Errorf("after its node left: %s, %v", state("of n3"), err)
	}
}

// testAnnounced: what other nodes have in memory is announced when it changes.
func testAnnounced(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	c := l.connection(t, p, "pylon")
	w, _ := ok2(l.CreateWorkspaceToken(ctx, p, "a token", []string{"read"}, l.clock().Add(time.Hour)))(t)
	var heard atomic.Pointer[string]
	listening, stop := context.WithCancel(ctx)
	ready, ended, next := make(chan struct{}), make(chan struct{}), make(chan struct{}, 100)
	go func() {
		defer close(ended)
		_ = l.Listen(listening, func() { close(ready) }, func(notice string) {
			_, about, _ := strings.Cut(notice, " ")
			heard.Store(&about)
			next <- struct{}{}
		})
	}()
	<-ready
	name := "another name"
	for _, tt := range []struct {
		what, about string
		change      func() error
	}{
		{"a connection", NoticeConnection + " " + c.ID, func() error { _, err := l.UpdateConnection(ctx, p, c, nil); return err }},
		{"a workspace", NoticeWorkspace + " " + p.Workspace, func() error {
			_, err := l.UpdateWorkspace(ctx, p, p.Workspace, WorkspaceChange{Name: &name})
			return err
		}},
		{"a token", NoticeToken + " " + w.ID, func() error { _, err := l.RevokeWorkspaceToken(ctx, p, w.ID); return err }},
		{"something else", "plan", func() error { return l.Announce(ctx, "plan", "") }},
	} {
		if err := tt.change(); err != nil {
			t.Fatalf("%s: %v", tt.what, err)
		}
		<-next
		if got := *heard.Load(); got != tt.about {
			t.Errorf("%s: others hear of %q", tt.what, got)
		}
	}
	newest := ok(l.Newest(ctx))(t)
	_, err := l.RevokeWorkspaceToken(ctx, p, w.ID)
	wantErr(t, "revoked twice", err, ErrNone)
	for _, id := range []string{strings.Repeat("x", 10_000), "\x00", "\xff", "a b\n9 c"} {
		_, err := l.RevokeWorkspaceToken(ctx, p, id)
		wantErr(t, "what nothing has", err, ErrNone)
	}
	if got := ok(l.Newest(ctx))(t); got != newest {
		t.Error("a change that was not made is announced")
	}
	stop()
	<-ended
}
