package modulebuild

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

const (
	manifest = `{"abi":1,"name":"notes","title":"Notes","version":"1.0.0","description":"Notes.","servers":[{"id":"main","url":"https://api.notes.example"}],` +
		`"operations":[{"entity":"notes","action":"list","effect":"read","description":"Notes.","params":{"type":"object","properties":{},"additionalProperties":false},"requests":[{"method":"GET","path":"/notes"}]}]}`
	auth = `{"schemes":[{"id":"none","type":"none"}]}`
)

// inGo is a connector in Go without the kit.
const inGo = `package main

import "unsafe"

//go:wasmimport agenthost output_write
func write(at unsafe.Pointer, length int32) int32

func out(text string) int32 {
	write(unsafe.Pointer(unsafe.StringData(text)), int32(len(text)))
	return 0
}

//go:wasmexport describe
func Describe() int32 { return out(` + "`" + manifest + "`" + `) }

//go:wasmexport auth_schema
func AuthSchema() int32 { return out(` + "`" + auth + "`" + `) }

//go:wasmexport execute
func Execute() int32 { return out("{\"data\":[],\"meta\":{}}") }

func main() {}
`

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, files)
	return dir
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

func builder(t *testing.T) *Builder {
	return &Builder{Sandbox: sandbox.Config{Cache: wasmtest.Cache(t)}, Environment: os.Environ()}
}

