package sandbox_test

import (
	"context"
	"errors"
	"testing"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// warming makes a module whose auth_schema runs code before it answers, and whose
// execute writes a digit of its memory: what auth_schema left at 64.
func warming(code ...any) []byte {
	g := newGuest()
	g.Func(hostfunc.ExportDescribe, ":i", "", Call(g.write, I32(0), I32(2)))
	g.Func(hostfunc.ExportAuthSchema, ":i", "i", Code(code...), Call(g.write, I32(0), I32(2)))
	g.Data(32, `{"data":{"n":`)
	g.Data(48, `}}`)
	g.Data(64, "0")
	g.Func(hostfunc.ExportExecute, ":i", "",
		Call(g.write, I32(32), I32(13)), Drop, Call(g.write, I32(64), I32(1)), Drop,
		I32(64), I32('9'), Store8(0), // what a call leaves is gone
		Call(g.write, I32(48), I32(2)))
	return g.Bytes()
}

func increment(at int) []byte { return Code(I32(at), I32(at), Load8(0), I32(1), Add, Store8(0)) }

// Every call starts from the state after auth_schema has run twice, in every instance.
func TestCallsStartFromATrainedState(t *testing.T) {
	m := load(t, warming(increment(64)))
	check := func(call sandbox.Call) {
		call.Export = hostfunc.ExportExecute
		out, err := m.Run(t.Context(), call)
		if err != nil || string(out.Data) != `{"n":2}` {
			t.Errorf("%+v, %v", out, err)
		}
	}
	for range 3 {
		check(sandbox.Call{})
	}
	within := false
	check(sandbox.Call{Trace: func(sandbox.HostCall) { // while one instance is busy
		if !within {
			within = true
			check(sandbox.Call{})
		}
	}})
	// And perhaps one that was made while another was put back.
	if s := m.Stats(); s.Instances < 2 || s.Instances > 3 {
		t.Errorf("%d instances", s.Instances)
	}
}

// A module whose auth_schema does not end well is used as it was initialised, and costs
// no more than one attempt.
func TestTrainingFails(t *testing.T) {
	for name, code := range map[string][]byte{
		"endless":      Code(increment(64), forever()),
		"trap":         Code(increment(64), Unreachable),
		"code":         Code(increment(64), I32(1), Return),
		"large memory": Code(increment(64), I32(100), Grow(), I32(0), LtS, If(Unreachable)),
	} {
		t.Run(name, func(t *testing.T) {
			m := load(t, warming(code))
			for call := range 3 {
				out, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute})
				if err != nil || string(out.Data) != `{"n":0}` || out.Memory != 2<<16 {
					t.Fatalf("call %d: %+v, %v", call, out, err)
				}
			}
			if s := m.Stats(); s.Instances > 2 { // as above
				t.Errorf("%d instances", s.Instances)
			}
		})
	}
}

// failing is a context that ends when it has been asked for its error often enough.
type failing struct {
	context.Context
	left int
}

func (f *failing) Err() error {
	if f.left--; f.left < 0 {
		return context.Canceled
	}
	return nil
}

// A caller who leaves while an instance is trained spoils nothing for others.
func TestTrainingIsCancelled(t *testing.T) {
	module := warming(increment(64), Call(0, I32(0), I32(0)), Drop, Call(0, I32(0), I32(0)), Drop)
	for patience := range 40 {
		m := load(t, module)
		_, err := m.Run(&failing{t.Context(), patience}, sandbox.Call{Export: hostfunc.ExportExecute})
		if kind := kindOf(t, err); err != nil && kind != abi.KindCancelled {
			t.Fatalf("after %d: %v", patience, err)
		}
		out, after := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute})
		if after != nil || string(out.Data) != `{"n":2}` {
			t.Fatalf("after %d (%v): %+v, %v", patience, errors.Unwrap(err), out, after)
		}
		if err == nil {
			return
		}
	}
	t.Error("the call never ended")
}
