package readme

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var (
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	code    = regexp.MustCompile("`[^`\n]*`")
)

// TestLinks follows every relative link of a document, and its anchor.
func TestLinks(t *testing.T) {
	t.Parallel()
	all := documents(t)
	links := 0
	for name, text := range all {
		for _, target := range linksOf(text) {
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			links++
			if problem := follow(all, root(t), name, target); problem != "" {
				t.Errorf("%s: the link %s leads nowhere: %s", name, target, problem)
			}
		}
	}
	if links < 40 {
		t.Errorf("only %d links were found", links)
	}
}

func TestLinksThatLeadNowhere(t *testing.T) {
	t.Parallel()
	all := map[string]string{"README.md": "# A\n", "docs/b.md": "# B\n\n## What `x` is, and isn\u0027t\n\n## Twice\n\n## Twice\n"}
	for target, good := range map[string]bool{
		"../README.md": true, "../README.md#a": true, "#b": true, "#what-x-is-and-isnt": true, "#twice-1": true, "b.md#twice": true,
		"README.md": false, "../README.md#b": false, "#twice-2": false, "c.md": false, "../../outside.md": false,
	} {
		if problem := follow(all, t.TempDir(), "docs/b.md", target); (problem == "") != good {
			t.Errorf("%s: %q", target, problem)
		}
	}
}

// linksOf are the targets of a document's links, those in code left out.
func linksOf(text string) []string {
	var targets []string
	for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(fence.ReplaceAllString(text, ""), "`"), -1) {
		targets = append(targets, m[1])
	}
	return targets
}

// follow returns why a link of a document leads nowhere, and nothing where it leads somewhere.
func follow(all map[string]string, root, from, target string) string {
	file, anchor, _ := strings.Cut(target, "#")
	to := from
	if file != "" {
		to = path.Join(path.Dir(from), file)
	}
	text, known := all[to]
	if !known {
		if anchor != "" || !filepath.IsLocal(filepath.FromSlash(to)) {
			return "there is no document " + to
		}
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(to))); err != nil {
			return "there is no file " + to
		}
		return ""
	}
	if anchor != "" && !slices.Contains(anchors(text), anchor) {
		return to + " has no such heading"
	}
	return ""
}

// anchors are those that GitHub gives to the headings of a document.
func anchors(text string) []string {
	var found []string
	count := make(map[string]int)
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		anchor := strings.Map(func(c rune) rune {
			switch {
			case c == ' ':
				return '-'
			case c == '-' || c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c):
				return unicode.ToLower(c)
			}
			return -1
		}, m[1])
		count[anchor]++
		if n := count[anchor]; n > 1 {
			anchor += "-" + string(rune('0'+n-1))
		}
		found = append(found, anchor)
	}
	return found
}

// TestRationaleContents: the table of contents has every question, in the order of the page.
func TestRationaleContents(t *testing.T) {
	t.Parallel()
	text := documents(t)["docs/rationale.md"]
	_, contents, _ := strings.Cut(text, "<!-- contents -->")
	contents, page, ok := strings.Cut(contents, "<!-- end -->")
	if !ok {
		t.Fatal("docs/rationale.md has no table of contents")
	}
	var listed []string
	for _, target := range linksOf(contents) {
		listed = append(listed, strings.TrimPrefix(target, "#"))
	}
	if headings := anchors(page); !slices.Equal(listed, headings) {
		for i := range max(len(listed), len(headings)) {
			if i >= len(listed) || i >= len(headings) || listed[i] != headings[i] {
				t.Fatalf("the table of contents and the headings of docs/rationale.md differ from entry %d on: %q and %q", i+1, listed[i:min(i+1, len(listed))], headings[i:min(i+1, len(headings))])
			}
		}
	}
}

// TestFilesInArchitecture: the files and packages that ARCHITECTURE.md names exist.
func TestFilesInArchitecture(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile("`((?:host|internal|cmd|pdk|docs|adapters|plugins)/[A-Za-z0-9_./-]+)`").FindAllStringSubmatch(documents(t)["ARCHITECTURE.md"], -1)
	if len(named) < 40 {
		t.Fatalf("only %d names were found", len(named))
	}
	for _, m := range named {
		if _, err := os.Stat(filepath.Join(root(t), filepath.FromSlash(m[1]))); err != nil {
			t.Errorf("ARCHITECTURE.md names %s, which does not exist", m[1])
		}
	}
}
