package sandbox_test

import (
	"context"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/sandbox"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// forever is an endless loop.
func forever(body ...any) []byte { return Loop(Code(body...), Br(0)) }

// A guest that misbehaves on an input, and answers when there is none.
func onInput(g *guest, length int, locals string, code ...any) []byte {
	return g.executes(locals, If0(Call(length, I32(1)), code...))
}

// If0 runs code where a condition is not 0.
func If0(condition []byte, code ...any) []byte { return Code(condition, If(code...)) }

// Every way in which a guest can end badly has its kind, and the module serves the next
// call.
func TestBadEnds(t *testing.T) {
	for _, tt := range []struct {
		name   string
		locals string
		code   func(g *guest) []byte
		limits sandbox.Limits
		kind   abi.Kind
		says   string
	}{
		{name: "endless loop, deadline", code: func(*guest) []byte { return forever() }, kind: abi.KindTimeout, says: "deadline"},
		{name: "endless loop, fuel", code: func(*guest) []byte { return forever() }, limits: sandbox.Limits{Fuel: 1_000_000}, kind: abi.KindLimitExceeded, says: "fuel"},
		{name: "unreachable", code: func(*guest) []byte { return Code(Unreachable) }, kind: abi.KindConnectorFault, says: "unreachable"},
		{name: "division by zero", code: func(*guest) []byte { return Code(I32(1), I32(0), 0x6d, Drop) }, kind: abi.KindConnectorFault, says: "divide by zero"},
		{name: "memory out of bounds", code: func(*guest) []byte { return Code(I32(-1), Load32(0), Drop) }, kind: abi.KindConnectorFault, says: "out of bounds"},
		{name: "code 7", code: func(*guest) []byte { return Code(I32(7), Return) }, kind: abi.KindConnectorFault, says: "code 7"},
		{name: "no output", code: func(*guest) []byte { return Code(I32(0), Return) }, kind: abi.KindConnectorFault, says: "not a JSON object"},
		{name: "fills and copies", code: func(*guest) []byte {
			return forever(I32(0), I32(1), I32(65536), Fill())
		}, limits: sandbox.Limits{Fuel: 10_000_000}, kind: abi.KindLimitExceeded, says: "fuel"},
		{name: "grows for ever", code: func(*guest) []byte {
			// A grow that fails answers -1, which is then returned.
			return Loop(I32(1), Grow(), Tee(0), I32(-1), Eq, If(I32(9), Return), Br(0))
		}, locals: "i", limits: sandbox.Limits{Memory: 8 << 20}, kind: abi.KindConnectorFault, says: "code 9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuest()
			length := g.Import(hostfunc.Module, hostfunc.ValueLength, "i:i")
			m := load(t, onInput(g, length, tt.locals, tt.code(g)))
			for range 2 {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				if tt.kind != abi.KindTimeout {
					ctx, cancel = context.WithCancel(t.Context())
				}
				_, err := m.Run(ctx, sandbox.Call{Export: hostfunc.ExportExecute, Input: []byte("{}"), Limits: tt.limits})
				cancel()
				if kind := kindOf(t, err); kind != tt.kind || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%v, want %s that says %q", err, tt.kind, tt.says)
				}
				out, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute})
				if err != nil || string(out.Data) != "{}" {
					t.Fatalf("the next call: %v", err)
				}
			}
		})
	}
}

// However a call ends, the next one finds its instance as if it had not been, and costs
// the same.
func TestInstancesSurviveBadEnds(t *testing.T) {
	g := newGuest()
	length := g.Import(hostfunc.Module, hostfunc.ValueLength, "i:i")
	exit := g.Import("wasi_snapshot_preview1", "proc_exit", "i:")
	send := g.Import(hostfunc.Module, hostfunc.HTTPSend, "iiii:i")
	alloc := g.Import("extism:host/env", "alloc", "I:I")
	global := g.Global(5)
	deeper := g.Func("", ":", "", Code(0x10, U(5))) // itself
	dirty := Code(I32(200), I32(70_000), I32(60_000), Fill(), I32(6), GlobalSet(global), Call(alloc, I64(100)), Drop)
	ends := [][]byte{
		0: Code(Unreachable),
		1: Code(I32(-1), Load32(0), Drop),
		2: forever(),
		3: Call(exit, I32(3)),
		4: Call(exit, I32(0)),
		5: Call(deeper),
		6: forever(Call(send, I32(0), I32(2), I32(0), I32(0)), Drop),
		7: Code(I32(9), Return),
		8: forever(Call(g.write, I32(0), I32(2)), I32(-1), Eq, If(I32(1), Return)),
	}
	var cases []byte
	for n, end := range ends {
		cases = append(cases, Code(Call(length, I32(1)), I32(n+2), Eq, If(end))...)
	}
	m := load(t, g.executes("",
		I32(200), Load32(0), If(I32(1), Return),
		GlobalGet(global), I32(5), Eq, Eqz, If(I32(2), Return),
		Call(length, I32(1)), If(dirty, cases)))
	var cost int64
	for n := range ends {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := m.Run(ctx, sandbox.Call{
			Export: hostfunc.ExportExecute, Input: []byte(`"` + strings.Repeat("x", n) + `"`),
			Limits: sandbox.Limits{Fuel: 1_000_000, OutputBytes: 100},
			Send: func(ctx context.Context, _ *abi.Request, _ []byte) (*sandbox.Response, error) {
				cancel()
				return nil, ctx.Err()
			},
		})
		cancel()
		if err == nil {
			t.Errorf("end %d is none", n)
		}
		for range 2 {
			out, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute})
			if err != nil {
				t.Fatalf("after end %d: %v", n, err)
			}
			if cost == 0 {
				cost = out.Fuel
			}
			if out.Fuel != cost {
				t.Errorf("after end %d a call costs %d, before it %d", n, out.Fuel, cost)
			}
		}
	}
	// While the one is put back, a call that comes at once may find nothing and make another.
	if s := m.Stats(); s.Instances > 2 {
		t.Errorf("%d instances for one call at a time", s.Instances)
	}
}

