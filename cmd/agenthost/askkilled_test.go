package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	asking "github.com/agenthost/agenthost/host/ask"
	"github.com/agenthost/agenthost/internal/askfolder"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

var askKills = flag.Int("ask-kills", 8, "how many calls TestKilledAsks makes whose processes it kills, and how often TestKilledAsksOfServer kills a server")

// writesByName counts writes at a vendor by their name.
type writesByName struct {
	mu     sync.Mutex
	writes map[string]int
}

func (n *writesByName) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct{ Name string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Method != http.MethodPost {
		http.Error(w, "{}", http.StatusBadRequest)
		return
	}
	n.mu.Lock()
	n.writes[body.Name]++
	n.mu.Unlock()
	time.Sleep(2 * time.Millisecond)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"data":{"id":"a"},"request_id":"r"}`)
}

func (n *writesByName) of(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.writes[name]
}

// killable runs the real command, some of it until it is killed.
type killable struct {
	dir    string
	env    []string
	random *rand.Rand
}

// run runs the command to its end.
func (k *killable) run(t *testing.T, args ...string) error {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), plainCommand(t), args...)
	cmd.Dir, cmd.Env = k.dir, k.env
	return cmd.Run()
}

// kill runs the command and kills it at some moment of the time that it takes.
func (k *killable) kill(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), plainCommand(t), args...)
	cmd.Dir, cmd.Env = k.dir, k.env
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Duration(k.random.IntN(150_000)) * time.Microsecond)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// TestKilledAsks kills the processes that ask, that answer, and that use an answer, at any moment. The
// vendor gets no write before a yes, and for one yes no more than one.
func TestKilledAsks(t *testing.T) {
	random := seeded(t)
	vendor := &writesByName{writes: make(map[string]int)}
	server, err := vendorsim.Start(t.Context(), vendor, vendorsim.Options{LogSize: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	plugins := wasmtest.Folder(t, "plugins/pylon")
	k := &killable{dir: t.TempDir(), random: random}
	config := fmt.Sprintf("plugins: %s\nasks: {folder: asks}\nconnections:\n  lab: {connector: pylon, server: %s, credentials: {api_token: env:TOKEN}, allow: {effects: [read, write], ask: [write]}}\n", plugins, server.URL)
	if err := os.WriteFile(filepath.Join(k.dir, "agenthost.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	k.env = append(os.Environ(), "TOKEN="+fullToken, "XDG_CACHE_HOME="+wasmtest.Home(t), firstPartyVariable+"="+asFirstParty(t, plugins))
	folder := askfolder.Open(filepath.Join(k.dir, "asks"), time.Now)
	ended := map[string]int{}
	for i := range *askKills {
		ended[k.approved(t, vendor, folder, fmt.Sprint("account ", i))]++
		if err := os.RemoveAll(folder.Path()); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%v", ended)
}

// approved makes one call, with processes that are killed, and says how it ended.
func (k *killable) approved(t *testing.T, vendor *writesByName, folder *askfolder.Folder, name string) string {
	t.Helper()
	call := []string{"exec", "lab", "accounts", "create", "-p", "name=" + name}
	k.kill(t, call...)
	if k.run(t, call...) == nil || vendor.of(name) != 0 {
		t.Fatalf("%s: a call without a yes, %d writes", name, vendor.of(name))
	}
	one := pending(t, folder)
	for range k.random.IntN(3) {
		k.kill(t, "ask", "approve", one.ID, "--digest", one.Digest)
	}
	if vendor.of(name) != 0 {
		t.Fatalf("%s: an answer sent something", name)
	}
	_ = k.run(t, "ask", "approve", one.ID, "--digest", one.Digest) // unless one before did it
	now, err := folder.Get(one.ID)
	if err != nil || now.State != asking.Approved {
		t.Fatalf("%s: %s, %v", name, now.State, err)
	}
	k.kill(t, call...)
	killed := vendor.of(name)
	for range 2 {
		_ = k.run(t, call...)
	}
	now, err = folder.Get(one.ID)
	if writes := vendor.of(name); err != nil || writes > 1 || writes == 1 && now.State != asking.Used || writes == 0 && now.State != asking.Used {
		t.Fatalf("%s: %d writes for one yes, which is %s, %v", name, writes, now.State, err)
	}
	switch {
	case killed == 1:
		return "written by the killed one"
	case vendor.of(name) == 1:
		return "written by the next one"
	}
	return "lost"
}

// pending returns the one ask that there is.
func pending(t *testing.T, folder *askfolder.Folder) asking.Ask {
	t.Helper()
	all, err := folder.List(t.Context())
	if err != nil || len(all) != 1 || all[0].State != asking.Pending {
		t.Fatalf("%d asks, %v", len(all), err)
	}
	left, err := filepath.Glob(filepath.Join(folder.Path(), "*"))
	if err != nil || len(left) < 1 || strings.HasSuffix(left[0], ".used") {
		t.Errorf("%q, %v", left, err)
	}
	return all[0]
}
