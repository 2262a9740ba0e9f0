package catalog

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// compiled is the cache of the whole test run: a module is compiled once.
var compiled string

func TestMain(m *testing.M) {
	var err error
	if compiled, err = wasmtest.CacheFolder(); err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}

// static is a connector of one operation whose answer has a version.
func static(name string, version int) []byte {
	return wasmtest.Static(fmt.Sprintf(`{
		"abi": 1, "name": %q, "title": "Notes", "version": "1.0.%d", "description": "Notes of a test.",
		"servers": [{"id": "main", "url": "https://notes.example"}],
		"operations": [{"entity": "notes", "action": "list", "description": "All notes.", "effect": "read", "params": {"type": "object"}, "requests": []}]
	}`, name, version), `{"schemes": [{"id": "none", "type": "bearer", "origins": ["https://notes.example"],
		"fields": [{"name": "token", "secret": true, "required": true}],
		"inject": [{"in": "header", "name": "Authorization", "value": "Bearer {token}"}]}]}`,
		fmt.Sprintf(`{"data": [{"version": %d}], "meta": {}}`, version))
}

// put writes a file whole, as a careful installer does. Its time is that of the test, so that two
// versions differ although the file system's clock is coarse.
func put(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	time.Sleep(time.Millisecond)
	temporary, now := filepath.Join(dir, name+".new"), time.Now()
	err := os.WriteFile(temporary, data, 0o600)
	if err = errors.Join(err, os.Chtimes(temporary, now, now), os.Rename(temporary, filepath.Join(dir, name))); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// folder is a folder with the first versions of connectors, each named after its file.
func folder(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		put(t, dir, name+".wasm", static(name, 1))
	}
	return dir
}

// open returns a catalog that is closed at the end of the test. What the test does not set has
// a default: an engine, and the cache of the test run.
func open(t *testing.T, o Options) *Catalog {
	t.Helper()
	if o.Cache == "" {
		o.Cache = compiled
	}
	own := o.Engine == nil
	var err error
	if own {
		if o.Engine, err = sandbox.NewEngine(sandbox.Config{Cache: o.Cache}); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := c.Close(context.Background())
		if own {
			err = errors.Join(err, o.Engine.Close(context.Background()))
		}
		if err != nil {
			t.Error(err)
		}
	})
	return c
}

// run runs the module of a connector and returns its answer.
func run(ctx context.Context, c *Catalog, name string) (answer string, err error) {
	f, err := c.Find(ctx, name)
	if err != nil {
		return "", err
	}
	return runFile(ctx, f)
}

func runFile(ctx context.Context, f *File) (answer string, err error) {
	module, release, err := f.Acquire(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	outcome, err := module.Run(ctx, sandbox.Call{Export: hostfunc.ExportExecute, Input: []byte(`{}`)})
	if err != nil {
		return "", err
	}
	return string(outcome.Data), nil
}

// The answers of the versions.
const (
	first  = `[{"version": 1}]`
	second = `[{"version": 2}]`
	third  = `[{"version": 3}]`
)

// answers checks what the connector of a name answers.
func answers(t *testing.T, c *Catalog, name, want string) {
	t.Helper()
	if got, err := run(t.Context(), c, name); err != nil || got != want {
		t.Errorf("%s answers %s, %v, want %s", name, got, err, want)
	}
}

// find finds a file that there must be.
func find(t *testing.T, c *Catalog, name string) *File {
	t.Helper()
	f, err := c.Find(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFind(t *testing.T) {
	t.Parallel()
	dir := folder(t, "notes")
	put(t, dir, "other name.wasm", static("tasks", 1))
	put(t, dir, "twin.wasm", static("twins", 1))
	put(t, dir, "twin2.wasm", static("twins", 2))
	put(t, dir, "broken.wasm", []byte("broken"))
	c := open(t, Options{Dir: dir})
	for name, kind := range map[string]abi.Kind{
		"notes": "", "tasks": "", "twins": abi.KindConnectorFault, "broken": abi.KindConnectorFault,
		"note": abi.KindUnknownOperation, "": abi.KindUnknownOperation, "../" + filepath.Base(dir) + "/notes": abi.KindUnknownOperation,
	} {
		_, err := c.Find(t.Context(), name)
		if e, _ := errors.AsType[*abi.Error](err); (e == nil) != (kind == "") || e != nil && (e.Kind != kind || e.Hint == "") {
			t.Errorf("%q: %v, want %q", name, err, kind)
		}
	}
	infos, err := c.Infos(t.Context())
	var got []string
	for _, info := range infos {
		got = append(got, fmt.Sprint(info.Name, " ", info.Err == nil))
	}
	if want := []string{"broken false", "notes true", "tasks true", "twins true", "twins false"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v: %q, want %q", err, got, want)
	}
	if _, err := open(t, Options{}).Find(t.Context(), "notes"); err == nil {
		t.Error("a catalog without a folder has a connector")
	}
}

// Close waits for what runs in the background, and no longer than its context.
func TestCloseHeedsItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Options{Dir: folder(t, "notes")})
		f := find(t, c, "notes")
		if _, err := runFile(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		f.opening <- struct{}{} // closing the module waits for it
		f.retire()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want the context's error", err)
		}
		closed := make(chan error)
		go func() { closed <- c.Close(context.Background()) }()
		synctest.Wait()
		select {
		case err := <-closed:
			t.Errorf("it did not wait: %v", err)
		default:
		}
		<-f.opening
		if err := <-closed; err != nil || c.options.Engine.Modules() > 0 {
			t.Errorf("%v, and %d modules are in memory", err, c.options.Engine.Modules())
		}
	})
}

