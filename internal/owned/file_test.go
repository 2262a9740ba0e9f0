package owned

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestReadFile: a file with a secret is not read from where somebody else put it, or may read it.
func TestReadFile(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no Unix permissions")
	}
	dir := t.TempDir()
	path, link := filepath.Join(dir, "key"), filepath.Join(dir, "link")
	if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if text, err := ReadFile(path, 6); string(text) != "secret" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	refused := func(path string, most int64) {
		t.Helper()
		var e *Error
		if text, err := ReadFile(path, most); !errors.As(err, &e) || e.Hint == "" || text != nil {
			t.Errorf("%s: %q, %v", path, text, err)
		}
	}
	refused(link, 6)
	refused(dir, 6)
	refused(path, 5)
	for _, mode := range []os.FileMode{0o640, 0o620, 0o604, 0o602, 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		refused(path, 6)
	}
	if _, err := ReadFile(filepath.Join(dir, "none"), 6); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if os.Geteuid() == 0 {
		if err := errors.Join(os.Chmod(path, 0o600), os.Chown(path, 12345, 12345)); err != nil {
			t.Skip(err)
		}
		refused(path, 6)
	}
}
