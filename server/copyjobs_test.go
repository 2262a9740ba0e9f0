package server

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/internal/store"
)

// TestIdleCopiesWithoutJob: copies whose job was cancelled go, too, when nobody searches in them.
func TestIdleCopiesWithoutJob(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	l := newCopiesLab(t, func(o *Options) {
		o.Host.Seams.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	})
	id := l.create("acme", "Pylon")
	l.search(id)
	j := l.kept("acme", id)
	if _, err := l.s.store.CancelJob(t.Context(), j.Scope, j.ID); err != nil {
		t.Fatal(err)
	}
	for after, want := range []int{1, 0} {
		later.Store(int64(copiesFor + time.Duration(after)*(copiesLeft+time.Hour)))
		if err := l.s.forget(t.Context(), store.Job{}); err != nil {
			t.Fatal(err)
		}
		if names, err := l.s.copying.store.Connections(t.Context(), j.Scope.Workspace); err != nil || len(names) != want {
			t.Errorf("there are copies of %q, %v, want %d", names, err, want)
		}
	}
	if _, err := l.s.store.Copied(t.Context(), id); !errors.Is(err, store.ErrNone) {
		t.Errorf("the database knows of them still: %v", err)
	}
}

// TestPostgresCopiesOfAStoppedNode: where the node that kept copies is gone, another one keeps them.
func TestPostgresCopiesOfAStoppedNode(t *testing.T) {
	var later atomic.Int64
	nodes, _ := newNodesOf(t, 2, func(o *Options) {
		o.Host.Seams.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	})
	first, second := nodes[0], nodes[1]
	id := first.create("acme", "Pylon")
	ids, before := first.search(id)
	j := first.kept("acme", id)
	if err := first.s.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	later.Store(int64(2 * time.Hour))
	second.retried(j)
	e, err := second.s.directory.find(t.Context(), j.Scope, id)
	if err != nil {
		t.Fatal(err)
	}
	second.eventually("the copies are up to date", func() bool {
		there, err := second.s.copying.copies.Status(t.Context(), e.Workspace, e.Name)
		return err == nil && slices.ContainsFunc(there, func(one copies.Status) bool {
			return one.Entity == "users" && one.State.Count == len(ids) && one.State.Synced.After(time.Now().Add(time.Hour))
		})
	})
	if before.Result.Meta.Synced == "" || len(ids) == 0 {
		t.Errorf("%q, %+v", ids, before)
	}
	if now, err := second.s.store.Job(t.Context(), j.Scope, j.ID); err != nil || now.State != store.JobWaiting && now.State != store.JobRunning {
		t.Errorf("%+v, %v", now, err)
	}
}
