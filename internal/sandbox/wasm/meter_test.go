package wasm_test

import (
	"context"
	"errors"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/tetratelabs/wazero"
)

// endless holds functions that never return, or not in a lifetime.
func endless() map[string]module {
	f := func(funcs ...function) module {
		return module{imports: []imported{hostFunction}, funcs: funcs, memories: [][]byte{{0, 32}}, tables: [][]byte{{0x70, 0, 4}},
			elements: [][]byte{code(0, i32(0), end, 3, 0, 1, 2)}}
	}
	run := func(body ...any) function {
		return function{typ: nothing, export: "run", code: code(body...), locals: []wasm.ValType{wasm.I32, wasm.I32}}
	}
	idle := function{typ: nothing}
	big := i32(30 << 16)
	pair := wasm.Func([]wasm.ValType{wasm.I32, wasm.I64}, wasm.I32, wasm.I64)
	params := f(run(i32(1), i64(2), 0x03, 2, br(0), end, drop, drop), idle)
	params.types = []wasm.FuncType{nothing, i32i32, pair}
	tree := f(run(i32(60), call(2)), function{typ: wasm.Func([]wasm.ValType{wasm.I32}), code: code(
		get(0), when(get(0), i32(1), sub, call(2), get(0), i32(1), sub, call(2)))})
	return map[string]module{
		"loop":                     f(run(loop(br(0))), idle),
		"loop with br_if":          f(run(loop(i32(1), brIf(0))), idle),
		"loop with br_table":       f(run(loop(i32(3), brTable(0, 0, 0))), idle),
		"loop with parameters":     params,
		"outer loop":               f(run(loop(loop(br(1)))), idle),
		"loop after a loop":        f(run(loop(loop(get(0), brIf(0)), br(0))), idle),
		"loop through an if":       f(run(loop(i32(1), 0x04, 0x40, br(1), 0x05, br(1), end)), idle),
		"loop at the end of if":    f(run(loop(block(get(0), brIf(0), block(get(0), brIf(0), br(2))))), idle),
		"loop far into a function": f(run(repeat(500, get(0), i32(1), add, set(0)), loop(br(0))), idle),
		"loop in a callee":         f(run(call(2)), function{typ: nothing, code: code(loop(br(0)))}),
		"loop around a callee":     f(run(loop(call(2), br(0))), idle),
		"recursion":                f(run(loop(call(2), br(0))), function{typ: nothing, code: block()}),
		"call tree":                tree,
		"calls without loops":      chain(40),
		"host calls":               f(run(repeat(3000, i32(0), call(0), drop)), idle),
		"host calls by reference":  f(run(repeat(3000, i32(0), i32(0), 0x11, 1, 0, drop)), idle),
		"memory.fill":              f(run(repeat(900, i32(0), i32(1), big, misc(11, 0))), idle),
		"memory.copy":              f(run(repeat(900, i32(0), i32(8), big, misc(10, 0, 0))), idle),
		"memory.grow":              f(run(repeat(900, i32(30), 0x40, 0, drop)), idle),
	}
}

// chain is a call tree without a loop and without recursion: each function calls
// the one before it twice.
func chain(n int) module {
	m := module{imports: []imported{hostFunction}, funcs: []function{{typ: nothing}}}
	for i := range n {
		m.funcs = append(m.funcs, function{typ: nothing, code: code(call(i+1), call(i+1))})
	}
	m.funcs[n].export = "run"
	return m
}

// TestEndlessCodeReachesTheCheckpoint runs every shape of endless code out of
// fuel, on both engines, at the same count.
func TestEndlessCodeReachesTheCheckpoint(t *testing.T) {
	ctx := context.Background()
	b := boxes(t)
	for name, m := range endless() {
		t.Run(name, func(t *testing.T) {
			data := m.bytes()
			if name == "host calls by reference" || name == "loop with parameters" {
				data = withTypes(m)
			}
			rewritten, _ := rewrite(t, data, wasm.Options{Meter: true, Snapshot: true})
			used := map[string]int64{}
			for engine, s := range b {
				s.fuel = &fuel{grant: 500, budget: 50000}
				mod, err := s.runtime.InstantiateWithConfig(ctx, rewritten, wazero.NewModuleConfig().WithName(""))
				if err != nil {
					t.Fatal(err)
				}
				_, err = mod.ExportedFunction("run").Call(ctx)
				if !errors.Is(err, errFuel) {
					t.Errorf("%s: ended with %v, want out of fuel", engine, err)
				}
				if over := s.fuel.used - 50000; over > 200000 {
					t.Errorf("%s: %d units beyond the budget", engine, over)
				}
				used[engine] = s.fuel.used
				mod.Close(ctx)
			}
			if used["compiler"] != used["interpreter"] {
				t.Errorf("stopped at different counts: %v", used)
			}
		})
	}
}

// withTypes puts the types that raw code in endless refers to first.
func withTypes(m module) []byte {
	if m.types == nil {
		m.types = []wasm.FuncType{nothing, i32i32}
	}
	return m.bytes()
}

// TestFuelIsIndependentOfAllotments stops a module at the same place whatever
// the distance between checkpoints.
func TestFuelIsIndependentOfAllotments(t *testing.T) {
	ctx := context.Background()
	s := newSandbox(t, wazero.NewRuntimeConfigInterpreter())
	rewritten, _ := rewrite(t, endless()["call tree"].bytes(), wasm.Options{Meter: true})
	var used []int64
	for _, grant := range []int32{1, 7, 1000, 1 << 30} {
		s.fuel = &fuel{grant: grant, budget: 54321}
		mod, err := s.runtime.InstantiateWithConfig(ctx, rewritten, wazero.NewModuleConfig().WithName(""))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mod.ExportedFunction("run").Call(ctx); !errors.Is(err, errFuel) {
			t.Fatalf("ended with %v, want out of fuel", err)
		}
		used = append(used, s.fuel.used)
		mod.Close(ctx)
	}
	for _, n := range used {
		if n != used[0] || n <= 54321 {
			t.Fatalf("stopped at %d", used)
		}
	}
}

// TestHostCallsAreBoundedBetweenCheckpoints has a straight run of host calls ask
// for fuel in between.
func TestHostCallsAreBoundedBetweenCheckpoints(t *testing.T) {
	ctx := context.Background()
	s := newSandbox(t, wazero.NewRuntimeConfigInterpreter())
	m := endless()["host calls"]
	rewritten, _ := rewrite(t, m.bytes(), wasm.Options{Meter: true})
	s.fuel = &fuel{grant: 320, budget: 3200}
	mod, err := s.runtime.InstantiateWithConfig(ctx, rewritten, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mod.ExportedFunction("run").Call(ctx); !errors.Is(err, errFuel) {
		t.Fatalf("ended with %v, want out of fuel", err)
	}
	if n := len(s.host); n == 0 || n > 110 {
		t.Errorf("%d host calls on fuel for 100", n)
	}
}
