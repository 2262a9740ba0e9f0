package wasm_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
)

func vet(data []byte, l wasm.Limits) error {
	m, err := wasm.Parse(data)
	if err != nil {
		return err
	}
	return m.Vet(l, wasm.Imports{
		{Module: "env", Name: "host"}:                    i32i32,
		{Module: "agenthost", Name: "http_send"}:         i32i32,
		{Module: "agenthost", Name: "checkpoint"}:        i32i32, // even where the list has it
		{Module: "wasi_snapshot_preview1", Name: "exit"}: nothing,
	})
}

// TestVetRefuses hits every limit and rule with a small module.
func TestVetRefuses(t *testing.T) {
	f := func(body ...any) function { return function{typ: nothing, code: code(body...)} }
	one := func(body ...any) module { return module{funcs: []function{f(body...)}, memories: [][]byte{{0, 1}}} }
	imports := func(i imported) module { return module{imports: []imported{i}} }
	many := func(n int, item []byte) [][]byte {
		var b [][]byte
		for range n {
			b = append(b, item)
		}
		return b
	}
	locals := func(n uint64) module {
		return module{funcs: []function{{typ: nothing, decls: code(1, u(n), 0x7f)}}}
	}
	wide := make([]wasm.ValType, 65)
	for i := range wide {
		wide[i] = wasm.I32
	}
	// Many locals that live across many loops: 25 seconds to compile at 40 KB.
	bomb := module{funcs: []function{{typ: nothing, decls: code(1, u(1000), 0x7f), code: code(
		repeat(400, 0x03, 0x40), repeat(300, get(1), i32(1), add, set(1)), repeat(400, get(0), brIf(0), end))}}}
	manyFuncs := module{}
	for range 30 {
		manyFuncs.funcs = append(manyFuncs.funcs, f(repeat(4000, i32(1), when())))
	}
	named := one(loop(br(5)))
	named.custom = [][]byte{code("name", 1, 8, 1, 0, "guilt")}
	small := func(change func(*wasm.Limits)) wasm.Limits {
		l := wasm.DefaultLimits()
		change(&l)
		return l
	}
	defaults := wasm.DefaultLimits()
	for _, c := range []struct {
		name   string
		module module
		limits wasm.Limits
		want   string
	}{
		{"locals", locals(1025), defaults, "function 0: 1025 locals, the limit is 1024"},
		{"many locals", locals(50000000), defaults, "function 0: 50000000 locals, the limit is 1024"},
		{"body", one(repeat(140000, 0x01)), defaults, "function 0: 140002 bytes of code, the limit is 131072"},
		{"nesting", one(repeat(4097, 0x02, 0x40), repeat(4097, end)), small(func(l *wasm.Limits) { l.Branches = 1e6 }), "4097 nested blocks, the limit is 4096"},
		{"loops", one(repeat(513, loop())), defaults, "513 loops, the limit is 512"},
		{"labels", one(i32(0), brTable(make([]int, 40000)...)), defaults, "39999 branch table labels, the limit is 32768"},
		{"branches", one(repeat(4097, block())), defaults, "4097 branches, the limit is 4096"},
		{"bulk branches", one(repeat(1400, i32(0), i32(0), i32(0), misc(11, 0))), defaults, "4200 branches, the limit is 4096"},
		{"compile bomb", bomb, defaults, "800000 branches times locals, the limit is 262144"},
		{"work in sum", manyFuncs, defaults, "24000000 microseconds of estimated work to compile, the limit is 20000000"},
		{"module", one(repeat(200, 0x01)), small(func(l *wasm.Limits) { l.ModuleBytes = 100 }), "bytes, the limit is 100"},
		{"types", module{types: make([]wasm.FuncType, 8193)}, defaults, "8193 types, the limit is 8192"},
		{"parameters", module{types: []wasm.FuncType{wasm.Func(wide)}}, defaults, "65 parameters or results in type 0, the limit is 64"},
		{"results", module{types: []wasm.FuncType{wasm.Func(nil, wide...)}}, defaults, "65 parameters or results in type 0"},
		{"imports", module{imports: make([]imported, 257)}, defaults, "257 imports, the limit is 256"},
		{"functions", module{funcs: make([]function, 3)}, small(func(l *wasm.Limits) { l.Functions = 2 }), "3 functions, the limit is 2"},
		{"exports", module{funcs: []function{{export: "a"}, {export: "b"}}}, small(func(l *wasm.Limits) { l.Exports = 1 }), "2 exports, the limit is 1"},
		{"globals", module{globals: many(1025, code(0x7f, 0, i32(0), end))}, defaults, "1025 globals, the limit is 1024"},
		{"tables", module{tables: many(5, []byte{0x70, 0, 1})}, defaults, "5 tables, the limit is 4"},
		{"table entries", module{tables: [][]byte{code(0x70, 0, u(100_000_000))}}, defaults, "100000000 table entries at start, the limit is 131072"},
		{"memories", module{memories: many(2, []byte{0, 1})}, defaults, "2 memories, the limit is 1"},
		{"memory pages", module{memories: [][]byte{code(0, u(4097))}}, defaults, "4097 memory pages of 64 KiB at start, the limit is 4096"},
		{"elements", module{tables: [][]byte{{0x70, 0, 1}}, funcs: []function{f()}, elements: many(3, code(1, 0, 2, 0, 0))}, small(func(l *wasm.Limits) { l.Elements = 5 }), "6 elements, the limit is 5"},
		{"element segments", module{tables: [][]byte{{0x70, 0, 1}}, elements: many(4097, code(1, 0, 0))}, defaults, "4097 element segments, the limit is 4096"},
		{"data", module{memories: [][]byte{{0, 1}}, data: many(2, code(1, "0123456789"))}, small(func(l *wasm.Limits) { l.DataBytes = 19 }), "20 bytes of data, the limit is 19"},
		{"data segments", module{memories: [][]byte{{0, 1}}, data: many(2, code(1, "x"))}, small(func(l *wasm.Limits) { l.DataSegments = 1 }), "2 data segments, the limit is 1"},
		{"start", module{funcs: []function{f()}, start: 1}, defaults, "it has a start section"},
		{"unknown import", imports(imported{module: "agenthost", name: "http_sent", typ: i32i32}), defaults, `unknown function "agenthost.http_sent"; the nearest is "agenthost.http_send" (i32) -> (i32)`},
		{"import with another type", imports(imported{module: "env", name: "host", typ: toI32}), defaults, `imports "env.host" as () -> (i32); its type is (i32) -> (i32)`},
		{"checkpoint", imports(imported{module: "agenthost", name: "checkpoint", typ: i32i32}), defaults, "which is the host's own"},
		{"imported memory", imports(imported{module: "env", name: "memory", raw: []byte{2, 0, 1}}), defaults, "imports the memory"},
		{"imported table", imports(imported{module: "env", name: "table", raw: []byte{1, 0x70, 0, 1}}), defaults, "imports the table"},
		{"imported global", imports(imported{module: "env", name: "global", raw: []byte{3, 0x7f, 1}}), defaults, "imports the global"},
		{"reserved export", module{funcs: []function{{typ: nothing, export: "agenthost_restore"}}}, defaults, `exports "agenthost_restore"`},
		{"atomics", one(0xfe, 0x03, 0), defaults, "threads"},
		{"shared memory", module{memories: [][]byte{{3, 1, 2}}}, defaults, "threads"},
		{"64-bit memory", module{memories: [][]byte{{4, 1}}}, defaults, "64-bit memory"},
		{"tail call", one(0x12, 0), defaults, "tail calls"},
		{"indirect tail call", one(0x13, 0, 0), defaults, "tail calls"},
		{"try", one(0x06, 0x40, end), defaults, "exceptions"},
		{"throw", one(0x08, 0), defaults, "exceptions"},
		{"try_table", one(0x1f, 0x40, 0, end), defaults, "exceptions"},
		{"call_ref", one(0x14, 0), defaults, "typed function references"},
		{"struct", one(0xfb, 0, 0), defaults, "garbage collection"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := vet(c.module.bytes(), c.limits)
			if refusal := (*wasm.Refusal)(nil); !errors.As(err, &refusal) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a refusal with %q", err, c.want)
			}
		})
	}
	if err := vet(named.bytes(), defaults); err == nil || !strings.Contains(err.Error(), `function 0 "guilt"`) {
		t.Errorf("the error %v does not name the function", err)
	}
}

