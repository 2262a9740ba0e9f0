package readme

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// root is the folder of the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// documents are the repository's documents, by their path from its root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	dir := root(t)
	found := make(map[string]string)
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			path, err := filepath.Rel(dir, name)
			if err != nil {
				t.Fatal(err)
			}
			found[filepath.ToSlash(path)] = string(text)
		}
	}
	if len(found) < 15 {
		t.Fatalf("only %d documents were found", len(found))
	}
	return found
}

// languages are those of blocks. Console, Go and YAML are tested, Python by make test-serve, and
// the others are to look at.
// The ones of docs/abi.md are tested with the sandbox, and make test-languages builds what docs/languages.md
// shows parts of.
var languages = []string{"console", "go", "yaml", "python", "sh", "json", "text", "input", "trace", "wasm", "rust", "c", "zig", "typescript"}

// block is a fenced block of a document.
type block struct {
	language, text string
}

var fence = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)\n```$")

func blocks(document string) []block {
	var found []block
	for _, m := range fence.FindAllStringSubmatch(document, -1) {
		found = append(found, block{language: m[1], text: m[2] + "\n"})
	}
	return found
}

// TestBlocksSayWhatTheyAre keeps a block from being left out of the tests by accident.
func TestBlocksSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	for name, text := range documents(t) {
		for i, b := range blocks(text) {
			if !slices.Contains(languages, b.language) {
				t.Errorf("%s: block %d is of the language %q; the tests know %q", name, i+1, b.language, languages)
			}
		}
	}
}
