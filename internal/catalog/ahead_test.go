package catalog

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// firstUse returns options of a catalog of connectors that nobody has compiled. What those
// declare that are named in known is known.
func firstUse(t *testing.T, known []string, unknown ...string) (Options, *workshop) {
	t.Helper()
	cache := t.TempDir()
	w := newWorkshop(t, cache)
	declarations := make(map[string]Declaration)
	for _, name := range known {
		module := static(name, 1)
		declarations[sandbox.Digest(module)] = declarationOf(t, module)
	}
	return Options{Dir: folder(t, slices.Concat(known, unknown)...), Cache: cache, Engine: w.engine, Declared: func(digest string) (Declaration, bool) {
		d, ok := declarations[digest]
		return d, ok
	}}, w
}

// ahead is an [Ahead] that expects some names, and calls every connector but b.
func ahead(expected ...string) Ahead {
	return Ahead{
		Expected: func(name, digest string) bool { return len(digest) == 64 && slices.Contains(expected, name) },
		Called: func(context.Context) (func(f *File) bool, error) {
			return func(f *File) bool { return f.Known().Manifest.Name != "b" }, nil
		},
	}
}

// knownNames are the connectors that are known, for callers that do not wait.
func knownNames(t *testing.T, c *Catalog) string {
	t.Helper()
	infos, err := c.Infos(c.KnownOnly(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, info := range infos {
		if info.Err == nil {
			names = append(names, info.Name)
		}
	}
	return strings.Join(names, " ")
}

// Those come first whose declaration somebody may wait for, then those that will be called, and
// the rest last. Nothing else waits, and no module stays in memory.
func TestCompileAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, w := firstUse(t, []string{"a", "b"}, "c", "d")
		gates := map[string]chan struct{}{"now d 1": make(chan struct{}), "lowest a 1": make(chan struct{}), "lowest c 1": make(chan struct{})}
		w.gates = gates
		c := open(t, o)
		look := changes(t, c)
		c.CompileAhead(t.Context(), ahead("d"))
		for _, step := range []struct{ job, known, changed string }{
			{"now d 1", "a b", ""},
			{"lowest a 1", "a b d", "added d"},
			{"lowest c 1", "a b d", ""},
		} {
			synctest.Wait()
			if got, known, changed := w.done(), knownNames(t, c), kinds(look()); got != step.job || known != step.known || changed != step.changed {
				t.Errorf("compiles %q, knows %q, changed %q; want %+v", got, known, changed, step)
			}
			for _, name := range []string{"c", "in a file of another name"} {
				if _, err := c.Find(c.KnownOnly(t.Context()), name); !errors.Is(err, ErrNotKnown) {
					t.Errorf("%s: %v, want that it is not known", name, err)
				}
			}
			close(gates[step.job])
		}
		synctest.Wait()
		if got, known, changed := w.done(), knownNames(t, c), kinds(look()); got != "" || known != "a b c d" || changed != "added c" {
			t.Errorf("compiles %q, knows %q, changed %q", got, known, changed)
		}
		if n := w.engine.Modules(); n != 0 {
			t.Errorf("%d modules are in memory that nobody has used", n)
		}
		answers(t, c, "d", first)
		if ctx := t.Context(); c.KnownOnly(ctx) != ctx || w.done() != "" {
			t.Error("it is compiled again, or look-ups still do not wait")
		}
	})
}

// What fails in the background is said once and does not count for a caller.
func TestFailureInTheBackground(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		expected []string
		jobs     string
	}{
		"a file that may be used":    {[]string{"c"}, "now c 1, lowest a 1"},
		"a file that nobody expects": {nil, "lowest a 1, lowest c 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o, w := firstUse(t, []string{"a"}, "c")
				full := errors.New("the disk is full")
				slow := &abi.Error{Kind: abi.KindConnectorFault, Message: "the module takes too long to compile"}
				w.fails = map[string]error{"now c 1": slow, "lowest c 1": full, "lowest a 1": full}
				if tt.expected == nil {
					delete(w.fails, "now c 1")
				}
				o.Reload = time.Hour // as the command has it
				var log bytes.Buffer
				o.Logger = hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Warn})
				c := open(t, o)
				var told []Change
				t.Cleanup(c.OnChange(func(change Change) { told = append(told, change) }))
				c.CompileAhead(t.Context(), ahead(tt.expected...))
				synctest.Wait()
				if got := w.done(); got != tt.jobs || kinds(told) != "refused" || told[0].Err == nil || filepath.Base(told[0].File) != "c.wasm" {
					t.Errorf("compiles %q, told %+v", got, told)
				}
				if got := knownNames(t, c); got != "a" {
					t.Errorf("knows %q", got)
				}
				if _, err := c.Find(c.KnownOnly(t.Context()), "c"); err == nil || errors.Is(err, ErrNotKnown) {
					t.Errorf("%v, want why it is not known", err)
				}
				answers(t, c, "a", first)
				answers(t, c, "c", first)
				if got := w.done(); got != "now a 1, now c 1" {
					t.Errorf("callers compile %q", got)
				}
				for _, line := range []string{"in the background; its first call compiles it: connector=a", "c.wasm error="} {
					if strings.Count(log.String(), line) != 1 {
						t.Errorf("%s is not once in\n%s", line, log.String())
					}
				}
			})
		})
	}
}

