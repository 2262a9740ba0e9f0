package sandbox_test

import (
	"context"
	"fmt"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/sandbox"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Loading into a closed engine used to wait for itself.
func TestLoadAfterClose(t *testing.T) {
	e, err := sandbox.NewEngine(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := e.Load(t.Context(), newGuest().executes(""))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Load(t.Context(), newGuest().executes("")); kindOf(t, err) != abi.KindInternal {
		t.Errorf("Load: %v", err)
	}
	if _, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute}); kindOf(t, err) != abi.KindInternal {
		t.Errorf("Run: %v", err)
	}
	if err := e.Close(t.Context()); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

// The sweep of idle instances and Close do not get in each other's way.
func TestCloseDuringSweep(t *testing.T) {
	for range 20 {
		e, err := sandbox.NewEngine(sandbox.Config{IdleTimeout: time.Nanosecond})
		if err != nil {
			t.Fatal(err)
		}
		m, err := e.Load(t.Context(), newGuest().executes(""))
		if err != nil {
			t.Fatal(err)
		}
		var calls sync.WaitGroup
		for range 4 {
			calls.Go(func() {
				if _, err := m.Run(context.Background(), sandbox.Call{Export: hostfunc.ExportExecute}); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		if err := e.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// A module that is being closed when its engine is closed as well used to lose what its
// instances are put back with.
func TestEngineWaitsForModuleThatCloses(t *testing.T) {
	e, err := sandbox.NewEngine(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	g := newGuest()
	send := g.Import(hostfunc.Module, hostfunc.HTTPSend, "iiii:i")
	m, err := e.Load(t.Context(), g.executes("", Call(send, I32(0), I32(2), I32(0), I32(0)), Drop))
	if err != nil {
		t.Fatal(err)
	}
	running, answer := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_, err := m.Run(context.Background(), sandbox.Call{Export: hostfunc.ExportExecute, Send: func(context.Context, *abi.Request, []byte) (*sandbox.Response, error) {
			close(running)
			<-answer
			return &sandbox.Response{Status: 200, Body: []byte("{}")}, nil
		}})
		if err != nil {
			t.Error(err)
		}
	})
	<-running
	all.Go(func() {
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for kind := abi.Kind(""); kind != abi.KindInternal; { // until it takes no call any more
		_, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportDescribe})
		kind = kindOf(t, err)
	}
	closed := make(chan struct{})
	all.Go(func() {
		defer close(closed)
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-closed:
		t.Error("the engine is closed, and a call runs")
	case <-time.After(50 * time.Millisecond):
	}
	close(answer)
	all.Wait()
}

// Calls of one module at the same time, good and bad ones, do not touch each other.
func TestConcurrentCalls(t *testing.T) {
	g := newGuest()
	length := g.Import(hostfunc.Module, hostfunc.ValueLength, "i:i")
	send := g.Import(hostfunc.Module, hostfunc.HTTPSend, "iiii:i")
	splice := g.Import(hostfunc.Module, hostfunc.OutputPart, "i:i")
	m := load(t, g.executes("",
		Call(length, I32(1)), I32(4), Eq, If(Unreachable),
		Call(length, I32(1)), I32(5), Eq, If(forever()),
		I32(300), Load32(0), If(I32(9), Return), // nobody else's memory
		I32(300), I32(1), Store32(0),
		Call(g.write, I32(16), I32(8)), Drop,
		Call(splice, Call(send, I32(0), I32(2), I32(0), I32(0))), Drop,
		Call(g.write, I32(26), I32(1)), Drop, I32(0), Return))
	var calls sync.WaitGroup
	for i := range 8 {
		calls.Go(func() {
			for n := range 20 {
				body := fmt.Sprintf(`"%d of %d"`, n, i)
				input, kind, want := "{}", abi.Kind(""), body
				switch (i + n) % 8 {
				case 3:
					input, kind, want = "null", abi.KindConnectorFault, ""
				case 6:
					input, kind, want = "false", abi.KindLimitExceeded, ""
				}
				out, err := m.Run(context.Background(), sandbox.Call{
					Export: hostfunc.ExportExecute, Input: []byte(input), Limits: sandbox.Limits{Fuel: 1_000_000},
					Send: func(context.Context, *abi.Request, []byte) (*sandbox.Response, error) {
						return &sandbox.Response{Status: 200, Body: []byte(body)}, nil
					},
				})
				if kindOf(t, err) != kind || err == nil && string(out.Data) != want {
					t.Errorf("%d of %d: %+v, %v", n, i, out, err)
				}
			}
		})
	}
	calls.Wait()
}

// A panic of the host's own is no fault of the connector.
func TestHostPanicIsTheHosts(t *testing.T) {
	g := newGuest()
	send := g.Import(hostfunc.Module, hostfunc.HTTPSend, "iiii:i")
	m := load(t, g.executes("", Call(send, I32(0), I32(2), I32(0), I32(0)), Drop))
	for _, value := range []any{"a plain panic", fmt.Errorf("an error")} {
		_, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Send: func(context.Context, *abi.Request, []byte) (*sandbox.Response, error) { panic(value) }})
		if kindOf(t, err) != abi.KindInternal || strings.Contains(err.Error(), fmt.Sprint(value)) {
			t.Errorf("%v", err)
		}
		if _, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Send: vendor}); err != nil {
			t.Errorf("the next call: %v", err)
		}
	}
}

// Modules that parse but cannot be instantiated.
func TestInstantiationFails(t *testing.T) {
	for name, spoil := range map[string]func(g *guest){
		"data outside memory": func(g *guest) { g.Data(memory-1, "ab") },
	} {
		g := newGuest()
		spoil(g)
		m, err := newEngine(t, sandbox.Config{}).Load(t.Context(), g.executes(""))
		for range 2 {
			if err == nil {
				_, err = m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute})
			}
			if kindOf(t, err) != abi.KindConnectorFault {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// A module needs no memory; then every range of bytes is outside of it.
func TestNoMemory(t *testing.T) {
	var g Module
	write := g.Import(hostfunc.Module, hostfunc.OutputWrite, "ii:i")
	for _, export := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema, hostfunc.ExportExecute} {
		g.Func(export, ":i", "", Call(write, I32(0), I32(1)), I32(-1), Eq)
	}
	m := load(t, g.Bytes())
	for range 3 {
		if _, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute}); kindOf(t, err) != abi.KindConnectorFault || !strings.Contains(err.Error(), "code 1") {
			t.Error(err)
		}
	}
}

// The names that imports are led to are not names that a guest can use.
func TestOwnImportsAreRefused(t *testing.T) {
	for _, module := range []string{"agenthost:extism", "agenthost:wasi"} {
		for _, name := range []string{"alloc", "fd_close", "checkpoint"} {
			g := newGuest()
			g.Import(module, name, "I:I")
			if err := sandbox.Vet(g.executes("")); kindOf(t, err) != abi.KindConnectorFault || !strings.Contains(err.Error(), "unknown function") {
				t.Errorf("%s.%s: %v", module, name, err)
			}
		}
	}
}
