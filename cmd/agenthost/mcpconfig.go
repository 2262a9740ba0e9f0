package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// mcpServer is what a client is told of a server: a command, or a URL.
type mcpServer struct {
	name, url string
	command   []string
	// variable has the bearer token of the URL; with oauth there is none, and the client
	// logs in where the server's metadata says.
	variable string
	oauth    bool
}

// mcpTokenVariable is the environment variable that clients read the bearer token from,
// where no other is named.
const mcpTokenVariable = "AGENTHOST_MCP_TOKEN" //nolint:gosec // the name of a variable, not a credential

// mcpClient is a program that uses MCP servers.
type mcpClient struct {
	where string // the file that the snippet goes into
	// write makes the snippet.
	write func(s mcpServer) (string, error)
}

// mcpClients are those that config knows. The formats are those of the clients' own
// documentation, as of November 2026.
func mcpClients() map[string]mcpClient {
	return map[string]mcpClient{
		"claude":         {".mcp.json of the project (Claude Code)", jsonClient("mcpServers", "http", "url", "${%s}")},
		"claude-desktop": {"claude_desktop_config.json", localOnly(jsonClient("mcpServers", "", "", ""))},
		"cursor":         {".cursor/mcp.json of the project, or ~/.cursor/mcp.json", jsonClient("mcpServers", "", "url", "${env:%s}")},
		"vscode":         {".vscode/mcp.json of the workspace", vscodeClient},
		"codex":          {"~/.codex/config.toml", codexClient},
		"gemini":         {"~/.gemini/settings.json", jsonClient("mcpServers", "", "httpUrl", "$%s")},
		"windsurf":       {"~/.codeium/windsurf/mcp_config.json", jsonClient("mcpServers", "", "serverUrl", "${env:%s}")},
		"zed":            {"settings.json of Zed", noTokens(jsonClient("context_servers", "", "url", ""))},
	}
}

