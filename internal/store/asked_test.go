package store

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// threat: S6 in TestSQLite
//
// testAsked: a plan is its workspace's, an answer is for what was seen, and an approval is used once.
func testAsked(t *testing.T, l *lab) {
	ctx := t.Context()
	w, other := l.organization(t), l.organization(t)
	soon := l.clock().Add(time.Hour)
	text := []byte("parameters that are private")
	p := ok(l.ProposePlan(ctx, w.Workspace, "d1", text, soon))(t)
	if again := ok(l.ProposePlan(ctx, w.Workspace, "d1", []byte("other"), soon))(t); again.ID != p.ID || !bytes.Equal(again.Text, text) {
		t.Errorf("%+v", again)
	}
	if theirs := ok(l.ProposePlan(ctx, other.Workspace, "d1", text, soon))(t); theirs.ID == p.ID {
		t.Error("two workspaces have one plan")
	}
	if _, err := l.Plan(ctx, other.Workspace, p.ID); !errors.Is(err, ErrNone) {
		t.Errorf("another workspace has it: %v", err)
	}
	if all := ok(l.Plans(ctx, w.Workspace, Page{}))(t); len(all) != 1 || !bytes.Equal(all[0].Text, text) {
		t.Errorf("%+v", all)
	}
	if n := ok(scanned(t, l, "SELECT count(*) FROM plan WHERE state <> 'pending'"))(t); n != 0 {
		t.Errorf("%d plans are answered", n)
	}
	for _, wrong := range []func() error{
		func() error { return l.UsePlan(ctx, w.Workspace, p.ID, "d1") },
		func() error { return l.AnswerPlan(ctx, w, p.ID, "d2", "ann", true) },
		func() error { return l.AnswerPlan(ctx, other, p.ID, "d1", "ann", true) },
	} {
		if err := wrong(); !errors.Is(err, ErrNone) {
			t.Errorf("%v, want ErrNone", err)
		}
	}
	if err := l.AnswerPlan(ctx, w, p.ID, "d1", "ann", true); err != nil {
		t.Fatal(err)
	}
	if err := l.AnswerPlan(ctx, w, p.ID, "d1", "eve", false); !errors.Is(err, ErrNone) {
		t.Errorf("answered twice: %v", err)
	}
	var used atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if l.UsePlan(ctx, w.Workspace, p.ID, "d1") == nil {
				used.Add(1)
			}
		})
	}
	all.Wait()
	if got := ok(l.Plan(ctx, w.Workspace, p.ID))(t); used.Load() != 1 || got.State != PlanUsed || got.By != "ann" || got.Answered.IsZero() {
		t.Errorf("used %d times: %+v", used.Load(), got)
	}
	if again := ok(l.ProposePlan(ctx, w.Workspace, "d1", text, soon))(t); again.ID == p.ID {
		t.Error("a plan that was used is proposed again")
	}
	if _, _, err := l.DeleteWorkspace(ctx, Scope{Organization: w.Organization}, w.Workspace); err != nil {
		t.Error(err)
	}
	if n := ok(scanned(t, l, "SELECT count(*) FROM plan"))(t); n != 1 {
		t.Errorf("%d plans after one of two workspaces was deleted", n)
	}
}

// testManyPlans: a workspace may have many plans, but few that wait.
func testManyPlans(t *testing.T, l *lab) {
	ctx := t.Context()
	w, soon, text := l.organization(t), l.clock().Add(time.Hour), []byte("text")
	p := ok(l.ProposePlan(ctx, w.Workspace, "d1", text, soon))(t)
	full := func(state PlanState) error {
		l.queries["test.fill"] = fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "+
			"INSERT INTO plan (id, organization, workspace, digest, state, answered_by, answered, data_key, sealed, created, expires) "+
			"SELECT '%s' || i, organization, workspace, 'filled', '%s', '', 0, data_key, sealed, created, expires FROM n, plan WHERE id = '%s'", maxPlans, state, state, p.ID)
		return l.write(ctx, func(t session) error {
			n, err := t.exec("test.fill")
			if err == nil && n != maxPlans {
				err = fmt.Errorf("%d plans", n)
			}
			return err
		})
	}
	if err := full(PlanRefused); err != nil {
		t.Fatal(err)
	}
	if _, err := l.ProposePlan(ctx, w.Workspace, "d3", text, soon); err != nil {
		t.Errorf("plans that are answered count: %v", err)
	}
	if err := full(PlanPending); err != nil {
		t.Fatal(err)
	}
	if _, err := l.ProposePlan(ctx, w.Workspace, "d4", text, soon); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more than may wait: %v", err)
	}
}
