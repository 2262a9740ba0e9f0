package wasm_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/sandbox/wasm"
	"github.com/tetratelabs/wazero"
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
	if !info.Snapshot || info.Globals != 7 {
		t.Fatalf("info is %+v, want a snapshot of 7 globals", info)
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
