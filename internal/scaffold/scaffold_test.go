package scaffold_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/firstparty"
	"github.com/agenthost/agenthost/internal/scaffold"
	"github.com/agenthost/agenthost/pdk/abi"
)

// pack is the pack of this tree.
var pack = sync.OnceValues(func() (scaffold.Pack, error) {
	dir, err := os.MkdirTemp("", "agenthost-test-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file, err := firstparty.Scaffolds(context.Background(), "../..", dir)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return scaffold.ReadPack(data)
})

func made(t *testing.T, language, name string) []scaffold.File {
	t.Helper()
	p, err := pack()
	if err != nil {
		t.Fatal(err)
	}
	files, err := p.Make(language, name)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Each language has what its own tools and its readers need. The name of the example is nowhere.
func TestMake(t *testing.T) {
	t.Parallel()
	for language, want := range map[string][]string{
		"table":          {"my-crm.yaml"},
		"go":             {"go.mod", "main.go", "main_test.go", "vendor/modules.txt", "vendor/github.com/agenthost/agenthost/pdk/export.go", "vendor/github.com/agenthost/agenthost/LICENSE"},
		"rust":           {"Cargo.toml", "Cargo.lock", "src/lib.rs", "tests/suite.rs", "suite.json", "agenthost-pdk/Cargo.toml", "agenthost-pdk/src/lib.rs", "agenthost-pdk/LICENSE"},
		"assemblyscript": {"package.json", "package-lock.json", "my-crm.ts", "host.ts"},
		"c":              {"my-crm.c", "agenthost.h", "test/suite.c", "test/host.h", "suite.json"},
		"zig":            {"my-crm.zig", "kit.c", "agenthost.h", "requirements.txt"},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			var names []string
			for _, f := range made(t, language, "my-crm") {
				names = append(names, f.Name)
				if vendored := strings.HasPrefix(f.Name, "vendor/"); !vendored && bytes.Contains(bytes.ToLower(f.Data), []byte("bookshelf")) {
					t.Errorf("%s has the name of the example", f.Name)
				}
				for _, left := range []string{"LANGUAGE", "../../..", "=> .."} {
					if bytes.Contains(f.Data, []byte(left)) {
						t.Errorf("%s has %s", f.Name, left)
					}
				}
			}
			for _, name := range append(want, "README.md", ".gitignore", ".github/workflows/test.yml", "recordings/books.list.json", "recordings/books.get.missing.json") {
				if !slices.Contains(names, name) {
					t.Errorf("there is no %s in %q", name, names)
				}
			}
		})
	}
}

