package wasm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// goGuest returns the module in testdata/guest, built once for all tests.
var goGuest = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "guest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "guest.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-o", file, ".")
	cmd.Dir = filepath.Join("testdata", "guest")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the guest: %w\n%s", err, out)
	}
	return os.ReadFile(file)
})

func needGuest(t testing.TB) []byte {
	t.Helper()
	b, err := goGuest()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// anyImports accepts whatever functions the module imports.
func anyImports(m *wasm.Module) wasm.Imports {
	known := wasm.Imports{}
	for _, i := range m.Imports() {
		known[i.ImportName] = i.Type
	}
	return known
}

func rewrite(t testing.TB, data []byte, o wasm.Options) ([]byte, wasm.Info) {
	t.Helper()
	m, err := wasm.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Vet(wasm.DefaultLimits(), anyImports(m)); err != nil {
		t.Fatal(err)
	}
	out, info, err := m.Rewrite(o)
	if err != nil {
		t.Fatal(err)
	}
	return out, info
}

var errFuel = errors.New("out of fuel")

// fuel is a host's side of the checkpoint.
type fuel struct {
	grant   int32 // what each checkpoint allots
	budget  int64 // stop beyond it, 0 for never
	granted int64
	used    int64 // up to the last checkpoint
}

func (f *fuel) checkpoint(remaining int32) int32 {
	f.used = f.granted - int64(remaining)
	grant := int64(f.grant)
	if f.budget > 0 {
		if f.used > f.budget {
			panic(errFuel)
		}
		grant = min(grant, f.budget-f.used)
	}
	f.granted = f.used + grant
	return int32(grant)
}

func (f *fuel) total(remaining int32) int64 { return f.granted - int64(remaining) }

var engines = map[string]func() wazero.RuntimeConfig{
	"compiler":    wazero.NewRuntimeConfigCompiler,
	"interpreter": wazero.NewRuntimeConfigInterpreter,
}

// compiled keeps what the engines made of the Go guest, for all tests.
var compiled = sync.OnceValue(wazero.NewCompilationCache)

// guest is an instance of the Go guest.
type guest struct {
	mod  api.Module
	fuel *fuel
	in   []byte
	out  []byte
}

func newGuest(t testing.TB, config wazero.RuntimeConfig, data []byte) *guest {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, config.WithCompilationCache(compiled()))
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	g := &guest{fuel: &fuel{grant: 1 << 20}}
	_, err := r.NewHostModuleBuilder("agenthost").
		NewFunctionBuilder().WithFunc(func(_ context.Context, m api.Module, p, n uint32) uint32 {
		m.Memory().Write(p, g.in)
		return uint32(len(g.in))
	}).Export("input").
		NewFunctionBuilder().WithFunc(func(_ context.Context, m api.Module, p, n uint32) {
		b, _ := m.Memory().Read(p, n)
		g.out = bytes.Clone(b)
	}).Export("output").
		NewFunctionBuilder().WithFunc(func(_ context.Context, n int32) int32 { return g.fuel.checkpoint(n) }).Export("checkpoint").
		Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	code, err := r.CompileModule(ctx, data) // not closed: the cache forgets a module with its last user
	if err != nil {
		t.Fatal(err)
	}
	g.mod, err = r.InstantiateModule(ctx, code, wazero.NewModuleConfig().WithStartFunctions("_initialize"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.mod.Close(ctx) })
	return g
}

