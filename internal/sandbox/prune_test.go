package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

func TestPrune(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	dir := t.TempDir()
	c, err := openCache(dir, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	add := func(name, stamp string, age time.Duration) {
		t.Helper()
		path := filepath.Join(c.dir, name, stamp)
		if err := os.MkdirAll(filepath.Join(c.dir, name, "native"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(c.dir, name, "native", "code"), []byte("0123456789"), 0o600); err != nil {
			t.Fatal(err)
		}
		if stamp != "" {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	add("unused-1", sealFile, 31*day)
	add("oldest-1", sealFile, 20*day)
	add("older-1", sealFile, 10*day)
	add("newer-1", sealFile, 2*day)
	add("inuse-1", sealFile, time.Minute)
	add("unsealed-1", "", time.Minute)
	add("new-interrupted", "", 2*day)
	add("new-running", "", time.Minute)
	add("old-interrupted", "", 2*day)
	left := func() (names []string) {
		entries, err := os.ReadDir(c.dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.IsDir() {
				names = append(names, e.Name())
			}
		}
		return names
	}
	for _, tt := range []struct {
		name  string
		limit int64
		want  []string
	}{
		{"by age", 1000, []string{"inuse-1", "new-running", "newer-1", "older-1", "oldest-1"}},
		{"by size", 30, []string{"inuse-1", "new-running", "newer-1", "older-1"}},
		{"nothing to do", 30, []string{"inuse-1", "new-running", "newer-1", "older-1"}},
		{"not those in use", 0, []string{"inuse-1", "new-running"}},
	} {
		if err := c.prune(now, tt.limit); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := left(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: left are %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Using an entry keeps it.
func TestTouch(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	c := &cache{dir: t.TempDir(), log: hclog.NewNullLogger()}
	path := filepath.Join(c.dir, sealFile)
	for age, want := range map[time.Duration]time.Duration{time.Minute: time.Minute, 2 * time.Hour: 0} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
		c.touch(c.dir, now)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := now.Sub(info.ModTime()); got != want {
			t.Errorf("%v old, and after its use %v, want %v", age, got, want)
		}
	}
}
