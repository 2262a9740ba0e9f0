package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentedClients compares the snippets in the documentation of the server's MCP with what the
// command prints. A script calls the server with them.
func TestDocumentedClients(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "operating.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, mcp, _ := strings.Cut(string(text), "\n## MCP\n")
	mcp, _, _ = strings.Cut(mcp, "\n## ")
	blocks := regexp.MustCompile("(?s)\n```json\n(.*?)```\n").FindAllStringSubmatch(mcp, -1)
	clients := []string{"claude", "vscode"}
	if len(blocks) != len(clients) {
		t.Fatalf("there are %d snippets", len(blocks))
	}
	for i, client := range clients {
		cmd := exec.CommandContext(t.Context(), command(t), "mcp", "config", client, "--url", "https://agents.example.com/mcp")
		cmd.Dir = t.TempDir()
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := blocks[i][1]; got != string(out) {
			t.Errorf("%s: the page has\n%s, the command prints\n%s", client, got, out)
		}
	}
}
