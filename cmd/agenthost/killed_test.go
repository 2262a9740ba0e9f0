package main

import (
	"encoding/json"
	"errors"
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

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

var (
	kills = flag.Int("kills", 25, "how often TestKilledWrites kills a process")
	seed  = flag.Uint64("seed", 0, "seed of the tests with a size; 0 takes one from the clock")
)

// seeded returns a source of random numbers, and prints its seed.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", s)
	return rand.New(rand.NewPCG(s, 0))
}

// arrivals counts writes at a vendor, by the length of their name.
type arrivals struct {
	mu    sync.Mutex
	names []int
	came  chan struct{} // something is in it when one came
	delay func() time.Duration
}

func (a *arrivals) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct{ Name string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Method != http.MethodPost {
		http.Error(w, "{}", http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	a.names = append(a.names, len(body.Name))
	delay := a.delay()
	a.mu.Unlock()
	select {
	case a.came <- struct{}{}:
	default:
	}
	time.Sleep(delay)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"data":{"id":"a"},"request_id":"r"}`)
}

// TestKilledWrites kills agenthost mcp while writes are in flight. The trail, with the
// defaults, has each write that reached the vendor.
func TestKilledWrites(t *testing.T) {
	random := seeded(t)
	delays := rand.New(rand.NewPCG(random.Uint64(), random.Uint64())) // of the vendor, which runs beside the test
	vendor := &arrivals{came: make(chan struct{}, 1), delay: func() time.Duration { return time.Duration(delays.IntN(4000)) * time.Microsecond }}
	server, err := vendorsim.Start(t.Context(), vendor, vendorsim.Options{LogSize: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	plugins := wasmtest.Folder(t, "plugins/pylon")
	dir := t.TempDir()
	config := fmt.Sprintf("plugins: %s\naudit: {file: audit.jsonl}\nconnections:\n  lab: {connector: pylon, server: %s, credentials: {api_token: env:TOKEN}}\n", plugins, server.URL)
	if err := os.WriteFile(filepath.Join(dir, "agenthost.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "TOKEN="+fullToken, "XDG_CACHE_HOME="+wasmtest.Home(t), firstPartyVariable+"="+asFirstParty(t, plugins))
	total := 0
	for range *kills {
		total += killOnce(t, vendor, random, dir, env)
	}
	t.Logf("%d processes killed, %d writes at the vendor", *kills, total)
	if total < *kills {
		t.Errorf("%d writes reached the vendor in %d processes", total, *kills)
	}
}

// killOnce starts a server, lets it write, kills it, and looks for the writes in the trail.
func killOnce(t *testing.T, vendor *arrivals, random *rand.Rand, dir string, env []string) (writes int) {
	t.Helper()
	const calls = 8
	var in strings.Builder
	in.WriteString(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}` + "\n" +
		`{"jsonrpc":"2.0","method":"notifications/initialized"}` + "\n")
	for i := range calls {
		fmt.Fprintf(&in, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"lab_accounts_create","arguments":{"name":"%s"}}}`+"\n", i+2, strings.Repeat("x", 10+i))
	}
	cmd := exec.CommandContext(t.Context(), plainCommand(t), "mcp", "--form", "operations")
	cmd.Dir, cmd.Env = dir, env
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(stdin, in.String()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-vendor.came:
	case <-time.After(30 * time.Second):
		t.Error("nothing reached the vendor")
	}
	time.Sleep(time.Duration(random.IntN(8000)) * time.Microsecond)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	// What the kernel had of the last requests arrives now.
	time.Sleep(20 * time.Millisecond)
	vendor.mu.Lock()
	names := vendor.names
	vendor.names = nil
	select {
	case <-vendor.came:
	default:
	}
	vendor.mu.Unlock()
	trail := filepath.Join(dir, "audit.jsonl")
	known := make(map[int]bool)
	for r, err := range audit.Scan(trail, audit.Filter{Starts: true}) {
		if _, half := errors.AsType[*audit.LineError](err); half && r == nil {
			continue // the process was killed while it wrote the last line, and what is missing is not known
		} else if err != nil {
			t.Error(err)
		} else if r.Operation() == "accounts.create" && len(r.Params) == 1 {
			known[r.Params[0].Bytes-len(`""`)] = true
		}
	}
	for _, n := range names {
		if !known[n] {
			t.Errorf("a write reached the vendor, and the trail has nothing of it: %d writes, %d known", len(names), len(known))
		}
	}
	if err := os.Remove(trail); err != nil {
		t.Error(err)
	}
	return len(names)
}
