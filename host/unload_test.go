package host_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"golang.org/x/sync/errgroup"
)

// unloading is a host of one connection, notes, whose connector is soon forgotten.
func unloading(t *testing.T, after time.Duration) (*host.Host, string) {
	t.Helper()
	o := options(t, map[string]host.Connection{"notes": {Connector: "notes", Credentials: map[string]string{"token": "env:TOKEN"}}})
	o.Plugins, o.UnloadAfter = t.TempDir(), after
	put(t, o.Plugins, "notes.wasm", static("notes", 1))
	return opened(t, o), o.Plugins
}

// first is what the connector answers.
const first = `[{"version": 1}]`

// awaitModules waits until so many modules are loaded.
func awaitModules(t *testing.T, h *host.Host, want int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); h.Modules() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d modules are loaded, want %d", h.Modules(), want)
		}
	}
}

// A module that nobody calls goes, and comes back with the next call. So does one that was
// loaded to be described.
func TestIdleModulesAreUnloaded(t *testing.T) {
	h, _ := unloading(t, 20*time.Millisecond)
	if _, err := h.Connectors(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		awaitModules(t, h, 0)
		if got := version(t, h); got != first {
			t.Errorf("got %s, want %s", got, first)
		}
	}
	awaitModules(t, h, 0)
}

// Calls and unloading at the same time: every call is answered.
func TestUnloadUnderLoad(t *testing.T) {
	h, _ := unloading(t, time.Nanosecond)
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			for range 100 {
				if _, err := h.Execute(t.Context(), "notes", host.Call{Entity: "notes", Action: "list"}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	awaitModules(t, h, 0)
}

// A call that takes longer than that is not idle.
func TestUnloadWaitsForACall(t *testing.T) {
	server, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: token, Scale: pylon.SmallScale()}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	o := options(t, map[string]host.Connection{"lab": labAt(server)})
	o.UnloadAfter = time.Millisecond
	h := opened(t, o)
	server.Inject(vendorsim.Fault{Count: -1, Latency: 50 * time.Millisecond})
	for range 3 {
		if _, err := h.Execute(t.Context(), "lab", host.Call{Entity: "me", Action: "get"}); err != nil {
			t.Error(err)
		}
		awaitModules(t, h, 0)
	}
}

// A module whose file is gone could not be loaded again, so it stays.
func TestReplacedModulesAreNotUnloaded(t *testing.T) {
	for name, replace := range map[string]func(dir string) error{
		"removed": func(dir string) error { return os.Remove(filepath.Join(dir, "notes.wasm")) },
		"broken": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "notes.wasm"), []byte("broken"), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, dir := unloading(t, time.Hour)
			if got := version(t, h); got != first {
				t.Fatalf("got %s, want %s", got, first)
			}
			if err := replace(dir); err != nil {
				t.Fatal(err)
			}
			h.UnloadNow()
			if n := h.Modules(); n != 1 {
				t.Errorf("%d modules are loaded, want 1", n)
			}
			if got := version(t, h); got != first {
				t.Errorf("got %s, want %s", got, first)
			}
		})
	}
}
