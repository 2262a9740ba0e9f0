package catalog

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/sandbox/compileworker"
)

// changes returns a function that lets the watcher look twice, and returns the changes since it
// was called before.
func changes(t *testing.T, c *Catalog) func() []Change {
	t.Helper()
	var mu sync.Mutex
	var seen []Change
	t.Cleanup(c.OnChange(func(change Change) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, change)
	}))
	return func() []Change {
		time.Sleep(2*c.options.Reload + c.options.Reload/2)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		now := seen
		seen = nil
		return now
	}
}

func kinds(changes []Change) string {
	var texts []string
	for _, c := range changes {
		texts = append(texts, strings.TrimSpace(fmt.Sprintf("%s %s", c.Kind, c.Connector)))
	}
	return strings.Join(texts, ", ")
}

func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := open(t, Options{Dir: dir, Reload: time.Second})
		look := changes(t, c)
		digest := "" // in use
		for _, step := range []struct {
			name   string
			do     func()
			want   string
			answer string // of the connector notes; empty where there is none
		}{
			{"a file appears", func() { put(t, dir, "notes.wasm", static("notes", 1)) }, "added notes", first},
			{"it is updated", func() { put(t, dir, "notes.wasm", static("notes", 2)) }, "updated notes", second},
			{"it is only touched", func() { put(t, dir, "notes.wasm", static("notes", 2)) }, "", second},
			{"a broken file takes its place", func() { put(t, dir, "notes.wasm", []byte("\x00asm, but not really")) }, "refused notes", second},
			{"a second file has the name", func() { put(t, dir, "other.wasm", static("notes", 3)) }, "refused", second},
			{"the first goes", func() { remove(t, dir, "notes.wasm") }, "removed notes, added notes", third},
			{"the other changes its name", func() { put(t, dir, "other.wasm", static("tasks", 1)) }, "removed notes, added tasks", ""},
			{"a broken file is new", func() { put(t, dir, "notes.wasm", []byte("broken")) }, "refused", ""},
			{"it is mended", func() { put(t, dir, "notes.wasm", static("notes", 1)) }, "added notes", first},
			{"both go", func() { remove(t, dir, "notes.wasm"); remove(t, dir, "other.wasm") }, "", ""},
		} {
			step.do()
			got := look()
			if step.name == "both go" {
				slices.SortFunc(got, func(a, b Change) int { return strings.Compare(a.Connector, b.Connector) })
				step.want = "removed notes, removed tasks"
			}
			if kinds(got) != step.want {
				t.Errorf("%s: %s, want %s", step.name, kinds(got), step.want)
			}
			for _, change := range got {
				if change.Kind == ConnectorRefused {
					if change.Err == nil || change.Connector != "" && change.Digest != digest {
						t.Errorf("%s: %+v, want an error, and the digest %s in use", step.name, change, digest)
					}
				} else if digest = change.Digest; (digest == "") != (change.Kind == ConnectorRemoved) {
					t.Errorf("%s: %+v", step.name, change)
				}
			}
			if answer, _ := run(t.Context(), c, "notes"); answer != step.answer {
				t.Errorf("%s: notes answers %s, want %s", step.name, answer, step.answer)
			}
		}
		if n := c.options.Engine.Modules(); n != 0 {
			t.Errorf("%d modules are in memory, and there is no file", n)
		}
	})
}

// A file that is being copied grows from look to look, and is not read before it is whole.
func TestWatchWaitsForTheWholeFile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := open(t, Options{Dir: dir, Reload: time.Second})
		look := changes(t, c)
		module := static("notes", 1)
		time.Sleep(time.Second / 2) // between two looks
		for n := range 5 {
			put(t, dir, "notes.wasm", module[:len(module)*(n+1)/5])
			time.Sleep(time.Second)
		}
		if got := kinds(look()); got != "added notes" {
			t.Errorf("%s, want nothing before the file is whole", got)
		}
	})
}

// What is no file when the watcher begins is listed with its error, until it is one.
func TestWatchBeginsWithALinkToNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Symlink("target", filepath.Join(dir, "notes.wasm")); err != nil {
			t.Skip(err)
		}
		c := open(t, Options{Dir: dir, Reload: time.Second})
		look := changes(t, c)
		if infos, err := c.Infos(t.Context()); err != nil || len(infos) != 1 || infos[0].Err == nil {
			t.Errorf("%v: %+v", err, infos)
		}
		put(t, dir, "target", static("notes", 1))
		if got := kinds(look()); got != "added notes" {
			t.Error(got)
		}
		answers(t, c, "notes", first)
	})
}

