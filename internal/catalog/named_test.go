package catalog

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/agenthost/agenthost/internal/modulefile"
)

// TestFindReadsTheNamedFile: of however many connectors there are, only the one that is asked for is read.
func TestFindReadsTheNamedFile(t *testing.T) {
	t.Parallel()
	for _, others := range []int{3, 50} {
		t.Run(fmt.Sprint(others), func(t *testing.T) {
			t.Parallel()
			dir := folder(t, "notes")
			for i := range others {
				put(t, dir, fmt.Sprintf("other-%d.wasm", i), static(fmt.Sprintf("other-%d", i), 1))
			}
			c := open(t, Options{Dir: dir})
			var read atomic.Int64
			c.digest = func(ctx context.Context, path string) (string, error) {
				read.Add(1)
				return modulefile.Digest(ctx, path)
			}
			f, err := c.Find(t.Context(), "notes")
			if err != nil || filepath.Base(f.Path()) != "notes.wasm" {
				t.Fatal(f, err)
			}
			if n := read.Load(); n != 1 {
				t.Errorf("%d files were read", n)
			}
		})
	}
}
