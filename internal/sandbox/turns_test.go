package sandbox_test

import (
	"context"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/sandbox"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// oneAtATime is an engine whose guests run one at a time, and two of its modules: one that
// runs for ever, and one that answers; both send a request first.
func oneAtATime(t *testing.T) (e *sandbox.Engine, endless, sender *sandbox.Module) {
	t.Helper()
	e = newEngine(t, sandbox.Config{Running: 1})
	loaded := func(module []byte) *sandbox.Module {
		m, err := e.Load(t.Context(), module)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	sending := func(then ...any) []byte {
		g := newGuest()
		send := g.Import(hostfunc.Module, hostfunc.HTTPSend, "iiii:i")
		return g.executes("", Call(send, I32(0), I32(2), I32(0), I32(0)), Drop, Code(then...))
	}
	return e, loaded(sending(forever())), loaded(sending())
}

func run(ctx context.Context, m *sandbox.Module, call sandbox.Call) error {
	call.Export, call.Input = hostfunc.ExportExecute, []byte("{}")
	_, err := m.Run(ctx, call)
	return err
}

// Guests that never end by themselves make room at a checkpoint: with one slot, a call of
// another connection gets through two turns while they run on.
func TestEndlessGuestsMakeRoom(t *testing.T) {
	t.Parallel()
	e, endless, sender := oneAtATime(t)
	running, stop := context.WithCancel(t.Context())
	var group, begun sync.WaitGroup
	begins := func(ctx context.Context, req *abi.Request, body []byte) (*sandbox.Response, error) {
		begun.Done()
		return vendor(ctx, req, body)
	}
	for range 4 {
		begun.Add(1)
		group.Go(func() {
			if kind := kindOf(t, run(running, endless, sandbox.Call{Share: e.Turns().NewShare(), Send: begins})); kind != abi.KindCancelled {
				t.Errorf("an endless guest ended with %s", kind)
			}
		})
	}
	begun.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	share := e.Turns().NewShare()
	for range 5 {
		if err := run(ctx, sender, sandbox.Call{Share: share, Send: vendor}); err != nil {
			t.Errorf("a call beside endless guests: %v", err)
		}
	}
	stop()
	group.Wait()
}

// A guest has no slot while its vendor works: with one slot, another one runs meanwhile.
func TestWaitingForAVendorNeedsNoSlot(t *testing.T) {
	t.Parallel()
	_, _, sender := oneAtATime(t)
	asked, answer := make(chan struct{}), make(chan struct{})
	slow := func(ctx context.Context, req *abi.Request, body []byte) (*sandbox.Response, error) {
		close(asked)
		<-answer
		return vendor(ctx, req, body)
	}
	ended := make(chan error)
	go func() { ended <- run(t.Context(), sender, sandbox.Call{Send: slow}) }()
	<-asked
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := run(ctx, sender, sandbox.Call{Send: vendor}); err != nil {
		t.Errorf("while another guest waits: %v", err)
	}
	close(answer)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A call whose time is up, or that is cancelled, ends although no slot is free: before its
// guest began, when its vendor has answered, or while an instance is to be made.
func TestEndsWithoutASlot(t *testing.T) {
	t.Parallel()
	e, _, sender := oneAtATime(t)
	if err := run(t.Context(), sender, sandbox.Call{Send: vendor}); err != nil {
		t.Fatal(err)
	}
	inVendor, holds, answered, free := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	short, cancel := context.WithCancel(t.Context())
	group.Go(func() {
		err := run(short, sender, sandbox.Call{Share: e.Turns().NewShare(), Send: func(ctx context.Context, req *abi.Request, body []byte) (*sandbox.Response, error) {
			close(inVendor)
			<-answered
			return vendor(ctx, req, body)
		}})
		if kind := kindOf(t, err); kind != abi.KindCancelled {
			t.Errorf("after its vendor's answer: %v", err)
		}
	})
	<-inVendor
	group.Go(func() { // what traces a call holds its slot
		var once sync.Once
		if err := run(t.Context(), sender, sandbox.Call{Share: e.Turns().NewShare(), Send: vendor, Trace: func(sandbox.HostCall) {
			once.Do(func() { close(holds); <-free })
		}}); err != nil {
			t.Error(err)
		}
	})
	<-holds
	close(answered)
	for _, export := range []string{hostfunc.ExportExecute, hostfunc.ExportDescribe, hostfunc.ExportAuthSchema} {
		ctx, end := context.WithTimeout(t.Context(), time.Millisecond)
		_, err := sender.Run(ctx, sandbox.Call{Export: export, Input: []byte("{}")})
		end()
		if kind := kindOf(t, err); kind != abi.KindTimeout {
			t.Errorf("%s before it began: %v", export, err)
		}
	}
	cancel()
	close(free)
	group.Wait()
	if err := run(t.Context(), sender, sandbox.Call{Send: vendor}); err != nil {
		t.Errorf("the next call: %v", err)
	}
}
