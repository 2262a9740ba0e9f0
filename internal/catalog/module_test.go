package catalog

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"
)

// A module that nobody uses for five minutes goes, and comes back with the next call. So does
// one that was loaded to be described.
func TestIdleModuleIsUnloaded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Options{Dir: folder(t, "notes"), Cache: t.TempDir()})
		if _, err := c.Infos(t.Context()); err != nil {
			t.Fatal(err)
		}
		f := find(t, c, "notes")
		ready := func(want bool, when string) {
			t.Helper()
			synctest.Wait()
			loaded := 0
			if want {
				loaded = 1
			}
			if f.Ready() != want || c.options.Engine.Modules() != loaded {
				t.Errorf("%s: in memory is %t, %d modules", when, f.Ready(), c.options.Engine.Modules())
			}
		}
		ready(true, "after it was described")
		time.Sleep(5 * time.Minute)
		ready(false, "after five minutes")
		for range 3 {
			answers(t, c, "notes", first)
			ready(true, "after a call")
			time.Sleep(4 * time.Minute)
			answers(t, c, "notes", first)
			time.Sleep(4 * time.Minute)
			ready(true, "four minutes after a call")
			time.Sleep(time.Minute)
			ready(false, "five minutes after a call")
		}
		_, release, err := f.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		ready(true, "during a call of an hour")
		release()
		time.Sleep(5*time.Minute - time.Second)
		ready(true, "shortly after that")
		time.Sleep(5 * time.Minute)
		ready(false, "long after that")
	})
}

// A module whose file has changed could not be loaded again, so it stays.
func TestReplacedModuleIsNotUnloaded(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(path string) error{
		"removed": os.Remove,
		"broken":  func(path string) error { return os.WriteFile(path, []byte("broken"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := open(t, Options{Dir: folder(t, "notes")})
				f := find(t, c, "notes")
				if _, err := runFile(t.Context(), f); err != nil {
					t.Fatal(err)
				}
				if err := replace(filepath.Join(c.options.Dir, "notes.wasm")); err != nil {
					t.Fatal(err)
				}
				f.unloadIdle(0)
				time.Sleep(time.Hour)
				synctest.Wait()
				if !f.Ready() {
					t.Error("the module is not in memory any more")
				}
				if got, err := runFile(t.Context(), f); got != first {
					t.Errorf("got %s, %v", got, err)
				}
			})
		})
	}
}

// A module that is in use when the catalog is closed is the engine's to close, and no timer keeps
// the catalog in memory.
func TestNoTimerAfterClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, Options{Dir: folder(t, "notes")})
		f := find(t, c, "notes")
		_, release, err := f.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		if err := c.Close(t.Context()); err != nil || f.timer != nil {
			t.Errorf("%v; a timer runs: %t", err, f.timer != nil)
		}
		f.unloadIdle(0) // as if it had begun before
		if f.timer != nil || !f.Ready() {
			t.Errorf("a timer runs: %t; the module is in memory: %t", f.timer != nil, f.Ready())
		}
	})
}

// Calls and unloading at the same time: every call is answered.
func TestUnloadUnderLoad(t *testing.T) {
	t.Parallel()
	c := open(t, Options{Dir: folder(t, "notes"), UnloadAfter: time.Nanosecond})
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			for range 50 {
				if _, err := run(t.Context(), c, "notes"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

// A call that finds its module in memory pays nothing for the catalog.
func TestAcquireAllocatesNothing(t *testing.T) {
	c := open(t, Options{Dir: folder(t, "notes")})
	f := find(t, c, "notes")
	if n := testing.AllocsPerRun(100, func() {
		_, release, err := f.Acquire(t.Context())
		if err != nil || !f.Ready() {
			t.Fatal(err)
		}
		release()
		f.Attached(func() any { return f })
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