func TestFind(t *testing.T) {
	t.Parallel()
	const describes = "export function describe(): i32 {}"
	for _, test := range []struct {
		name     string
		files    []string
		language Language
		file     string
		message  string
	}{
		{name: "go", files: []string{"go.mod", "main.go", "notes.yaml"}, language: Go},
		{name: "rust", files: []string{"Cargo.toml", "lib.rs"}, language: Rust},
		{name: "assemblyscript", files: []string{"package.json", "notes.ts", "host.ts"}, language: AssemblyScript, file: "notes.ts"},
		{name: "zig", files: []string{"notes.zig", "rows.zig", "kit.c", "agenthost.h"}, language: Zig, file: "notes.zig"},
		{name: "c", files: []string{"notes.c", "rows.c", "agenthost.h", "notes.wasm"}, language: C},
		{name: "table", files: []string{"birchdesk.yaml", "birchdesk.overlay.yaml", "agenthost.yaml", ".golangci.yaml"}, language: Table, file: "birchdesk.yaml"},
		{name: "two tables", files: []string{"a.yaml", "b.yaml"}, message: "has several tables"},
		{name: "two languages", files: []string{"go.mod", "Cargo.toml"}, message: "has sources in several languages: go.mod, Cargo.toml"},
		{name: "nothing", message: "is empty"},
		{name: "no sources", files: []string{"README.md"}, message: "has no sources of a connector"},
		{name: "no beginning", files: []string{"package.json", "host.ts"}, message: "0 files in"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, name := range test.files {
				text := ""
				switch name {
				case "notes.ts":
					text = describes
				case "notes.zig":
					text = "export fn describe() i32 {}"
				}
				write(t, dir, map[string]string{name: text})
			}
			s, err := Find(dir)
			if test.message != "" {
				if err == nil || !strings.Contains(err.Error(), test.message) || !errors.Is(err, fault.ErrConfiguration) {
					t.Errorf("%v, want %s", err, test.message)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if s.Language != test.language || filepath.Base(s.File) != filepath.Base(test.file) {
				t.Errorf("%s %s, want %s %s", s.Language, s.File, test.language, test.file)
			}
		})
	}
	for _, wrong := range []string{filepath.Join(t.TempDir(), "missing"), filepath.Join(folder(t, map[string]string{"a.txt": ""}), "a.txt")} {
		if _, err := Find(wrong); err == nil {
			t.Errorf("%s has sources", wrong)
		}
	}
}

// The same sources make the same bytes in every folder, and the module is named after the connector.
func TestGo(t *testing.T) {
	t.Parallel()
	files := map[string]string{"main.go": inGo, "go.mod": "module example.com/notes\n\ngo 1.26\n"}
	first, second := folder(t, files), folder(t, files)
	// A workspace that does not know the folder changes nothing.
	write(t, filepath.Dir(first), map[string]string{"go.work": "go 1.26\n"})
	b := builder(t)
	one, err := b.Build(t.Context(), first, "")
	if err != nil {
		t.Fatal(err)
	}
	if one.File != filepath.Join(first, "notes.wasm") || one.Manifest.Name != "notes" || len(one.Manifest.Operations) != 1 || one.Language != Go {
		t.Errorf("%+v", one)
	}
	two, err := b.Build(t.Context(), second, filepath.Join(second, "out.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if one.Digest != two.Digest {
		t.Error("two folders make other bytes")
	}
	written, err := os.ReadFile(filepath.Join(second, "out.wasm"))
	if err != nil || !bytes.Equal(written, two.Module) {
		t.Errorf("%d bytes are written, %v", len(written), err)
	}
	// A second build writes over the first, and over nothing else.
	if _, err := b.Build(t.Context(), first, ""); err != nil {
		t.Error(err)
	}
	if _, err := b.Build(t.Context(), first, filepath.Join(first, "main.go")); err == nil || !strings.Contains(err.Error(), "main.go exists, and is not a connector") {
		t.Errorf("wrote over the sources: %v", err)
	}
	var said bytes.Buffer
	b.Output = &said
	write(t, first, map[string]string{"main.go": "package main\n\nfunc main() { nothing() }\n"})
	_, err = b.Build(t.Context(), first, "")
	if err == nil || !strings.Contains(err.Error(), "cannot be built: go failed") || !strings.Contains(said.String(), "undefined: nothing") {
		t.Errorf("%v\n%s", err, &said)
	}
}

// compilers makes a folder of programs, which become the only ones that are installed.
func compilers(t *testing.T, programs map[string]string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("needs a shell")
	}
	for name, text := range programs {
		programs[name] = "#!" + shell + "\n" + text
	}
	t.Setenv("PATH", folder(t, programs))
}

func TestMissing(t *testing.T) {
	for _, test := range []struct {
		name          string
		programs      map[string]string
		files         map[string]string
		message, hint string
	}{
		{name: "go", files: map[string]string{"go.mod": ""}, message: "Go is not installed", hint: "https://go.dev/dl"},
		{name: "cargo", files: map[string]string{"Cargo.toml": ""}, message: "Rust is not installed", hint: "https://rustup.rs"},
		{
			name: "target", programs: map[string]string{"cargo": "", "rustc": "echo /nowhere/lib"}, files: map[string]string{"Cargo.toml": ""},
			message: "Rust has no target wasm32-unknown-unknown", hint: "rustup target add wasm32-unknown-unknown",
		},
		{
			name: "cdylib", programs: map[string]string{"cargo": "echo '{\"reason\":\"compiler-artifact\",\"target\":{\"crate_types\":[\"lib\"]},\"filenames\":[\"a.wasm\"]}'"},
			files: map[string]string{"Cargo.toml": ""}, message: "the crate makes no module", hint: "cdylib",
		},
		{name: "clang", files: map[string]string{"a.c": ""}, message: "clang is not installed", hint: "apt-get install clang lld"},
		{
			name: "lld", programs: map[string]string{"clang": `echo 'error: unable to execute command: Executable "wasm-ld" does not exist!' >&2; exit 1`}, files: map[string]string{"a.c": ""},
			message: "clang has no linker for WebAssembly", hint: "apt-get install clang lld",
		},
		{
			name: "clang of Apple", programs: map[string]string{"clang": `echo 'error: unable to create target: No available targets are compatible with triple "wasm32"' >&2; exit 1`}, files: map[string]string{"a.c": ""},
			message: "this clang does not make WebAssembly", hint: "brew install llvm lld",
		},
		{name: "zig", files: map[string]string{"a.zig": "export fn describe()"}, message: "Zig is not installed", hint: "pip install ziglang==0.15.2"},
		{name: "pinned zig", programs: map[string]string{"python3": "exit 1"}, files: map[string]string{"a.zig": "export fn describe()", "requirements.txt": ""}, message: "Zig is not installed", hint: "--require-hashes -r requirements.txt"},
		{name: "node", files: map[string]string{"package.json": "", "a.ts": "export function describe()"}, message: "Node.js is not installed", hint: "https://nodejs.org"},
		{name: "asc", programs: map[string]string{"node": ""}, files: map[string]string{"package.json": "", "a.ts": "export function describe()"}, message: "the AssemblyScript compiler is not installed", hint: "npm ci --ignore-scripts"},
		{name: "refused", programs: map[string]string{"clang": "echo a.c:1:1: wrong >&2; exit 1"}, files: map[string]string{"a.c": ""}, message: "cannot be built: clang failed", hint: "mend what the compiler says"},
		{name: "silent", programs: map[string]string{"clang": ""}, files: map[string]string{"a.c": ""}, message: "read what the compiler wrote"},
		{name: "no module", programs: map[string]string{"clang": `while [ "$1" != -o ]; do shift; done; echo text >"$2"`}, files: map[string]string{"a.c": ""}, message: "no WebAssembly header"},
	} {
		t.Run(test.name, func(t *testing.T) {
			programs := test.programs
			if programs == nil {
				programs = make(map[string]string)
			}
			compilers(t, programs)
			dir := folder(t, test.files)
			_, err := builder(t).Build(t.Context(), dir, "")
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Fatalf("%v, want %s", err, test.message)
			}
			var e *abi.Error
			if errors.As(err, &e) && !strings.Contains(e.Hint, test.hint) || e == nil && test.hint != "" {
				t.Errorf("%v, want the hint %s", e, test.hint)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*.wasm")); len(left) > 0 {
				t.Errorf("%q is left", left)
			}
		})
	}
}

