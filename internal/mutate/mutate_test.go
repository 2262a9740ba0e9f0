package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const sample = `package sample

const limit = 1

var on = true

func (l *List[T]) Add(n int) (int, error) {
	if n < 0 {
		return 0, errors.New("negative")
	}
	l.sum += n
	_ = n
	x := n
	l.log.Debug("added")
	l.log.Warn("added")
	for i := 0; x <= n; i++ {
		l.count++
	}
	defer func() *abi.Error { return fault.Invalid("n") }()
	return l.other(n)
}
`

func TestMutants(t *testing.T) {
	t.Parallel()
	found, err := mutants("sample", "sample/a.go", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, m := range found {
		fmt.Fprintf(&got, "%d %s: %s\n", m.line, m.kind, strings.TrimPrefix(m.change(), "sample "))
	}
	const want = `3 swapped constant: const: const limit = 1 => const limit = 0
5 swapped constant: var: var on = true => var on = false
11 removed statement: List.Add: l.sum += n => if false { l.sum += n }
15 removed statement: List.Add: l.log.Warn("added") => if false { l.log.Warn("added") }
19 removed statement: List.Add: defer func() *abi.Error { return fault.Invalid("n") }() => if false { defer func() *abi.Error { return fault.Invalid("n") }() }
8 negated condition: List.Add: if n < 0 { => if !(n < 0) {
8 swapped constant: List.Add: if n < 0 { => if n <= 0 {
8 swapped constant: List.Add: if n < 0 { => if n < 1 {
9 dropped error: List.Add: return 0, errors.New("negative") => { _ = errors.New("negative"); return 0, nil }
16 negated condition: List.Add: for i := 0; x <= n; i++ { => for i := 0; !(x <= n); i++ {
16 swapped constant: List.Add: for i := 0; x <= n; i++ { => for i := 1; x <= n; i++ {
16 swapped constant: List.Add: for i := 0; x <= n; i++ { => for i := 0; x < n; i++ {
17 removed statement: List.Add: l.count++ => if false { l.count++ }
19 dropped error: List.Add: defer func() *abi.Error { return fault.Invalid("n") }() => defer func() *abi.Error { { _ = fault.Invalid("n"); return nil } }()
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", &got, want)
	}
	for _, m := range found {
		if _, err := mutants("sample", m.change(), m.apply([]byte(sample))); err != nil {
			t.Errorf("it does not parse: %v", err)
		}
	}
}

func TestDraw(t *testing.T) {
	t.Parallel()
	all, err := mutants("sample", "sample/a.go", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	const equivalent = "sample List.Add: l.count++ => if false { l.count++ }"
	names := func(seed uint64) string {
		var b strings.Builder
		drawn := draw(all, map[string]string{equivalent: "nobody reads it"}, seed)
		for _, k := range kinds() {
			for _, m := range drawn[k] {
				b.WriteString(m.change() + "\n")
			}
		}
		return b.String()
	}
	drawn, again := names(7), names(7)
	if drawn != again || drawn == names(8) {
		t.Error("the seed does not decide")
	}
	if n := strings.Count(drawn, "\n"); n != len(all)-1 || strings.Contains(drawn, equivalent) {
		t.Errorf("%d of %d are drawn:\n%s", n, len(all), drawn)
	}
}

func TestParseEquivalents(t *testing.T) {
	t.Parallel()
	known, err := parseEquivalents("# about\n\na f: x => y\n\tbecause\n\tof that\nb: 1 => 0\n\tno\n")
	if err != nil || len(known) != 2 || known["a f: x => y"] != "because of that" || known["b: 1 => 0"] != "no" {
		t.Errorf("%q, %v", known, err)
	}
	for _, bad := range []string{"a\nb\n\twhy\n", "\twhy\n", "a\n", "a\n\twhy\na\n\twhy\n"} {
		if _, err := parseEquivalents(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

// TestEquivalents: each change that is listed can still be made. A line that is gone takes its
// entry with it.
func TestEquivalents(t *testing.T) {
	t.Parallel()
	known, err := parseEquivalents(equivalentText)
	if err != nil {
		t.Fatal(err)
	}
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	all, err := collect(t.Context(), root, packages())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		delete(known, m.change())
	}
	for change := range known {
		t.Errorf("equivalent.txt lists a change that cannot be made: %s", change)
	}
	if len(all) < 1000 {
		t.Errorf("only %d mutants in %q", len(all), packages())
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	got := fmt.Sprint(batches(map[string]time.Duration{"TestSlow": time.Minute, "TestB": 0, "TestA": 0, "TestC": 900 * time.Millisecond, "TestD": 2 * time.Second}))
	if got != "[[TestA TestB TestC] [TestD] [TestSlow]]" {
		t.Error(got)
	}
	if got := batches(nil); len(got) != 0 {
		t.Error(got)
	}
}

// TestHunt: as many of each kind are tested, one that does not compile gives way to the next,
// and the same ones are tested whatever runs first.
func TestHunt(t *testing.T) {
	t.Parallel()
	drawn := make(map[kind][]*mutant)
	for _, k := range kinds() {
		for i := range 20 {
			drawn[k] = append(drawn[k], &mutant{kind: k, line: i, function: fmt.Sprintf("f%02d", i)})
		}
	}
	silent := func(string, ...any) {}
	try := func(_ context.Context, m *mutant) (outcome, string, error) {
		switch m.line % 3 {
		case 0:
			return invalid, "", nil
		case 1:
			return survived, "", nil
		}
		return killed, "TestX", nil
	}
	s, err := hunt(t.Context(), drawn, 18, 2, try, silent)
	if err != nil || s.tested != 18 || len(s.survivors) != 10 { // 5, 5, 4 and 4 of the kinds
		t.Errorf("%d tested, %d survived, %v", s.tested, len(s.survivors), err)
	}
	var printed []string
	s.print(func(format string, args ...any) { printed = append(printed, fmt.Sprintf(format, args...)) })
	if !slices.Contains(printed, "\n10 of 18 mutants survived: 55.6%") {
		t.Errorf("%q", printed)
	}
	broken := errors.New("the disk is full")
	if _, err := hunt(t.Context(), drawn, 4, 2, func(context.Context, *mutant) (outcome, string, error) { return "", "", broken }, silent); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// TestTry runs real tests of a module of two packages against mutants: one that a test of its package
// notices, one that a caller's test notices, one that nobody notices, one that never ends and
// one that does not compile.
func TestTry(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it compiles a module several times")
	}
	root := t.TempDir()
	const source = `package low

func Known(n int) int {
	if n < 10 {
		return n
	}
	return 10
}

func Unknown() bool { return true }

func Called() bool { return true }

func Loop() (n int) {
	for i := 3; i > 0; i-- {
		n += i
	}
	return n
}

var unused [1]struct{}

var _ = unused[0]
`
	for name, text := range map[string]string{
		"go.mod":           "module example.test/m\n\ngo 1.26\n",
		"low/low.go":       source,
		"low/low_test.go":  "package low\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestKnown(t *testing.T) {\n\tif Known(3) != 3 || Known(10) != 10 || Loop() != 6 {\n\t\tt.Error()\n\t}\n}\n\nfunc TestBroken(t *testing.T) { t.Error() }\n\nfunc TestFlaky(t *testing.T) {\n\tcount, _ := os.ReadFile(\"count\")\n\tif os.WriteFile(\"count\", append(count, 'x'), 0o600) != nil || len(count) > 0 {\n\t\tt.Error()\n\t}\n}\n",
		"high/high.go":     "package high\n",
		"high/low_test.go": "package high\n\nimport (\n\t\"testing\"\n\n\t\"example.test/m/low\"\n)\n\nfunc TestCalled(t *testing.T) {\n\tif !low.Called() {\n\t\tt.Error()\n\t}\n}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var logged []string
	r := &runner{
		root: root, scratch: t.TempDir(), callers: func(string) []string { return []string{"high"} },
		log:    func(format string, args ...any) { logged = append(logged, fmt.Sprintf(format, args...)) },
		suites: make(map[string]func() (*suite, error)),
	}
	all, err := collect(t.Context(), root, []string{"./low"})
	if err != nil {
		t.Fatal(err)
	}
	for change, want := range map[string]struct {
		outcome outcome
		by      string
	}{
		"Known: if n < 10 { => if !(n < 10) {":                                                 {killed, "TestKnown"},
		"Known: if n < 10 { => if n <= 10 {":                                                   {survived, ""},
		"Unknown: func Unknown() bool { return true } => func Unknown() bool { return false }": {survived, ""},
		"Called: func Called() bool { return true } => func Called() bool { return false }":    {killed, "TestCalled"},
		"Loop: n += i => if false { n += i }":                                                  {killed, "TestKnown"},
		"var: var unused [1]struct{} => var unused [0]struct{}":                                {invalid, "out of bounds"},
	} {
		at := slices.IndexFunc(all, func(m *mutant) bool { return m.change() == "low "+change })
		if at < 0 {
			t.Fatalf("there is no mutant %s", change)
		}
		o, by, err := r.try(t.Context(), all[at])
		if err != nil || o != want.outcome || !strings.Contains(by, want.by) {
			t.Errorf("%s: %s by %q, %v; want %s by %q", change, o, by, err, want.outcome, want.by)
		}
	}
	for i, want := range []string{"TestBroken fails without any change", "TestFlaky, without any change"} {
		if len(logged) <= i || !strings.Contains(logged[i], want) {
			t.Errorf("%q, want %q", logged, want)
		}
	}
	if now, err := os.ReadFile(filepath.Join(root, "low", "low.go")); err != nil || string(now) != source {
		t.Errorf("the code is changed: %v", err)
	}
}
