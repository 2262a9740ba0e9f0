package host

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/pdk/abi"
)

var getThing = Call{Entity: "things", Action: "get"}

// awaitClosed waits until a host refuses calls.
func awaitClosed(t *testing.T, h *Host) {
	t.Helper()
	for {
		if _, err := h.Operations(t.Context(), "lab"); errors.Is(err, ErrClosed) {
			return
		}
	}
}

// Close used to return while a call was in flight.
func TestCloseWaitsForCalls(t *testing.T) {
	t.Parallel()
	running, release := make(chan struct{}), make(chan struct{})
	h := fakeHost(t, fake{run: func(ctx context.Context, call *backend.Call) (backend.Result, error) {
		close(running)
		<-release
		return fake{}.Run(ctx, call)
	}})
	ended, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := h.Execute(t.Context(), "lab", getThing)
		ended <- err
	}()
	<-running
	go func() { closed <- h.Close(t.Context()) }()
	awaitClosed(t, h)
	select {
	case err := <-closed:
		t.Fatalf("Close returned with a call in flight: %v", err)
	default:
	}
	close(release)
	if err := <-ended; err != nil {
		t.Errorf("the call in flight: %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if err := h.Close(t.Context()); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

// Close returns its context's error where that ends first. Calls are then cancelled, and
// everything is freed when they have ended: more of them than the gate has places for.
func TestCloseHeedsItsContext(t *testing.T) {
	t.Parallel()
	const calls = 200
	var running sync.WaitGroup
	running.Add(calls)
	h := fakeHost(t, fake{run: func(ctx context.Context, _ *backend.Call) (backend.Result, error) {
		running.Done()
		<-ctx.Done()
		return backend.Result{}, &Error{Kind: abi.KindTimeout, Message: "cancelled"}
	}}, func(c *connection, _ *Options) { c.Limits.Concurrency = calls })
	ended := make(chan error, calls)
	for range calls {
		go func() {
			_, err := h.Execute(t.Context(), "lab", getThing)
			ended <- err
		}()
	}
	running.Wait()
	why := errors.New("no more time")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if err := h.Close(ctx); !errors.Is(err, why) {
		t.Errorf("Close returned %v", err)
	}
	for range calls {
		if e, ok := errors.AsType[*Error](<-ended); !ok || e.Kind != abi.KindCancelled {
			t.Errorf("a call ended with %v", e)
		}
	}
	if err := h.Close(t.Context()); err != nil {
		t.Errorf("Close after the calls ended: %v", err)
	}
	if _, err := h.runner.Engine().Load(t.Context(), nil); err == nil {
		t.Error("the engine is still open")
	}
}

// A connector that is being compiled for a call, and a call that waits for its turn, are
// cancelled too.
func TestCloseCancelsWhatWaits(t *testing.T) {
	t.Parallel()
	preparing := make(chan struct{})
	h := fakeHost(t, fake{prepare: func(ctx context.Context) error {
		close(preparing)
		<-ctx.Done()
		return &Error{Kind: abi.KindTimeout, Message: "cancelled"}
	}})
	ended := make(chan error, 1)
	go func() {
		_, err := h.Execute(t.Context(), "lab", getThing)
		ended <- err
	}()
	select {
	case <-preparing:
	case err := <-ended:
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close returned %v", err)
	}
	if e, ok := errors.AsType[*Error](<-ended); !ok || e.Kind != abi.KindCancelled {
		t.Errorf("the call ended with %v", e)
	}
}

// A host that is closed says so, whatever is called.
func TestClosedHostRefuses(t *testing.T) {
	t.Parallel()
	h := fakeHost(t, fake{run: func(context.Context, *backend.Call) (backend.Result, error) {
		t.Error("a call ran")
		return backend.Result{}, nil
	}})
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, at := t.Context(), HostedAt{Connection: "lab"}
	for name, call := range map[string]func() error{
		"Execute":          func() error { _, err := h.Execute(ctx, "lab", getThing); return err },
		"Check":            func() error { _, err := h.Check(ctx, "lab"); return err },
		"CheckOperation":   func() error { _, err := h.CheckOperation(ctx, "lab"); return err },
		"Record":           func() error { _, _, err := h.Record(ctx, "lab", getThing); return err },
		"Replay":           func() error { _, err := h.Replay(ctx, &Recording{}); return err },
		"Profile":          func() error { _, _, err := h.Profile(ctx, "lab", getThing); return err },
		"Explain":          func() error { _, err := h.Explain(ctx, "lab", getThing); return err },
		"Operation":        func() error { _, err := h.Operation(ctx, "lab", "things", "get"); return err },
		"Operations":       func() error { _, err := h.Operations(ctx, "lab"); return err },
		"Connections":      func() error { _, err := h.Connections(ctx); return err },
		"Connectors":       func() error { _, err := h.Connectors(ctx); return err },
		"Connector":        func() error { _, err := h.Connector(ctx, "fake"); return err },
		"Inspect":          func() error { _, err := h.Inspect(ctx, "fake.wasm"); return err },
		"Review":           func() error { _, err := h.Review(ctx, "fake.wasm"); return err },
		"ReviewConnection": func() error { _, err := h.ReviewConnection(ctx, "lab"); return err },
		"Tools":            func() error { _, err := h.Tools(ctx, ToolOptions{}); return err },
		"Refuse":           func() error { return h.Refuse(ctx, "lab", getThing, errors.New("why")) },
		"RefuseTool":       func() error { return h.RefuseTool(ctx, ToolOptions{}, tool.Refusal{}) },
		"Login":            func() error { return h.Login(ctx, "lab", Login{}) },
		"Logout":           func() error { _, err := h.Logout(ctx, "lab", true); return err },
		"CreateHosted":     func() error { _, err := h.CreateHosted(ctx, NewHosted{At: at}); return err },
		"ListHosted":       func() error { _, err := h.ListHosted(ctx, at); return err },
		"CheckHosted":      func() error { _, _, _, err := h.CheckHosted(ctx, at, ""); return err },
		"DeleteHosted":     func() error { _, err := h.DeleteHosted(ctx, at, ""); return err },
		"Pages": func() (last error) {
			for _, err := range h.Pages(ctx, "lab", getThing) {
				last = err
			}
			return last
		},
	} {
		err := call()
		if e, ok := errors.AsType[*Error](err); !ok || e.Kind != abi.KindDenied || e.Rule != "closed" || e.RequestSent || !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %#v", name, err)
		}
	}
}

// TestGate lets many calls in and out while it closes: none runs after it is empty.
func TestGate(t *testing.T) {
	t.Parallel()
	for range 10 {
		var g gate
		var calls, admitted sync.WaitGroup
		empty := make(chan struct{})
		admitted.Add(1)
		var first sync.Once
		for range 20 {
			calls.Go(func() {
				for g.enter() == nil {
					first.Do(admitted.Done)
					select {
					case <-empty:
						t.Error("a call runs behind a gate that is empty")
					default:
					}
					g.leave()
				}
			})
		}
		admitted.Wait()
		done := g.close()
		<-done
		close(empty)
		calls.Wait()
	}
}
