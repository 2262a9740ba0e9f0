package warm_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/agenthost/agenthost/internal/wasmtest/warm"
)

// TestModules is also what wasmtest runs: with arguments, a cache and the modules to
// compile into it.
func TestModules(t *testing.T) {
	if flag.NArg() > 1 {
		if err := warm.Modules(t.Context(), flag.Arg(0), flag.Args()[1:]...); err != nil {
			t.Fatal(err)
		}
		return
	}
	dir := t.TempDir()
	refused := filepath.Join(dir, "refused.wasm")
	if err := os.WriteFile(refused, []byte("this is not Wasm"), 0o600); err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(dir, "cache")
	if err := warm.Modules(t.Context(), cache, refused); err != nil {
		t.Errorf("a module that the engine refuses: %v", err)
	}
	if err := warm.Modules(t.Context(), cache, filepath.Join(dir, "missing.wasm")); err == nil {
		t.Error("a missing module is no error")
	}
}
