package catalog

import (
	"path/filepath"
	"testing"
)

// What was approved of a file counts for that file, as long as its connector is installed.
func TestInstalledSet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name+".wasm") }
	put(t, dir, "a1.wasm", static("a", 1))
	put(t, dir, "a2.wasm", static("a", 2))
	put(t, dir, "broken.wasm", []byte("no module"))
	one, two := "approved 1", "approved 2"
	set := NewInstalledSet(dir, []InstalledConnector[string]{{Name: "a", Digest: "1", Path: at("a1"), Approval: &one}})
	c := open(t, Options{Placed: set.Paths()})
	set.Use(c)
	approved := func(path string, want *string, ours bool) {
		t.Helper()
		if got, is := set.Approval(path); got != want || is != ours {
			t.Errorf("%s: %v, %v", path, got, is)
		}
	}
	approved(at("a1"), &one, true)
	approved(at("a2"), nil, true)
	approved(filepath.Join(dir, "deeper", "a1.wasm"), nil, false)
	approved(filepath.Join(t.TempDir(), "a1.wasm"), nil, false)
	if err := set.Put(t.Context(), InstalledConnector[string]{Name: "a", Digest: "3", Path: at("broken"), Approval: &two}); err == nil {
		t.Error("a broken file is installed")
	}
	approved(at("broken"), nil, true)
	answers(t, c, "a", first)
	if err := set.Put(t.Context(), InstalledConnector[string]{Name: "a", Digest: "2", Path: at("a2"), Approval: &two}); err != nil {
		t.Fatal(err)
	}
	approved(at("a1"), &one, true) // a call that runs ends with it
	approved(at("a2"), &two, true)
	if !set.Has("2") || set.Has("1") {
		t.Error("the digests are wrong")
	}
	if err := set.Put(t.Context(), InstalledConnector[string]{Name: "a", Digest: "2", Path: at("a2"), Approval: &one}); err != nil {
		t.Fatal(err)
	}
	approved(at("a2"), &one, true)
	set.Remove("a")
	set.Remove("a")
	approved(at("a1"), nil, true)
	approved(at("a2"), nil, true)
	if _, err := c.Find(t.Context(), "a"); err == nil || set.Has("2") {
		t.Error("it is still there", err)
	}

	var none *InstalledSet[string]
	if _, ours := none.Approval(at("a1")); ours || none.Has("1") || none.Paths() != nil {
		t.Error("no set has something")
	}
	none.Use(c)
}
