package architecture

import (
	"fmt"
	"go/ast"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// maxLines is the length of a file that a person still reads in one sitting.
const maxLines = 600

// The most that package host may be.
const (
	mostHostImports   = 15 // packages of this module
	mostHostFiles     = 17 // without tests
	mostHostLines     = 500
	mostFunctionLines = 80
)

func sourceRules() []rule {
	var allowed, body strings.Builder
	for i := range mostHostImports {
		fmt.Fprintf(&allowed, "import _ %q\n", fmt.Sprintf("%s/internal/p%d", module, i))
	}
	imports := allowed.String() + fmt.Sprintf("import _ %q\n", module+"/internal/more")
	for range mostFunctionLines {
		body.WriteString("\t_ = 1\n")
	}
	return []rule{
		{
			name: "the host is small", names: []string{"host"}, check: checkHost,
			why: "the host looks up, decides, admits and hands on: what it builds upon, and how a call goes, is read in one sitting",
			broken: map[string]string{
				"host/a.go": "package host\n" + imports,
				"host/b.go": "package host\n" + strings.Repeat("\n", mostHostLines),
				"host/c.go": "package host\nfunc f() {\n" + body.String() + "}",
			},
			kept: map[string]string{
				"host/a_test.go":  "package host\n" + imports,
				"host/tool/a.go":  "package tool\n" + imports,
				"host/b.go":       "package host\nimport _ \"fmt\"\n" + allowed.String(),
				"internal/a/b.go": "package a\n" + strings.Repeat("\n", mostHostLines),
				"internal/a/c.go": "package a\nfunc f() {\n" + body.String() + "}",
			},
		},
		{
			name: "no init functions", check: checkInit,
			why:    "an import has no side effects: what is set up is set up by a call, where a reader sees it",
			broken: map[string]string{"host/a.go": `package host; func init() {}`},
			kept:   map[string]string{"host/a.go": `package host; type T int; func (T) init() {}`, "host/a_test.go": `package host; func init() {}`},
		},
		{
			name: "no long files", check: checkLength,
			why:    "one concept per file, and a file that a person reads in one sitting",
			broken: map[string]string{"host/a_test.go": "package host\n" + strings.Repeat("\n", maxLines)},
			kept:   map[string]string{"host/a.go": "package host\n" + strings.Repeat("\n", maxLines-1)},
		},
		{
			name: "exported names are documented", check: checkDocumented,
			why: "embedders and connector authors work from the documentation: what it does, units, errors, whether it is safe for several goroutines",
			broken: map[string]string{
				"host/a.go": `package host; func Open() {}`,
				"host/b.go": `package host; type Host struct{}`,
				"host/c.go": "package host\n// T is one.\ntype T int\nfunc (t *T) Close() {}",
				"host/d.go": `package host; const Max = 1`,
				"host/e.go": "package host\nvar (\n\t// A is one.\n\tA = 1\n\tB = 2\n)",
				"host/h.go": "package host\n// T is one.\ntype T[E any] int\nfunc (t T[E]) Close() {}",
			},
			kept: map[string]string{
				"host/a.go":         "package host\n// Open opens.\nfunc Open() {}\ntype t int\nfunc (t) Close() {}\nfunc open() {}",
				"host/b.go":         "package host\n// The kinds.\nconst (\n\tA = 1\n\tB = 2\n)",
				"host/a_test.go":    `package host; func Helper() {}`,
				"cmd/a/a.go":        `package main; func Open() {}`,
				"internal/a/a.go":   `package a; func Open() {}`,
				"cmd/a/internal.go": `package main; type T int`,
			},
		},
		{
			name: "nothing is left to do", check: checkLeftovers,
			why:    "a note in the code is read by nobody who could act on it: do it, or write an issue",
			broken: map[string]string{"host/a_test.go": "package host\n// TO" + "DO: later.\n", "host/b.go": "package host\nvar a = 1 // FIX" + "ME\n"},
			kept:   map[string]string{"host/a.go": "package host\n// Todoist is a vendor.\nvar a = \"TO" + "DO\""},
		},
	}
}

func checkHost(t *tree) []string {
	var broken []string
	for _, p := range t.sorted("host") {
		imported := make(map[string]bool)
		last := ""
		for _, f := range p.code() {
			last = f.name
			for _, path := range f.imports {
				if ours(path) {
					imported[path] = true
				}
			}
			if f.lines > mostHostLines {
				broken = append(broken, fmt.Sprintf("%s has %d lines, more than %d", f.name, f.lines, mostHostLines))
			}
			for _, decl := range f.syntax.Decls {
				fn, ok := decl.(*ast.FuncDecl)
				if !ok {
					continue
				}
				if lines := t.fset.Position(fn.End()).Line - t.fset.Position(fn.Pos()).Line + 1; lines > mostFunctionLines {
					broken = append(broken, fmt.Sprintf("%s: %s has %d lines, more than %d", t.at(fn), fn.Name.Name, lines, mostFunctionLines))
				}
			}
		}
		if len(imported) > mostHostImports {
			broken = append(broken, fmt.Sprintf("%s and the other files import %d packages of this module, more than %d: %s",
				last, len(imported), mostHostImports, strings.Join(slices.Sorted(maps.Keys(imported)), ", ")))
		}
		if files := len(p.code()); files > mostHostFiles {
			broken = append(broken, fmt.Sprintf("%s is one of %d files, more than %d", last, files, mostHostFiles))
		}
	}
	return broken
}

func checkInit(t *tree) []string {
	var broken []string
	for _, p := range t.sorted() {
		for _, f := range p.code() {
			for _, decl := range f.syntax.Decls {
				if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					broken = append(broken, fmt.Sprintf("%s: func init", t.at(fn)))
				}
			}
		}
	}
	return broken
}

