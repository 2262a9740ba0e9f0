package hostile_test

import (
	"context"
	"errors"
	"fmt"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/sandbox"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// attack is an entry of the corpus.
type attack struct {
	name string
	// build makes the module. The guest is new.
	build func(g *guest) []byte
	// export that is run; empty means execute.
	export string
	input  string
	limits sandbox.Limits
	send   sandbox.Send

	// refused is what loading the module says. The fields below do not count then.
	refused string
	// kind of the error, and words of it. No kind means that the call is served, as a
	// good module's is: the attack has no effect.
	kind abi.Kind
	says string
	// times is how often the attack runs; 0 means twice.
	times int
	// poisoned says that no export of the module can be served, because it attacks
	// before any of them runs.
	poisoned bool
}

const (
	// deadline is what an attack that must be stopped by its deadline gets.
	deadline = 30 * time.Millisecond
	// patience is how long a call may take before the test gives up on it. It is no
	// measure of how fast a call is stopped: machines that run tests are busy.
	patience = 30 * time.Second
)

// corpus is every table.
func corpus() map[string][]attack {
	return map[string][]attack{
		"loops": loops(), "starts": starts(), "refused": refusedModules(), "bombs": bombs(), "growth": growth(), "pointers": pointers(),
		"floods": floods(), "traps": traps(), "exits": exits(), "outputs": outputs(), "state": state(), "last bytes": lastBytes(),
	}
}

// leastAttacks is how many modules the corpus has at least.
const leastAttacks = 40

// TestCorpus runs every attack beside a well-behaved module.
// threat: E8
func TestCorpus(t *testing.T) {
	tables := corpus()
	count, names := 0, make(map[string]bool)
	for table, attacks := range tables {
		for _, a := range attacks {
			if names[a.name] {
				t.Errorf("%s: two attacks are called %q", table, a.name)
			}
			names[a.name] = true
			count++
		}
	}
	t.Logf("%d attacks", count)
	if count < leastAttacks {
		t.Errorf("%d attacks, want %d", count, leastAttacks)
	}
	before, mappedBefore := heap(), mapped(t)
	engine, err := sandbox.NewEngine(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	served := beside(t, engine)
	t.Run("attacks", func(t *testing.T) {
		for table, attacks := range tables {
			t.Run(table, func(t *testing.T) {
				t.Parallel()
				for _, a := range attacks {
					t.Run(a.name, func(t *testing.T) { a.run(t, engine) })
				}
			})
		}
	})
	t.Logf("%d MB are mapped while instances wait", mapped(t)>>20)
	if n := served(); n == 0 {
		t.Error("no call was served beside the attacks")
	} else {
		t.Logf("%d calls were served beside them", n)
	}
	if err := engine.Close(context.Background()); err != nil {
		t.Error(err)
	}
	// Everything that an instance holds is given back: what is left is noise, and
	// much less than one instance of those that take all that they can get.
	const most = 32 << 20
	if after := heap(); after > before+most {
		t.Errorf("%d MB of memory are in use, %d MB before", after>>20, before>>20)
	}
	// An instance reserves the addresses of all the memory that it may grow to, outside
	// of Go's heap. A few of them kept are more than this, and there were hundreds.
	const mostMapped = 2 << 30
	if after := mapped(t); !underRace && after > mappedBefore+mostMapped { // the detector maps memory of its own
		t.Errorf("%d MB are mapped, %d MB before", after>>20, mappedBefore>>20)
	}
}

// beside serves calls until it is told to stop, and checks what they answer. What it
// returns stops it, and tells how many there were.
func beside(t *testing.T, engine *sandbox.Engine) (stop func() int64) {
	g := newGuest()
	g.Data(1024, `,"meta":`)
	part, send := g.host(hostfunc.OutputPart, "i:i"), g.host(hostfunc.HTTPSend, "iiii:i")
	global := g.Global(7)
	// It would notice another call's memory, globals, input and answers.
	m, err := engine.Load(t.Context(), g.executes("",
		fails(1, I32(512), Load32(0)), I32(512), I32(1), Store32(0),
		fails(2, GlobalGet(global), I32(7), ne), I32(8), GlobalSet(global),
		Call(g.write, I32(16), I32(8)), Drop, Call(part, I32(1)), Drop,
		Call(g.write, I32(1024), I32(8)), Drop, Call(part, Call(send, I32(0), I32(2), I32(0), I32(0))), Drop,
		Call(g.write, I32(1), I32(1)), Drop, I32(0), Return))
	if err != nil {
		t.Fatal(err)
	}
	var served atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			input, body := strings.Repeat("1", n%50+1), strings.Repeat("2", n%70+1)
			out, err := m.Run(context.Background(), sandbox.Call{
				Export: hostfunc.ExportExecute, Input: []byte(input),
				Send: func(context.Context, *abi.Request, []byte) (*sandbox.Response, error) {
					return &sandbox.Response{Status: 200, Body: []byte(`{"n":` + body + `}`)}, nil
				},
			})
			if err != nil || string(out.Data) != input || string(out.Meta) != `{"n":`+body+`}` {
				t.Errorf("the call beside: %+v, %v", out, err)
				return
			}
			served.Add(1)
			time.Sleep(time.Millisecond) // leave the machine to the attacks
		}
	})
	return func() int64 {
		cancel()
		running.Wait()
		return served.Load()
	}
}

