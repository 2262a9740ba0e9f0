// Package wasmtest builds connectors to Wasm for tests.
//
// A connector is built once per change of its source, not once per test: the modules
// stay in a folder of the user's cache, and the toolchain finds out whether they are
// up to date.
package wasmtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// Flags are what every connector is built with; the Makefile uses the same ones, so
// that both make the same bytes.
var Flags = []string{"-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags=-w"}

// keep is how long a module that no longer matches its source stays, for the tests of
// another process that may still use it.
const keep = 24 * time.Hour

// Build returns the path of a connector's module, a file that nobody may change. Pkg
// is the folder of its main package: absolute, or relative to this module's root, such
// as plugins/pylon. It may belong to another Go module.
func Build(t testing.TB, pkg string) string {
	t.Helper()
	file, err := BuildContext(context.Background(), pkg)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// Folder returns a new folder with the modules of some connectors, each named after
// its package. To change one, put another file in its place: they are links to what [Build]
// returns, where the system lets a test make links.
func Folder(t testing.TB, pkgs ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, pkg := range pkgs {
		module, file := Build(t, pkg), filepath.Join(dir, filepath.Base(pkg)+".wasm")
		if err := os.Symlink(module, file); err != nil {
			Copy(t, module, file)
		}
	}
	return dir
}

// Copy copies a file.
func Copy(t testing.TB, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// BuildContext is [Build] for where there is no test yet, such as TestMain.
func BuildContext(ctx context.Context, pkg string) (string, error) {
	dir, err := locate(ctx, pkg)
	if err != nil {
		return "", err
	}
	b := buildOf(dir)
	b.once.Do(func() { b.file, b.err = compile(ctx, dir) })
	return b.file, b.err
}

// builds are the builds of this process, by folder.
var (
	buildsLock sync.Mutex
	builds     = map[string]*build{}
)

func buildOf(dir string) *build {
	buildsLock.Lock()
	defer buildsLock.Unlock()
	if builds[dir] == nil {
		builds[dir] = &build{}
	}
	return builds[dir]
}

type build struct {
	once sync.Once
	file string
	err  error
}

func locate(ctx context.Context, pkg string) (string, error) {
	if filepath.IsAbs(pkg) {
		return filepath.Clean(pkg), nil
	}
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module's root: %w", err)
	}
	return filepath.Join(filepath.Dir(strings.TrimSpace(string(out))), pkg), nil
}

// compile builds to a fixed place, which lets the toolchain skip what is up to date,
// and hands out a copy named by its content.
func compile(ctx context.Context, dir string) (string, error) {
	cache, err := folder()
	if err != nil {
		return "", err
	}
	key := sha256.Sum256([]byte(dir))
	home := filepath.Join(cache, filepath.Base(dir)+"-"+hex.EncodeToString(key[:6]))
	if err := os.MkdirAll(home, 0o700); err != nil {
		return "", err
	}
	unlock, err := lockedfile.MutexAt(filepath.Join(home, "lock")).Lock()
	if err != nil {
		return "", err
	}
	defer unlock()

	target := filepath.Join(home, "build.wasm")
	cmd := exec.CommandContext(ctx, "go", append(append([]string{"build"}, Flags...), "-o", target, ".")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s to Wasm: %w\n%s", dir, err, bytes.TrimSpace(out))
	}
	data, err := os.ReadFile(target)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	file := filepath.Join(home, hex.EncodeToString(sum[:])+".wasm")
	if _, err := os.Stat(file); err != nil {
		if err := write(file, data); err != nil {
			return "", err
		}
	}
	forget(home, file, target)
	return file, warm(ctx, file)
}

// write makes a file that is there only when it is whole.
func write(file string, data []byte) error {
	if err := os.WriteFile(file+".new", data, 0o400); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// forget removes modules of older sources, best effort.
func forget(home string, current ...string) {
	files, _ := filepath.Glob(filepath.Join(home, "*.wasm"))
next:
	for _, file := range files {
		for _, c := range current {
			if file == c {
				continue next
			}
		}
		if info, err := os.Stat(file); err == nil && time.Since(info.ModTime()) > keep {
			_ = os.Remove(file)
		}
	}
}
