package architecture

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestFuzzTargetsExist: go test says nothing of a fuzz target that is not there, so a target that
// moved would never run again.
func TestFuzzTargetsExist(t *testing.T) {
	root, err := rootFolder()
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	targets := regexp.MustCompile(`(?m)^\t([a-z/]+):(Fuzz\w+)`).FindAllSubmatch(makefile, -1)
	if len(targets) < 20 {
		t.Fatalf("the Makefile lists %d fuzz targets", len(targets))
	}
	tree := repository(t)
	for _, target := range targets {
		folder, name := string(target[1]), string(target[2])
		found := false
		for _, p := range tree.sorted(folder) {
			for _, f := range p.files {
				found = found || f.test && f.syntax.Scope.Lookup(name) != nil
			}
		}
		if !found {
			t.Errorf("the Makefile lists %s:%s, and there is no such fuzz target", folder, name)
		}
	}
}
