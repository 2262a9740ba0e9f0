package sandbox_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/sandbox/compileworker"
	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	. "github.com/agenthost/agenthost/internal/wasmasm"
)

// reading is a module whose execute answers its section rows. More is code that runs before.
func reading(more ...any) []byte {
	g := new(Module)
	write, part := g.Import(hostfunc.Module, hostfunc.OutputWrite, "ii:i"), g.Import(hostfunc.Module, hostfunc.OutputPart, "i:i")
	section := g.Import(hostfunc.Module, hostfunc.Section, "ii:i")
	g.Memory(2, -1)
	g.Data(0, "{}")
	g.Data(16, `{"data":`)
	g.Data(32, "rows")
	for _, export := range []string{hostfunc.ExportDescribe, hostfunc.ExportAuthSchema} {
		g.Func(export, ":i", "", Call(write, I32(0), I32(2)))
	}
	g.Func(hostfunc.ExportExecute, ":i", "", Code(more...),
		Call(write, I32(16), I32(8)), Drop,
		Call(part, Call(section, I32(32), I32(4))), Drop,
		Call(write, I32(1), I32(1)))
	return g.Bytes()
}

// tableOf is a module with the code of reading and rows.
func tableOf(code []byte, rows string) []byte {
	return wasm.WithSections(code, wasm.Section{Name: "rows", Data: []byte(rows)}, wasm.Section{Name: "auth", Data: []byte("{}")})
}

// answers checks what a module's rows are.
func answers(t *testing.T, m *sandbox.Module, rows string) {
	t.Helper()
	out, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: []byte("{}")})
	if err != nil || string(out.Data) != rows {
		t.Errorf("%s answers %v, %v", rows, out, err)
	}
}

