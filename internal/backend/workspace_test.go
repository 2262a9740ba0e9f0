package backend_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/inflight"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/internal/turns"
)

// The guests of one workspace's connections share its time.
func TestConnectionsShareTheirWorkspacesTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine, err := sandbox.NewEngine(sandbox.Config{Running: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer engine.Close(context.Background())
		all := backend.NewWorkspaces(backend.NewMemory(backend.DefaultMemory), engine.Turns(), inflight.Limits{})
		a, b := all.Get("a"), all.Get("b")
		share := func(w *backend.Workspace) *turns.Share {
			return backend.NewShared(engine, w, seams.Seams{}.WithDefaults(), config.RateOff, nil, nil).Turns
		}
		var holder turns.Turn
		share(a).Begin(&holder)
		if err := holder.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, next := range []struct {
			name string
			of   *backend.Workspace
		}{{"a1", a}, {"a2", a}, {"b", b}} {
			go func() {
				var turn turns.Turn
				share(next.of).Begin(&turn)
				if err := turn.Take(t.Context()); err != nil {
					t.Error(err)
				}
				order = append(order, next.name)
				turn.Give()
			}()
			synctest.Wait()
		}
		holder.Give()
		synctest.Wait()
		if len(order) != 3 || order[1] != "b" {
			t.Errorf("%v had turns in this order, want b second", order)
		}
	})
}

// A workspace is the same for all its connections, and costs nothing once it has no more of them.
func TestWorkspacesAreForgotten(t *testing.T) {
	all := backend.NewWorkspaces(backend.NewMemory(backend.DefaultMemory), turns.New(1, nil), inflight.Limits{})
	if all.Get("") != nil {
		t.Error("the operator's has limits")
	}
	held := all.Get("held")
	for range 100 {
		all.Get("gone")
	}
	for range 1000 {
		if runtime.GC(); all.Known() == 1 {
			break
		}
		runtime.Gosched()
	}
	if n := all.Known(); n != 1 {
		t.Errorf("%d workspaces are known, want the one in use", n)
	}
	if all.Get("held") != held {
		t.Error("a workspace in use was forgotten")
	}
	runtime.KeepAlive(held)
}