// A call that runs on a file which is replaced ends on its module. That is closed only then, and
// again when somebody comes who found the file before.
func TestReplacedWhileInUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := folder(t, "notes")
		var replaced []*File
		c := open(t, Options{Dir: dir, Reload: time.Second, Replaced: func(f *File) { replaced = append(replaced, f) }})
		look := changes(t, c)
		old := find(t, c, "notes")
		module, release, err := old.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, "notes.wasm", static("notes", 2))
		if got := kinds(look()); got != "updated notes" || !slices.Equal(replaced, []*File{old}) {
			t.Fatalf("%s, replaced %v", got, replaced)
		}
		answers(t, c, "notes", second)
		if c.Current(old) || !c.Current(find(t, c, "notes")) {
			t.Error("the old file is the current one")
		}
		if _, err := module.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportDescribe}); err != nil {
			t.Errorf("the call ends with %v", err)
		}
		release()
		synctest.Wait()
		if n := c.options.Engine.Modules(); n != 1 {
			t.Errorf("%d modules are in memory, want the new one", n)
		}
		if got, err := runFile(t.Context(), old); err != nil || got != first {
			t.Errorf("a late call: %s, %v", got, err)
		}
		synctest.Wait()
		if n := c.options.Engine.Modules(); n != 1 {
			t.Errorf("%d modules are in memory after a late call, want the new one", n)
		}
	})
}

// A late caller that only reads the declaration of a file which is not in use leaves no module
// in memory.
func TestDeclaredOfARetiredFile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Options{Dir: folder(t, "notes"), Cache: t.TempDir()})
		f := c.At(filepath.Join(c.options.Dir, "notes.wasm"))
		f.retire()
		synctest.Wait()
		if _, err := f.Declared(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n := c.options.Engine.Modules(); n != 0 {
			t.Errorf("%d modules are in memory", n)
		}
	})
}

// A call that took hold of a replaced file just before its module was closed used to be told
// that the host is closed.
func TestAcquireWhileAFileIsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Options{Dir: folder(t, "notes")})
		f := find(t, c, "notes")
		if _, err := runFile(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		f.opening <- struct{}{}
		f.retire()
		synctest.Wait() // closing waits for opening
		module, release, err := f.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		<-f.opening
		synctest.Wait()
		if _, err := module.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportDescribe}); err != nil {
			t.Error(err)
		}
		release()
		synctest.Wait()
		if n := c.options.Engine.Modules(); n != 0 {
			t.Errorf("%d modules are in memory", n)
		}
	})
}

// Files are replaced while calls run without end. Every call is answered, and by no version that
// is older than one before.
func TestReplacedUnderLoad(t *testing.T) {
	t.Parallel()
	dir := folder(t, "notes")
	c := open(t, Options{Dir: dir, Reload: time.Millisecond, UnloadAfter: time.Millisecond})
	updates := make(chan Change, 100)
	t.Cleanup(c.OnChange(func(change Change) { updates <- change }))
	answers(t, c, "notes", first) // otherwise the second version may be the first that anybody reads
	var stopped atomic.Bool
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for newest := 0; !stopped.Load(); {
				answer, err := run(t.Context(), c, "notes")
				version, _ := strconv.Atoi(strings.Trim(answer, `[{"version: }]`))
				if err != nil || version < newest {
					t.Errorf("%s after version %d: %v", answer, newest, err)
					return
				}
				newest = version
			}
		})
	}
	for v := 2; v <= 8; v++ {
		put(t, dir, "notes.wasm", static("notes", v))
		select {
		case change := <-updates:
			if change.Err != nil || change.Connector != "notes" {
				t.Errorf("%+v", change)
			}
		case <-time.After(time.Minute):
			t.Error("nobody is told")
		}
	}
	stopped.Store(true)
	callers.Wait()
}

