package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/exampletest"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// TestClient has the script of a model call tools of the real command.
func TestClient(t *testing.T) {
	agenthost := buildCommand(t)
	options := exampletest.Options(t)
	configuration := filepath.Join(t.TempDir(), "agenthost.yaml")
	text := fmt.Sprintf(`plugins: %q
connections:
  support:
    connector: pylon
    server: %s
    credentials: {api_token: env:PYLON_TOKEN}
    allow: {operations: [issues.get, issues.list, issues.search]}
`, options.Plugins, options.Connections.(host.StaticConnections)["support"].Server)
	if err := os.WriteFile(configuration, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := append(os.Environ(), "PYLON_TOKEN="+exampletest.Token, "XDG_CACHE_HOME="+wasmtest.Home(t), "XDG_CONFIG_HOME="+t.TempDir())
	call := func(args ...string) (string, error) {
		command := exec.Command(agenthost, "--config", configuration, "mcp")
		command.Env = environment
		var out strings.Builder
		err := run(t.Context(), command, args, &out)
		return strings.TrimSpace(out.String()), err
	}
	approve := exec.Command(agenthost, "--config", configuration, "plugin", "approve", "--yes", filepath.Join(options.Plugins, "pylon.wasm"))
	approve.Env = environment
	if out, err := approve.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}

	tools, err := call()
	if err != nil || !strings.Contains(tools, "support_issues_search (reads): ") || strings.Contains(tools, "changes data") {
		t.Fatalf("the tools are %q, %v", tools, err)
	}
	if _, err := call("support_issues_search", `{"filters":{}}`); err == nil || !strings.Contains(err.Error(), "did you mean filter?") {
		t.Errorf("a mistake is answered by %v", err)
	}
	answer, err := call("support_issues_search", `{"limit":3,"select_fields":["number","title"]}`)
	var page struct{ Data []exampletest.Issue }
	if err != nil || json.Unmarshal([]byte(answer), &page) != nil || len(page.Data) != 3 || page.Data[0].Title == "" {
		t.Errorf("the answer is %s, %v", answer, err)
	}
	if _, err := call("support_issues_destroy"); err == nil {
		t.Error("a tool that does not exist has an answer")
	}
}

func buildCommand(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "agenthost")
	build := exec.Command("go", "build", "-o", file, "./cmd/agenthost")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}