// TestInfosOfTheSameName: of two files with one name the second cannot be used, and its error
// names both.
func TestInfosOfTheSameName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "one.wasm", static("notes", 1))
	put(t, dir, "two.wasm", static("notes", 2))
	infos, err := open(t, Options{Dir: dir}).Infos(t.Context())
	if err != nil || len(infos) != 2 || infos[0].Err != nil {
		t.Fatalf("%+v, %v", infos, err)
	}
	e, ok := errors.AsType[*abi.Error](infos[1].Err)
	if !ok || e.Message != `one.wasm and two.wasm have the same name "notes"` {
		t.Errorf("%v", infos[1].Err)
	}
}

// A folder that cannot be read is an error, and no folder without connectors.
func TestFolderIsGone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "plugins")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c := open(t, Options{Dir: dir})
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	infos, err := c.Infos(t.Context())
	if e, _ := errors.AsType[*abi.Error](err); e == nil || !strings.Contains(e.Message, "cannot read the plugins folder") || infos != nil {
		t.Errorf("%v, %v", infos, err)
	}
}

// An error while one part is written gives no declaration.
func TestDeclarationOfBrokenJSON(t *testing.T) {
	t.Parallel()
	info := Info{Manifest: &abi.Manifest{Operations: []abi.Operation{{Params: abi.RawMessage("{")}}}, Auth: &abi.AuthSchema{}}
	if got, err := info.Declaration(); err == nil || got.Manifest != nil {
		t.Errorf("%s, %v", got.Manifest, err)
	}
}

// Errors go to callers, who do not see where the plugins are.
func TestErrorsHaveNoPath(t *testing.T) {
	t.Parallel()
	dir := folder(t, "notes")
	c := open(t, Options{Dir: dir, Cache: t.TempDir()})
	f := find(t, c, "notes")
	check := func(what, says string, err error) {
		t.Helper()
		e, _ := errors.AsType[*abi.Error](err)
		if e == nil || !strings.Contains(e.Message+"; "+e.Hint, says) || strings.Contains(e.Error()+e.Message+e.Hint, filepath.Dir(dir)) {
			t.Errorf("%s: %v, want %q and no path", what, err, says)
		}
	}
	_, err := c.Find(t.Context(), "other")
	check("another connector", "in the plugins folder "+filepath.Base(dir), err)
	if err := os.Remove(filepath.Join(dir, "notes.wasm")); err != nil {
		t.Fatal(err)
	}
	_, err = f.Bytes(t.Context())
	check("a file that is gone", "notes.wasm: cannot read the file: no such file", err)
	_, err = c.Find(t.Context(), "notes")
	check("no file", "put its .wasm file into the plugins folder", err)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	_, err = c.Find(t.Context(), "notes")
	check("no folder", "cannot read the plugins folder", err)
}