func checkLength(t *tree) []string {
	var broken []string
	for _, p := range t.sorted() {
		for _, f := range p.files {
			if f.lines > maxLines {
				broken = append(broken, fmt.Sprintf("%s has %d lines, more than %d", f.name, f.lines, maxLines))
			}
		}
	}
	return broken
}

var leftover = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b`)

func checkLeftovers(t *tree) []string {
	var broken []string
	for _, p := range t.sorted() {
		for _, f := range p.files {
			for _, group := range f.syntax.Comments {
				for _, c := range group.List {
					if word := leftover.FindString(c.Text); word != "" {
						broken = append(broken, fmt.Sprintf("%s: %s", t.at(c), word))
					}
				}
			}
		}
	}
	return broken
}

func checkDocumented(t *tree) []string {
	var broken []string
	for _, p := range t.sorted() {
		if p.name == "main" || strings.Contains("/"+p.folder+"/", "/internal/") {
			continue
		}
		for _, f := range p.code() {
			report := func(n ast.Node, name string) {
				broken = append(broken, fmt.Sprintf("%s: %s has no doc comment", t.at(n), name))
			}
			for _, decl := range f.syntax.Decls {
				switch d := decl.(type) {
				case *ast.FuncDecl:
					if d.Doc == nil && d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver(d))) {
						report(d, d.Name.Name)
					}
				case *ast.GenDecl:
					for _, spec := range d.Specs {
						undocumented(d, spec, report)
					}
				}
			}
		}
	}
	return broken
}

// receiver is the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	for x := d.Recv.List[0].Type; ; {
		switch e := x.(type) {
		case *ast.StarExpr:
			x = e.X
		case *ast.IndexExpr:
			x = e.X
		case *ast.IndexListExpr:
			x = e.X
		case *ast.Ident:
			return e.Name
		default:
			return ""
		}
	}
}

// undocumented leaves out fields and methods of interfaces: what is written about a
// type says more about them than a sentence for each could.
func undocumented(d *ast.GenDecl, spec ast.Spec, report func(ast.Node, string)) {
	switch s := spec.(type) {
	case *ast.ValueSpec:
		for _, name := range s.Names {
			// One comment may serve a whole group of constants.
			if name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
				report(name, name.Name)
			}
		}
	case *ast.TypeSpec:
		if !s.Name.IsExported() {
			return
		}
		if d.Doc == nil && s.Doc == nil && s.Comment == nil {
			report(s, s.Name.Name)
		}
	}
}
