package wasmtest

import (
	"bytes"
	"context"
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
// processes that are built without the race detector do it.
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
	const pkg = "github.com/agenthost/agenthost/internal/wasmtest/warm"
	command, test := filepath.Join(home, "warm"), filepath.Join(home, "warm.test")
	for _, args := range [][]string{
		{"go", "build", "-o", command, pkg + "/command"}, // a file that is up to date stays
		{command, cache, file},
		{"go", "test", "-c", "-o", test, pkg},
		{test, "-test.run=^TestModules$", cache, file},
	} {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("compile %s to native code: %w\n%s", file, err, bytes.TrimSpace(out))
		}
	}
	return nil
}
