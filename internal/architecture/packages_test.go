package architecture

import (
	"bytes"
	"flag"
	"fmt"
	"go/doc"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the packages into ARCHITECTURE.md and public.txt")

// The list of packages stands between these lines of ARCHITECTURE.md.
const (
	beginPackages = "<!-- packages: begin. Written by go test ./internal/architecture -update -->\n"
	endPackages   = "<!-- packages: end -->\n"
)

// TestPackageList fails where a package does not say what it is, and where ARCHITECTURE.md
// does not list the packages and the rules as they are.
func TestPackageList(t *testing.T) {
	r := repository(t)
	root, err := rootFolder()
	if err != nil {
		t.Fatal(err)
	}
	list, silent := packageList(r, rules())
	for _, folder := range silent {
		t.Errorf("%s has no package comment", folder)
	}
	page := filepath.Join(root, "ARCHITECTURE.md")
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(text, []byte(beginPackages))
	_, after, ok2 := bytes.Cut(rest, []byte(endPackages))
	if !ok || !ok2 {
		t.Fatalf("ARCHITECTURE.md has no place for the list: it stands between %q and %q", beginPackages, endPackages)
	}
	want := slices.Concat(before, []byte(beginPackages), []byte(list), []byte(endPackages), after)
	switch {
	case bytes.Equal(text, want):
	case *update:
		if err := os.WriteFile(page, want, 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("ARCHITECTURE.md does not list the packages and rules as they are; run: go test ./internal/architecture -update")
	}
}

func TestPackageListOfATree(t *testing.T) {
	list, silent := packageList(planted(t, map[string]string{
		"host/a.go":            "// Package host opens hosts. It does more.\npackage host",
		"host/a_test.go":       "// Package host is a test.\npackage host",
		"internal/egress/a.go": "// Package egress sends a|b.\npackage egress",
		"internal/bench/a.go":  "// Command bench measures.\npackage main",
		"internal/bare/a.go":   "package bare",
		"examples/x/a.go":      "// Command x is an example.\npackage main",
	}), []rule{{name: "egress stands apart", why: "it is read whole"}})
	for _, want := range []string{
		"\n**Public**\n\n| package | what it is |\n|---|---|\n| `host` | Package host opens hosts. |\n",
		"\n**Internal**\n\n| package | what it is |\n|---|---|\n| `internal/egress` | Package egress sends a\\|b. |\n",
		"\n**For developers and tests**\n\n| package | what it is |\n|---|---|\n| `internal/bench` | Command bench measures. |\n",
		"| egress stands apart | it is read whole |\n",
	} {
		if !strings.Contains(list, want) {
			t.Errorf("%q is not in\n%s", want, list)
		}
	}
	if !slices.Equal(silent, []string{"internal/bare"}) || strings.Contains(list, "examples/x") {
		t.Errorf("silent %q, list\n%s", silent, list)
	}
}

// packageList is the Markdown of the packages and rules, and the packages that have no
// comment.
func packageList(t *tree, rules []rule) (list string, silent []string) {
	var b strings.Builder
	for _, chapter := range []struct {
		title string
		has   func(folder string) bool
	}{
		{"Public", func(f string) bool { return matchesAny([]string{"host/...", "pdk/...", "server"}, f) }},
		{"Command and connectors", func(f string) bool { return matchesAny([]string{"cmd/...", "plugins/..."}, f) }},
		{"Internal", func(f string) bool {
			return matchesAny([]string{"internal/...", "server/internal/..."}, f) && !matchesAny(tools, f)
		}},
		{"For developers and tests", func(f string) bool { return matchesAny(tools, f) }},
	} {
		fmt.Fprintf(&b, "\n**%s**\n\n| package | what it is |\n|---|---|\n", chapter.title)
		for _, p := range t.sorted() {
			if !chapter.has(p.folder) || len(p.code()) == 0 {
				continue
			}
			sentence := synopsis(p)
			if sentence == "" {
				silent = append(silent, p.folder)
				continue
			}
			fmt.Fprintf(&b, "| `%s` | %s |\n", p.folder, cell(sentence))
		}
	}
	b.WriteString("\n**Rules, and why**\n\n| rule | why |\n|---|---|\n")
	for _, r := range rules {
		fmt.Fprintf(&b, "| %s | %s |\n", cell(r.name), cell(r.why))
	}
	return b.String() + "\n", silent
}

// synopsis is the first sentence of a package's comment.
func synopsis(p *pkg) string {
	for _, f := range p.code() {
		if f.syntax.Doc != nil {
			return new(doc.Package).Synopsis(f.syntax.Doc.Text())
		}
	}
	return ""
}

// cell makes text fit into a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
