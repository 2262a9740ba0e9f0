package wasm_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// hostFunction is the one function of the host that corpus modules import.
var hostFunction = imported{module: "env", name: "host", typ: i32i32}

// sandbox runs modules of the tests on one engine.
type sandbox struct {
	runtime wazero.Runtime
	fuel    *fuel
	host    []int32 // arguments of the calls to hostFunction
}

func newSandbox(t testing.TB, config wazero.RuntimeConfig) *sandbox {
	t.Helper()
	ctx := context.Background()
	s := &sandbox{runtime: wazero.NewRuntimeWithConfig(ctx, config.WithMemoryLimitPages(64)), fuel: &fuel{}}
	t.Cleanup(func() { s.runtime.Close(ctx) })
	_, err := s.runtime.NewHostModuleBuilder("agenthost").
		NewFunctionBuilder().WithFunc(func(_ context.Context, n int32) int32 { return s.fuel.checkpoint(n) }).Export("checkpoint").
		Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.runtime.NewHostModuleBuilder("env").
		NewFunctionBuilder().WithFunc(func(_ context.Context, n int32) int32 {
		s.host = append(s.host, n)
		return n*3 + 1
	}).Export("host").
		Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// trace calls every export without parameters and returns all that can be seen.
func (s *sandbox) trace(data []byte, metered bool) (trace string, used int64, err error) {
	ctx := context.Background()
	s.fuel, s.host = &fuel{grant: 1000}, nil
	compiled, err := s.runtime.CompileModule(ctx, data)
	if err != nil {
		return "", 0, err
	}
	defer compiled.Close(ctx)
	mod, err := s.runtime.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		text, _, _ := strings.Cut(err.Error(), "\n")
		return "instantiate: " + text, 0, nil
	}
	defer mod.Close(ctx)
	var b strings.Builder
	for _, name := range exportOrder(data) {
		f := mod.ExportedFunction(name)
		if f == nil || len(f.Definition().ParamTypes()) > 0 {
			continue
		}
		res, err := f.Call(ctx)
		text := ""
		if err != nil {
			text, _, _ = strings.Cut(err.Error(), "\n")
		}
		fmt.Fprintf(&b, "%s %x %s\n", name, res, text)
	}
	if len(compiled.ExportedMemories()) > 0 {
		mem := mod.ExportedMemory("memory")
		h := fnv.New64a()
		all, _ := mem.Read(0, mem.Size())
		h.Write(all)
		fmt.Fprintf(&b, "memory %d %x\n", mem.Size(), h.Sum64())
	}
	for i := 0; ; i++ {
		g := mod.ExportedGlobal(fmt.Sprintf("g%d", i))
		if g == nil {
			break
		}
		if g.Type() <= api.ValueTypeF64 && g.Type() >= api.ValueTypeI32-3 {
			fmt.Fprintf(&b, "global %d %x\n", i, g.Get())
		}
	}
	fmt.Fprintf(&b, "host %d\n", s.host)
	if metered {
		left, err := mod.ExportedFunction(wasm.FuelExport).Call(ctx)
		if err != nil {
			return "", 0, err
		}
		used = s.fuel.total(int32(left[0]))
	}
	return b.String(), used, nil
}

func exportOrder(data []byte) []string {
	m, err := wasm.Parse(data)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range m.Exports() {
		if e.Kind == wasm.KindFunc && !strings.HasPrefix(e.Name, "agenthost_") {
			names = append(names, e.Name)
		}
	}
	return names
}

// same runs a module as it is and rewritten, on both engines, and compares all
// that can be seen, the fuel of both engines, and the fuel with the exact count.
func same(t *testing.T, boxes map[string]*sandbox, data []byte) {
	t.Helper()
	all := wasm.Options{Meter: true, Snapshot: true}
	rewritten, _ := rewrite(t, data, all)
	exact, _ := rewrite(t, data, wasm.Exact(all))
	plain, _ := rewrite(t, data, wasm.Options{})
	used := map[string]int64{}
	for name, s := range boxes {
		want, _, err := s.trace(data, false)
		if err != nil {
			t.Fatalf("%s refuses the original: %v", name, err)
		}
		got, n, err := s.trace(rewritten, true)
		if err != nil {
			t.Fatalf("%s refuses the rewritten module: %v", name, err)
		}
		if got != want {
			t.Fatalf("%s: the rewritten module differs:\n%swant\n%s", name, got, want)
		}
		if got, _, err := s.trace(plain, false); err != nil || got != want {
			t.Fatalf("%s: the module rewritten without options differs: %v\n%swant\n%s", name, err, got, want)
		}
		// How deep calls may nest is the engine's to decide, and so is then the fuel.
		if !strings.Contains(got, "stack overflow") {
			used[name] = n
		}
		got, counted, err := s.trace(exact, true)
		if err != nil || got != want {
			t.Fatalf("%s: the exactly metered module differs: %v\n%swant\n%s", name, err, got, want)
		}
		if n < counted {
			t.Fatalf("%s: charged %d for what costs %d", name, n, counted)
		}
	}
	if used["compiler"] != used["interpreter"] {
		t.Fatalf("fuel differs between engines: %v", used)
	}
}

func boxes(t *testing.T) map[string]*sandbox {
	b := map[string]*sandbox{}
	for name, config := range engines {
		b[name] = newSandbox(t, config())
	}
	return b
}

