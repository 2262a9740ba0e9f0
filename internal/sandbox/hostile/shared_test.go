package hostile_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// calling makes a module that calls through its table: by the right type, which must
// work, or by another one, which must trap. Types come before, so that the same type has
// another number in each module.
func calling(before int, right bool) []byte {
	g := newGuest()
	for i := range before {
		g.TypeIndex(fmt.Sprintf("%s:i", "iIiIiIiIiIiI"[:i+3]))
	}
	typ, other := g.TypeIndex("iI:I"), g.TypeIndex("Ii:I")
	f := g.Func("", "iI:I", "", Get(1))
	g.Table(1, f)
	if right {
		return g.executes("", fails(1, I32(1), I64(7), I32(0), CallIndirect(typ), I64(7), 0x52)) // i64.ne
	}
	return g.executes("", I64(7), I32(1), I32(0), CallIndirect(other), Drop)
}

// TestSharedCache runs modules whose types are the same under other numbers on two
// engines with one cache of compiled code, compiled by the one and read by the other. One
// of them is closed while the other works.
//
// threat: E2b
func TestSharedCache(t *testing.T) {
	cache := t.TempDir()
	const modules = 4
	for round := range 2 {
		var engines [2]*sandbox.Engine
		var loaded [2][]*sandbox.Module
		for i := range engines {
			engine, err := sandbox.NewEngine(sandbox.Config{Cache: cache})
			if err != nil {
				t.Fatal(err)
			}
			engines[i] = engine
			for n := range modules {
				// The second engine meets them in another order.
				before := []int{n, modules - 1 - n}[i]
				m, err := engine.Load(t.Context(), calling(before, before%2 == 0))
				if err != nil {
					t.Fatal(err)
				}
				loaded[i] = append(loaded[i], m)
			}
		}
		check := func(i, n int) {
			before := []int{n, modules - 1 - n}[i]
			_, err := loaded[i][n].Run(context.WithoutCancel(t.Context()), sandbox.Call{Export: hostfunc.ExportExecute})
			if right := before%2 == 0; right != (err == nil) || !right && kindOf(t, err) != abi.KindConnectorFault {
				t.Errorf("round %d, engine %d, %d types before: %v", round, i, before, err)
			}
		}
		for n := range modules {
			check(0, n)
			check(1, n)
		}
		var running sync.WaitGroup
		running.Go(func() {
			for range 20 {
				for n := range modules {
					check(1, n)
				}
			}
		})
		if err := engines[0].Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		running.Wait()
		for n := range modules {
			check(1, n)
		}
		if err := engines[1].Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}
}
