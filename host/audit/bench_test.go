package audit

import (
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkFile is what a record costs: a line to a file, at once or with those that came
// meanwhile.
func BenchmarkFile(b *testing.B) {
	for name, every := range map[string]time.Duration{"at once": 0, "every 10 ms": 10 * time.Millisecond} {
		b.Run(name, func(b *testing.B) {
			f, err := Open(filepath.Join(b.TempDir(), "audit.jsonl"), FileOptions{Every: every})
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			r := read("ada")
			b.ReportAllocs()
			for b.Loop() {
				if err := f.Write(b.Context(), r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