// mapped is the size of the process's address space, 0 where the system does not say.
func mapped(t *testing.T) uint64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var pages uint64
	if _, err := fmt.Sscan(string(text), &pages); err != nil {
		t.Fatal(err)
	}
	return pages * uint64(os.Getpagesize())
}

// heap is the size of Go's heap.
func heap() uint64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

func (a attack) run(t *testing.T, engine *sandbox.Engine) {
	module := a.build(newGuest())
	m, err := engine.Load(t.Context(), module)
	if a.refused != "" {
		if err == nil {
			_ = m.Close(context.Background())
		}
		if kindOf(t, err) != abi.KindConnectorFault || !strings.Contains(err.Error(), a.refused) {
			t.Errorf("loaded with %v, want a refusal that says %q", err, a.refused)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	export := a.export
	if export == "" {
		export = hostfunc.ExportExecute
	}
	for range max(a.times, 2) {
		ctx, cancel := context.WithCancel(t.Context())
		if a.kind == abi.KindTimeout {
			cancel()
			ctx, cancel = context.WithTimeout(t.Context(), deadline)
		}
		out, err := within(t, func() (*sandbox.Outcome, error) {
			return m.Run(ctx, sandbox.Call{Export: export, Input: []byte(a.input), Limits: a.limits, Send: a.send})
		})
		cancel()
		if kindOf(t, err) != a.kind || err != nil && !strings.Contains(err.Error(), a.says) {
			t.Errorf("%+v, %v; want %q that says %q", out, err, a.kind, a.says)
		}
	}
	if a.poisoned {
		return
	}
	// The module itself goes on: what an attack did to its instance is over.
	for _, other := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema, hostfunc.ExportExecute} {
		if other == export {
			continue
		}
		if _, err := within(t, func() (*sandbox.Outcome, error) { return m.Run(t.Context(), sandbox.Call{Export: other}) }); err != nil {
			t.Errorf("%s after the attack: %v", other, err)
		}
	}
}

// within waits for a call, and ends the test run where it does not return.
func within(t *testing.T, call func() (*sandbox.Outcome, error)) (*sandbox.Outcome, error) {
	t.Helper()
	type result struct {
		out *sandbox.Outcome
		err error
	}
	done := make(chan result, 1)
	go func() {
		out, err := call()
		done <- result{out, err}
	}()
	select {
	case r := <-done:
		return r.out, r.err
	case <-time.After(patience):
		t.Fatalf("the call has not returned after %v", patience)
		return nil, nil
	}
}

// kindOf returns the kind of an error of the sandbox, "" for none.
func kindOf(t testing.TB, err error) abi.Kind {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *abi.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *abi.Error", err)
	}
	if e.Message == "" || len(e.Message) > 4096 {
		t.Errorf("an error of kind %s with a message of %d bytes", e.Kind, len(e.Message))
	}
	return e.Kind
}