// Where the host failed, the instance is not used again.
func TestInstancesDoNotSurviveBugs(t *testing.T) {
	g := newGuest()
	send := g.Import(hostfunc.Module, hostfunc.HTTPSend, "iiii:i")
	m := load(t, g.executes("", Call(send, I32(0), I32(2), I32(0), I32(0)), Drop))
	for n := range 3 {
		_, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Send: func(context.Context, *abi.Request, []byte) (*sandbox.Response, error) {
			panic("a bug")
		}})
		if kindOf(t, err) != abi.KindInternal {
			t.Error(err)
		}
		if s := m.Stats(); s.Instances != int64(n+1) {
			t.Errorf("%d instances after %d bugs", s.Instances, n+1)
		}
	}
}

func TestEndlessRecursion(t *testing.T) {
	g := newGuest()
	length := g.Import(hostfunc.Module, hostfunc.ValueLength, "i:i")
	deeper := g.Func("", ":", "", Code(0x10, U(2))) // the first function after the imports calls itself
	m := load(t, onInput(g, length, "", Call(deeper)))
	_, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: []byte("{}")})
	if kindOf(t, err) != abi.KindConnectorFault || !strings.Contains(err.Error(), "stack overflow") {
		t.Error(err)
	}
	if _, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute}); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

func TestMemoryLimit(t *testing.T) {
	g := newGuest()
	m := load(t, g.executes("", Loop(I32(1), Grow(), I32(-1), Eq, Eqz, BrIf(0))))
	const limit = 4 << 20
	out, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Limits: sandbox.Limits{Memory: limit}})
	if err != nil || out.Memory != limit {
		t.Errorf("a memory of %d bytes, want %d; %v", out.Memory, limit, err)
	}
}

// A guest that exits with 0 has ended well; with anything else it has not.
func TestExit(t *testing.T) {
	g := newGuest()
	exit := g.Import("wasi_snapshot_preview1", "proc_exit", "i:")
	length := g.Import(hostfunc.Module, hostfunc.ValueLength, "i:i")
	m := load(t, g.executes("", Call(g.write, I32(16), I32(len(answer))), Drop, Call(exit, Call(length, I32(1)))))
	for input, want := range map[string]abi.Kind{"": "", "{}": abi.KindConnectorFault, `{"a":1}`: abi.KindConnectorFault} {
		_, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: []byte(input)})
		if kind := kindOf(t, err); kind != want {
			t.Errorf("exit code %d: %v", len(input), err)
		}
		if want != "" && !strings.Contains(err.Error(), "exited with code") {
			t.Errorf("%v does not say how it ended", err)
		}
	}
}

// declares makes a connector whose describe or _initialize runs code.
func declares(export string, code ...any) []byte {
	g := newGuest()
	result := ":i"
	if export == "_initialize" {
		result = ":"
	}
	for _, name := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema} {
		if name != export {
			g.Func(name, ":i", "", Call(g.write, I32(0), I32(2)))
		}
	}
	g.Func(hostfunc.ExportExecute, ":i", "", g.answers(), I32(0))
	tail := Code()
	if result == ":i" {
		tail = I32(0)
	}
	g.Func(export, result, "", Code(code...), tail)
	return g.Bytes()
}

func TestBadEndsOfDescribe(t *testing.T) {
	m := load(t, declares(hostfunc.ExportDescribe, forever()))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := m.Run(ctx, sandbox.Call{Export: hostfunc.ExportDescribe})
	if kindOf(t, err) != abi.KindTimeout {
		t.Error(err)
	}
	if out, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute}); err != nil || string(out.Data) != "{}" {
		t.Errorf("the next call: %v", err)
	}
}