// TestUnknownIndices makes sure that no instruction can reach what the rewrite
// adds: the count, the checkpoint, copies of globals, the scratch local.
func TestUnknownIndices(t *testing.T) {
	for name, body := range map[string][]byte{
		"global":        code(i32(0), globalSet(1)),
		"function":      call(2),
		"reference":     code(0xd2, 2, drop),
		"local":         get(1),
		"type":          code(i32(0), 0x11, 2, 0),
		"table":         code(i32(0), 0x11, 0, 1),
		"table.get":     code(i32(0), 0x25, 1, drop),
		"label":         br(1),
		"default label": code(i32(0), brTable(0, 1)),
		"block type":    code(0x02, 2, end),
		"data":          code(i32(0), i32(0), i32(0), misc(8, 1, 0)),
		"data.drop":     misc(9, 1),
		"elem":          code(i32(0), i32(0), i32(0), misc(12, 1, 0)),
		"elem.drop":     misc(13, 1),
		"table.copy":    code(i32(0), i32(0), i32(0), misc(14, 0, 1)),
	} {
		m := module{imports: []imported{hostFunction}, types: []wasm.FuncType{i32i32, nothing}, funcs: []function{{typ: nothing, code: body, locals: []wasm.ValType{wasm.I32}}},
			globals: [][]byte{code(0x7f, 1, i32(0), end)}, tables: [][]byte{{0x70, 0, 1}}, memories: [][]byte{{0, 1}}, count: true, data: [][]byte{code(1, "x")}, elements: [][]byte{code(1, 0, 1, 1)}}
		malformed := (*wasm.Malformed)(nil)
		if err := vet(m.bytes(), wasm.DefaultLimits()); !errors.As(err, &malformed) || !strings.Contains(err.Error(), "unknown") {
			t.Errorf("%s: got %v, want an unknown index", name, err)
		}
	}
	for name, m := range map[string]module{
		"export":          {exports: []exported{{"f", 0, 0}}},
		"exported global": {exports: []exported{{"g", 3, 0}}},
		"element":         {tables: [][]byte{{0x70, 0, 1}}, elements: [][]byte{code(0, i32(0), end, 1, 0)}},
		"expression":      {tables: [][]byte{{0x70, 0, 1}}, elements: [][]byte{code(5, 0x70, 1, 0xd2, 0, end)}},
		"element's table": {elements: [][]byte{code(0, i32(0), end, 0)}},
		"global":          {globals: [][]byte{code(0x70, 0, 0xd2, 0, end)}},
	} {
		if err := vet(m.bytes(), wasm.DefaultLimits()); err == nil || !strings.Contains(err.Error(), "unknown") {
			t.Errorf("%s: got %v, want an unknown index", name, err)
		}
	}
}

