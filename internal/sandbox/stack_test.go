package sandbox

import (
	"context"
	"errors"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"strings"
	"testing"

	w "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// diver is a connector that goes as deep as its input has bytes, 16 times over, in a
// function with small frames or, where the length is odd, in one with large ones. With an
// input of 3 bytes it goes on until the stack is full. Each frame first looks whether a
// local of it has anything but 0, and traps then; later it fills all of them.
func diver() []byte {
	const wide = 120 // locals of the function with large frames
	g := new(w.Module)
	write := g.Import(hostfunc.Module, hostfunc.OutputWrite, "ii:i")
	length := g.Import(hostfunc.Module, hostfunc.ValueLength, "i:i")
	g.Memory(1, -1)
	g.Data(16, `{"data":{}}`)
	dive := func(index, locals int) {
		var look, fill, use []byte
		for i := 1; i <= locals; i++ {
			look = w.Code(look, w.Get(i), w.If(w.Unreachable))
			fill = w.Code(fill, w.I32(0), w.Load32(64+4*i), w.I32(i), w.Add, w.Set(i))
			use = w.Code(use, w.I32(0), w.Get(i), w.Store32(1024))
		}
		got := g.Func("", "i:", strings.Repeat("i", locals), look, fill,
			w.Get(0), w.If(w.Get(0), w.I32(1), w.Sub, w.Call(index)), use)
		if got != index {
			panic("another index")
		}
	}
	dive(2, 2)
	dive(3, wide)
	for _, export := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema} {
		g.Func(export, ":i", "", w.Call(write, w.I32(24), w.I32(2)))
	}
	const shl, rem = 0x74, 0x70 // i32.shl, i32.rem_u
	g.Func(hostfunc.ExportExecute, ":i", "i",
		w.Call(length, w.I32(1)), w.Set(0),
		w.Get(0), w.I32(3), w.Eq, w.If(w.I32(-1), w.Call(2)),
		w.Get(0), w.I32(2), rem, w.If(w.Get(0), w.I32(4), shl, w.Call(3)),
		w.Get(0), w.I32(4), shl, w.Call(2),
		w.Call(write, w.I32(16), w.I32(11)))
	return g.Bytes()
}

// How deep a call can go, and what it finds in its locals, does not depend on the calls
// before it. The function that calls run through is looked up again only where its stack
// has grown.
// threat: E11
func TestStackIsPristine(t *testing.T) {
	e, err := NewEngine(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(context.Background())
	m, err := e.Load(t.Context(), diver())
	if err != nil {
		t.Fatal(err)
	}
	in, err := m.newInstance(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	if in.stack <= 0 {
		t.Fatal("the size of a function's stack cannot be told; each call would look its function up")
	}
	fuel := make(map[int]int64)
	for i, tt := range []struct {
		length int
		kept   bool
	}{
		{0, true}, {2, true}, {3, false}, {4, true}, {700, false}, {0, true}, {71, false}, {3, false},
		{2, true}, {1001, false}, {3, false}, {700, false}, {71, false},
	} {
		before := in.execute
		out, err := in.run(t.Context(), &Call{Export: hostfunc.ExportExecute, Input: make([]byte, tt.length)})
		if overflows := tt.length == 3; overflows != (err != nil && strings.Contains(err.Error(), "stack overflow")) || !overflows && err != nil {
			t.Fatalf("call %d, %d bytes: %v", i, tt.length, err)
		}
		if fuel[tt.length] == 0 {
			fuel[tt.length] = out.Fuel
		}
		if out.Fuel != fuel[tt.length] {
			t.Errorf("call %d, %d bytes: %d counts, want %d as before", i, tt.length, out.Fuel, fuel[tt.length])
		}
		if !in.restore(t.Context()) {
			t.Fatal("cannot be put back")
		}
		if kept := in.execute == before; kept != tt.kept {
			t.Errorf("call %d, %d bytes: the function is the same: %t", i, tt.length, kept)
		}
		if got := stackOf(in.execute); got != in.stack || got > 20<<10 {
			t.Errorf("call %d, %d bytes: a stack of %d bytes waits for the next call", i, tt.length, got)
		}
	}
}

// A call that fails leaves nothing either.
func TestFunctionOfAFailedCall(t *testing.T) {
	m := pylonModule(t)
	in, err := m.newInstance(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	before := in.execute
	call := get()
	call.Limits.Fuel = 10_000
	if _, err := in.run(t.Context(), &call); err == nil {
		t.Fatal("the call did not fail")
	}
	if !in.restore(t.Context()) || in.execute == before {
		t.Error("the function of a failed call is used again")
	}
	before = in.execute
	if out, err := in.run(t.Context(), new(get())); err != nil || out.Err != nil || !in.restore(t.Context()) || in.execute != before {
		t.Errorf("%v, %v, or the function of a good call is not used again", out, err)
	}
}

// A guest that calls itself without end took 192 MB, whatever its memory may be.
// threat: R5
func TestStackIsBounded(t *testing.T) {
	t.Parallel()
	e, err := NewEngine(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(context.Background())
	// wide keeps many values on its operand stack while it calls itself, but only in a
	// branch that is not taken: its frame has room for them all the same.
	wide := func(call []byte) []byte {
		var push, use []byte
		for i := range 3000 {
			push = w.Code(push, w.I32(i), w.Load32(64))
			if i > 0 {
				use = w.Code(use, w.Add)
			}
		}
		return w.Code(w.Get(0), w.If(w.I32(128), push, call, use, w.Store32(0)), call)
	}
	for name, body := range map[string]func(call []byte) []byte{
		"narrow": func(call []byte) []byte { return call },
		"wide":   wide,
	} {
		t.Run(name, func(t *testing.T) {
			g := new(w.Module)
			g.Memory(1, -1)
			g.Func("", "i:", "", body(w.Code(w.I32(0), w.Call(0))))
			for _, export := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema, hostfunc.ExportExecute} {
				g.Func(export, ":i", "", w.I32(0), w.Call(0), w.I32(0))
			}
			m, err := e.Load(t.Context(), g.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			in, err := m.newInstance(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer in.close()
			r := newRunning(t.Context(), &Call{Export: hostfunc.ExportExecute, Limits: Limits{Memory: 4 << 20}}, in.guest)
			err = in.call(r, hostfunc.ExportExecute)
			var public *abi.Error
			if !errors.As(err, &public) || public.Kind != abi.KindLimitExceeded || public.Field != "limits.memory" {
				t.Errorf("%v", err)
			}
			if deep := stackOf(r.function); deep > 24<<20 {
				t.Errorf("the stack has %d bytes", deep)
			}
		})
	}
}
