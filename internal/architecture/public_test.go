package architecture

import (
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The most that other programs may see of this module. What is public cannot change freely.
const (
	mostPackages = 16
	mostNames    = 376
)

// TestPublic compares the exported names and methods of all importable packages with public.txt. The
// difference in a change's diff is what changes for other programs.
//
//	go test ./internal/architecture -run TestPublic -v        # prints the counts
//	go test ./internal/architecture -run TestPublic -update   # writes public.txt
func TestPublic(t *testing.T) {
	var listed strings.Builder
	packages, all, methods := 0, 0, 0
	for _, p := range repository(t).sorted("host/...", "pdk/...", "server/...") {
		if !importable(p) {
			continue
		}
		names := exported(p)
		packages++
		of := 0
		for _, name := range names {
			if strings.Contains(name, ".") {
				of++
			}
		}
		methods += of
		all += len(names) - of
		fmt.Fprintf(&listed, "%s: %d names, %d methods\n", p.folder, len(names)-of, of)
		for _, name := range names {
			fmt.Fprintf(&listed, "\t%s\n", name)
		}
	}
	t.Logf("%d importable packages with %d exported names and %d methods", packages, all, methods)
	if packages > mostPackages || all > mostNames {
		t.Errorf("%d importable packages with %d exported names, the limits are %d and %d: move what only this module uses under internal/", packages, all, mostPackages, mostNames)
	}
	root, err := rootFolder()
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join(root, "internal", "architecture", "public.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(listed.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if listed.String() != string(want) {
		t.Error("the exported names are not those of public.txt; if the change is meant, run: go test ./internal/architecture -run TestPublic -update")
	}
}

// importable reports whether another module can import a package.
func importable(p *pkg) bool {
	return len(p.code()) > 0 && p.name != "main" &&
		!slices.ContainsFunc(strings.Split(p.folder, "/"), func(part string) bool { return part == "internal" || part == "testdata" })
}

// exported returns the exported names of a package: constants, variables, functions and types,
// and as Type.Name their methods. It leaves out the fields of structs.
func exported(p *pkg) []string {
	found := map[string]bool{}
	for _, f := range p.code() {
		for _, decl := range f.syntax.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if name := declared(d); name != "" {
					found[name] = true
				}
			case *ast.GenDecl:
				if d.Tok == token.IMPORT {
					continue
				}
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						found[s.Name.Name] = s.Name.IsExported()
					case *ast.ValueSpec:
						for _, id := range s.Names {
							found[id.Name] = id.IsExported()
						}
					}
				}
			}
		}
	}
	var names []string
	for name, public := range found {
		if public {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// declared returns the name of an exported function or method, and nothing for others.
func declared(d *ast.FuncDecl) string {
	if !d.Name.IsExported() {
		return ""
	}
	if d.Recv == nil {
		return d.Name.Name
	}
	receiver := d.Recv.List[0].Type
	if pointer, ok := receiver.(*ast.StarExpr); ok {
		receiver = pointer.X
	}
	if generic, ok := receiver.(*ast.IndexExpr); ok {
		receiver = generic.X
	}
	id, ok := receiver.(*ast.Ident)
	if !ok || !id.IsExported() {
		return ""
	}
	return id.Name + "." + d.Name.Name
}