func (g *guest) call(t testing.TB, name string, args ...uint64) []uint64 {
	t.Helper()
	out, err := g.mod.ExportedFunction(name).Call(context.Background(), args...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

func records(n int) []byte {
	var b bytes.Buffer
	b.WriteByte('[')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"title":"issue number %d","state":"open","tags":["a","b"],"score":%d.5}`, i, i*7919%n, i)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// TestGoGuestBehavesTheSame runs a module of the Go compiler as it is and
// rewritten, on both engines.
func TestGoGuestBehavesTheSame(t *testing.T) {
	original := needGuest(t)
	rewritten, info := rewrite(t, original, wasm.Options{Meter: true, Snapshot: true})
	if !info.Snapshot {
		t.Errorf("no snapshot: %s", info.WhyNot)
	}
	used := map[string]int64{}
	for name, config := range engines {
		a, b := newGuest(t, config(), original), newGuest(t, config(), rewritten)
		for _, n := range []int{1, 40} {
			a.in, b.in = records(n), records(n)
			ra, rb := a.call(t, "execute"), b.call(t, "execute")
			if ra[0] != 0 || rb[0] != 0 || !bytes.Equal(a.out, b.out) || len(a.out) < n {
				t.Errorf("%s: execute differs: %d %q, rewritten %d %q", name, ra, a.out, rb, b.out)
			}
		}
		if ra, rb := a.call(t, "recurse", 12), b.call(t, "recurse", 12); ra[0] != rb[0] {
			t.Errorf("%s: recurse: %d, rewritten %d", name, ra, rb)
		}
		left := int32(b.call(t, wasm.FuelExport)[0])
		used[name] = b.fuel.total(left)
	}
	if used["compiler"] != used["interpreter"] || used["compiler"] < 1e6 {
		t.Errorf("fuel differs between engines: %v", used)
	}
}

// TestGoGuestRestores puts memory and globals back and sees the same call again.
func TestGoGuestRestores(t *testing.T) {
	rewritten, _ := rewrite(t, needGuest(t), wasm.Options{Meter: true, Snapshot: true})
	g := newGuest(t, wazero.NewRuntimeConfigCompiler(), rewritten)
	g.in = records(50)
	g.call(t, "execute")
	g.call(t, wasm.SaveExport)
	all, _ := g.mod.Memory().Read(0, g.mod.Memory().Size())
	kept := bytes.Clone(all)

	g.fuel = &fuel{grant: 10000}
	g.call(t, wasm.RestoreExport)
	var outputs [3]string
	var used [3]int64
	for i := range outputs {
		g.fuel = &fuel{grant: 1000 * int32(i+1)}
		g.call(t, "execute")
		outputs[i] = string(g.out)
		used[i] = g.fuel.total(int32(g.call(t, wasm.RestoreExport)[0]))
		size := g.mod.Memory().Size()
		g.mod.Memory().Write(0, kept)
		if rest := int(size) - len(kept); rest > 0 {
			g.mod.Memory().Write(uint32(len(kept)), make([]byte, rest))
		}
	}
	if outputs[0] == "" || outputs[0] != outputs[1] || outputs[0] != outputs[2] {
		t.Errorf("calls differ after restoring: %.80s / %.80s / %.80s", outputs[0], outputs[1], outputs[2])
	}
	if used[0] != used[1] || used[0] != used[2] {
		t.Errorf("fuel differs after restoring, or with the size of the allotments: %d", used)
	}
}

func TestGoGuestStops(t *testing.T) {
	rewritten, _ := rewrite(t, needGuest(t), wasm.Options{Meter: true, Snapshot: true})
	for _, name := range []string{"spin", "recurse"} {
		g := newGuest(t, wazero.NewRuntimeConfigCompiler(), rewritten)
		g.fuel = &fuel{grant: 20000, budget: 5e6}
		var args []uint64
		if name == "recurse" {
			args = []uint64{60}
		}
		_, err := g.mod.ExportedFunction(name).Call(context.Background(), args...)
		if !errors.Is(err, errFuel) {
			t.Errorf("%s ended with %v, want out of fuel", name, err)
		}
	}
}

// BenchmarkMeter compares metered code with the same code as it is, and with what wazero
// does so that a context can stop it. All three take turns, so that whatever else the
// machine does hits all of them; the ratios are of the medians. A turn is a few
// milliseconds, so that a second has enough of them for a median to mean something: with
// ten turns in all the same ratio came out between 1.15 and 1.38.
func BenchmarkMeter(b *testing.B) {
	original := needGuest(b)
	rewritten, _ := rewrite(b, original, wasm.Options{Meter: true, Snapshot: true})
	ctx, cancel := context.WithCancel(context.Background()) // one that never ends costs wazero nothing
	defer cancel()
	var guests []*guest
	for _, v := range []struct {
		data   []byte
		config wazero.RuntimeConfig
	}{
		{original, wazero.NewRuntimeConfigCompiler()},
		{rewritten, wazero.NewRuntimeConfigCompiler()},
		{original, wazero.NewRuntimeConfigCompiler().WithCloseOnContextDone(true)},
	} {
		g := newGuest(b, v.config, v.data)
		g.fuel.grant, g.in = 100_000, records(100)
		guests = append(guests, g)
	}
	for _, work := range []struct {
		name, export string
		args         []uint64
	}{{"json", "execute", nil}, {"loop", "tight", []uint64{1e5}}} {
		b.Run(work.name, func(b *testing.B) {
			times := make([][]time.Duration, len(guests))
			for b.Loop() {
				for i, g := range guests {
					start := time.Now()
					if _, err := g.mod.ExportedFunction(work.export).Call(ctx, work.args...); err != nil {
						b.Fatal(err)
					}
					times[i] = append(times[i], time.Since(start))
				}
			}
			var medians [3]float64
			for i := range times {
				slices.Sort(times[i])
				medians[i] = float64(times[i][len(times[i])/2])
			}
			b.ReportMetric(0, "ns/op") // of all three together, which says nothing
			b.ReportMetric(medians[0]/1e6, "plain-ms")
			b.ReportMetric(medians[1]/medians[0], "metered/plain")
			b.ReportMetric(medians[2]/medians[0], "closing/plain")
		})
	}
}

func BenchmarkRewriteGoGuest(b *testing.B) {
	original := needGuest(b)
	for b.Loop() {
		rewrite(b, original, wasm.Options{Meter: true, Snapshot: true})
	}
}
