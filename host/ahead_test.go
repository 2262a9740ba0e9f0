package host_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/sandbox/compileworker"
)

// fakeWorker compiles nothing: it hands out what a cache has, when and as the test says.
type fakeWorker struct {
	cache string                   // that has what it hands out
	names map[string]string        // of connectors, by digest
	gates map[string]chan struct{} // a job of that connector ends when its gate is closed
	began chan string              // jobs, as they begin

	mu     sync.Mutex
	fails  map[string]error // of the next job of a connector
	jobs   []string
	ended  []string // jobs that their context ended
	at     int      // jobs at the lowest priority that run
	atMost int
}

func (w *fakeWorker) run(ctx context.Context, job compileworker.Job, module []byte) error {
	digest := sandbox.Digest(module)
	name := w.names[digest]
	text := "now " + name
	w.mu.Lock()
	if job.Lowest {
		text = "lowest " + name
		w.at++
		w.atMost = max(w.at, w.atMost)
		defer func() { w.mu.Lock(); w.at--; w.mu.Unlock() }()
	}
	w.jobs = append(w.jobs, text)
	err := w.fails[name]
	delete(w.fails, name)
	w.mu.Unlock()
	w.began <- text
	if gate := w.gates[text]; gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			w.mu.Lock()
			defer w.mu.Unlock()
			w.ended = append(w.ended, text)
			return ctx.Err()
		}
	}
	if err != nil {
		return err
	}
	engine, err := sandbox.NewEngine(sandbox.Config{Cache: w.cache})
	if err != nil {
		return err
	}
	defer engine.Close(context.WithoutCancel(ctx))
	if _, err := engine.Load(ctx, module); err != nil {
		return err
	}
	made := filepath.Join(w.cache, "modules", digest+"-"+job.Build)
	if err := os.CopyFS(job.Folder, os.DirFS(made)); err != nil {
		return err
	}
	return os.Remove(filepath.Join(job.Folder, "seal"))
}

func (w *fakeWorker) list() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.jobs, ", ")
}

func (w *fakeWorker) await(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-w.began:
		if got != want {
			t.Fatalf("the worker runs for %q, want %q", got, want)
		}
	case <-time.After(time.Minute):
		t.Fatalf("the worker does not run for %q, only for %q", want, w.list())
	}
}

// firstUse is a folder of connectors that nobody has compiled, in a cache of its own. Those
// that are known are first-party ones, and there is a connection for each.
func firstUse(t *testing.T, known []string, unknown ...string) (host.Options, *fakeWorker) {
	t.Helper()
	w := &fakeWorker{cache: compiled, names: make(map[string]string), gates: make(map[string]chan struct{}), fails: make(map[string]error), began: make(chan string, 100)}
	o := host.Options{
		Plugins: t.TempDir(), Cache: t.TempDir(), CompileAhead: true,
		Connections: make(host.StaticConnections), FirstParty: make(map[string]string),
		LookupEnv: func(name string) (string, bool) { return token, name == "TOKEN" },
	}
	o.Lock = filepath.Join(o.Cache, approval.DefaultName)
	for _, name := range slices.Concat(known, unknown) {
		put(t, o.Plugins, name+".wasm", static(name, 1))
		o.Connections.(host.StaticConnections)[name] = host.Connection{Connector: name, Credentials: map[string]string{"token": "env:TOKEN"}}
	}
	h := opened(t, host.Options{Plugins: o.Plugins, Cache: w.cache})
	infos, err := h.Connectors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	declarations := make(map[string]host.Declaration)
	for _, info := range infos {
		w.names[info.Digest] = info.Name
		if slices.Contains(known, info.Name) {
			o.FirstParty[info.Name] = info.Digest
			if declarations[info.Digest], err = info.Declaration(); err != nil {
				t.Fatal(err)
			}
		}
	}
	o.Declared = func(digest string) (host.Declaration, bool) {
		d, ok := declarations[digest]
		return d, ok
	}
	o.SetWorker(w.run)
	return o, w
}

// gate lets a job begin, and not end before the gate is closed.
func (w *fakeWorker) gate(job string) chan struct{} {
	w.gates[job] = make(chan struct{})
	return w.gates[job]
}

