package threats

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// marker says that a test defends against threats.
type marker struct {
	at     string // file and line
	folder string // of the package
	test   string // function, and perhaps the case in it
	ids    []string
}

var (
	inGo     = regexp.MustCompile(`^//\s*threat:\s*(.*?)\s*$`)
	inScript = regexp.MustCompile(`(?m)^#\s*threat:\s*(.*?)\s*$`)
	idList   = regexp.MustCompile(`^[A-Z]\d+[a-z]?(, [A-Z]\d+[a-z]?)*$`)
	testFunc = regexp.MustCompile(`^(Test|Fuzz|Example)([A-Z_]|$)`)
)

// reading is what is found in a tree.
type reading struct {
	markers  []marker
	tests    map[string]bool // folder and function
	problems []string
}

// read reads every test and every test script of a tree.
func read(tree fs.FS) (*reading, error) {
	r := &reading{tests: make(map[string]bool)}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case strings.HasSuffix(name, "_test.go"):
			return r.source(tree, name)
		case strings.HasSuffix(name, ".txtar"):
			return r.script(tree, name)
		}
		return nil
	})
	for _, m := range r.markers {
		if function, _, _ := strings.Cut(m.test, "/"); !r.tests[m.folder+" "+function] {
			r.problem(m.at, "%s has no test %q", m.folder, function)
		}
	}
	return r, err
}

func (r *reading) problem(at, format string, args ...any) {
	r.problems = append(r.problems, at+": "+fmt.Sprintf(format, args...))
}

// script reads a test script, which TestScript of the package above runs.
func (r *reading) script(tree fs.FS, name string) error {
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return err
	}
	folder, _, _ := strings.Cut(name, "/testdata/")
	for _, m := range inScript.FindAllSubmatchIndex(text, -1) {
		at := fmt.Sprintf("%s:%d", name, 1+bytes.Count(text[:m[0]], []byte("\n")))
		r.mark(at, folder, "TestScript/"+strings.TrimSuffix(path.Base(name), ".txtar"), string(text[m[2]:m[3]]))
	}
	return nil
}

func (r *reading) source(tree fs.FS, name string) error {
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return err
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	var functions []*ast.FuncDecl
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && testFunc.MatchString(f.Name.Name) {
			functions = append(functions, f)
			r.tests[path.Dir(name)+" "+f.Name.Name] = true
		}
	}
	for _, group := range file.Comments {
		for _, c := range group.List {
			m := inGo.FindStringSubmatch(c.Text)
			if m == nil {
				continue
			}
			at := fmt.Sprintf("%s:%d", name, files.Position(c.Pos()).Line)
			ids, test, named := strings.Cut(m[1], " in ")
			if !named {
				if test = around(functions, c); test == "" {
					r.problem(at, "the marker stands at no test: move it, or end it with: in TestName")
					continue
				}
			}
			r.mark(at, path.Dir(name), test, ids)
		}
	}
	return nil
}

// around returns the test whose doc comment or body has c.
func around(functions []*ast.FuncDecl, c *ast.Comment) string {
	for _, f := range functions {
		start := f.Pos()
		if f.Doc != nil {
			start = f.Doc.Pos()
		}
		if start <= c.Pos() && c.Pos() < f.End() {
			return f.Name.Name
		}
	}
	return ""
}

func (r *reading) mark(at, folder, test, ids string) {
	if !idList.MatchString(ids) {
		r.problem(at, "%q is no list of threats: write it as N1, N3", ids)
		return
	}
	r.markers = append(r.markers, marker{at, folder, test, strings.Split(ids, ", ")})
}