func TestBadEndsOfInitialize(t *testing.T) {
	for _, tt := range []struct {
		name string
		code []byte
		kind abi.Kind
		says string
	}{
		{"endless loop", forever(), abi.KindTimeout, "deadline"},
		{"unreachable", Code(Unreachable), abi.KindConnectorFault, "unreachable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := load(t, declares("_initialize", tt.code))
			for range 2 {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				if tt.kind != abi.KindTimeout {
					ctx, cancel = context.WithCancel(t.Context())
				}
				_, err := m.Run(ctx, sandbox.Call{Export: hostfunc.ExportExecute})
				cancel()
				if kindOf(t, err) != tt.kind || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "_initialize") && tt.kind == abi.KindConnectorFault {
					t.Errorf("%v, want %s", err, tt.kind)
				}
			}
		})
	}
}

// What _initialize does with host functions is gone when a call starts, except for what
// it did to its own memory.
func TestInitializeLeavesNothingOutside(t *testing.T) {
	g := newGuest()
	input := g.Import(hostfunc.Module, hostfunc.Input, ":i")
	length := g.Import(hostfunc.Module, hostfunc.ValueLength, "i:i")
	send := g.Import(hostfunc.Module, hostfunc.HTTPSend, "iiii:i")
	fault := g.Import(hostfunc.Module, hostfunc.Error, ":i")
	setVar := g.Import("extism:host/env", "var_set", "II:")
	alloc := g.Import("extism:host/env", "alloc", "I:I")
	g.Func("_initialize", ":", "I",
		I32(100), Call(length, Call(input)), Store32(0), // the empty input of an initialisation
		I32(104), Call(send, I32(0), I32(2), I32(0), I32(0)), Store32(0), // refused
		Call(g.write, I32(0), I32(2)), Drop,
		Call(alloc, I64(4)), Set(0), Call(setVar, Get(0), Get(0)))
	m := load(t, g.executes("",
		Call(fault), If(I32(1), Return), // no failure yet
		I32(100), Load32(0), If(I32(2), Return),
		I32(104), Load32(0), I32(-1), Eq, Eqz, If(I32(3), Return)))
	sent := false
	_, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Send: func(context.Context, *abi.Request, []byte) (*sandbox.Response, error) {
		sent = true
		return &sandbox.Response{Status: 200}, nil
	}})
	if err != nil || sent {
		t.Errorf("%v, sent %v", err, sent)
	}
}

// A call that is cancelled while a request is under way ends, whatever the guest does
// then.
// threat: E6, E8
func TestCancelDuringSend(t *testing.T) {
	g := newGuest()
	send := g.Import(hostfunc.Module, hostfunc.HTTPSend, "iiii:i")
	m := load(t, g.executes("", forever(Call(send, I32(0), I32(2), I32(0), I32(0)), Drop)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sends := 0
	_, err := m.Run(ctx, sandbox.Call{Export: hostfunc.ExportExecute, Send: func(ctx context.Context, _ *abi.Request, _ []byte) (*sandbox.Response, error) {
		if sends++; sends == 3 {
			cancel()
			return nil, ctx.Err()
		}
		return &sandbox.Response{Status: 200}, nil
	}})
	if kindOf(t, err) != abi.KindCancelled || !strings.Contains(err.Error(), "cancelled") || sends != 3 {
		t.Errorf("%v after %d requests", err, sends)
	}
}

// A start section would run before there is a limit.
// threat: E10
func TestStartSectionIsRefused(t *testing.T) {
	g := newGuest()
	f := g.Func("", ":", "", forever())
	g.Start(f)
	if err := sandbox.Vet(g.executes("")); kindOf(t, err) != abi.KindConnectorFault || !strings.Contains(err.Error(), "start section") {
		t.Error(err)
	}
}

// State that a guest leaves in one call is not there in the next one: memory, globals,
// descriptors.
// threat: E11
func TestEveryCallStartsPristine(t *testing.T) {
	g := newGuest()
	closeFD := g.Import("wasi_snapshot_preview1", "fd_close", "i:i")
	renumber := g.Import("wasi_snapshot_preview1", "fd_renumber", "ii:i")
	stat := g.Import("wasi_snapshot_preview1", "fd_fdstat_get", "ii:i")
	setFlags := g.Import("wasi_snapshot_preview1", "fd_fdstat_set_flags", "ii:i")
	global := g.Global(5)
	m := load(t, g.executes("",
		I32(200), Load32(0), If(I32(1), Return),
		GlobalGet(global), I32(5), Eq, Eqz, If(I32(2), Return),
		Call(stat, I32(2), I32(300)), If(I32(3), Return),
		Call(stat, I32(5), I32(300)), Eqz, If(I32(4), Return),
		I32(302), Load8(0), If(I32(5), Return),
		I32(200), I32(1), Store32(0), I32(6), GlobalSet(global),
		Call(setFlags, I32(2), I32(4)), Drop, Call(renumber, I32(1), I32(5)), Drop, Call(closeFD, I32(2)), Drop))
	for i := range 50 { // instances are put back beside the calls, so that most of these reuse one
		if _, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute}); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
}