func (a *app) mcpConfigCommand() *cobra.Command {
	var s mcpServer
	var f mcpFlags
	var token string
	names := slices.Sorted(maps.Keys(mcpClients()))
	cmd := &cobra.Command{
		Use:   "config CLIENT",
		Short: "Print what to paste into a client's configuration",
		Long: `Print what to paste into a client's configuration. Clients: ` + strings.Join(names, ", ") + `.

The snippet starts this program with the configuration and the folder of connectors
that are in use here, and with the flags that config is given. With --url it points to
a server that runs. No snippet holds a token: clients that can read it from
` + mcpTokenVariable + `, or the variable of --token, do so. With --oauth the client logs in
at the server's issuer.`,
		Example: `  agenthost mcp config claude > .mcp.json
  agenthost mcp config codex --config ~/agenthost.yaml --connection support
  agenthost mcp config cursor --url http://127.0.0.1:8080 --token env:MY_TOKEN
  agenthost mcp config vscode --url https://mcp.example.com --oauth`,
		Args:      args(1, "CLIENT"),
		ValidArgs: names,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, known := mcpClients()[args[0]]
			if !known {
				return &usageError{message: fmt.Sprintf("there is no client %q here", args[0]), hint: nearest.Hint(args[0], names)}
			}
			if err := s.credential(token); err != nil {
				return err
			}
			var err error
			if s.command, err = a.mcpCommandLine(&f, cmd.Flags()); err != nil {
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
	f.toolFlags(a, cmd)
	cmd.Flags().StringVar(&s.url, "url", "", "`URL` of a server that runs, instead of a command")
	cmd.Flags().StringVar(&s.name, "name", "agenthost", "`name` of the server in the client")
	cmd.Flags().StringVar(&token, "token", "", "`reference` to the bearer token of --url, such as env:MY_TOKEN (default env:"+mcpTokenVariable+")")
	cmd.Flags().BoolVar(&s.oauth, "oauth", false, "the client logs in at the issuer of --url, and no token is named")
	return cmd
}

// credential says how the client gets into a URL. Clients read variables and nothing else.
func (s *mcpServer) credential(token string) error {
	switch {
	case s.url == "" && (token != "" || s.oauth):
		return &usageError{message: "--token and --oauth are for a server that runs", hint: "say where with --url; what the client starts itself needs no token"}
	case token != "" && s.oauth:
		return &usageError{message: "--token and --oauth are two ways in", hint: "say one of them"}
	}
	s.variable = mcpTokenVariable
	if token == "" {
		return nil
	}
	ref, err := secret.ParseRef(token)
	if err != nil {
		return err
	}
	if ref.Scheme() != secret.SchemeEnv {
		return &usageError{message: "clients read a bearer token from an environment variable and from nowhere else", hint: "put it into one, and name that: --token env:MY_TOKEN"}
	}
	s.variable = ref.Name()
	return nil
}

// mcpCommandLine is how a client starts this program, so that it finds what it would find
// here: a client starts programs in a folder and an environment of its own.
func (a *app) mcpCommandLine(f *mcpFlags, given *pflag.FlagSet) ([]string, error) {
	if given.Changed("form") && !slices.Contains(tool.Forms(), f.Form) {
		return nil, &usageError{message: fmt.Sprintf("there is no form %q", f.Form), hint: nearest.Hint(string(f.Form), formNames())}
	}
	self, err := os.Executable()
	if err != nil {
		self = "agenthost"
	}
	command := []string{self, "mcp", "--stdio"} // whatever the configuration will say of HTTP
	plugins := a.plugins
	if plugins == "" {
		plugins, _ = a.lookupEnv("AGENTHOST_PLUGINS")
	}
	for _, f := range []struct{ name, path string }{{"--config", a.configPath()}, {"--plugins", plugins}} {
		if f.path == "" {
			continue
		}
		path, err := filepath.Abs(f.path)
		if err != nil {
			return nil, err
		}
		command = append(command, f.name, path)
	}
	for _, connection := range f.Connections {
		command = append(command, "--connection", connection)
	}
	for _, name := range []string{"form", "threshold", "budget"} {
		if given.Changed(name) {
			command = append(command, "--"+name, given.Lookup(name).Value.String())
		}
	}
	return command, nil
}

// jsonClient is a client with a JSON object of servers under a key. Remote says what its
// type is for a URL, if it wants one, what the URL's key is, and how a variable is written.
func jsonClient(key, remote, urlKey, variable string) func(mcpServer) (string, error) {
	return func(s mcpServer) (string, error) {
		server := localServer(s)
		if s.url != "" {
			server = s.remote(remote, urlKey, strings.ReplaceAll(variable, "%s", s.variable))
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

func (s mcpServer) remote(kind, urlKey, token string) any {
	server := map[string]any{urlKey: s.url}
	if !s.oauth {
		server["headers"] = map[string]string{"Authorization": "Bearer " + token}
	}
	if kind != "" {
		server["type"] = kind
	}
	return server
}

// localOnly is for a client whose configuration has no URLs.
func localOnly(write func(mcpServer) (string, error)) func(mcpServer) (string, error) {
	return func(s mcpServer) (string, error) {
		if s.url != "" {
			return "", &usageError{message: "that client's configuration takes no URL", hint: "leave --url out, and the client starts agenthost itself"}
		}
		return write(s)
	}
}

// noTokens is for a client whose configuration takes a URL, and a token only as it is.
func noTokens(write func(mcpServer) (string, error)) func(mcpServer) (string, error) {
	return func(s mcpServer) (string, error) {
		if s.url != "" && !s.oauth {
			return "", &usageError{message: "that client's configuration takes no URL with a bearer token that is elsewhere", hint: "leave --url out, and the client starts agenthost itself; or add --oauth, if the server has an issuer"}
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
	snippet := map[string]any{"servers": map[string]any{s.name: s.remote("http", "url", "${input:"+id+"}")}}
	if !s.oauth {
		snippet["inputs"] = []any{map[string]any{"type": "promptString", "id": id, "description": "Bearer token of agenthost", "password": true}}
	}
	return indent(snippet)
}

// codexClient writes TOML, whose basic strings are JSON's for all that a path can hold.
func codexClient(s mcpServer) (string, error) {
	head := fmt.Sprintf("[mcp_servers.%s]\n", quoteTOML(s.name))
	switch {
	case s.url != "" && s.oauth:
		return fmt.Sprintf("%surl = %s", head, quoteTOML(s.url)), nil
	case s.url != "":
		return fmt.Sprintf("%surl = %s\nbearer_token_env_var = %s", head, quoteTOML(s.url), quoteTOML(s.variable)), nil
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
