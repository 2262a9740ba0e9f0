package wasm_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// TestRestorePutsGlobalsBack changes a global of each type, restores, and finds
// what was there when it was saved.
func TestRestorePutsGlobalsBack(t *testing.T) {
	ctx := context.Background()
	m := module{
		tables:   [][]byte{{0x70, 0, 1}},
		elements: [][]byte{code(0, i32(0), end, 1, 0)},
		globals: [][]byte{
			code(0x7f, 1, i32(1), end), code(0x7e, 1, i64(2), end), code(0x7d, 1, f32(3), end), code(0x7c, 1, f64(4), end),
			code(0x7b, 1, v128(5, 6), end), code(0x70, 1, 0xd0, 0x70, end), code(0x6f, 1, 0xd0, 0x6f, end), code(0x7f, 0, i32(9), end),
		},
		exports: []exported{{"g0", 3, 0}, {"g1", 3, 1}, {"g2", 3, 2}, {"g3", 3, 3}},
		funcs: []function{
			{typ: nothing, export: "change", code: code(globalGet(0), i32(1), add, globalSet(0), globalGet(1), i64(1), 0x7c, globalSet(1),
				globalGet(2), f32(1), 0x92, globalSet(2), globalGet(3), f64(1), 0xa0, globalSet(3), v128(7, 8), globalSet(4), 0xd2, 0, globalSet(5))},
			{typ: toI32, export: "vector", code: code(globalGet(4), simd(0x1b, 0))},
			{typ: toI32, export: "null", code: code(globalGet(5), 0xd1)},
		},
	}
	rewritten, info := rewrite(t, m.bytes(), wasm.Options{Meter: true, Snapshot: true})
	if !info.Snapshot || info.Globals != 7 || info.Kept != 0 {
		t.Fatalf("info is %+v, want a snapshot of 7 globals, of which none is exported", info)
	}
	for name, config := range engines {
		s := newSandbox(t, config())
		s.fuel = &fuel{grant: 1000}
		mod, err := s.runtime.InstantiateWithConfig(ctx, rewritten, wazero.NewModuleConfig())
		if err != nil {
			t.Fatal(err)
		}
		call := func(name string) []uint64 {
			out, err := mod.ExportedFunction(name).Call(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		state := func() string {
			var b strings.Builder
			for i := range 4 {
				fmt.Fprintf(&b, "%x ", mod.ExportedGlobal(fmt.Sprint("g", i)).Get())
			}
			fmt.Fprint(&b, call("vector"), call("null"))
			return b.String()
		}
		call("change")
		call(wasm.SaveExport)
		saved := state()
		call(wasm.RestoreExport)
		if now := state(); now != saved {
			t.Errorf("%s: state is %s, saved was %s", name, now, saved)
		}
		call("change")
		if state() == saved {
			t.Fatalf("%s: the change changed nothing", name)
		}
		call(wasm.RestoreExport)
		if now := state(); now != saved {
			t.Errorf("%s: state is %s, saved was %s", name, now, saved)
		}
		call(wasm.RestoreExport)
		if left := call(wasm.FuelExport)[0]; left != 0 {
			t.Errorf("%s: the count is %d after restoring, want 0", name, left)
		}
	}
}

// TestKeptValuesMove gives one instance the state of another: what is kept there is set
// here, and put back.
func TestKeptValuesMove(t *testing.T) {
	ctx := context.Background()
	m := module{
		globals: [][]byte{
			code(0x7f, 1, i32(1), end), code(0x7e, 1, i64(2), end), code(0x7f, 0, i32(9), end), code(0x7d, 1, f32(3), end), code(0x7c, 1, f64(4), end),
		},
		exports: []exported{{"g0", 3, 0}, {"g1", 3, 1}, {"g2", 3, 3}, {"g3", 3, 4}},
		funcs: []function{{typ: nothing, export: "change", code: code(globalGet(0), i32(-7), add, globalSet(0), globalGet(1), i64(-1), 0x7c, globalSet(1),
			globalGet(3), f32(-1), 0x92, globalSet(3), globalGet(4), f64(1), 0xa0, globalSet(4))}},
	}
	rewritten, info := rewrite(t, m.bytes(), wasm.Options{Meter: true, Snapshot: true})
	if info.Kept != 4 {
		t.Fatalf("info is %+v, want 4 exported values", info)
	}
	for name, config := range engines {
		s := newSandbox(t, config())
		s.fuel = &fuel{grant: 1000}
		instance := func() api.Module {
			mod, err := s.runtime.InstantiateWithConfig(ctx, rewritten, wazero.NewModuleConfig().WithName(""))
			if err != nil {
				t.Fatal(err)
			}
			return mod
		}
		call := func(mod api.Module, name string) {
			if _, err := mod.ExportedFunction(name).Call(ctx); err != nil {
				t.Fatal(err)
			}
		}
		state := func(mod api.Module) (values [4]uint64) {
			for i := range values {
				values[i] = mod.ExportedGlobal(fmt.Sprint("g", i)).Get()
			}
			return values
		}
		from, to := instance(), instance()
		fresh := state(to)
		call(from, "change")
		call(from, wasm.SaveExport)
		saved := state(from)
		call(from, "change")
		for i := range info.Kept {
			kept := wasm.KeptExport + strconv.Itoa(i)
			to.ExportedGlobal(kept).(api.MutableGlobal).Set(from.ExportedGlobal(kept).Get())
		}
		if now := state(to); now != fresh {
			t.Errorf("%s: setting what is kept changes %x to %x", name, fresh, now)
		}
		call(to, wasm.RestoreExport)
		if now := state(to); now != saved || saved == fresh {
			t.Errorf("%s: state is %x, saved was %x", name, now, saved)
		}
	}
}

// heard counts the calls of a start function.
type heard struct{ instances []api.Module }

func (h *heard) NewFunctionListener(d api.FunctionDefinition) experimental.FunctionListener {
	if slices.Contains(d.ExportNames(), wasm.StartExport) {
		return h
	}
	return nil
}

func (h *heard) Before(_ context.Context, m api.Module, _ api.FunctionDefinition, _ []uint64, _ experimental.StackIterator) {
	h.instances = append(h.instances, m)
}
func (h *heard) After(context.Context, api.Module, api.FunctionDefinition, []uint64) {}
func (h *heard) Abort(context.Context, api.Module, api.FunctionDefinition, error)    {}

// TestStartIsHeard listens for the instances of modules with a state that can be put
// back, and without.
func TestStartIsHeard(t *testing.T) {
	for name, m := range corpus() {
		rewritten, _ := rewrite(t, m.bytes(), wasm.Options{Meter: true, Snapshot: true})
		h := new(heard)
		ctx := experimental.WithFunctionListenerFactory(context.Background(), h)
		s := newSandbox(t, wazero.NewRuntimeConfigInterpreter())
		compiled, err := s.runtime.CompileModule(ctx, rewritten)
		if err != nil {
			t.Fatal(err)
		}
		for want := range 2 {
			mod, err := s.runtime.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName(""))
			if err != nil {
				break // what this module is there for
			}
			if len(h.instances) != want+1 || h.instances[want] != mod {
				t.Errorf("%s: %d instances were heard of, want %d", name, len(h.instances), want+1)
			}
		}
	}
}

func TestNoSnapshotWhereTablesOrSegmentsChange(t *testing.T) {
	for name, body := range map[string][]byte{
		"table.set":  code(i32(0), 0xd0, 0x70, 0x26, 0),
		"table.grow": code(0xd0, 0x70, i32(1), misc(15, 0), drop),
		"table.fill": code(i32(0), 0xd0, 0x70, i32(1), misc(17, 0)),
		"table.copy": code(i32(0), i32(0), i32(0), misc(14, 0, 0)),
		"table.init": code(i32(0), i32(0), i32(0), misc(12, 0, 0)),
		"elem.drop":  misc(13, 0),
		"data.drop":  misc(9, 0),
	} {
		m := module{tables: [][]byte{{0x70, 0, 1}}, memories: [][]byte{{0, 1}}, count: true, data: [][]byte{code(1, "x")}, elements: [][]byte{code(1, 0, 1, 0)},
			funcs: []function{{typ: nothing}, {typ: nothing, code: body}}}
		rewritten, info := rewrite(t, m.bytes(), wasm.Options{Meter: true, Snapshot: true})
		if info.Snapshot || !strings.HasPrefix(info.WhyNot, name) {
			t.Errorf("%s: info is %+v", name, info)
		}
		out, err := wasm.Parse(rewritten)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out.Exports() {
			if e.Name == wasm.SaveExport || e.Name == wasm.RestoreExport {
				t.Errorf("%s: it exports %s", name, e.Name)
			}
		}
	}
}
