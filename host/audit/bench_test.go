package audit

import (
	"path/filepath"
	"testing"
)

// BenchmarkFile is what a record costs: one line to a file.
func BenchmarkFile(b *testing.B) {
	f, err := Open(filepath.Join(b.TempDir(), "audit.jsonl"), FileOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	r := full()
	b.ReportAllocs()
	for b.Loop() {
		if err := f.Write(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewID(b *testing.B) {
	at := full().Time
	b.ReportAllocs()
	for b.Loop() {
		NewID(at)
	}
}
