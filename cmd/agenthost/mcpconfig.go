package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/spf13/cobra"
)

// mcpServer is what a client is told of a server: a command, or a URL.
type mcpServer struct {
	name, url string
	command   []string
}

// mcpTokenVariable is the environment variable that clients read the bearer token from.
const mcpTokenVariable = "AGENTHOST_MCP_TOKEN" //nolint:gosec // the name of a variable, not a credential

// mcpClient is a program that uses MCP servers.
type mcpClient struct {
	where string // the file that the snippet goes into
	// write makes the snippet.
	write func(s mcpServer) (string, error)
}

// mcpClients are those that config knows. The formats are those of the clients' own
// documentation.
func mcpClients() map[string]mcpClient {
	return map[string]mcpClient{
		"claude":         {".mcp.json of the project (Claude Code)", jsonClient("mcpServers", "http", "url", "Bearer ${"+mcpTokenVariable+"}")},
		"claude-desktop": {"claude_desktop_config.json", stdioOnly(jsonClient("mcpServers", "", "", ""))},
		"cursor":         {".cursor/mcp.json of the project, or ~/.cursor/mcp.json", jsonClient("mcpServers", "", "url", "Bearer ${env:"+mcpTokenVariable+"}")},
		"vscode":         {".vscode/mcp.json of the workspace", vscodeClient},
		"codex":          {"~/.codex/config.toml", codexClient},
		"gemini":         {"~/.gemini/settings.json", jsonClient("mcpServers", "", "httpUrl", "Bearer $"+mcpTokenVariable)},
		"windsurf":       {"~/.codeium/windsurf/mcp_config.json", jsonClient("mcpServers", "", "serverUrl", "Bearer ${env:"+mcpTokenVariable+"}")},
		"zed":            {"settings.json of Zed", stdioOnly(jsonClient("context_servers", "", "", ""))},
	}
}

func (a *app) mcpConfigCommand() *cobra.Command {
	var s mcpServer
	names := slices.Sorted(maps.Keys(mcpClients()))
	cmd := &cobra.Command{
		Use:   "config CLIENT",
		Short: "Print what to paste into a client's configuration",
		Long: `Print what to paste into a client's configuration. Clients: ` + strings.Join(names, ", ") + `.

The snippet starts this program with the --config and --plugins that config is given;
with --url it points to a server that runs. No snippet holds a token: clients that can
read it from ` + mcpTokenVariable + ` do so.`,
		Example: `  agenthost mcp config claude > .mcp.json
  agenthost mcp config codex --config ~/agenthost.yaml
  agenthost mcp config vscode --url http://127.0.0.1:8080`,
		Args:      args(1, "CLIENT"),
		ValidArgs: names,
		RunE: func(_ *cobra.Command, args []string) error {
			client, known := mcpClients()[args[0]]
			if !known {
				return &usageError{message: fmt.Sprintf("there is no client %q here", args[0]), hint: nearest.Hint(args[0], names)}
			}
			if err := a.mcpCommandLine(&s); err != nil {
				return err
			}
			snippet, err := client.write(s)
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(a.stderr, "agenthost: note: this goes into %s\n", client.where)
			return a.print("%s\n", snippet)
		},
	}
	cmd.Flags().StringVar(&s.url, "url", "", "`URL` of a server that runs, instead of a command")
	cmd.Flags().StringVar(&s.name, "name", "agenthost", "`name` of the server in the client")
	return cmd
}

// mcpCommandLine is how a client starts this program.
func (a *app) mcpCommandLine(s *mcpServer) error {
	self, err := os.Executable()
	if err != nil {
		self = "agenthost"
	}
	s.command = []string{self, "mcp"}
	for _, f := range []struct{ name, path string }{{"--config", a.config}, {"--plugins", a.plugins}} {
		if f.path == "" {
			continue
		}
		path, err := filepath.Abs(f.path)
		if err != nil {
			return err
		}
		s.command = append(s.command, f.name, path)
	}
	return nil
}

// jsonClient is a client with a JSON object of servers under a key. Remote says what its
// type is for a URL, if it wants one, and what the URL's key is.
func jsonClient(key, remote, urlKey, bearer string) func(mcpServer) (string, error) {
	return func(s mcpServer) (string, error) {
		server := localServer(s)
		if s.url != "" {
			server = remoteServer(remote, urlKey, s.url, bearer)
		}
		return indent(map[string]any{key: map[string]any{s.name: server}})
	}
}

type jsonServer struct {
	Type    string   `json:"type,omitempty"`
	Command string   `json:"command,omitempty"`
	Args    []string `json:"args,omitempty"`
}

func localServer(s mcpServer) any { return jsonServer{Command: s.command[0], Args: s.command[1:]} }

func remoteServer(kind, urlKey, url, bearer string) any {
	server := map[string]any{urlKey: url, "headers": map[string]string{"Authorization": bearer}}
	if kind != "" {
		server["type"] = kind
	}
	return server
}

func stdioOnly(write func(mcpServer) (string, error)) func(mcpServer) (string, error) {
	return func(s mcpServer) (string, error) {
		if s.url != "" {
			return "", &usageError{message: "that client's configuration takes no URL with a bearer token", hint: "leave --url out, and the client starts agenthost itself"}
		}
		return write(s)
	}
}

// vscodeClient asks for the token when the server is first used.
func vscodeClient(s mcpServer) (string, error) {
	if s.url == "" {
		return indent(map[string]any{"servers": map[string]any{s.name: jsonServer{"stdio", s.command[0], s.command[1:]}}})
	}
	const id = "agenthost-token"
	return indent(map[string]any{
		"inputs":  []any{map[string]any{"type": "promptString", "id": id, "description": "Bearer token of agenthost", "password": true}},
		"servers": map[string]any{s.name: remoteServer("http", "url", s.url, "Bearer ${input:"+id+"}")},
	})
}

// codexClient writes TOML, whose basic strings are JSON's for all that a path can hold.
func codexClient(s mcpServer) (string, error) {
	head := fmt.Sprintf("[mcp_servers.%s]\n", quoteTOML(s.name))
	if s.url != "" {
		return fmt.Sprintf("%surl = %s\nbearer_token_env_var = %s", head, quoteTOML(s.url), quoteTOML(mcpTokenVariable)), nil
	}
	args := make([]string, 0, len(s.command)-1)
	for _, arg := range s.command[1:] {
		args = append(args, quoteTOML(arg))
	}
	return fmt.Sprintf("%scommand = %s\nargs = [%s]", head, quoteTOML(s.command[0]), strings.Join(args, ", ")), nil
}

func quoteTOML(text string) string {
	quoted, _ := json.Marshal(text) // a string always marshals
	return string(quoted)
}

func indent(v any) (string, error) {
	raw, err := marshal(v)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(raw); err != nil {
		return "", err
	}
	return strings.TrimSpace(b.String()), nil
}