// A compiler gets no variable that may hold a token, and what it writes is bounded.
func TestCompilerGetsNoToken(t *testing.T) {
	compilers(t, map[string]string{"clang": `echo "$AGENTHOST_NOTES_API_TOKEN$GOOGLE_APPLICATION_CREDENTIALS,$LANG," >&2; i=0; while [ $i -lt 2000 ]; do echo ` + strings.Repeat("x", 100) + ` >&2; i=$((i+1)); done; echo the end >&2; exit 1`})
	var said bytes.Buffer
	b := builder(t)
	b.Output, b.Environment = &said, []string{"AGENTHOST_NOTES_API_TOKEN=CANARY", "GOOGLE_APPLICATION_CREDENTIALS=CANARY", "LANG=kept"}
	_, err := b.Build(t.Context(), folder(t, map[string]string{"a.c": ""}), "")
	if err == nil || !strings.HasPrefix(said.String(), ",kept,\n") || !strings.HasSuffix(said.String(), "the end\n") {
		t.Errorf("%v\n%.100s", err, said.String())
	}
	if said.Len() > MaxOutput+100 {
		t.Errorf("%d bytes of output", said.Len())
	}
}

// Cargo is told to write other names in the place of folders, beside what the author wants of it.
func TestRustFlags(t *testing.T) {
	compilers(t, map[string]string{"cargo": `echo "$CARGO_ENCODED_RUSTFLAGS" >&2; exit 1`})
	dir := folder(t, map[string]string{"Cargo.toml": ""})
	remapped := "--remap-path-prefix=" + dir + "=/connector\x1f--remap-path-prefix=/made/ada/.cargo=/cargo\n"
	for given, want := range map[string]string{
		"":                              remapped,
		"RUSTFLAGS=-C debug-assertions": "-C\x1fdebug-assertions\x1f" + remapped,
		"CARGO_ENCODED_RUSTFLAGS=--cfg\x1fa=\"b c\"": "--cfg\x1fa=\"b c\"\x1f" + remapped,
	} {
		var said bytes.Buffer
		b := builder(t)
		b.Output, b.Environment = &said, []string{"HOME=/made/ada", given}
		if _, err := b.Build(t.Context(), dir, ""); err == nil || said.String() != want {
			t.Errorf("%q, want %q, %v", said.String(), want, err)
		}
	}
}

// A link in place of the module is replaced; what it leads to stays.
func TestLinkInPlaceOfModule(t *testing.T) {
	t.Parallel()
	module := wasmtest.Static(manifest, auth, "{}")
	dir := folder(t, map[string]string{"other.wasm": string(module), "text": "text"})
	for target, message := range map[string]string{"other.wasm": "", "text": "is not a connector"} {
		link := filepath.Join(dir, "link-to-"+target)
		if err := os.Symlink(filepath.Join(dir, target), link); err != nil {
			t.Skip("needs links")
		}
		err := replaceable(t.Context(), link, isConnector, "a connector")
		if (err == nil) != (message == "") {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	compilers(t, map[string]string{"clang": "exit 0"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := builder(t).Build(ctx, folder(t, map[string]string{"a.c": ""}), "")
	var e *abi.Error
	if !errors.As(err, &e) || e.Kind != abi.KindCancelled {
		t.Error(err)
	}
}
