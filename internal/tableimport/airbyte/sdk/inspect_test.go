package sdk_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/tableimport"
)

// mostLines is how many lines a person reads in a minute.
const mostLines = 110

// agenthost plugin inspect shows each imported connector, on two screens, with every server and every kind of change.
func inspect(t *testing.T, all map[string]*imported) {
	agenthost := os.Getenv("AIRBYTE_AGENTHOST")
	if agenthost == "" {
		t.Fatal("make test-airbyte names the command in AIRBYTE_AGENTHOST")
	}
	dir, longest := t.TempDir(), 0
	run := func(args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), agenthost, args...)
		cmd.Dir = dir
		cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("agenthost %v: %v\n%s", args, err, said.Bytes())
		}
		return out
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		im, file := all[name], filepath.Join(dir, name+".wasm")
		if err := os.WriteFile(file, im.module, 0o600); err != nil {
			t.Fatal(err)
		}
		text := string(run("plugin", "inspect", file))
		longest = max(longest, strings.Count(text, "\n"))
		if n := strings.Count(text, "\n"); n > mostLines {
			t.Errorf("%s: plugin inspect shows %d lines", name, n)
		}
		effects := make(map[string]int)
		for _, op := range im.table.List("operations") {
			row, _ := op.(tableimport.Map)
			effects[row.Text("effect")]++
		}
		wanted := []string{fmt.Sprintf("%d read, %d write, %d delete", effects["read"], effects["write"], effects["delete"])}
		for _, s := range im.table.List("servers") {
			server, _ := s.(tableimport.Map)
			host, _, _ := strings.Cut(strings.TrimPrefix(server.Text("url"), "https://"), "/")
			wanted = append(wanted, host)
		}
		for _, want := range wanted {
			if !strings.Contains(text, want) {
				t.Errorf("%s: plugin inspect does not show %s:\n%s", name, want, text)
			}
		}
		var shown struct {
			Reach []struct{ Operations []string }
		}
		if err := json.Unmarshal(run("plugin", "inspect", file, "-o", "json"), &shown); err != nil {
			t.Fatal(err)
		}
		operations := make(map[string]bool)
		for _, r := range shown.Reach {
			for _, op := range r.Operations {
				operations[op] = true
			}
		}
		if len(operations) != len(im.report.Taken) {
			t.Errorf("%s: the reach has %d operations of %d", name, len(operations), len(im.report.Taken))
		}
	}
	t.Logf("plugin inspect shows %d connectors, each in at most %d lines", len(all), longest)
}
