package wasm_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/tetratelabs/wazero"
)

func seeds(f *testing.F) {
	for _, m := range corpus() {
		f.Add(m.bytes())
	}
	for _, m := range endless() {
		if b := m.bytes(); len(b) < 4000 {
			f.Add(b)
		}
	}
	for seed := range uint64(20) {
		f.Add(generate(seed))
	}
}

// FuzzParse reads anything without a panic, and reports what is wrong in its own
// errors only.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := wasm.Parse(data)
		if err != nil {
			expected(t, err)
			return
		}
		m.Imports()
		m.Exports()
		m.FunctionName(3)
		if err := m.Vet(wasm.DefaultLimits(), nil); err != nil {
			expected(t, err)
		}
	})
}

func expected(t *testing.T, err error) {
	t.Helper()
	malformed, refusal := (*wasm.Malformed)(nil), (*wasm.Refusal)(nil)
	if !errors.As(err, &malformed) && !errors.As(err, &refusal) {
		t.Fatalf("unexpected error %v", err)
	}
	if len(err.Error()) > 2000 {
		t.Fatalf("an error of %d bytes", len(err.Error()))
	}
}

// FuzzRewrite rewrites what vetting accepts. The result can be read again,
// and the engine accepts it where it accepts the original, whatever the options.
func FuzzRewrite(f *testing.F) {
	seeds(f)
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	f.Cleanup(func() { r.Close(ctx) })
	compiles := func(data []byte) error {
		c, err := r.CompileModule(ctx, data)
		if err == nil {
			c.Close(ctx)
		}
		return err
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := wasm.Parse(data)
		if err != nil || m.Vet(wasm.DefaultLimits(), anyImports(m)) != nil {
			return
		}
		plain, _, err := m.Rewrite(wasm.Options{})
		if err != nil {
			t.Fatal(err)
		}
		// The engine reads custom sections, which the rewrite drops.
		original, stripped := compiles(data), compiles(plain)
		if original == nil && stripped != nil {
			t.Fatalf("the engine refuses the rewritten module: %v", stripped)
		}
		for _, o := range []wasm.Options{{}, {Meter: true}, {Meter: true, Snapshot: true}, wasm.Exact(wasm.Options{Meter: true})} {
			out, _, err := m.Rewrite(o)
			if err != nil {
				t.Fatal(err)
			}
			again, err := wasm.Parse(out)
			if err != nil {
				t.Fatalf("the rewritten module cannot be read: %v", err)
			}
			if err := again.Reread(); err != nil {
				t.Fatalf("the rewritten module's code cannot be read: %v", err)
			}
			if rewritten := compiles(out); (stripped == nil) != (rewritten == nil) {
				t.Fatalf("%+v: without options the engine says %v, with them %v", o, stripped, rewritten)
			}
			if !o.Meter && !o.Snapshot {
				// Nothing to add: rewriting again must change nothing.
				if err := again.Vet(wasm.DefaultLimits(), anyImports(again)); err != nil {
					t.Fatal(err)
				}
				twice, _, err := again.Rewrite(o)
				if err != nil || !bytes.Equal(out, twice) {
					t.Fatalf("rewriting twice differs: %v", err)
				}
			}
		}
	})
}

// FuzzBehaviour compares generated programs with their rewritten form.
// threat: E2
func FuzzBehaviour(f *testing.F) {
	for seed := range uint64(10) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		same(t, boxes(t), generate(seed))
	})
}
