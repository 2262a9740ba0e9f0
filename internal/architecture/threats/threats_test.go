package threats

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

var update = flag.Bool("update", false, "write the table into docs/threats.md")

const page = "docs/threats.md"

// The table stands between these lines.
const (
	begin = "<!-- threats: begin. Written by go test ./internal/architecture/threats -update -->\n"
	end   = "<!-- threats: end -->\n"
)

// TestTable fails where a threat has no test and no reason, where a marker names none,
// and where the page is not what the tests say.
func TestTable(t *testing.T) {
	root := repository(t)
	found, err := read(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	if len(found.tests) < 100 {
		t.Fatalf("only %d tests were found", len(found.tests))
	}
	for _, p := range append(found.problems, check(found.markers, chapters, untested)...) {
		t.Error(p)
	}
	file := filepath.Join(root, page)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(text, []byte(begin))
	_, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table: it stands between %q and %q", page, begin, end)
	}
	want := slices.Concat(before, []byte(begin), []byte(table(found.markers, chapters, untested)), []byte(end), after)
	switch {
	case bytes.Equal(text, want):
	case *update:
		if err := os.WriteFile(file, want, 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s does not say what the tests say; run: go test ./internal/architecture/threats -update", page)
	}
}

// check returns what is wrong between markers and list.
func check(markers []marker, chapters []chapter, untested map[string]string) []string {
	var problems []string
	known := make(map[string]bool)
	tested := make(map[string]marker)
	for _, m := range markers {
		for _, id := range m.ids {
			tested[id] = m
		}
	}
	for _, c := range chapters {
		for _, threat := range c.threats {
			if known[threat.id] {
				problems = append(problems, threat.id+" stands in the list twice")
			}
			known[threat.id] = true
			m, isTested := tested[threat.id]
			_, excused := untested[threat.id]
			switch {
			case isTested && excused:
				problems = append(problems, fmt.Sprintf("%s has a test (%s): take it out of untested in internal/architecture/threats", threat.id, m.at))
			case !isTested && !excused:
				problems = append(problems, fmt.Sprintf("%s has no test: %s", threat.id, threat.attempt))
			}
		}
	}
	for id, m := range tested {
		if !known[id] {
			problems = append(problems, fmt.Sprintf("%s: there is no threat %s in the list", m.at, id))
		}
	}
	for id := range untested {
		if !known[id] {
			problems = append(problems, "untested says why of "+id+", which is not in the list")
		}
	}
	slices.Sort(problems)
	return problems
}

// table is the list with the tests of each threat.
func table(markers []marker, chapters []chapter, untested map[string]string) string {
	var b strings.Builder
	for _, c := range chapters {
		fmt.Fprintf(&b, "\n**%s**\n\n| id | what somebody tries | what tests it |\n|---|---|---|\n", c.title)
		for _, threat := range c.threats {
			tests := untested[threat.id]
			if own := testsOf(markers, threat.id); own != "" {
				tests = own
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", threat.id, threat.attempt, tests)
		}
	}
	return b.String() + "\n"
}

// testsOf lists the tests against a threat by package.
func testsOf(markers []marker, id string) string {
	folders := make(map[string][]string)
	for _, m := range markers {
		if slices.Contains(m.ids, id) {
			folders[m.folder] = append(folders[m.folder], m.test)
		}
	}
	var lists []string
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		tests := folders[folder]
		slices.Sort(tests)
		lists = append(lists, folder+": "+strings.Join(slices.Compact(tests), ", "))
	}
	return strings.Join(lists, "; ")
}

func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestMistakesAreFound plants them.
func TestMistakesAreFound(t *testing.T) {
	list := []chapter{{"Some", []threat{{"N1", "A."}, {"N2", "B."}, {"N3", "C."}, {"N4", "D."}}}}
	found, err := read(fstest.MapFS{
		"host/a_test.go": {Data: []byte("package host\n\n// TestA is one.\n// threat: N1, N2\nfunc TestA() {\n\t// threat: N9\n}\n\n// threat: N1\nfunc helper() {}\n\n" +
			"// threat: N1 in TestA/case\nvar x int\n\n// threat: N1 in TestGone\nvar y int\n\n// threat: everything\nfunc TestB() {}\n")},
		"cmd/b_test.go":                  {Data: []byte("package cmd\n\nfunc TestScript() {}\n")},
		"cmd/testdata/script/deny.txtar": {Data: []byte("# denied\n# threat: N2\nexec x\n")},
		".git/c_test.go":                 {Data: []byte("not Go")},
	})
	if err != nil {
		t.Fatal(err)
	}
	problems := slices.Concat(found.problems, check(found.markers, list, map[string]string{"N1": "not yet", "N4": "never", "N7": "never"}))
	for _, want := range []string{
		"host/a_test.go:9: the marker stands at no test",
		`host/a_test.go:15: host has no test "TestGone"`,
		`host/a_test.go:18: "everything" is no list of threats`,
		"host/a_test.go:6: there is no threat N9",
		"N1 has a test",
		"N3 has no test: C.",
		"untested says why of N7",
	} {
		if !slices.ContainsFunc(problems, func(p string) bool { return strings.HasPrefix(p, want) }) {
			t.Errorf("%q was not found", want)
		}
	}
	if len(problems) != 7 {
		t.Errorf("%d problems: %q", len(problems), problems)
	}
	got := table(found.markers, list, map[string]string{"N4": "never"})
	for _, want := range []string{"| N1 | A. | host: TestA, TestA/case, TestGone |", "| N2 | B. | cmd: TestScript/deny; host: TestA |", "| N4 | D. | never |"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %s", want, got)
		}
	}
}