// A pack is the same however often it is made, and comes back whole.
func TestPack(t *testing.T) {
	t.Parallel()
	p, err := pack()
	if err != nil {
		t.Fatal(err)
	}
	data, err := p.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	again, err := scaffold.ReadPack(data)
	if err != nil || len(again) != len(p) {
		t.Fatalf("%d files, %v", len(again), err)
	}
	for i, f := range again {
		if f.Name != p[i].Name || !bytes.Equal(f.Data, p[i].Data) {
			t.Errorf("%s came back as another file", p[i].Name)
		}
	}
	if len(data) > 400_000 {
		t.Errorf("the pack has %d bytes, which every command carries", len(data))
	}
	for _, wrong := range [][]byte{nil, []byte("text"), data[:len(data)/2]} {
		if _, err := scaffold.ReadPack(wrong); err == nil {
			t.Errorf("%d bytes are a pack", len(wrong))
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, hint := range map[string]string{
		"a": "", "notes": "", "my-crm-2": "", strings.Repeat("a", 63): "",
		"My CRM": "did you mean my-crm?", "my_crm": "did you mean my-crm?", "notes-": "did you mean notes?", "2notes": "did you mean notes?",
		"../notes": "did you mean notes?", "/etc/passwd": "did you mean etc-passwd?", "a/../../b": "did you mean a-b?", `..\notes`: "did you mean notes?",
		"notes\x00": "did you mean notes?", ".": "begin with", "..": "begin with", "": "begin with", "名": "begin with", "--": "begin with",
		strings.Repeat("a", 64): "did you mean " + strings.Repeat("a", 63), strings.Repeat("x", 1<<20): "did you mean x", "notes\n": "did you mean notes?",
		"${IFS}": "did you mean ifs?", "con.": "did you mean con?",
	} {
		err := scaffold.CheckName(name)
		var e *abi.Error
		switch {
		case hint == "" && err != nil:
			t.Errorf("%q: %v", name, err)
		case hint != "" && (!errors.As(err, &e) || !strings.HasPrefix(e.Hint, hint) || !errors.Is(err, fault.ErrConfiguration)):
			t.Errorf("%.100q: %v, want %s", name, err, hint)
		case hint != "" && len(e.Message) > 500:
			t.Errorf("%.100q: the message has %d bytes", name, len(e.Message))
		}
	}
	p := scaffold.Pack{}
	if _, err := p.Make("golang", "notes"); err == nil || !strings.Contains(err.Error(), `not made in "golang"`) {
		t.Error(err)
	}
	if got := scaffold.Variable("my-crm"); got != "AGENTHOST_MY_CRM_API_TOKEN" {
		t.Error(got)
	}
}

// A folder appears whole or not at all, and takes the place of nothing.
func TestWrite(t *testing.T) {
	t.Parallel()
	files := []scaffold.File{{Name: "a", Data: []byte("a")}, {Name: "b/c", Data: []byte("c")}}
	whole := func(t *testing.T, folder string) {
		t.Helper()
		if data, err := os.ReadFile(filepath.Join(folder, "b", "c")); err != nil || string(data) != "c" {
			t.Errorf("%q, %v", data, err)
		}
	}
	for _, test := range []struct {
		name    string
		prepare func(t *testing.T, folder string)
		files   []scaffold.File
		message string
		left    int // entries of the parent
	}{
		{name: "nothing there", left: 1},
		{name: "an empty folder", prepare: mkdir, left: 1},
		{name: "a file", prepare: func(t *testing.T, f string) { write(t, f) }, message: "exists, and is no folder", left: 1},
		{name: "a folder with a file", prepare: func(t *testing.T, f string) { mkdir(t, f); write(t, filepath.Join(f, ".hidden")) }, message: "is not empty", left: 1},
		{name: "a link to a folder", prepare: func(t *testing.T, f string) { mkdir(t, f+"-real"); link(t, f+"-real", f) }, message: "exists, and is no folder", left: 2},
		{name: "a link to nothing", prepare: func(t *testing.T, f string) { link(t, f+"-missing", f) }, message: "exists, and is no folder", left: 1},
		{name: "a file outside", files: append(slices.Clone(files), scaffold.File{Name: "../../outside"}), message: "is no file of a folder"},
		{name: "an absolute file", files: append(slices.Clone(files), scaffold.File{Name: "/outside"}), message: "is no file of a folder"},
		{name: "a file as a folder", files: append(slices.Clone(files), scaffold.File{Name: "a/b"}), message: "not a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			parent := t.TempDir()
			folder := filepath.Join(parent, "notes")
			if test.prepare != nil {
				test.prepare(t, folder)
			}
			if test.files == nil {
				test.files = files
			}
			err := scaffold.Write(folder, test.files)
			if test.message == "" {
				if err != nil {
					t.Fatal(err)
				}
				whole(t, folder)
			} else if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("%v, want %s", err, test.message)
			}
			entries, err := os.ReadDir(parent)
			if err != nil || len(entries) != test.left {
				t.Errorf("%v is left, %v", entries, err)
			}
		})
	}
	// Folders on the way are made.
	folder := filepath.Join(t.TempDir(), "connectors", "of", "mine", "notes")
	if err := scaffold.Write(folder, files); err != nil {
		t.Fatal(err)
	}
	whole(t, folder)
}

func mkdir(t *testing.T, name string) {
	t.Helper()
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, name string) {
	t.Helper()
	if err := os.WriteFile(name, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Skip("needs links")
	}
}
