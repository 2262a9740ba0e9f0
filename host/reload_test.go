package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// static is a connector of one operation, notes.list, whose answer has a version.
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

// reloading opens a host that watches a folder, and returns the folder and the changes.
func reloading(t *testing.T, connections host.StaticConnections) (*host.Host, string, <-chan host.Change) {
	t.Helper()
	o := options(t, connections)
	o.Reload = 5 * time.Millisecond
	h := opened(t, o)
	changes := make(chan host.Change, 100)
	t.Cleanup(h.OnChange(func(c host.Change) { changes <- c }))
	return h, o.Plugins, changes
}

// put writes a file whole, as a careful installer does.
func put(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	temporary := filepath.Join(dir, name+".new")
	if err := os.WriteFile(temporary, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temporary, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func awaitChange(t *testing.T, changes <-chan host.Change, kind host.ChangeKind, connector string) host.Change {
	t.Helper()
	select {
	case c := <-changes:
		if c.Kind != kind || c.Connector != connector || (c.Err != nil) != (kind == host.ConnectorRefused) {
			t.Fatalf("change %+v, want %s of %q", c, kind, connector)
		}
		return c
	case <-time.After(time.Minute):
		t.Fatalf("no change, want %s of %q", kind, connector)
		return host.Change{}
	}
}

func version(t *testing.T, h *host.Host) string {
	t.Helper()
	result, err := h.Execute(t.Context(), "notes", host.Call{Entity: "notes", Action: "list"})
	if err != nil {
		var e *host.Error
		if errors.As(err, &e) {
			return string(e.Kind)
		}
		t.Fatal(err)
	}
	return string(result.Data)
}

func TestReload(t *testing.T) {
	t.Parallel()
	notes := host.Connection{Connector: "notes", Credentials: map[string]string{"token": "env:TOKEN"}}
	h, dir, changes := reloading(t, host.StaticConnections{"notes": notes})
	if got := version(t, h); got != "unknown_operation" {
		t.Fatalf("before there is a file: %s", got)
	}
	put(t, dir, "notes.wasm", static("notes", 1))
	awaitChange(t, changes, host.ConnectorAdded, "notes")
	if got := version(t, h); got != `[{"version": 1}]` {
		t.Fatal(got)
	}
	put(t, dir, "notes.wasm", static("notes", 2))
	digest := awaitChange(t, changes, host.ConnectorUpdated, "notes").Digest
	if got := version(t, h); got != `[{"version": 2}]` {
		t.Fatal(got)
	}

	// A broken file changes nothing.
	put(t, dir, "notes.wasm", []byte("\x00asm, but not really"))
	if c := awaitChange(t, changes, host.ConnectorRefused, "notes"); c.Digest != digest {
		t.Errorf("change %+v, want the digest in use", c)
	}
	if got := version(t, h); got != `[{"version": 2}]` {
		t.Fatal(got)
	}
	infos, err := h.Connectors(t.Context())
	if err != nil || len(infos) != 2 || infos[0].Err != nil || infos[0].Digest != digest {
		t.Fatalf("%v: %+v", err, infos)
	}

	// Nor does a second connector of the name.
	put(t, dir, "other.wasm", static("notes", 3))
	awaitChange(t, changes, host.ConnectorRefused, "")
	if got := version(t, h); got != `[{"version": 2}]` {
		t.Fatal(got)
	}

	// It is taken when the first one goes.
	if err := os.Remove(filepath.Join(dir, "notes.wasm")); err != nil {
		t.Fatal(err)
	}
	awaitChange(t, changes, host.ConnectorRemoved, "notes")
	awaitChange(t, changes, host.ConnectorAdded, "notes")
	if got := version(t, h); got != `[{"version": 3}]` {
		t.Fatal(got)
	}
	if err := os.Remove(filepath.Join(dir, "other.wasm")); err != nil {
		t.Fatal(err)
	}
	awaitChange(t, changes, host.ConnectorRemoved, "notes")
	if got := version(t, h); got != "unknown_operation" {
		t.Fatal(got)
	}
	awaitModules(t, h, 0)
}

// TestReloadDuringACall: a call that waits for the vendor ends on the module that it
// began on, which goes away only then.
func TestReloadDuringACall(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan struct{}), make(chan struct{})
	sim := pylon.New(pylon.Options{Token: token, Scale: pylon.SmallScale()})
	server, err := vendorsim.Start(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-answer
		sim.ServeHTTP(w, r)
	}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	h, dir, changes := reloading(t, host.StaticConnections{"lab": labAt(server)})
	ended := make(chan error, 1)
	go func() {
		result, err := h.Execute(t.Context(), "lab", host.Call{Entity: "accounts", Action: "list", Params: host.Params{"limit": 1}})
		if err == nil && !json.Valid(result.Data) {
			err = errors.New("no JSON")
		}
		ended <- err
	}()
	<-asked
	put(t, dir, "pylon.wasm", static("pylon", 9))
	awaitChange(t, changes, host.ConnectorUpdated, "pylon")
	_, err = h.Execute(t.Context(), "lab", host.Call{Entity: "accounts", Action: "list"})
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != abi.KindUnknownOperation {
		t.Errorf("a new call: %v, want unknown_operation of the new connector", err)
	}
	if h.Modules() == 0 {
		t.Error("the old module is gone while a call runs on it")
	}
	close(answer)
	if err := <-ended; err != nil {
		t.Errorf("the call that ran: %v", err)
	}
	awaitModules(t, h, 1)
}

// TestReloadUnderLoad replaces a connector while calls run without end. Every call is
// answered, by one of the versions and never by one older than before.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	notes := host.Connection{Connector: "notes", Credentials: map[string]string{"token": "env:TOKEN"}}
	h, dir, changes := reloading(t, host.StaticConnections{"notes": notes})
	put(t, dir, "notes.wasm", static("notes", 1))
	awaitChange(t, changes, host.ConnectorAdded, "notes")
	stop, failed := make(chan struct{}), make(chan error, 4)
	for range cap(failed) {
		go func() {
			newest := 0
			for {
				select {
				case <-stop:
					failed <- nil
					return
				default:
				}
				result, err := h.Execute(t.Context(), "notes", host.Call{Entity: "notes", Action: "list"})
				var got []struct{ Version int }
				if err == nil {
					err = result.Decode(&got)
				}
				if err == nil && (len(got) != 1 || got[0].Version < newest) {
					err = fmt.Errorf("%s after version %d", result.Data, newest)
				}
				if err != nil {
					failed <- err
					return
				}
				newest = got[0].Version
			}
		}()
	}
	for v := 2; v <= 10; v++ {
		put(t, dir, "notes.wasm", static("notes", v))
		awaitChange(t, changes, host.ConnectorUpdated, "notes")
	}
	close(stop)
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

// TestConnectionToAReplacedFile: a call that looks up its connection while the connector's file is
// replaced ends on the old one, and the next call is answered by the new one.
func TestConnectionToAReplacedFile(t *testing.T) {
	t.Parallel()
	o := options(t, host.StaticConnections{"notes": {Connector: "notes", Credentials: map[string]string{"token": "env:TOKEN"}}})
	o.Plugins, o.Cache = t.TempDir(), t.TempDir()
	put(t, o.Plugins, "notes.wasm", static("notes", 1))
	look := make(chan struct{}) // the watcher looks when it is told to, and only then
	o.Reload = time.Second
	o.Sleep = func(ctx context.Context, _ time.Duration) error {
		select {
		case <-look:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	changes := make(chan host.Change, 10)
	replaced := false
	o.OnCompile = func(string) { // the call has found the file, and not yet its connection
		if replaced {
			return
		}
		replaced = true
		put(t, o.Plugins, "notes.wasm", static("notes", 22)) // of another size
		look <- struct{}{}
		look <- struct{}{}
		awaitChange(t, changes, host.ConnectorAdded, "notes")
	}
	h := opened(t, o)
	t.Cleanup(h.OnChange(func(c host.Change) { changes <- c }))
	for _, want := range []string{`[{"version": 1}]`, `[{"version": 22}]`, `[{"version": 22}]`} {
		if got := version(t, h); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if !replaced {
		t.Error("nothing was replaced")
	}
}

// awaitModules waits until so many modules are loaded.
func awaitModules(t *testing.T, h *host.Host, want int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); h.Modules() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d modules are loaded, want %d", h.Modules(), want)
		}
	}
}
