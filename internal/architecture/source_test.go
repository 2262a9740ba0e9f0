package architecture

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// module is the path of the repository's own module. Its packages go by what follows
// it, which is also their folder: internal/egress.
const module = "github.com/agenthost/agenthost"

// tree is the Go code of the repository.
type tree struct {
	fset     *token.FileSet
	packages map[string]*pkg // by folder
}

// pkg is a package with its tests. Build constraints do not matter: what is compiled
// for a guest only is bound by the rules as well.
type pkg struct {
	folder string
	name   string
	files  []*file
}

// file is one source file.
type file struct {
	name    string // from the root of the repository
	test    bool
	syntax  *ast.File
	imports map[string]string // package by the name that the file has for it
	lines   int
}

// code are the files that are not tests.
func (p *pkg) code() []*file {
	return slices.DeleteFunc(slices.Clone(p.files), func(f *file) bool { return f.test })
}

// sorted are the packages of the tree that one of the patterns matches, all without
// patterns.
func (t *tree) sorted(patterns ...string) []*pkg {
	var found []*pkg
	for _, folder := range slices.Sorted(maps.Keys(t.packages)) {
		if len(patterns) == 0 || matchesAny(patterns, folder) {
			found = append(found, t.packages[folder])
		}
	}
	return found
}

// at says where something is in the sources.
func (t *tree) at(n ast.Node) string {
	p := t.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

// matches reports whether a pattern means a package: internal/egress is that one,
// plugins/... is plugins and all below it, and std is the standard library.
func matches(pattern, path string) bool {
	if pattern == "std" {
		return standard(path)
	}
	if above, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == above || strings.HasPrefix(path, above+"/")
	}
	return path == pattern
}

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, path) })
}

// standard reports whether an import is of the standard library. Packages of the
// repository have lost their module's path by now, so a missing dot does not suffice.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".") && first != "C" && !ours(imported)
}

// ours reports whether a path is a folder of the repository.
func ours(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return slices.Contains([]string{"adapters", "cmd", "examples", "host", "internal", "pdk", "plugins"}, first)
}

// repository reads the repository, once for all tests.
func repository(t *testing.T) *tree {
	t.Helper()
	r, err := readRepository()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var readRepository = sync.OnceValues(func() (*tree, error) {
	root, err := rootFolder()
	if err != nil {
		return nil, err
	}
	r := &tree{fset: token.NewFileSet(), packages: map[string]*pkg{}}
	modules := []string{"."}
	for _, pattern := range []string{"examples/*/go.mod", "adapters/*/go.mod", "deploy/*/go.mod", "internal/*/go.mod"} {
		found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			dir, err := filepath.Rel(root, filepath.Dir(f))
			if err != nil {
				return nil, err
			}
			modules = append(modules, dir)
		}
	}
	for _, dir := range modules {
		if err := r.read(root, dir); err != nil {
			return nil, err
		}
	}
	return r, nil
})

func rootFolder() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return "", fmt.Errorf("go list -m: %w", err)
	}
	root := strings.TrimSpace(string(out))
	return root, watch(root)
}

// watch reads every folder: go test keeps a result for as long as what the test read
// stays as it was, and a file that is new is to count as well.
func watch(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == ".git" || path == filepath.Join(root, "build")) {
			return filepath.SkipDir
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another test's, and gone by now
		}
		return err
	})
}

// read adds the packages of a module in a folder of the repository.
func (t *tree) read(root, dir string) error {
	// With -find, go list resolves no imports: nothing is downloaded.
	cmd := exec.Command("go", "list", "-e", "-find", "-json=Dir,Name,GoFiles,CgoFiles,IgnoredGoFiles,TestGoFiles,XTestGoFiles", "./...")
	cmd.Dir = filepath.Join(root, dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go list in %s: %w", dir, err)
	}
	for list := json.NewDecoder(bytes.NewReader(out)); ; {
		var listed struct {
			Dir, Name                                                    string
			GoFiles, CgoFiles, IgnoredGoFiles, TestGoFiles, XTestGoFiles []string
		}
		if err := list.Decode(&listed); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, listed.Dir)
		if err != nil {
			return err
		}
		folder = filepath.ToSlash(folder)
		for _, name := range slices.Concat(listed.GoFiles, listed.CgoFiles, listed.IgnoredGoFiles, listed.TestGoFiles, listed.XTestGoFiles) {
			text, err := os.ReadFile(filepath.Join(listed.Dir, name))
			if errors.Is(err, fs.ErrNotExist) {
				continue // renamed since it was listed
			} else if err != nil {
				return err
			}
			if err := t.add(folder, name, text); err != nil {
				return err
			}
		}
	}
}

// add adds a source file to the package in a folder.
func (t *tree) add(folder, name string, text []byte) error {
	name = path.Join(folder, name)
	syntax, err := parser.ParseFile(t.fset, name, text, parser.ParseComments)
	if err != nil {
		return err
	}
	f := &file{
		name: name, test: strings.HasSuffix(name, "_test.go"), syntax: syntax,
		imports: map[string]string{}, lines: bytes.Count(text, []byte("\n")),
	}
	for _, spec := range syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		if imported == module {
			imported = "."
		}
		imported = strings.TrimPrefix(imported, module+"/")
		local := localName(imported)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		if local == "_" || local == "." {
			local += imported // keeps several of them apart, and clear of every identifier
		}
		f.imports[local] = imported
	}
	p := t.packages[folder]
	if p == nil {
		p = &pkg{folder: folder}
		t.packages[folder] = p
	}
	if !f.test {
		p.name = syntax.Name.Name
	}
	p.files = append(p.files, f)
	return nil
}

// localName is the name of a package as its path suggests it: rand for math/rand/v2.
func localName(imported string) string {
	base := path.Base(imported)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(imported))
	}
	return base
}

// planted makes a tree of sources, by the names of their files.
func planted(t *testing.T, sources map[string]string) *tree {
	t.Helper()
	p := &tree{fset: token.NewFileSet(), packages: map[string]*pkg{}}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		if err := p.add(path.Dir(name), path.Base(name), []byte(sources[name])); err != nil {
			t.Fatal(err)
		}
	}
	return p
}
