package wasmtest_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/wasmtest"
)

const source = `package main

//go:wasmexport answer
func answer() int32 { return ANSWER }

func main() {}
`

// connector writes a module of its own, as an author outside this repository has.
func connector(t *testing.T, dir, answer string) {
	t.Helper()
	for name, text := range map[string]string{
		"go.mod":  "module example.com/answer\n\ngo 1.26\n",
		"main.go": strings.ReplaceAll(source, "ANSWER", answer),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBuildOutsideTheModule(t *testing.T) {
	t.Setenv("GOCACHE", goCache(t))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	connector(t, dir, "41")
	first := wasmtest.Build(t, dir)
	data, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(data, []byte("\x00asm\x01\x00\x00\x00")) {
		t.Errorf("%s is not a Wasm module", first)
	}
	if bytes.Contains(data, []byte(dir)) {
		t.Error("the module holds the path of its source")
	}
	if again := wasmtest.Build(t, dir); again != first {
		t.Errorf("a second Build returned %s, the first %s", again, first)
	}
	folder := wasmtest.Folder(t, dir)
	if got, err := os.ReadFile(filepath.Join(folder, filepath.Base(dir)+".wasm")); err != nil || !bytes.Equal(got, data) {
		t.Errorf("Folder does not hold the module: %v", err)
	}
}

func TestBuildReportsTheCompilersWords(t *testing.T) {
	t.Setenv("GOCACHE", goCache(t))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	connector(t, dir, "undefinedName")
	_, err := wasmtest.BuildContext(t.Context(), dir)
	if err == nil || !strings.Contains(err.Error(), "undefinedName") {
		t.Errorf("error = %v, want the compiler's", err)
	}
}

// goCache keeps the toolchain's cache where it is although XDG_CACHE_HOME moves.
func goCache(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("GOCACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Skip(err)
	}
	return filepath.Join(dir, "go-build")
}