// approve lets a person have approved a connector.
func approve(t *testing.T, o host.Options, name string) {
	t.Helper()
	h := opened(t, host.Options{Plugins: o.Plugins, Cache: compiled, Lock: o.Lock})
	r, err := h.Review(t.Context(), filepath.Join(o.Plugins, name+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if err := approval.New(o.Lock, o.Cache, time.Now).Approve(t.Context(), r.Module, "a person"); err != nil {
		t.Fatal(err)
	}
}

// offered are the connections with tools.
func offered(t *testing.T, h *host.Host) string {
	t.Helper()
	set, err := h.Tools(t.Context(), host.ToolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range set {
		name, _, _ := strings.Cut(tool.Name, "_")
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func list(t *testing.T, h *host.Host, connection string, told func(string)) error {
	t.Helper()
	_, err := h.Execute(t.Context(), connection, host.Call{Entity: "notes", Action: "list", OnCompile: told})
	return err
}

// update puts another version of a connector into the folder.
func (w *fakeWorker) update(t *testing.T, o host.Options, name string) {
	t.Helper()
	put(t, o.Plugins, name+".wasm", static(name, 2))
	info, err := opened(t, host.Options{Plugins: o.Plugins, Cache: compiled}).Connector(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	w.names[info.Digest] = name
}

// What somebody waits for comes first, then what will be called, and what nobody approved is
// last. A connector without a connection, and one that Airbyte runs, is not compiled. Tools
// wait for nothing.
func TestCompileAhead(t *testing.T) {
	t.Parallel()
	o, w := firstUse(t, []string{"bundled", "hosted", "unused"}, "approved", "stranger", "updated")
	approve(t, o, "approved")
	approve(t, o, "updated")
	w.update(t, o, "updated")
	delete(o.Connections.(host.StaticConnections), "unused")
	o.Connections.(host.StaticConnections)["hosted"] = host.Connection{Connector: "hosted", Mode: config.Hosted, Airbyte: &config.Airbyte{WorkspaceName: "acme"}}
	gates := []chan struct{}{w.gate("now approved"), w.gate("now updated"), w.gate("lowest bundled"), w.gate("lowest stranger")}
	h := opened(t, o)
	changes := make(chan host.Change, 10)
	t.Cleanup(h.OnChange(func(c host.Change) { changes <- c }))
	if got := offered(t, h); got != "bundled" {
		t.Errorf("tools of %q before anything is compiled", got)
	}
	w.await(t, "now approved")
	close(gates[0])
	awaitChange(t, changes, host.ConnectorAdded, "approved")
	if got := offered(t, h); got != "approved bundled" {
		t.Errorf("tools of %q", got)
	}
	w.await(t, "now updated")
	close(gates[1])
	awaitChange(t, changes, host.ConnectorAdded, "updated")
	w.await(t, "lowest bundled")
	close(gates[2])
	w.await(t, "lowest stranger")
	close(gates[3])
	awaitChange(t, changes, host.ConnectorAdded, "stranger")
	if got := offered(t, h); got != "approved bundled updated" {
		t.Errorf("tools of %q", got)
	}
	awaitModules(t, h, 0) // it leaves none in memory that nobody has called
	for _, name := range []string{"approved", "bundled"} {
		if err := list(t, h, name, func(string) { t.Errorf("%s is compiled again", name) }); err != nil {
			t.Error(err)
		}
	}
	if w.atMost != 1 || w.list() != "now approved, now updated, lowest bundled, lowest stranger" {
		t.Errorf("%d at a time: %s", w.atMost, w.list())
	}
}

// A call waits for no other connector, and is told when it waits for its own. Closing the host
// ends what is being compiled.
func TestCallBesideTheBackground(t *testing.T) {
	t.Parallel()
	o, w := firstUse(t, []string{"a", "b"})
	w.gate("lowest a")
	var mu sync.Mutex
	var told []string
	tell := func(who string) func(string) {
		return func(name string) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, who+" "+name)
		}
	}
	o.OnCompile = tell("host")
	h, err := host.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	w.await(t, "lowest a")
	for range 2 {
		if err := list(t, h, "b", tell("call")); err != nil {
			t.Error(err)
		}
	}
	w.await(t, "now b")
	if want := []string{"host b", "call b"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	if err := h.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if want := []string{"lowest a"}; !slices.Equal(w.ended, want) || w.list() != "lowest a, now b" {
		t.Errorf("ended %q of %s", w.ended, w.list())
	}
}

func TestCompileAheadIsAskedFor(t *testing.T) {
	t.Parallel()
	o, w := firstUse(t, []string{"a"}, "b")
	o.CompileAhead = false
	h := opened(t, o)
	if got := offered(t, h); got != "a" || w.list() != "now b" {
		t.Errorf("tools of %q, compiled: %s; want what the tools need", got, w.list())
	}
	o.CompileAhead, o.CompileWorker = true, nil
	_, err := host.Open(t.Context(), o)
	var e *host.Error
	if !errors.As(err, &e) || e.Field != "compile_ahead" {
		t.Error(err)
	}
}

// TestConnectionsWaitForNoCompiler: the connections that the environment makes are those of
// connectors that are known.
func TestConnectionsWaitForNoCompiler(t *testing.T) {
	t.Parallel()
	o, w := firstUse(t, []string{"known"}, "later")
	o.Connections, o.LookupEnv = nil, func(name string) (string, bool) {
		return token, name == "AGENTHOST_KNOWN_TOKEN" || name == "AGENTHOST_LATER_TOKEN"
	}
	gate := w.gate("lowest known")
	h := opened(t, o)
	w.await(t, "lowest known")
	infos, err := h.Connections(t.Context())
	if err != nil || len(infos) != 1 || infos[0].Name != "known" {
		t.Errorf("the connections are %+v, %v", infos, err)
	}
	close(gate)
}
