package store

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var workspaces = flag.Int("workspaces", 12, "how many workspaces TestLarge has, with three connections each")

// TestLarge says how long it takes to read all connections, and to rotate the keys while others use
// them. No call may fail.
func TestLarge(t *testing.T) {
	t.Parallel()
	testLarge(t, sqliteLab(t))
}

func TestPostgresLarge(t *testing.T) {
	t.Parallel()
	testLarge(t, postgresLab(t, postgresServer(t), "large"))
}

func testLarge(t *testing.T, l *lab) {
	ctx := t.Context()
	took := func(what string, f func()) {
		t.Helper()
		begun := time.Now()
		f()
		t.Logf("%s: %s", what, time.Since(begun).Round(time.Millisecond))
	}
	organization := ok(l.CreateOrganization(ctx, "large"))(t).ID
	scopes, made := make([]Scope, *workspaces), make([]Connection, *workspaces)
	took("making", func() {
		var group sync.WaitGroup
		for part := range 8 {
			group.Go(func() {
				for i := part; i < *workspaces; i += 8 {
					w, err := l.CreateWorkspace(t.Context(), organization, fmt.Sprint("workspace ", i))
					if err != nil {
						t.Error(err)
						return
					}
					scopes[i] = Scope{organization, w.ID}
					for n := range 3 {
						made[i] = l.connection(t, scopes[i], fmt.Sprint("connection ", n))
					}
				}
			})
		}
		group.Wait()
	})
	took("reading all connections", func() {
		var n int
		for c := (Changes{More: true}); c.More; n += len(c.Connections) {
			c = ok(l.Changes(ctx, c.Cursor, 0))(t)
		}
		if n != 3**workspaces {
			t.Errorf("%d connections, want %d", n, 3**workspaces)
		}
	})
	l.later(time.Second)
	working, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	var calls atomic.Int64
	var longest time.Duration
	group.Go(func() {
		for i := 0; working.Err() == nil; i = (i + 1) % *workspaces {
			begun := time.Now()
			if got, err := l.Credentials(ctx, scopes[i], made[i].ID, origins); err != nil || len(got) != 1 {
				t.Errorf("reading: %v, %v", got, err)
			}
			longest = max(longest, time.Since(begun))
			calls.Add(1)
		}
	})
	group.Go(func() {
		for i := 0; working.Err() == nil; i++ {
			w := i % *workspaces
			if _, err := l.PutToken(ctx, scopes[w], made[w], origins, value("token"), int64(i / *workspaces), Held{}); err != nil {
				t.Errorf("writing: %v", err)
			}
			calls.Add(1)
		}
	})
	took("new data keys, all credentials sealed anew", func() {
		done := ok(l.turnover(t, "first").RotateData(ctx))(t)
		if done.Keys != *workspaces || done.Values < 3**workspaces || done.Unopened != 0 {
			t.Errorf("%+v", done)
		}
	})
	took("all data keys under a new master key", func() {
		if done := ok(l.turnover(t, "second", "first").RotateMaster(ctx))(t); done.Keys != *workspaces {
			t.Errorf("%+v", done)
		}
	})
	stop()
	group.Wait()
	t.Logf("%d calls meanwhile, the longest read took %s", calls.Load(), longest.Round(time.Millisecond))
}