// TestOddEncodings refuses what an engine could read in another way.
func TestOddEncodings(t *testing.T) {
	for name, body := range map[string][]byte{
		"long vector opcode":     code(0xfd, 0x8c, 0x00),
		"vector opcode of 3":     code(0xfd, 0x80, 0x81, 0x00),
		"vector opcode over 255": code(0xfd, 0x80, 0x02),
		"long misc opcode":       code(0xfc, 0x80, 0x00),
		"unknown misc opcode":    code(0xfc, 0x12),
		"long block type":        code(0x02, 0xc0, 0x7f, end),
		"another memory":         code(0x3f, 1, drop),
		"long memory index":      code(0x3f, 0x80, 0, drop),
		"memory in alignment":    code(i32(0), 0x28, 0x42, 0, 0, drop),
		"integer of 6 bytes":     code(0x20, 0x80, 0x80, 0x80, 0x80, 0x80, 0),
		"integer over 32 bits":   code(0x20, 0x80, 0x80, 0x80, 0x80, 0x10),
		"constant over 32 bits":  code(0x41, 0xff, 0xff, 0xff, 0xff, 0x0f, drop),
		"select of two":          code(0x1c, 2, 0x7f, 0x7f),
		"else without if":        code(0x02, 0x40, 0x05, end),
		"two elses":              code(0x04, 0x40, 0x05, 0x05, end),
		"code after the end":     code(end, end),
		"unknown opcode":         code(0x27),
	} {
		m := module{memories: [][]byte{{0, 1}}, funcs: []function{{typ: nothing, code: body, locals: []wasm.ValType{wasm.I32}}}}
		malformed := (*wasm.Malformed)(nil)
		if err := vet(m.bytes(), wasm.DefaultLimits()); !errors.As(err, &malformed) {
			t.Errorf("%s: got %v, want malformed", name, err)
		}
	}
}

func TestParseRefusesBrokenModules(t *testing.T) {
	header := "\x00asm\x01\x00\x00\x00"
	for name, data := range map[string]string{
		"nothing":             "",
		"text":                "(module)",
		"component":           "\x00asm\x0d\x00\x01\x00",
		"section beyond end":  header + "\x01\x05\x00",
		"order":               header + "\x03\x01\x00\x01\x01\x00",
		"twice":               header + "\x01\x01\x00\x01\x01\x00",
		"unknown section":     header + "\x0e\x00",
		"left over":           header + "\x01\x02\x00\x00",
		"count beyond end":    header + "\x01\x05\xff\xff\xff\xff\x0f",
		"functions, no code":  header + "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00",
		"unknown type":        header + "\x03\x02\x01\x00\x0a\x04\x01\x02\x00\x0b",
		"data count":          header + "\x0c\x01\x05",
		"extended constant":   string(module{globals: [][]byte{code(0x7f, 0, i32(1), i32(2), add, end)}}.bytes()),
		"constant of global":  string(module{globals: [][]byte{code(0x7f, 0, globalGet(0), end)}}.bytes()),
		"maximum below":       string(module{memories: [][]byte{{1, 2, 1}}}.bytes()),
		"same export twice":   string(module{funcs: []function{{export: "a"}, {export: "a"}}}.bytes()),
		"name is not UTF-8":   string(module{funcs: []function{{export: "\xff"}}}.bytes()),
		"unknown value type":  string(module{globals: [][]byte{code(0x6e, 0, i32(1), end)}}.bytes()),
		"mutability":          string(module{globals: [][]byte{code(0x7f, 2, i32(1), end)}}.bytes()),
		"element form":        string(module{elements: [][]byte{{8, 0}}}.bytes()),
		"function as address": string(module{memories: [][]byte{{0, 1}}, funcs: []function{{}}, data: [][]byte{code(0, 0xd2, 0, end, "x")}}.bytes()),
	} {
		if _, err := wasm.Parse([]byte(data)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestRewriteNeedsVet(t *testing.T) {
	m, err := wasm.Parse(module{}.bytes())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.Rewrite(wasm.Options{}); err == nil {
		t.Error("a module that was not vetted is rewritten")
	}
}
