package sandbox_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// answering is a module whose execute answers what the guest of the tests answers.
func answering() []byte {
	return newGuest().executes("", Code())
}

// logged is an engine on a folder, and what it logs.
func logged(t testing.TB, dir string) (*sandbox.Engine, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	return newEngine(t, sandbox.Config{Cache: dir, Logger: hclog.New(&hclog.LoggerOptions{Output: &log})}), &log
}

func works(t *testing.T, m *sandbox.Module) {
	t.Helper()
	out, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportExecute, Input: []byte("{}")})
	if err != nil || string(out.Data) != "{}" {
		t.Fatalf("the module does not work: %v", err)
	}
}

// entryOf returns the folder of the one module in a cache.
func entryOf(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "modules", "*-*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%d entries in the cache: %q, %v", len(found), found, err)
	}
	return found[0]
}

func TestCachedModule(t *testing.T) {
	dir, module := t.TempDir(), answering()
	engine, log := logged(t, dir)
	digest := sandbox.Digest(module)
	if m, err := engine.LoadCached(t.Context(), digest); m != nil || err != nil {
		t.Fatalf("an empty cache has it: %v, %v", m, err)
	}
	m, err := engine.Load(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	works(t, m)
	// Another engine needs the digest alone.
	other, _ := logged(t, dir)
	m, err = other.LoadCached(t.Context(), digest)
	if err != nil || m == nil {
		t.Fatalf("it is not in the cache: %v", err)
	}
	if m.Digest() != digest {
		t.Errorf("its digest is %s, want %s", m.Digest(), digest)
	}
	works(t, m)
	if log.Len() > 0 {
		t.Errorf("logged: %s", log)
	}
}

// A changed byte in the cache means compiling again, never running it; and so does
// whatever else is not as it was written.
// threat: E13
func TestTamperedCache(t *testing.T) {
	module := answering()
	native := func(entry string) string {
		var largest string
		var size int64
		_ = filepath.WalkDir(filepath.Join(entry, "native"), func(path string, d fs.DirEntry, err error) error {
			if info, err := d.Info(); err == nil && !d.IsDir() && info.Size() > size {
				largest, size = path, info.Size()
			}
			return err
		})
		return largest
	}
	flip := func(path string, at func(size int) int) error {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		data[at(len(data))] ^= 1
		return os.WriteFile(path, data, 0o600)
	}
	first := func(int) int { return 0 }
	middle := func(size int) int { return size / 2 }
	last := func(size int) int { return size - 1 }
	for name, spoil := range map[string]func(entry string) error{
		"code, first byte":  func(entry string) error { return flip(native(entry), first) },
		"code, in between":  func(entry string) error { return flip(native(entry), middle) },
		"code, last byte":   func(entry string) error { return flip(native(entry), last) },
		"code cut short":    func(entry string) error { return os.Truncate(native(entry), 100) },
		"code gone":         func(entry string) error { return os.Remove(native(entry)) },
		"module":            func(entry string) error { return flip(filepath.Join(entry, "module.wasm"), last) },
		"info":              func(entry string) error { return os.WriteFile(filepath.Join(entry, "info.json"), []byte("{}"), 0o600) },
		"seal":              func(entry string) error { return flip(filepath.Join(entry, "seal"), first) },
		"seal gone":         func(entry string) error { return os.Remove(filepath.Join(entry, "seal")) },
		"a file more":       func(entry string) error { return os.WriteFile(native(entry)+"0", []byte("x"), 0o600) },
		"everything gone":   os.RemoveAll,
		"a file for folder": func(entry string) error { return os.WriteFile(entry+"/x", nil, 0o600) },
		"the key of another cache": func(entry string) error {
			return os.WriteFile(filepath.Join(entry, "..", "..", "key"), bytes.Repeat([]byte{7}, 32), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			engine, _ := logged(t, dir)
			if _, err := engine.Load(t.Context(), module); err != nil {
				t.Fatal(err)
			}
			if err := spoil(entryOf(t, dir)); err != nil {
				t.Fatal(err)
			}
			other, log := logged(t, dir)
			if m, err := other.LoadCached(t.Context(), sandbox.Digest(module)); m != nil || err != nil {
				t.Fatalf("it is still taken from the cache (%v)", err)
			}
			if warned := strings.Contains(log.String(), "[WARN]"); warned != (name != "everything gone") {
				t.Errorf("warned is %t: %s", warned, log)
			}
			m, err := other.Load(t.Context(), module)
			if err != nil {
				t.Fatal(err)
			}
			works(t, m)
			// And what was compiled again is good for the next one.
			third, log := logged(t, dir)
			if m, err = third.LoadCached(t.Context(), sandbox.Digest(module)); m == nil || err != nil {
				t.Fatalf("it is not in the cache again: %v: %s", err, log)
			}
			works(t, m)
			entryOf(t, dir)
		})
	}
}

// An entry is sealed with its digest: the code of one module is not taken for that of
// another.
// threat: E13
func TestSwappedEntries(t *testing.T) {
	dir := t.TempDir()
	engine, _ := logged(t, dir)
	good := answering()
	other := newGuest().executes("", Code(Unreachable))
	if _, err := engine.Load(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	entry := entryOf(t, dir)
	as := strings.Replace(entry, sandbox.Digest(other), sandbox.Digest(good), 1)
	if err := os.Rename(entry, as); err != nil {
		t.Fatal(err)
	}
	second, log := logged(t, dir)
	m, err := second.Load(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	works(t, m)
	if !strings.Contains(log.String(), "the seal does not match") {
		t.Errorf("nothing is said of it: %s", log)
	}
}

// A module that does not get through leaves nothing behind.
func TestRefusedModuleIsNotCached(t *testing.T) {
	dir := t.TempDir()
	engine, _ := logged(t, dir)
	if _, err := engine.Load(t.Context(), []byte("this is not Wasm")); kindOf(t, err) != abi.KindConnectorFault {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "modules", "*-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}