func TestCorpusBehavesTheSame(t *testing.T) {
	b := boxes(t)
	for name, m := range corpus() {
		t.Run(name, func(t *testing.T) { same(t, b, m.bytes()) })
	}
}

// TestEveryInstructionBehavesTheSame makes a module for each opcode with numbers
// or vectors as operands. Their types are found by asking the engine.
// threat: E2
func TestEveryInstructionBehavesTheSame(t *testing.T) {
	b := boxes(t)
	ctx := context.Background()
	number := []wasm.ValType{wasm.I32, wasm.I64, wasm.F32, wasm.F64}
	operands := [][]wasm.ValType{nil, {wasm.V128}, {wasm.V128, wasm.V128}, {wasm.V128, wasm.V128, wasm.V128}, {wasm.V128, wasm.I32}, {wasm.I32, wasm.V128}}
	for _, n := range number {
		operands = append(operands, []wasm.ValType{n}, []wasm.ValType{n, n}, []wasm.ValType{wasm.V128, n}, []wasm.ValType{wasm.I32, n})
	}
	results := [][]wasm.ValType{nil, {wasm.I32}, {wasm.I64}, {wasm.F32}, {wasm.F64}, {wasm.V128}}
	var instructions [][]byte
	for op := 0x28; op <= 0x3e; op++ {
		instructions = append(instructions, code(op, 0, 8))
	}
	for op := 0x45; op <= 0xc4; op++ {
		instructions = append(instructions, code(op))
	}
	for op := 0; op <= 7; op++ {
		instructions = append(instructions, misc(op))
	}
	for op := 0; op <= 0xff; op++ {
		switch {
		case op <= 0x0b || op == 0x5c || op == 0x5d:
			instructions = append(instructions, simd(op, 0, 8))
		case op == 0x0c:
			instructions = append(instructions, simd(op, make([]byte, 16)))
		case op == 0x0d:
			instructions = append(instructions, simd(op, []byte{31, 0, 7, 8, 15, 16, 17, 1, 2, 3, 4, 5, 6, 30, 29, 28}))
		case op >= 0x15 && op <= 0x22:
			instructions = append(instructions, simd(op, 1))
		case op >= 0x54 && op <= 0x5b:
			instructions = append(instructions, simd(op, 0, 8, 1))
		default:
			instructions = append(instructions, simd(op))
		}
	}
	tried := 0
	for _, in := range instructions {
		found := false
	search:
		for _, params := range operands {
			for _, result := range results {
				data := instructionModule(in, params, result)
				c, err := b["interpreter"].runtime.CompileModule(ctx, data)
				if err != nil {
					continue
				}
				c.Close(ctx)
				same(t, b, data)
				found = true
				break search
			}
		}
		if found {
			tried++
			continue
		}
		// The gaps in the vector opcodes: the reader must not know them either.
		m, err := wasm.Parse(instructionModule(in, nil, nil))
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Vet(wasm.DefaultLimits(), nil); err == nil {
			t.Errorf("% x is accepted, but no operands fit it", in)
		}
	}
	if want := 23 + 128 + 8 + 236; tried != want {
		t.Errorf("tried %d instructions, want %d", tried, want)
	}
}

// instructionModule runs an instruction on several operands, in a loop.
func instructionModule(in []byte, params, result []wasm.ValType) []byte {
	store := map[wasm.ValType][]byte{wasm.I32: code(0x36, 2, 0), wasm.I64: code(0x37, 3, 0), wasm.F32: code(0x38, 2, 0), wasm.F64: code(0x39, 3, 0), wasm.V128: simd(0x0b, 4, 0)}
	values := map[wasm.ValType][][]byte{
		wasm.I32:  {i32(0), i32(-1), i32(40), i32(-2147483648)},
		wasm.I64:  {i64(1), i64(-1), i64(48), i64(-9223372036854775808)},
		wasm.F32:  {f32(1.5), f32(-0.25), f32(3e9), f32(-7)},
		wasm.F64:  {f64(2.5), f64(-0.125), f64(1e19), f64(-7)},
		wasm.V128: {v128(0x0102030405060708, 0xfffefdfc80007fff), v128(1, 1<<63), v128(0x3ff8000000000000, 0x40000000c0000000), v128(0, 0)},
	}
	m := module{memories: [][]byte{{0, 1}}}
	for k := range 4 {
		body := []byte{}
		if result != nil {
			body = append(body, i32(int64(256+16*k))...)
		}
		for j, p := range params {
			body = append(body, values[p][(k+j)%4]...)
		}
		body = append(body, in...)
		if result != nil {
			body = append(body, store[result[0]]...)
		}
		m.funcs = append(m.funcs, function{
			typ: nothing, locals: []wasm.ValType{wasm.I32}, export: fmt.Sprint("f", k),
			code: loop(body, get(0), i32(1), add, tee(0), i32(3), 0x48, brIf(0)),
		})
	}
	return m.bytes()
}

// threat: E2
func TestGeneratedProgramsBehaveTheSame(t *testing.T) {
	b := boxes(t)
	for seed := range uint64(400) {
		data := generate(seed)
		if t.Run(fmt.Sprint(seed), func(t *testing.T) { same(t, b, data) }); t.Failed() {
			return
		}
	}
}
