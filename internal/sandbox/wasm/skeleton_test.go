package wasm_test

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero"
)

// A skeleton is valid, declares what the module declares, and runs nothing.
func TestSkeleton(t *testing.T) {
	for name, m := range corpus() {
		t.Run(name, func(t *testing.T) {
			module, _ := rewrite(t, m.bytes(), wasm.Options{Meter: true, Snapshot: true})
			skeleton, err := wasm.Skeleton(module)
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := wasm.Parse(skeleton)
			if err != nil {
				t.Fatal(err)
			}
			whole, err := wasm.Parse(module)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(whole.Exports(), parsed.Exports()) {
				t.Errorf("it exports %v, want %v", parsed.Exports(), whole.Exports())
			}
			runtime := wazero.NewRuntime(t.Context())
			defer runtime.Close(t.Context())
			compiled, err := runtime.CompileModule(t.Context(), skeleton)
			if err != nil {
				t.Fatalf("wazero: %v", err)
			}
			original, err := runtime.CompileModule(t.Context(), module)
			if err != nil {
				t.Fatal(err)
			}
			names := func(m wazero.CompiledModule) []string { return slices.Sorted(maps.Keys(m.ExportedFunctions())) }
			if diff := cmp.Diff(names(original), names(compiled)); diff != "" {
				t.Error(diff)
			}
			if a, b := len(compiled.ImportedFunctions()), len(original.ImportedFunctions()); a != b {
				t.Errorf("%d imported functions, want %d", a, b)
			}
		})
	}
}

func TestSkeletonRefusesOtherThings(t *testing.T) {
	for name, data := range map[string]string{
		"nothing":         "",
		"text":            "this is not Wasm",
		"section too big": "\x00asm\x01\x00\x00\x00\x0a\x7f\x01",
		"empty code":      "\x00asm\x01\x00\x00\x00\x0a\x00",
	} {
		if _, err := wasm.Skeleton([]byte(data)); err == nil {
			t.Errorf("%s: a skeleton was made of it", name)
		}
	}
}

// A rewritten module lies in caches under the version of the rewrite. When this test
// fails, the rewrite makes something else of the same modules: raise
// wasm.RewriteVersion, and put the new sum here.
func TestRewriteVersion(t *testing.T) {
	const version = 3
	const want = "dc3ae2ea9a5dfd392b43bb0a8637992a4a961524a0afe44b1296504970005105"
	sum := sha256.New()
	modules := corpus()
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		m := modules[name]
		module, _ := rewrite(t, m.bytes(), wasm.Options{Meter: true, Snapshot: true})
		sum.Write(module)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want || wasm.RewriteVersion != version {
		t.Errorf("the sum is %s in version %d, want %s in version %d", got, wasm.RewriteVersion, want, version)
	}
}
