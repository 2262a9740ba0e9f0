package mcp_test

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/mcp"
)

// BenchmarkCall compares a call of 1 KB over MCP, pipes included and no client, with the same
// call of Execute.
func BenchmarkCall(b *testing.B) {
	server, h, _ := open(b, mcp.Options{}, `{"data": {"text": "`+strings.Repeat("x", 1000)+`"}, "meta": {}}`)
	b.Run("execute", func(b *testing.B) {
		for b.Loop() {
			if _, err := h.Execute(b.Context(), "notes", host.Call{Entity: "notes", Action: "list"}); err != nil {
				b.Fatal(err)
			}
		}
	})
	ask := rawClient(b, server)
	b.Run("mcp", func(b *testing.B) {
		for b.Loop() {
			if answer := ask(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"notes_notes_list"}}`); !strings.Contains(answer, "structuredContent") {
				b.Fatal(answer)
			}
		}
	})
}

// rawClient starts a session over pipes and returns what sends a line and reads one.
func rawClient(t testing.TB, server *mcp.Server) (ask func(line string) string) {
	t.Helper()
	fromClient, toServer := io.Pipe()
	fromServer, toClient := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- server.ServeStdio(context.WithoutCancel(t.Context()), fromClient, toClient) }()
	t.Cleanup(func() {
		_ = toServer.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	answers := bufio.NewReader(fromServer)
	ask = func(line string) string {
		if _, err := io.WriteString(toServer, line+"\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := answers.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	ask(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`)
	return ask
}
