package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// declarationOf is what a module of static declares, as a program knows it.
func declarationOf(t *testing.T, module []byte) Declaration {
	t.Helper()
	engine, err := sandbox.NewEngine(sandbox.Config{Cache: compiled})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close(context.Background())
	m, err := engine.Load(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	var outputs [2][]byte
	for i, export := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema} {
		outcome, err := m.Run(t.Context(), sandbox.Call{Export: export})
		if err != nil {
			t.Fatal(err)
		}
		outputs[i] = outcome.Output
	}
	return Declaration{outputs[0], outputs[1]}
}

// What runs is what was declared: a file that changes after its declaration was read is refused,
// and never run with the permissions of the old one.
//
// threat: A2
func TestFileChangesAfterItsDeclaration(t *testing.T) {
	t.Parallel()
	module := static("notes", 1)
	declaration := declarationOf(t, module)
	for name, use := range map[string]func(ctx context.Context, f *File) error{
		"acquired": func(ctx context.Context, f *File) error { _, err := runFile(ctx, f); return err },
		"read":     func(ctx context.Context, f *File) error { _, err := f.Bytes(ctx); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, "notes")
			c := open(t, Options{Dir: dir, Cache: t.TempDir(), Declared: func(digest string) (Declaration, bool) {
				return declaration, digest == sandbox.Digest(module)
			}})
			f := find(t, c, "notes")
			put(t, dir, "notes.wasm", static("notes", 2))
			err := use(t.Context(), f)
			if e, ok := errors.AsType[*abi.Error](err); !ok || e.Kind != abi.KindConnectorFault || !strings.Contains(e.Message, "changed after its declaration") {
				t.Errorf("%v, want a refusal", err)
			}
			put(t, dir, "notes.wasm", module)
			if err := use(t.Context(), f); err != nil {
				t.Errorf("with the old file in its place again: %v", err)
			}
		})
	}
}

// An error of the system is not the file's fault. It is forgotten, and the next caller finds a
// good file. What is wrong with the file itself stays, and is not found out again and again.
func TestWhoseFault(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err   error
		stays bool
	}{
		{&fs.PathError{Op: "open", Path: "notes.wasm", Err: syscall.EMFILE}, false},
		{syscall.ENOSPC, false},
		{fmt.Errorf("read: %w", syscall.EIO), false},
		{context.DeadlineExceeded, true}, // not the caller's, so the file's
		{errors.New("it is a pipe, not a regular file"), true},
	} {
		for _, where := range []string{"digest", "read"} {
			t.Run(fmt.Sprint(where, " ", tt.err), func(t *testing.T) {
				t.Parallel()
				c := open(t, Options{Dir: folder(t, "notes"), Cache: t.TempDir()})
				read, digest, failing, reads := c.read, c.digest, true, 0
				c.digest = func(ctx context.Context, path string) (string, error) {
					if failing && where == "digest" {
						return "", tt.err
					}
					return digest(ctx, path)
				}
				c.read = func(ctx context.Context, path string) ([]byte, error) {
					if reads++; failing {
						return nil, tt.err
					}
					return read(ctx, path)
				}
				f := c.At(filepath.Join(c.options.Dir, "notes.wasm"))
				for range 2 {
					_, err := f.Declared(t.Context())
					if e, ok := errors.AsType[*abi.Error](err); !ok || e.Kind != abi.KindConnectorFault || !errors.Is(err, tt.err) {
						t.Errorf("%v, want a fault by %v", err, tt.err)
					}
				}
				if tt.stays && reads > 1 {
					t.Errorf("the file was read %d times", reads)
				}
				failing = false
				if _, err := f.Declared(t.Context()); (err != nil) != tt.stays {
					t.Errorf("later: %v, want an error: %t", err, tt.stays)
				}
			})
		}
	}
}

