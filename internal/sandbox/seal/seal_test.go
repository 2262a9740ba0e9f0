package seal_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox/seal"
)

func open(t testing.TB, dir string) *seal.Sealer {
	t.Helper()
	s, err := seal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSum(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir)
	sum := a.Sum("purpose", []byte("one"), []byte("two"))
	for _, tt := range []struct {
		name  string
		by    *seal.Sealer
		what  string
		parts []string
		valid bool
	}{
		{"the same", a, "purpose", []string{"one", "two"}, true},
		{"opened again", open(t, dir), "purpose", []string{"one", "two"}, true},
		{"another folder's key", open(t, t.TempDir()), "purpose", []string{"one", "two"}, false},
		{"another purpose", a, "purpos", []string{"one", "two"}, false},
		{"another byte", a, "purpose", []string{"one", "twO"}, false},
		{"parts moved", a, "purpose", []string{"onet", "wo"}, false},
		{"parts joined", a, "purpose", []string{"onetwo"}, false},
		{"a part more", a, "purpose", []string{"one", "two", ""}, false},
	} {
		var parts [][]byte
		for _, p := range tt.parts {
			parts = append(parts, []byte(p))
		}
		if got := tt.by.Valid(sum, tt.what, parts...); got != tt.valid {
			t.Errorf("%s: valid is %t, want %t", tt.name, got, tt.valid)
		}
	}
}

// A key that others may read, or that is no key, is replaced: nothing that it sealed is
// believed again.
func TestBadKeys(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"short":  func(path string) error { return os.WriteFile(path, []byte("short"), 0o600) },
		"shared": func(path string) error { return os.Chmod(path, 0o644) },
		"a link": func(path string) error {
			if err := os.Rename(path, path+"2"); err != nil {
				return err
			}
			return os.Symlink(path+"2", path)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" && name != "short" {
				t.Skip("modes and links are other things here")
			}
			dir := t.TempDir()
			sum := open(t, dir).Sum("x")
			if err := spoil(filepath.Join(dir, seal.KeyFile)); err != nil {
				t.Fatal(err)
			}
			if open(t, dir).Valid(sum, "x") {
				t.Error("the key is still used")
			}
			info, err := os.Lstat(filepath.Join(dir, seal.KeyFile))
			if err != nil || info.Size() != 32 || runtime.GOOS != "windows" && info.Mode() != 0o600 {
				t.Errorf("the new key: %v, %v", info, err)
			}
		})
	}
}

// Hosts that open an empty folder at the same time agree on its key.
func TestKeyIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	var group sync.WaitGroup
	sums := make([]string, 16)
	for i := range sums {
		group.Go(func() {
			if s, err := seal.Open(dir); err != nil {
				t.Error(err)
			} else {
				sums[i] = s.Sum("x")
			}
		})
	}
	group.Wait()
	for _, sum := range sums {
		if sum != sums[0] {
			t.Fatalf("two keys: %q", sums)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left in the folder: %v, %v", entries, err)
	}
}

// write makes a folder with a file of more than one chunk in it.
func write(t testing.TB, dir string) {
	t.Helper()
	big := make([]byte, 700_000)
	for i := range big {
		big[i] = byte(i * 7)
	}
	for name, data := range map[string][]byte{"a": []byte("a"), "b/big": big, "b/empty": nil, "seal": []byte("skipped")} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func sum(t testing.TB, by *seal.Sealer, dir string) string {
	t.Helper()
	folder, err := by.ReadFolder(dir, "seal", "a")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", folder.Sum)
}

func TestFolder(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(dir string) error
		same   bool
	}{
		"nothing":      {func(string) error { return nil }, true},
		"skipped file": {func(dir string) error { return os.WriteFile(filepath.Join(dir, "seal"), nil, 0o600) }, true},
		"empty folder": {func(dir string) error { return os.Mkdir(filepath.Join(dir, "c"), 0o700) }, true},
		"first byte":   {flip("b/big", 0), false},
		"second chunk": {flip("b/big", 300_000), false},
		"last byte":    {flip("b/big", 699_999), false},
		"longer":       {func(dir string) error { return os.Truncate(filepath.Join(dir, "b", "big"), 700_001) }, false},
		"shorter":      {func(dir string) error { return os.Truncate(filepath.Join(dir, "b", "big"), 699_999) }, false},
		"one more":     {func(dir string) error { return os.WriteFile(filepath.Join(dir, "b", "more"), nil, 0o600) }, false},
		"one less":     {func(dir string) error { return os.Remove(filepath.Join(dir, "b", "empty")) }, false},
		"another name": {func(dir string) error { return os.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "A")) }, false},
		"another place": {func(dir string) error {
			return os.Rename(filepath.Join(dir, "b", "empty"), filepath.Join(dir, "empty"))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir, by := t.TempDir(), open(t, t.TempDir())
			write(t, dir)
			before := sum(t, by, dir)
			if err := tt.change(dir); err != nil {
				t.Fatal(err)
			}
			if same := sum(t, by, dir) == before; same != tt.same {
				t.Errorf("the sum is the same: %t, want %t", same, tt.same)
			}
		})
	}
}

func flip(name string, at int64) func(dir string) error {
	return func(dir string) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		data[at] ^= 1
		return os.WriteFile(path, data, 0o600)
	}
}

// The sum of a folder is nothing that can be computed without the key.
func TestFolderNeedsTheKey(t *testing.T) {
	dir, keys := t.TempDir(), t.TempDir()
	write(t, dir)
	first := sum(t, open(t, keys), dir)
	if again := sum(t, open(t, keys), dir); again != first {
		t.Error("the same key makes two sums of a folder")
	}
	if other := sum(t, open(t, t.TempDir()), dir); other == first {
		t.Error("two keys make the same sum of a folder")
	}
}

func TestFolderKeepsWhatItHashed(t *testing.T) {
	dir := t.TempDir()
	write(t, dir)
	folder, err := open(t, t.TempDir()).ReadFolder(dir, "seal", "b/big", "missing")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(dir, "b", "big"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(folder.Kept["b/big"], want) || len(folder.Kept) != 1 {
		t.Errorf("kept %d files, and not the bytes of b/big", len(folder.Kept))
	}
}

// A link could lead to bytes that change after they were hashed.
func TestFolderRefusesLinks(t *testing.T) {
	dir := t.TempDir()
	write(t, dir)
	if err := os.Symlink(filepath.Join(dir, "a"), filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	if _, err := open(t, t.TempDir()).ReadFolder(dir, "seal"); err == nil {
		t.Error("a link passed")
	}
}
