package owned

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no Unix permissions")
	}
	top := t.TempDir()
	made := filepath.Join(top, "a", "b")
	if err := Folder(made); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(made); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	for mode, good := range map[os.FileMode]bool{0o700: true, 0o755: true, 0o500: true, 0o770: false, 0o720: false, 0o702: false, 0o777: false} {
		if err := os.Chmod(made, mode); err != nil {
			t.Fatal(err)
		}
		var refused *Error
		if err := Folder(made); good != (err == nil) || !good && (!errors.As(err, &refused) || refused.Hint == "") {
			t.Errorf("%o: %v", mode, err)
		}
	}
	file := filepath.Join(top, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var refused *Error
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		if err := Folder(dir); err == nil || errors.As(err, &refused) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if err := Check(filepath.Join(top, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// TestOthersFolder needs a folder of another user: as root it gives one away, and else the
// root of the file system belongs to somebody else.
func TestOthersFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no Unix permissions")
	}
	dir := "/"
	if os.Geteuid() == 0 {
		dir = t.TempDir()
		if err := os.Chown(dir, 12345, 12345); err != nil {
			t.Skip(err)
		}
	}
	var refused *Error
	if err := Check(dir); !errors.As(err, &refused) || refused.Hint == "" {
		t.Errorf("%s: %v", dir, err)
	}
	if os.Geteuid() == 0 { // a link leads to it too
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(dir, link); err != nil {
			t.Fatal(err)
		}
		if err := Folder(link); !errors.As(err, &refused) {
			t.Errorf("by a link: %v", err)
		}
	}
}

func TestTemporary(t *testing.T) {
	among := t.TempDir()
	t.Setenv("TMPDIR", among)
	first, err := Temporary("x-")
	if err != nil {
		t.Fatal(err)
	}
	second, err := Temporary("x-")
	if err != nil || first == second || filepath.Dir(first) != filepath.Clean(os.TempDir()) {
		t.Errorf("%s, %s, %v", first, second, err)
	}
	if info, err := os.Stat(first); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	if err := os.Chmod(among, 0o777); err != nil {
		t.Fatal(err)
	}
	if dir, err := Temporary("x-"); err == nil {
		t.Errorf("%s, where others may put another folder into its place", dir)
	}
	if err := os.Chmod(among, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if _, err := Temporary("x-"); err != nil {
		t.Error(err)
	}
}
