//go:build linux && !race

package main

// Linux only, because Maxrss has another unit elsewhere; and not under the race
// detector, whose own memory grows with what a program does.

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

const (
	pageRecords = 500
	recordBytes = 1000
)

// TestAllTakesConstantMemory lists a little and a lot. If the lot were kept, the
// difference would be some 60 MB; what the garbage collector leaves lying about is far
// less.
func TestAllTakesConstantMemory(t *testing.T) {
	plugins := wasmtest.Folder(t, "plugins/pylon")
	listAll(t, plugins, 2) // compile, where nobody has yet
	few := listAll(t, plugins, 10)
	many := listAll(t, plugins, 130)
	const most = 24 << 20
	if many-few > most {
		t.Errorf("10 pages took %d MB and 130 pages %d MB", few>>20, many>>20)
	}
}

// listAll runs exec --all over a number of pages and returns the peak of its memory.
func listAll(t *testing.T, plugins string, pages int) int64 {
	t.Helper()
	server, err := vendorsim.Start(t.Context(), pagesOf(pages), vendorsim.Options{LogSize: -1, NoGzip: true})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	exe := command(t)
	cmd := exec.CommandContext(context.Background(), exe, "exec", "pylon", "accounts", "list", "--all", "-o", "ndjson", "--plugins", plugins)
	cmd.Dir = t.TempDir()
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "AGENTHOST_PYLON_API_TOKEN="+fullToken, "AGENTHOST_PYLON_SERVER="+server.URL,
		"XDG_CACHE_HOME="+wasmtest.Home(t), firstPartyVariable+"="+asFirstParty(t, plugins),
		"GOGC=100") // or the command lets garbage lie
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := 0
	for s := bufio.NewScanner(out); s.Scan(); lines++ {
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if want := pages * pageRecords; lines != want {
		t.Fatalf("%d records of %d", lines, want)
	}
	return cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
}

// pagesOf is a vendor with a number of pages, whose cursors are their numbers.
func pagesOf(pages int) http.Handler {
	text := strings.Repeat("x", recordBytes)
	others := strings.Repeat(`,{"id":"`+text+`"}`, pageRecords-1)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"data":[{"id":"%d%s"}%s],"pagination":{"cursor":"%d","has_next_page":%t},"request_id":"r"}`, page, text, others, page+1, page+1 < pages)
	})
}