// Two catalogs of one cache compile nothing twice.
func TestCatalogsTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, w := firstUse(t, []string{"a"}, "c")
		gate := make(chan struct{})
		w.gates = map[string]chan struct{}{"now c 1": gate}
		for range 2 {
			open(t, o).CompileAhead(t.Context(), ahead("c"))
		}
		time.Sleep(time.Second)
		close(gate)
		time.Sleep(time.Second)
		synctest.Wait()
		if got := w.done(); got != "now c 1, lowest a 1" {
			t.Error(got)
		}
	})
}

// Callers who wait for the same compile are all told of it, one who goes takes nobody along, and
// what is compiled ahead meanwhile is left.
func TestCallersWhoWaitForACompile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, w := firstUse(t, []string{"a"})
		gate := make(chan struct{})
		w.gates = map[string]chan struct{}{"now a 1": gate, "lowest a 1": make(chan struct{})}
		all := 0
		var mu sync.Mutex
		o.OnCompile = func(name string) {
			mu.Lock()
			defer mu.Unlock()
			if name == "a" {
				all++
			}
		}
		c := open(t, o)
		c.CompileAhead(t.Context(), ahead())
		synctest.Wait()
		told := make(chan string, 10)
		var callers sync.WaitGroup
		for range 3 {
			callers.Go(func() {
				ctx := WithOnCompile(t.Context(), func(name string) { told <- name })
				if answer, err := run(ctx, c, "a"); answer != first {
					t.Errorf("%s, %v", answer, err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := run(WithOnCompile(ctx, func(string) { cancel() }), c, "a"); !errors.Is(err, context.Canceled) {
			t.Errorf("who goes: %v", err)
		}
		close(gate)
		callers.Wait()
		if len(told) != 3 || all != 4 || w.done() != "lowest a 1, now a 1" {
			t.Errorf("%d callers were told, and %d in all", len(told), all)
		}
		answers(t, c, "a", first)
		if len(told) != 3 || all != 4 {
			t.Error("a caller who does not wait was told that it does")
		}
	})
}

// A file that is replaced before its turn comes is left to the watcher.
func TestReplacedBeforeItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, w := firstUse(t, nil, "c", "d")
		gate := make(chan struct{})
		w.gates = map[string]chan struct{}{"now c 1": gate}
		o.Reload = time.Second
		c := open(t, o)
		look := changes(t, c)
		c.CompileAhead(t.Context(), ahead("c", "d"))
		put(t, o.Dir, "d.wasm", static("d", 2))
		if got := kinds(look()); got != "added d" {
			t.Error(got)
		}
		close(gate)
		if got, jobs := kinds(look()), w.done(); got != "added c" || jobs != "now c 1, now d 2" {
			t.Errorf("%s; compiles %s", got, jobs)
		}
	})
}

// Closing ends what is being compiled, and nothing is said of it.
func TestCloseEndsCompilingAhead(t *testing.T) {
	t.Parallel()
	for _, job := range []string{"now c 1", "lowest a 1"} {
		t.Run(job, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o, w := firstUse(t, []string{"a"}, "c")
				w.gates = map[string]chan struct{}{job: make(chan struct{})}
				c := open(t, o)
				c.CompileAhead(t.Context(), ahead("c"))
				synctest.Wait()
				told := 0
				t.Cleanup(c.OnChange(func(Change) { told++ }))
				if err := c.Close(t.Context()); err != nil || !strings.HasSuffix(w.done(), job) || told > 0 {
					t.Errorf("%v, %d changes", err, told)
				}
			})
		})
	}
}
