// Command mcp-client starts "agenthost mcp", lists its tools and calls one, with the
// official SDK of the Model Context Protocol:
//
//	export AGENTHOST_CONFIG=agenthost.yaml
//	go run . search_operations '{"query":"search issues"}'
//	go run . execute_operation '{"operation":"support.issues.search","params":{"limit":1}}'
//
// agenthost has to be in PATH. "agenthost demo --serve" makes a configuration of simulated
// vendors. Without arguments the program prints what tools there are: with few operations
// one for each, such as support_issues_search, and otherwise three that find and run them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func main() {
	ctx := context.Background()
	command := exec.CommandContext(ctx, "agenthost", "mcp")
	command.Stderr = os.Stderr
	if err := run(ctx, command, os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run speaks with the server that command is. It lists the tools, or calls the one that
// args name, with the arguments that follow.
func run(ctx context.Context, command *exec.Cmd, args []string, out io.Writer) error {
	client := mcp.NewClient(&mcp.Implementation{Name: "mcp-client", Version: "1.0.0"}, nil)
	session, err := client.Connect(ctx, &mcp.CommandTransport{Command: command}, nil)
	if err != nil {
		return err
	}
	defer session.Close()
	if len(args) == 0 {
		return list(ctx, session, out)
	}
	params := &mcp.CallToolParams{Name: args[0]}
	if len(args) > 1 {
		params.Arguments = json.RawMessage(args[1])
	}
	result, err := session.CallTool(ctx, params)
	if err != nil {
		return err // of the protocol: there is no such tool, or the server is gone
	}
	text := ""
	for _, content := range result.Content {
		if part, ok := content.(*mcp.TextContent); ok {
			text += part.Text
		}
	}
	if result.IsError {
		return errors.New(text) // of the call, in words for a model
	}
	_, err = fmt.Fprintln(out, text)
	return err
}

// list prints the tools, and of each whether it only reads.
func list(ctx context.Context, session *mcp.ClientSession, out io.Writer) error {
	for tool, err := range session.Tools(ctx, nil) {
		if err != nil {
			return err
		}
		mark := "changes data"
		if tool.Annotations != nil && tool.Annotations.ReadOnlyHint {
			mark = "reads"
		}
		if _, err := fmt.Fprintf(out, "%s (%s): %s\n", tool.Name, mark, tool.Title); err != nil {
			return err
		}
	}
	return nil
}
