package sandbox

import (
	"context"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"math/rand/v2"
	"strings"
	"testing"

	w "github.com/agenthost/agenthost/internal/wasmasm"
)

// hoarder is a connector that looks for what earlier calls left. It grows its memory by as
// many pages as its input has bytes, and answers with a code of its own where the memory
// had another size or more than zeros in it. Then it fills all of it. An odd number of pages
// makes it trap, outside its memory or not.
func hoarder(most int) []byte {
	const size = 2
	g := new(w.Module)
	write := g.Import(hostfunc.Module, hostfunc.OutputWrite, "ii:i")
	length := g.Import(hostfunc.Module, hostfunc.ValueLength, "i:i")
	g.Memory(size, most)
	g.Data(16, `{"data":{}}`)
	for _, export := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema} {
		g.Func(export, ":i", "", w.Call(write, w.I32(24), w.I32(2)))
	}
	fails := func(code int) []byte { return w.If(w.I32(code), w.Return) }
	const pages, at, end = 0, 1, 2 // locals
	const shl, rem = 0x74, 0x70    // i32.shl, i32.rem_u
	g.Func(hostfunc.ExportExecute, ":i", "iii",
		w.Call(length, w.I32(1)), w.Set(pages),
		w.Size(), w.I32(size), w.Eq, w.Eqz, fails(7),
		w.Get(pages), w.Grow(), w.I32(size), w.Eq, w.Eqz, fails(8),
		w.Size(), w.Get(pages), w.I32(size), w.Add, w.Eq, w.Eqz, fails(9),
		w.I32(size<<16), w.Set(at),
		w.Get(pages), w.I32(size), w.Add, w.I32(16), shl, w.Set(end),
		w.Block(w.Loop(
			w.Get(at), w.Get(end), w.Eq, w.BrIf(1),
			w.Get(at), w.Load32(0), fails(10),
			w.Get(at), w.I32(64), w.Add, w.Set(at), w.Br(0))),
		// All but the answer.
		w.I32(64), w.I32(0xaa), w.Get(end), w.I32(64), w.Sub, w.Fill(),
		w.Get(pages), w.I32(4), rem, w.I32(1), w.Eq, w.If(w.Unreachable),
		w.Get(pages), w.I32(4), rem, w.I32(3), w.Eq, w.If(w.Get(end), w.Load32(0), w.Drop),
		w.Call(write, w.I32(16), w.I32(11)))
	return g.Bytes()
}

// A memory that a call has grown is put back: the next call finds the size and the zeros
// that a new instance has, and it is the same instance.
// threat: E11
func TestGrownMemoryIsPutBack(t *testing.T) {
	for name, compare := range map[string]bool{"written pages": false, "whole memories": true} {
		t.Run(name, func(t *testing.T) {
			e, err := NewEngine(Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close(context.Background())
			if compare && e.pages != nil {
				e.pages.Close()
				e.pages = nil
			}
			m, err := e.Load(t.Context(), hoarder(-1))
			if err != nil {
				t.Fatal(err)
			}
			fuel := make(map[int]int64)
			grow := func(n int) {
				t.Helper()
				out, err := m.Run(t.Context(), Call{Export: hostfunc.ExportExecute, Input: make([]byte, n)})
				switch {
				case n%4 == 1 && (err == nil || !strings.Contains(err.Error(), "unreachable")),
					n%4 == 3 && (err == nil || !strings.Contains(err.Error(), "out of bounds")),
					n%2 == 0 && err != nil:
					t.Fatalf("%d pages: %v", n, err)
				}
				if out.Memory != int64(2+n)<<16 {
					t.Errorf("%d pages: the memory has %d bytes at the end", n, out.Memory)
				}
				if fuel[n] == 0 {
					fuel[n] = out.Fuel
				}
				if out.Fuel != fuel[n] {
					t.Errorf("%d pages cost %d counts, and %d before", n, out.Fuel, fuel[n])
				}
				settled(m)
			}
			r := rand.New(rand.NewPCG(1, 2))
			for _, n := range []int{0, 1, 2, 3, 4, 64, 200, 63, 1, 0} {
				grow(n)
			}
			for range 60 {
				grow(r.IntN(1 << r.IntN(8)))
			}
			if s := m.Stats(); s.Instances != 1 {
				t.Errorf("%d instances were made", s.Instances)
			}
			grow(maxGrown >> 16)
			grow(0)
			if s := m.Stats(); s.Instances != 1 {
				t.Errorf("%d instances were made", s.Instances)
			}
			grow(maxGrown>>16 + 1) // too much to keep
			grow(0)
			if s := m.Stats(); s.Instances != 2 {
				t.Errorf("%d instances were made after a very large one", s.Instances)
			}
		})
	}
}

// A memory that has its largest size cannot be made smaller, so its instance is not used
// again. A little below that it can.
func TestMemoryOfTheLargestSize(t *testing.T) {
	e, err := NewEngine(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(context.Background())
	m, err := e.Load(t.Context(), hoarder(12))
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct {
		pages     int
		instances int64
	}{{8, 1}, {0, 1}, {10, 1}, {0, 2}, {10, 2}, {10, 3}, {8, 4}, {8, 4}} {
		if _, err := m.Run(t.Context(), Call{Export: hostfunc.ExportExecute, Input: make([]byte, tt.pages)}); err != nil {
			t.Errorf("%d: %v", i, err)
		}
		settled(m)
		if got := m.Stats().Instances; got != tt.instances {
			t.Errorf("%d: %d instances, want %d", i, got, tt.instances)
		}
	}
}
