package conformance

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/sandbox"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

var update = flag.Bool("update", false, "write the golden file anew")

// defects are those of testdata/bad: each is named after the check that must find it.
func defects(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile("testdata/bad/defects.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, match := range regexp.MustCompile(`(?m)^\t"([a-z]+\.[a-z]+|[a-z]+)(, [a-z]+)?": +[{h]`).FindAllSubmatch(source, -1) {
		names = append(names, string(match[1])+string(match[2]))
	}
	return names
}

// TestBadConnectors runs a connector with one defect at a time. The check that the
// defect is named after must fail; the golden file says what else does, in all words.
func TestBadConnectors(t *testing.T) {
	module, err := os.ReadFile(wasmtest.Build(t, "host/conformance/testdata/bad"))
	if err != nil {
		t.Fatal(err)
	}
	var now time.Time
	engine, done, err := newEngine(Options{Cache: wasmtest.Cache(t)}, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	once := &loadedOnce{engine: engine}
	var got bytes.Buffer
	failing := make(map[string]bool)
	for _, name := range append([]string{""}, defects(t)...) {
		now = testTime
		if name != "" {
			hash := fnv.New32a()
			hash.Write([]byte(name))
			now = time.Unix(int64(hash.Sum32()), 0)
		}
		once.next = 0
		report, err := Run(t.Context(), module, Options{loader: once})
		if err != nil {
			t.Fatal(err)
		}
		id, _, _ := strings.Cut(name, ", ")
		failed := outline(&got, name, report)
		if name != "" && !slices.Contains(failed, id) {
			t.Errorf("the defect %s makes %v fail", name, failed)
		}
		for _, f := range failed {
			failing[f] = true
		}
	}
	// This one no Go program can be: a module that imports what there is not.
	loads, err := Run(t.Context(), []byte("\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x02\x0b\x01\x04evil\x02fn\x00\x00"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range outline(&got, "module.loads", loads) {
		failing[id] = true
	}
	for _, c := range Checks() {
		if !failing[c.ID] {
			t.Errorf("nothing makes %s fail", c.ID)
		}
	}
	golden := filepath.Join("testdata", "bad.golden")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the reports changed; run go test ./host/conformance -update and look at the difference. They are now:\n%s", &got)
	}
}

// loadedOnce hands out the same modules in every run. To load one is cheap, but not
// with the race detector.
type loadedOnce struct {
	engine  *sandbox.Engine
	modules []*sandbox.Module
	next    int
}

func (l *loadedOnce) Load(ctx context.Context, module []byte) (*sandbox.Module, error) {
	if l.next == len(l.modules) {
		loaded, err := l.engine.Load(ctx, module)
		if err != nil {
			return nil, err
		}
		l.modules = append(l.modules, loaded)
	}
	l.next++
	return l.modules[l.next-1], nil
}

// outline writes what failed and returns the IDs.
func outline(w *bytes.Buffer, name string, r *Report) []string {
	var failed []string
	fmt.Fprintf(w, "== %s\n", name)
	skipped := 0
	for _, c := range r.Checks {
		switch c.Status {
		case Skip:
			skipped++
		case Fail:
			failed = append(failed, c.ID)
			fmt.Fprintf(w, "%s\n", c.ID)
			for _, p := range c.Problems {
				fmt.Fprintf(w, "\t%s\n", p)
			}
			if c.More > 0 {
				fmt.Fprintf(w, "\tand %d more\n", c.More)
			}
		}
	}
	if skipped > 0 {
		fmt.Fprintf(w, "%d skipped\n", skipped)
	}
	return failed
}
