package wasmtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// Home returns a folder to be XDG_CACHE_HOME of commands that tests run, see [Cache].
func Home(t testing.TB) string {
	t.Helper()
	cache, err := CacheFolder()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(cache)
}

// Cache returns a folder to be host.Options.Cache. It outlives a run of the tests, as
// its content is keyed by what was compiled, and under the race detector it has the
// native code of what [Build] returned.
func Cache(t testing.TB) string {
	t.Helper()
	return filepath.Join(Home(t), "agenthost")
}

// CacheFolder is [Cache] for where there is no test yet, such as TestMain.
func CacheFolder() (string, error) {
	cache, err := folder()
	return filepath.Join(cache, "home", "agenthost"), err
}

// folder is where all is that this package keeps.
func folder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	cache = filepath.Join(cache, "agenthost-wasmtest")
	return cache, os.MkdirAll(cache, 0o700)
}

// warm compiles a module to native code where the test would need ten times as long:
// programs that are built without the race detector do it.
func warm(ctx context.Context, file string) error {
	if !raceEnabled {
		return nil
	}
	cache, err := CacheFolder()
	if err != nil {
		return err
	}
	home := filepath.Join(filepath.Dir(filepath.Dir(cache)), "warm")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	unlock, err := lockedfile.MutexAt(filepath.Join(home, "lock")).Lock()
	if err != nil {
		return err
	}
	defer unlock()
	warmers.once.Do(func() {
		const pkg = "github.com/agenthost/agenthost/internal/wasmtest/warm"
		warmers.file = filepath.Join(home, "warm")
		warmers.err = errors.Join(
			run(ctx, "go", "build", "-buildvcs=false", "-o", warmers.file, pkg+"/command"), // a file that is up to date stays
			run(ctx, "go", "test", "-c", "-o", warmers.file+".test", pkg))
	})
	if warmers.err != nil {
		return warmers.err
	}
	return errors.Join(
		run(ctx, warmers.file, cache, file),
		run(ctx, warmers.file+".test", "-test.run=^TestModules$", cache, file))
}

// warmers are the two programs of package warm: file, and file.test. A process builds them once,
// as it takes the toolchain seconds to find out that they are up to date.
var warmers build

func run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compile to native code: %s %q: %w\n%s", name, args, err, bytes.TrimSpace(out))
	}
	return nil
}
