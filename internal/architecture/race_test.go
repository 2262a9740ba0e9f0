package architecture

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestOnlyConcurrentTestsStartGoroutines: make test runs the race detector in the packages that the
// Makefile lists for none but the tests with Concurrent in the name, so no other starts goroutines.
func TestOnlyConcurrentTestsStartGoroutines(t *testing.T) {
	t.Parallel()
	root, err := rootFolder()
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	plain, concurrent := listed(string(makefile), "PLAIN"), listed(string(makefile), "CONCURRENT")
	if len(plain) < 5 || len(concurrent) < 2 {
		t.Fatalf("the Makefile lists %q and %q", plain, concurrent)
	}
	all := repository(t)
	for _, folder := range slices.Concat(plain, concurrent) {
		p := all.packages[folder]
		if p == nil {
			t.Errorf("the Makefile lists %s, which is no package", folder)
			continue
		}
		inCode, inTests, wrong := goroutines(p)
		switch {
		case slices.Contains(plain, folder) && len(inCode)+len(inTests)+len(wrong) > 0:
			t.Errorf("%s starts goroutines in %q: list it in the Makefile under CONCURRENT, or not at all", folder, slices.Concat(inCode, inTests, wrong))
		case len(wrong) > 0:
			t.Errorf("%s: %q start goroutines: put Concurrent in the names of these tests", folder, wrong)
		case slices.Contains(concurrent, folder) && len(inTests) == 0:
			t.Errorf("%s has no test with Concurrent in the name that starts goroutines", folder)
		}
	}
}

// listed returns the words of a variable of a Makefile.
func listed(makefile, variable string) []string {
	m := regexp.MustCompile(`(?m)^` + variable + ` := ((?:.*\\\n)*.*)$`).FindStringSubmatch(makefile)
	if m == nil {
		return nil
	}
	return strings.Fields(strings.ReplaceAll(m[1], "\\\n", " "))
}

// goroutines returns the functions of a package that start goroutines: those of its code, its tests with Concurrent in
// the name, and those of its tests without.
func goroutines(p *pkg) (inCode, inTests, wrong []string) {
	for _, f := range p.files {
		for _, d := range f.syntax.Decls {
			function, ok := d.(*ast.FuncDecl)
			if !ok || !startsGoroutine(function) {
				continue
			}
			switch name := function.Name.Name; {
			case !f.test:
				inCode = append(inCode, name)
			case strings.Contains(name, "Concurrent"):
				inTests = append(inTests, name)
			default:
				wrong = append(wrong, name)
			}
		}
	}
	return inCode, inTests, wrong
}

// startsGoroutine looks for go statements, for methods Go as sync.WaitGroup has it, and for servers.
func startsGoroutine(function *ast.FuncDecl) bool {
	starts := false
	ast.Inspect(function, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			starts = true
		case *ast.CallExpr:
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"Go", "NewServer", "NewTLSServer", "NewUnstartedServer"}, s.Sel.Name) {
				starts = true
			}
		}
		return !starts
	})
	return starts
}
