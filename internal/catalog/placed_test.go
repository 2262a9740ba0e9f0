package catalog

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Files beside the folder come, are replaced and go without a look at any folder, whether somebody
// watches it or not. Calls that run end on the old file.
func TestPlaced(t *testing.T) {
	t.Parallel()
	for name, reload := range map[string]time.Duration{"watched": time.Hour, "not watched": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, beside := folder(t, "notes"), t.TempDir()
				at := func(name string) string { return filepath.Join(beside, name+".wasm") }
				put(t, beside, "a1.wasm", static("a", 1))
				put(t, beside, "a2.wasm", static("a", 2))
				put(t, beside, "b.wasm", static("b", 1))
				put(t, beside, "again.wasm", static("notes", 2))
				put(t, beside, "broken.wasm", []byte("no module"))
				var replaced []*File
				c := open(t, Options{Dir: dir, Reload: reload, Placed: []string{at("a1")}, Replaced: func(f *File) { replaced = append(replaced, f) }})
				var told []Change
				defer c.OnChange(func(change Change) { told = append(told, change) })()
				answers(t, c, "a", first)
				old := find(t, c, "a")
				_, release, err := old.Acquire(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if err := c.Place(t.Context(), at("b"), ""); err != nil {
					t.Fatal(err)
				}
				if err := c.Place(t.Context(), at("a2"), at("a1")); err != nil {
					t.Fatal(err)
				}
				if _, err := runFile(t.Context(), old); err != nil || !slices.Equal(replaced, []*File{old}) || c.Current(old) {
					t.Errorf("the old file: %v, replaced %v", err, replaced)
				}
				release()
				if find(t, c, "a") == old {
					t.Error("the old file is in use")
				}
				for path, want := range map[string]string{at("again"): "same name", at("broken"): "broken.wasm", at("nothing"): "no such file"} {
					if err := c.Place(t.Context(), path, at("b")); err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("%s: %v, want %s", path, err, want)
					}
				}
				infos, err := c.Infos(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var names []string
				for _, i := range infos {
					names = append(names, i.Name)
				}
				if got := strings.Join(names, " "); got != "a b notes" {
					t.Errorf("there are %s", got)
				}
				c.Displace(at("b"))
				c.Displace(at("b"))
				c.Displace(filepath.Join(dir, "notes.wasm")) // which nobody placed
				answers(t, c, "notes", first)
				if _, err := c.Find(t.Context(), "b"); err == nil {
					t.Error("b is still there")
				}
				if got := kinds(told); got != "added b, updated a, removed b" {
					t.Error(got)
				}
			})
		})
	}
}

// A catalog may have no folder.
func TestPlacedWithoutAFolder(t *testing.T) {
	t.Parallel()
	beside := t.TempDir()
	put(t, beside, "a.wasm", static("a", 1))
	c := open(t, Options{Reload: time.Hour})
	if _, err := c.Find(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "no plugins folder") {
		t.Error(err)
	}
	if err := c.Place(t.Context(), filepath.Join(beside, "a.wasm"), ""); err != nil {
		t.Fatal(err)
	}
	answers(t, c, "a", first)
	if _, err := c.Find(t.Context(), "b"); err == nil || !strings.Contains(err.Error(), `no connector "b" in the server`) {
		t.Error(err)
	}
}
