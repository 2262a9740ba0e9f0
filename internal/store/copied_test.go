package store

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/query"
)

// testCopied: one job keeps the copies of a connection, which each search has done now, until nobody searches.
func testCopied(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	order := JobOrder{Kind: "copies", Object: "connection of " + p.Workspace, Apart: true}
	_, err := l.Copied(ctx, order.Object)
	wantErr(t, "copies that nobody keeps", err, ErrNone)
	for range 2 {
		if err := l.KeepCopies(ctx, p, order); err != nil {
			t.Fatal(err)
		}
	}
	c := ok(l.Copied(ctx, order.Object))(t)
	jobs := ok(l.Jobs(ctx, p, "", Page{}))(t)
	if len(jobs) != 1 || jobs[0].ID != c.Job || jobs[0].State != JobWaiting || jobs[0].Object != order.Object || c.Scope != p || c.Searched.IsZero() {
		t.Fatalf("%+v, %+v", jobs, c)
	}
	if _, err := l.CancelJob(ctx, p, c.Job); err != nil {
		t.Fatal(err)
	}
	if err := l.KeepCopies(ctx, p, order); err != nil {
		t.Fatal(err)
	}
	next := ok(l.Copied(ctx, order.Object))(t)
	if next.Job == c.Job {
		t.Error("a job that was cancelled keeps the copies")
	}
	for what, done := range map[string]bool{
		"of another job":    ok(l.ForgetCopies(ctx, c, next.Searched.Add(time.Hour)))(t),
		"that are searched": ok(l.ForgetCopies(ctx, next, next.Searched))(t),
	} {
		if done {
			t.Errorf("copies %s are forgotten", what)
		}
	}
	if !ok(l.ForgetCopies(ctx, next, next.Searched.Add(time.Millisecond)))(t) {
		t.Error("copies that nobody searches are not forgotten")
	}
	_, err = l.Copied(ctx, order.Object)
	wantErr(t, "copies that were forgotten", err, ErrNone)
}

// testCopyTotals counts copies, and knows in which nobody has searched for long.
func testCopyTotals(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	if n, records, oldest, err := l.CopyTotals(ctx); n != 0 || records != 0 || !oldest.IsZero() || err != nil {
		t.Errorf("without copies: %d, %d, %s, %v", n, records, oldest, err)
	}
	begun := l.clock()
	for i, connection := range []string{"a", "b"} {
		if err := l.KeepCopies(ctx, p, JobOrder{Kind: "copies", Object: connection}); err != nil {
			t.Fatal(err)
		}
		if err := l.NoteCopies(ctx, ok(l.Copied(ctx, connection))(t), 10+i, begun.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
		l.later(time.Hour)
	}
	if n, records, oldest, err := l.CopyTotals(ctx); n != 2 || records != 21 || !oldest.Equal(begun) || err != nil {
		t.Errorf("%d, %d, %s, %v", n, records, oldest, err)
	}
	if idle := ok(l.IdleCopies(ctx, begun.Add(time.Minute), 10))(t); len(idle) != 1 || idle[0].Connection != "a" || idle[0].Scope != p {
		t.Errorf("%+v", idle)
	}
}

// testPostponedJobs: a job says when it goes on, and jobs that have a queue of their own keep no others
// waiting.
func testPostponedJobs(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	blocked := make(chan struct{})
	kinds := map[string]JobKind{
		"apart": {Apart: true, Do: func(ctx context.Context, _ Job) error {
			select {
			case <-blocked:
				return MoreAfter(time.Hour)
			case <-ctx.Done():
				return ctx.Err()
			}
		}},
		"urgent": {Do: func(context.Context, Job) error { return nil }},
	}
	var slow []Job
	for range 2 * jobsAtOnce {
		slow = append(slow, ok(l.AddJob(ctx, p, JobOrder{Kind: "apart", Apart: true}))(t))
	}
	urgent := ok(l.AddJob(ctx, p, JobOrder{Kind: "urgent"}))(t)
	stop := ok(l.RunJobs(ctx, kinds, slog.New(slog.DiscardHandler)))(t)
	defer func() { _ = stop(context.WithoutCancel(ctx)) }()
	until := func(id string, holds func(Job) bool) {
		t.Helper()
		var j Job
		for range 3000 {
			if j = ok(l.Job(ctx, p, id))(t); holds(j) {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("%+v", j)
	}
	until(urgent.ID, func(j Job) bool { return j.State == JobSucceeded })
	close(blocked)
	for _, j := range slow {
		until(j.ID, func(j Job) bool { return j.State == JobWaiting && time.Until(j.Next) > 50*time.Minute })
	}
	if !errors.Is(MoreAfter(time.Hour), ErrMore) {
		t.Error("a part is a failure")
	}
}

// testCopies: copies are of one workspace, and are gone with it.
func testCopies(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	before := l.connection(t, p, "pylon")
	copies := ok(l.Copies(ctx, t.TempDir()))(t)
	defer func() {
		if err := copies.Close(); err != nil {
			t.Error(err)
		}
	}()
	at := contextstore.Target{Workspace: p.Workspace, Connection: "c", Entity: "issues", Fields: &query.Entity{}}
	ok(copies.Apply(ctx, at, contextstore.Batch{Put: []contextstore.Record{{Key: "1", JSON: []byte(`{"id":1}`)}}}))(t)
	if names := ok(copies.Connections(ctx, p.Workspace))(t); !slices.Equal(names, []string{"c"}) {
		t.Errorf("%q", names)
	}
	if names := ok(copies.Connections(ctx, l.organization(t).Workspace))(t); len(names) > 0 {
		t.Errorf("another workspace has %q", names)
	}
	if l.file != "" { // which a backup may replace
		after := ok(l.UpdateConnection(ctx, p, before, nil))(t)
		if after.Revision <= before.Revision+1 {
			t.Errorf("revision %d comes after %d, which another login may have had", after.Revision, before.Revision)
		}
	}
	if _, _, err := l.DeleteWorkspace(ctx, Scope{Organization: p.Organization}, p.Workspace); err != nil {
		t.Fatal(err)
	}
	if err := copies.Remove(ctx, p.Workspace, "", ""); err != nil {
		t.Error(err)
	}
}
