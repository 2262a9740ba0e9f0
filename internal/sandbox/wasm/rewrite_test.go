package wasm_test

import (
	"bytes"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/google/go-cmp/cmp"
)

// TestNamesMoveWithFunctions keeps function names, and no other custom section.
func TestNamesMoveWithFunctions(t *testing.T) {
	m := module{
		imports: []imported{hostFunction, hostFunction},
		funcs:   []function{{typ: nothing}, {typ: nothing}, {typ: nothing}},
		custom: [][]byte{
			code("producers", "secret"),
			code("name", 0, 4, "mod", 1, 15, 4, 0, "h0", 1, "h1", 2, "a", 4, "ccc", 2, 1, 0),
			code("sourceMappingURL", "secret"),
		},
	}
	m.custom[1] = code("name", 0, 4, "mod", 1, 16, 4, 0, "h0", 1, "h1", 2, "a", 4, "cc", 2, 1, 0)
	rewritten, _ := rewrite(t, m.bytes(), wasm.Options{Meter: true, Snapshot: true})
	out, err := wasm.Parse(rewritten)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for f := range uint32(10) {
		got = append(got, out.FunctionName(f))
	}
	want := []string{"h0", "h1", "agenthost.checkpoint", "a", "", "cc", "agenthost_save", "agenthost_restore", "agenthost_start", "agenthost_fuel"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if bytes.Contains(rewritten, []byte("secret")) {
		t.Error("another custom section is still there")
	}
}

// TestBrokenNamesAreDropped takes modules whose name section is no reason to
// refuse them.
func TestBrokenNamesAreDropped(t *testing.T) {
	for name, section := range map[string][]byte{
		"order":     code("name", 1, 7, 2, 1, "a", 0, "b"),
		"not UTF-8": code("name", 1, 4, 1, 0, "\xff"),
		"too short": code("name", 1, 9, 1, 0, "a"),
		"too many":  code("name", 1, 2, 9, 0),
		"unknown":   code("name", 1, 5, 1, 0x80, 0x01, "a"),
	} {
		m := module{funcs: []function{{typ: nothing, export: "f"}}, custom: [][]byte{section}}
		rewritten, _ := rewrite(t, m.bytes(), wasm.Options{Meter: true})
		for _, s := range boxes(t) {
			if _, _, err := s.trace(rewritten, true); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestRename(t *testing.T) {
	from, to := wasm.ImportName{Module: "env", Name: "host"}, wasm.ImportName{Module: "agenthost", Name: "http_send"}
	m := module{imports: []imported{hostFunction, {module: "env", name: "other", typ: toI32}}}
	rewritten, _ := rewrite(t, m.bytes(), wasm.Options{Meter: true, Rename: map[wasm.ImportName]wasm.ImportName{from: to}})
	out, err := wasm.Parse(rewritten)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range out.Imports() {
		got = append(got, i.String()+" "+i.Type.String())
	}
	want := []string{"agenthost.http_send (i32) -> (i32)", "env.other () -> (i32)", "agenthost.checkpoint (i32) -> (i32)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestMaximaAreLowered stops a module from growing its memory or a table beyond
// the limits it was vetted with.
func TestMaximaAreLowered(t *testing.T) {
	m := module{memories: [][]byte{{0, 1}}, tables: [][]byte{{0x6f, 0, 1}, code(0x70, 1, 2, u(1<<31)), {0x70, 1, 2, 3}}, funcs: []function{
		{typ: toI32, export: "grow", code: code(i32(5000), 0x40, 0)},
		{typ: toI32, export: "first", code: code(0xd0, 0x6f, i32(140000), misc(15, 0))},
		{typ: toI32, export: "second", code: code(0xd0, 0x70, i32(140000), misc(15, 1))},
		{typ: toI32, export: "third", code: code(0xd0, 0x70, i32(1), misc(15, 2), 0xd0, 0x70, i32(1), misc(15, 2), add)},
	}}
	rewritten, _ := rewrite(t, m.bytes(), wasm.Options{Meter: true})
	for name, s := range boxes(t) {
		got, _, err := s.trace(rewritten, true)
		if err != nil {
			t.Fatal(err)
		}
		want := "grow [ffffffff] \nfirst [ffffffff] \nsecond [ffffffff] \nthird [1] \n"
		if len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
