package scaffold_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/agenthost/agenthost/internal/modulebuild"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/scaffold"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// New connectors build outside of the repository, have the same bytes in every folder, and pass the tests that
// come with them. Those of a table and of Go have a script of the command; make test-languages runs the
// others, with what it installed.
func TestLanguages(t *testing.T) {
	modules := os.Getenv("AGENTHOST_TEST_LANGUAGES")
	if modules == "" {
		t.Skip("AGENTHOST_TEST_LANGUAGES names no folder")
	}
	installed := filepath.Dir(modules)
	for language, test := range map[string]struct {
		links  map[string]string // what the author would install, and where it is
		native [][]string        // the tests that come with it
	}{
		"rust": {native: [][]string{{"cargo", "test", "--quiet", "--locked"}}},
		"c": {native: [][]string{
			{"cc", "-std=c99", "-fsanitize=address,undefined", "-I.", `-DCONNECTOR="my-crm.c"`, "-o", "suite", "test/suite.c"},
			{"env", "ASAN_OPTIONS=detect_leaks=0", "./suite", "suite.json"},
		}},
		"zig":            {links: map[string]string{".venv": "zig"}},
		"assemblyscript": {links: map[string]string{"node_modules": "assemblyscript/node_modules"}},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			files := made(t, language, "my-crm")
			b := &modulebuild.Builder{Sandbox: sandbox.Config{Cache: wasmtest.Cache(t)}, Environment: os.Environ(), Output: t.Output()}
			var digests []string
			for _, folder := range []string{filepath.Join(t.TempDir(), "my-crm"), filepath.Join(t.TempDir(), "a longer [name]", "my-crm")} {
				if err := scaffold.Write(folder, files); err != nil {
					t.Fatal(err)
				}
				for name, target := range test.links {
					link(t, filepath.Join(installed, target), filepath.Join(folder, name))
				}
				r, err := b.Build(t.Context(), folder, "")
				if err != nil {
					t.Fatal(err)
				}
				if r.Manifest.Name != "my-crm" || r.File != filepath.Join(folder, "my-crm.wasm") {
					t.Errorf("%s is %s", r.File, r.Manifest.Name)
				}
				digests = append(digests, r.Digest)
				if len(digests) > 1 {
					continue
				}
				for _, line := range test.native {
					cmd := exec.CommandContext(t.Context(), line[0], line[1:]...)
					cmd.Dir = folder
					if out, err := cmd.CombinedOutput(); err != nil {
						t.Errorf("%q: %v\n%s", line, err, out)
					}
				}
			}
			if digests[0] != digests[1] {
				t.Error("two folders make other bytes")
			}
		})
	}
}
