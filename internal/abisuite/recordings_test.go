package abisuite

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/recording"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// The recordings, with which a new connector begins, are of all languages.
func TestRecordings(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(folder, "recordings", "*.json"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%q, %v", files, err)
	}
	for language, module := range modules(t) {
		t.Run(language, func(t *testing.T) {
			plugins := t.TempDir()
			if err := os.WriteFile(filepath.Join(plugins, "bookshelf.wasm"), module, 0o600); err != nil {
				t.Fatal(err)
			}
			h, err := host.Open(t.Context(), host.Options{Plugins: plugins, Cache: wasmtest.Cache(t)})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = h.Close(context.Background()) }()
			for _, file := range files {
				tape, err := recording.Read(bytes.NewReader(read(t, file)))
				if err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				differences, err := h.Replay(t.Context(), tape)
				if err != nil || len(differences) > 0 {
					t.Errorf("%s: %v, %v", file, differences, err)
				}
			}
		})
	}
}