// A caller whose own time is over says nothing about the file.
func TestEndOfACallerIsNobodysFault(t *testing.T) {
	t.Parallel()
	c := open(t, Options{Dir: folder(t, "notes"), Cache: t.TempDir()})
	f := c.At(filepath.Join(c.options.Dir, "notes.wasm"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Declared(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the context's error", err)
	}
	if _, err := c.All(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("all: %v, want the context's error", err)
	}
	if _, err := f.Declared(t.Context()); err != nil {
		t.Error(err)
	}
}

// A program may be wrong about a connector. What is not valid is not used, what is valid is kept
// in the cache, and what is said of one digest is not taken for another.
func TestDeclaredByTheProgram(t *testing.T) {
	t.Parallel()
	module := static("notes", 1)
	truth := declarationOf(t, module)
	wrong := Declaration{[]byte(strings.Replace(string(truth.Manifest), `"url": "https`, `"url": "http`, 1)), truth.Auth}
	for name, tt := range map[string]struct {
		declaration Declaration
		known       bool
	}{"right": {truth, true}, "wrong": {wrong, false}, "empty": {Declaration{}, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, cache, asked, compiles := folder(t, "notes"), t.TempDir(), 0, 0
			o := Options{Dir: dir, Cache: cache, OnCompile: func(string) { compiles++ }, Declared: func(digest string) (Declaration, bool) {
				asked++
				return tt.declaration, digest == sandbox.Digest(module)
			}}
			for range 2 {
				f := find(t, open(t, o), "notes")
				if url := f.Known().Manifest.Servers[0].URL; url != "https://notes.example" {
					t.Errorf("the server is %s", url)
				}
			}
			if asked != 1 || (compiles == 0) != tt.known {
				t.Errorf("asked %d times, compiled %d times", asked, compiles)
			}
			put(t, dir, "notes.wasm", static("notes", 2))
			if got := find(t, open(t, o), "notes").Known().Manifest.Version; got != "1.0.2" {
				t.Errorf("version %s of another file", got)
			}
		})
	}
}

// What a program keeps of a connector is what the connector declared.
func TestDeclarationOfInfo(t *testing.T) {
	t.Parallel()
	info := find(t, open(t, Options{Dir: folder(t, "notes")}), "notes").Info(t.Context())
	d, err := info.Declaration()
	if err != nil {
		t.Fatal(err)
	}
	c, err := connector.Parse(t.Context(), info.Digest, d.Manifest, d.Auth)
	if err != nil || c.Manifest.Name != "notes" || len(c.Auth.Schemes) != 1 {
		t.Errorf("%v: %+v", err, c)
	}
	info.Manifest.Operations[0].Params = []byte("{")
	if d, err := info.Declaration(); err == nil {
		t.Errorf("%s is no JSON, and there is no error", d.Manifest)
	}
}

// A cached declaration counts only if it is as it was written, for the digest that it was
// written for.
//
// threat: E13
func TestCachedDeclarationIsSealed(t *testing.T) {
	t.Parallel()
	c := open(t, Options{Cache: t.TempDir()})
	cache := c.declarations
	declaration := declarationOf(t, static("notes", 1))
	if err := cache.store("one", declaration); err != nil {
		t.Fatal(err)
	}
	known := cache.load
	if known("one") == nil || known("two") != nil {
		t.Error("the cache does not have what was stored, or has what was not")
	}
	data := readFile(t, cache.path("one"))
	put(t, cache.dir, "two.json", data)
	put(t, cache.dir, "three.json", []byte(strings.Replace(string(data), "Notes", "Nodes", 1)))
	for _, digest := range []string{"two", "three"} {
		if known(digest) != nil {
			t.Errorf("%s is believed", digest)
		}
	}
}

// TestWorkerChecksDeclarations: with a compile worker, a hostile schema costs the host nothing.
// threat: E4
func TestWorkerChecksDeclarations(t *testing.T) {
	t.Parallel()
	o, w := firstUse(t, nil, "a")
	w.refuses = &abi.Error{Kind: abi.KindConnectorFault, Rule: "compile_memory", Message: "the declaration is too large"}
	c := open(t, o)
	files, err := c.All(t.Context())
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if _, err := files[0].Declared(t.Context()); err == nil || !strings.Contains(err.Error(), "a.wasm: the declaration is too large") {
		t.Errorf("the worker refused, and the host said %v", err)
	}
}

// worker checks declarations, or says that it does not.
type worker struct {
	done bool
	err  error
}

func (w worker) Check(context.Context, []byte) (bool, error) { return w.done, w.err }

func TestParse(t *testing.T) {
	t.Parallel()
	good := declarationOf(t, static("a", 1))
	bad := Declaration{bytes.Replace(good.Manifest, []byte(`"effect": "read"`), []byte(`"effect": "explode"`), 1), good.Auth}
	if bytes.Equal(bad.Manifest, good.Manifest) {
		t.Fatalf("the manifest has no effect: %s", good.Manifest)
	}
	for name, test := range map[string]struct {
		worker worker
		given  Declaration
		says   string
	}{
		"good":                     {worker{}, good, ""},
		"bad, without a worker":    {worker{}, bad, "explode"},
		"bad, checked by a worker": {worker{done: true}, bad, ""}, // what the worker accepts is not checked again
		"refused by the worker":    {worker{true, errors.New("no good")}, good, "no good"},
		"not JSON":                 {worker{done: true}, Declaration{[]byte("{"), good.Auth}, "manifest"},
	} {
		found, err := Parse(t.Context(), test.worker, "digest", test.given)
		switch {
		case test.says == "" && (err != nil || found.Digest != "digest" || found.Manifest.Name != "a"):
			t.Errorf("%s: %v, %v", name, found, err)
		case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)):
			t.Errorf("%s: %v, want %q", name, err, test.says)
		}
	}
	text, err := json.Marshal(bad)
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckDeclaration(t.Context(), text); err == nil || !strings.Contains(err.Error(), "explode") {
		t.Errorf("the worker's check: %v", err)
	}
}
