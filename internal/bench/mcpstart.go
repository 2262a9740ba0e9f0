package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// mcpStart is when agenthost mcp first answered a client, counted from its start, with an empty
// cache.
type mcpStart struct{ initialize, list, call time.Duration }

// startMCP starts a server with an empty cache, lists its tools, and calls one at once.
func (b *bench) startMCP(ctx context.Context, config string) (s mcpStart, err error) {
	home, err := os.MkdirTemp("", "mcpstart-")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(home)
	cmd := exec.CommandContext(ctx, b.agenthost, "mcp", "--form", "operations", "--threshold", "1000", "--plugins", b.plugins, "--config", config)
	cmd.Env = []string{"TOKEN=" + token, "XDG_CACHE_HOME=" + filepath.Join(home, "cache"), "HOME=" + home}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return s, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return s, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, stdin.Close(), cmd.Wait()) }()
	lines := bufio.NewReader(stdout)
	for _, step := range []struct {
		send, id string
		took     *time.Duration
	}{
		{`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`, `"id":1`, &s.initialize},
		{`{"jsonrpc":"2.0","method":"notifications/initialized"}` + "\n" + `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`, `"id":2`, &s.list},
		{`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"lab_me_get","arguments":{}}}`, `"id":3`, &s.call},
	} {
		if _, err := io.WriteString(stdin, step.send+"\n"); err != nil {
			return s, err
		}
		if err := awaitAnswer(lines, step.id); err != nil {
			return s, err
		}
		*step.took = time.Since(start)
	}
	return s, nil
}

// awaitAnswer reads up to the answer of a request.
func awaitAnswer(lines *bufio.Reader, id string) error {
	for {
		line, err := lines.ReadString('\n')
		switch {
		case err != nil:
			return fmt.Errorf("no answer to %s: %w", id, err)
		case strings.Contains(line, id+`,"error"`) || strings.Contains(line, `"isError":true`):
			return fmt.Errorf("the answer is %s", line)
		case strings.Contains(line, id):
			return nil
		}
	}
}