// The declaration of a file may be known from before, and its module not, as after an update of
// agenthost. A call that begins on such a file is answered by it, even if the next version has
// taken its place.
func TestSettledFileIsLoaded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, cache := folder(t, "notes"), t.TempDir()
		before := open(t, Options{Dir: dir, Cache: cache})
		if _, err := before.Infos(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(cache, "modules")); err != nil {
			t.Fatal(err)
		}
		remove(t, dir, "notes.wasm")
		compiles := 0
		c := open(t, Options{Dir: dir, Cache: cache, Reload: time.Second, OnCompile: func(string) { compiles++ }})
		look := changes(t, c)
		put(t, dir, "notes.wasm", static("notes", 1))
		if got := kinds(look()); got != "added notes" || compiles != 1 {
			t.Fatalf("%s, compiled %d times", got, compiles)
		}
		put(t, dir, "notes.wasm", static("notes", 2))
		answers(t, c, "notes", first)
	})
}

// While a connector is compiled for the first time, the watcher still sees that it is replaced,
// and those who come then do not wait for the old one.
func TestReplacedWhileItIsCompiled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, cache := folder(t, "notes"), t.TempDir()
		gate := make(chan struct{})
		w := newWorkshop(t, cache)
		w.gates = map[string]chan struct{}{"now 1": gate}
		c := open(t, Options{Dir: dir, Cache: cache, Reload: time.Second, Engine: w.engine})
		look := changes(t, c)
		waiting := make(chan string, 1)
		go func() {
			answer, err := run(t.Context(), c, "notes")
			waiting <- fmt.Sprint(answer, err)
		}()
		synctest.Wait()
		put(t, dir, "notes.wasm", static("notes", 2))
		if got := kinds(look()); got != "added notes" {
			t.Fatal(got)
		}
		answers(t, c, "notes", second)
		close(gate)
		if got := <-waiting; got != first+"<nil>" {
			t.Error(got)
		}
	})
}

// workshop is a compile worker that compiles nothing: it hands out what the cache of the test
// run has, when and as the test says.
type workshop struct {
	engine *sandbox.Engine
	gates  map[string]chan struct{} // a job ends when its gate is closed
	fails  map[string]error         // of the next job

	refuses error // what the check of each declaration ends with

	mu   sync.Mutex
	jobs []string // "now" or "lowest", and a name where there are several, and a version
}

// newWorkshop returns one whose engine has an own cache.
func newWorkshop(t *testing.T, cache string) *workshop {
	t.Helper()
	w := &workshop{fails: make(map[string]error)}
	var err error
	w.engine, err = sandbox.NewEngine(sandbox.Config{Cache: cache, CompileWorker: []string{"worker"}, RunWorker: w.run})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return w
}

// job names a module: notes is the connector whose name needs not be said.
func job(lowest bool, module []byte) string {
	text := "now"
	if lowest {
		text = "lowest"
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		if strings.Contains(string(module), fmt.Sprintf(`"name": %q`, name)) {
			text += " " + name
		}
	}
	_, version, _ := strings.Cut(string(module), `{"version": `)
	return text + " " + version[:1]
}

func (w *workshop) run(ctx context.Context, j compileworker.Job, module []byte) error {
	if j.Check {
		if w.refuses != nil {
			return w.refuses
		}
		return CheckDeclaration(ctx, module)
	}
	name := job(j.Lowest, module)
	w.mu.Lock()
	w.jobs = append(w.jobs, name)
	err, gate := w.fails[name], w.gates[name]
	delete(w.fails, name)
	w.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err != nil {
		return err
	}
	engine, err := sandbox.NewEngine(sandbox.Config{Cache: compiled})
	if err != nil {
		return err
	}
	defer engine.Close(context.WithoutCancel(ctx))
	if _, err := engine.Load(ctx, module); err != nil {
		return err
	}
	if err := os.CopyFS(j.Folder, os.DirFS(filepath.Join(compiled, "modules", sandbox.Digest(module)+"-"+j.Build))); err != nil {
		return err
	}
	return os.Remove(filepath.Join(j.Folder, "seal"))
}

// done are the jobs since it was called before.
func (w *workshop) done() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	jobs := strings.Join(w.jobs, ", ")
	w.jobs = nil
	return jobs
}

// Two files of one size may be put in the same place before the clock of the file system goes on.
func TestReplacedWithinOneTick(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("files have no number")
	}
	dir := folder(t, "notes")
	path := filepath.Join(dir, "notes.wasm")
	same := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	var before stamp
	for v := range 2 {
		put(t, dir, "notes.wasm", static("notes", v+1))
		if err := os.Chtimes(path, same, same); err != nil {
			t.Fatal(err)
		}
		now := stampOf(path)
		if now == before {
			t.Error("version 2 has the stamp of version 1")
		}
		before = now
	}
}