// Modules that differ only in their sections are compiled once, however many are loaded at a time. They
// have nothing else in common, and the code stays until the last of them is closed.
// threat: E15
func TestModulesShareCode(t *testing.T) {
	t.Parallel()
	var compiles, told atomic.Int64
	dir, code := t.TempDir(), reading()
	config := sandbox.Config{Cache: dir, RunWorker: func(ctx context.Context, job compileworker.Job, module []byte) error {
		compiles.Add(1)
		return compileworker.Run(ctx, job, module)
	}}
	e := withWorker(t, config)
	const count = 6
	rows := func(i int) string { return fmt.Sprintf(`{"of":%d}`, i) }
	var modules [count]*sandbox.Module
	var group sync.WaitGroup
	for i := range modules {
		group.Go(func() {
			m, err := e.Compile(t.Context(), tableOf(code, rows(i)), func() { told.Add(1) })
			if err != nil {
				t.Error(err)
				return
			}
			modules[i] = m
			for range 20 {
				answers(t, m, rows(i))
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	if compiles.Load() != 1 || told.Load() < 1 || e.Codes() != 1 || e.Modules() != count {
		t.Errorf("%d compiles, of which %d callers were told, of %d codes of %d modules", compiles.Load(), told.Load(), e.Codes(), e.Modules())
	}
	for i, m := range modules {
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if i+1 < count {
			answers(t, modules[i+1], rows(i+1))
		}
	}
	if e.Codes() != 0 {
		t.Errorf("%d codes are left", e.Codes())
	}
	// Another engine needs no file, and another table no compile.
	other := withWorker(t, config)
	m, err := other.LoadCached(t.Context(), sandbox.Digest(tableOf(code, rows(3))))
	if m == nil || err != nil {
		t.Fatalf("it is not in the cache: %v", err)
	}
	answers(t, m, rows(3))
	if m, err = other.Compile(t.Context(), tableOf(code, `"new"`), func() { t.Error("it is compiled again") }); err != nil {
		t.Fatal(err)
	}
	answers(t, m, `"new"`)
	// So does a module that has the code and no section; what it lacks is not another one's.
	if m, err = other.Load(t.Context(), code); err != nil {
		t.Fatal(err)
	}
	if out, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: []byte("{}")}); err == nil && out.Err == nil {
		t.Errorf("a module without rows answers %s", out.Data)
	}
	if compiles.Load() != 1 || other.Codes() != 1 {
		t.Errorf("%d compiles, %d codes", compiles.Load(), other.Codes())
	}
}

// A module that differs in one byte from another one has code of its own, whatever its sections say.
// threat: E15
func TestOtherBytesAreOtherCode(t *testing.T) {
	t.Parallel()
	good, evil := reading(), reading(Code(I32(1), Drop))
	e := newEngine(t, sandbox.Config{Cache: t.TempDir()})
	digest := sandbox.Digest(good)
	for _, module := range [][]byte{tableOf(good, `"good"`), tableOf(evil, `"evil"`), tableOf(append(bytes.Clone(good), 0, 2, 1, 'x'), `"long"`)} {
		if _, err := e.Load(t.Context(), module); err != nil {
			t.Fatal(err)
		}
	}
	if e.Codes() != 3 {
		t.Errorf("%d codes, want 3", e.Codes())
	}
	// There is no way to name another code.
	for _, name := range []string{"code", "digest", "module.wasm", "../" + digest} {
		claims := wasm.WithSections(evil, wasm.Section{Name: name, Data: []byte(digest)})
		if m, err := e.Load(t.Context(), claims); err == nil {
			t.Errorf("%s: it is loaded as %s", name, m.Digest())
		}
	}
}

// A changed byte in what the cache keeps of a module's sections means reading the module again.
// threat: E13
func TestTamperedSections(t *testing.T) {
	t.Parallel()
	code, other := reading(), reading(Code(I32(1), Drop))
	module, another := tableOf(code, `"mine"`), tableOf(other, `"another's"`)
	rows := func(entry string) string { return filepath.Join(entry, "sections", "rows") }
	for name, spoil := range map[string]func(entry, another string) error{
		"rows":      func(entry, _ string) error { return os.WriteFile(rows(entry), []byte(`"evil"`), 0o600) },
		"rows gone": func(entry, _ string) error { return os.Remove(rows(entry)) },
		"a section more": func(entry, _ string) error {
			return os.WriteFile(filepath.Join(entry, "sections", "manifest"), []byte("{}"), 0o600)
		},
		"rows of another":    func(entry, another string) error { return os.Rename(rows(another), rows(entry)) },
		"code of another":    func(entry, another string) error { return os.Rename(another+"/code", entry+"/code") },
		"code elsewhere":     func(entry, _ string) error { return os.WriteFile(entry+"/code", []byte("../../evil"), 0o600) },
		"code gone":          func(entry, _ string) error { return os.Remove(entry + "/code") },
		"entry of another":   swap,
		"a module beside it": func(entry, _ string) error { return os.WriteFile(entry+"/module.wasm", code, 0o600) },
	} {
		dir := t.TempDir()
		e := newEngine(t, sandbox.Config{Cache: dir})
		for _, m := range [][]byte{module, another} {
			if _, err := e.Load(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		folder := func(m []byte) string {
			found, err := filepath.Glob(filepath.Join(dir, "modules", sandbox.Digest(m)+"-*"))
			if err != nil || len(found) != 1 {
				t.Fatalf("%s: %q, %v", name, found, err)
			}
			return found[0]
		}
		if err := spoil(folder(module), folder(another)); err != nil {
			t.Fatal(err)
		}
		fresh, log := logged(t, dir)
		if m, err := fresh.LoadCached(t.Context(), sandbox.Digest(module)); m != nil || err != nil {
			t.Errorf("%s: it is still taken from the cache (%v)", name, err)
		}
		if !strings.Contains(log.String(), "[WARN]") {
			t.Errorf("%s: nothing is said of it", name)
		}
		m, err := fresh.Load(t.Context(), module)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		answers(t, m, `"mine"`)
		third, _ := logged(t, dir)
		if m, err = third.LoadCached(t.Context(), sandbox.Digest(module)); m == nil || err != nil {
			t.Fatalf("%s: it is not in the cache again: %v", name, err)
		}
		answers(t, m, `"mine"`)
	}
}

func swap(a, b string) error {
	for _, move := range [][2]string{{a, a + ".old"}, {b, a}, {a + ".old", b}} {
		if err := os.Rename(move[0], move[1]); err != nil {
			return err
		}
	}
	return nil
}

// Without its code, a module in the cache is as good as none.
func TestCodeGoneFromTheCache(t *testing.T) {
	t.Parallel()
	dir, code := t.TempDir(), reading()
	module := tableOf(code, `1`)
	digest := sandbox.Digest(module)
	e := newEngine(t, sandbox.Config{Cache: dir})
	m, err := e.Load(t.Context(), module)
	if err != nil || !e.Compiled(digest) {
		t.Fatalf("%v, compiled: %t", err, e.Compiled(digest))
	}
	found, err := filepath.Glob(filepath.Join(dir, "modules", sandbox.Digest(code)+"-*"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if err := os.RemoveAll(found[0]); err != nil {
		t.Fatal(err)
	}
	// What is in memory stays.
	answers(t, m, `1`)
	other := newEngine(t, sandbox.Config{Cache: dir})
	if m, err := other.LoadCached(t.Context(), digest); m != nil || err != nil || other.Compiled(digest) {
		t.Fatalf("%v, %v, compiled: %t", m, err, other.Compiled(digest))
	}
	if m, err = other.Load(t.Context(), module); err != nil || !other.Compiled(digest) {
		t.Fatalf("%v, compiled: %t", err, other.Compiled(digest))
	}
	answers(t, m, `1`)
}
