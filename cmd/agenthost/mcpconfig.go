package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// mcpServer is how a client reaches a server: with a command or a URL.
type mcpServer struct {
	name, url string
	command   []string
	// env has the variables that the command needs.
	env []string
	// variable names the environment variable with the bearer token for the URL. With oauth,
	// the client has no token and logs in at the issuer in the server's metadata.
	variable string
	oauth    bool
}

// mcpTokenVariable is the default environment variable for the bearer token of clients.
const mcpTokenVariable = "AGENTHOST_MCP_TOKEN" //nolint:gosec // the name of a variable, not a credential

// mcpClient is an MCP client program.
type mcpClient struct {
	where string // the file that the snippet goes into
	// write makes the snippet.
	write func(s mcpServer) (string, error)
	// expands says that the client reads variables of its own environment.
	expands bool
}

// mcpClients are the clients that config knows. The formats follow the clients' own
// documentation as of November 2026.
func mcpClients() map[string]mcpClient {
	return map[string]mcpClient{
		"claude":         {".mcp.json of the project (Claude Code)", jsonClient("mcpServers", "http", "url", "${%s}"), true},
		"claude-desktop": {"claude_desktop_config.json", localOnly(jsonClient("mcpServers", "", "", placeholder)), false},
		"cursor":         {".cursor/mcp.json of the project, or ~/.cursor/mcp.json", jsonClient("mcpServers", "", "url", "${env:%s}"), true},
		"vscode":         {".vscode/mcp.json of the workspace", vscodeClient, true},
		"codex":          {"~/.codex/config.toml", codexClient, true},
		"gemini":         {"~/.gemini/settings.json", jsonClient("mcpServers", "", "httpUrl", "$%s"), true},
		"windsurf":       {"~/.codeium/windsurf/mcp_config.json", jsonClient("mcpServers", "", "serverUrl", "${env:%s}"), true},
		"zed":            {"settings.json of Zed", noTokens(jsonClient("context_servers", "", "url", placeholder)), false},
	}
}

// placeholder stands for a value in the configuration of a client that reads no variables.
const placeholder = "<%s>"

func (a *app) mcpConfigCommand() *cobra.Command {
	var s mcpServer
	var f mcpFlags
	var token string
	names := slices.Sorted(maps.Keys(mcpClients()))
	cmd := &cobra.Command{
		Use:   "config CLIENT",
		Short: "Print a snippet for a client's configuration",
		Long: `Print a snippet for a client's configuration. Clients: ` + strings.Join(names, ", ") + `.

The snippet starts this program with the current configuration and folder of connectors,
and with the flags of this command. Its env section passes the variables on that the
configuration's env: references name. With --url it points to a running server. A snippet
never has a token or another secret: clients that can read the token from
` + mcpTokenVariable + `, or from the variable of --token, do so. With --oauth the client
logs in at the server's issuer.`,
		Example: `  agenthost mcp config claude > .mcp.json
  agenthost mcp config codex --config ~/agenthost.yaml --connection support
  agenthost mcp config cursor --url http://127.0.0.1:8080 --token env:MY_TOKEN
  agenthost mcp config vscode --url https://mcp.example.com --oauth`,
		Args:      args(1, "CLIENT"),
		ValidArgs: names,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, known := mcpClients()[args[0]]
			if !known {
				return &usageError{message: fmt.Sprintf("unknown client %q", args[0]), hint: fault.Hint(args[0], names)}
			}
			if err := s.credential(token); err != nil {
				return err
			}
			var err error
			if s.command, err = a.mcpCommandLine(&f, cmd.Flags()); err != nil {
				return err
			}
			if s.url == "" {
				c, _, err := a.loadConfig()
				if err != nil {
					return err
				}
				s.env = slices.Sorted(maps.Keys(variables(c, f.over(c.MCP, cmd.Flags()).Connections)))
			}
			snippet, err := client.write(s)
			if err != nil {
				return err
			}
			a.say("note", "add this to "+client.where)
			if len(s.env) > 0 && !client.expands {
				a.say("note", "this client reads no variables: put values in the place of <"+s.env[0]+"> and the like, or use keyring: or file: references in the configuration")
			}
			return a.print("%s\n", snippet)
		},
	}
	f.toolFlags(a, cmd)
	cmd.Flags().StringVar(&s.url, "url", "", "`URL` of a running server, instead of a command")
	cmd.Flags().StringVar(&s.name, "name", "agenthost", "`name` of the server in the client")
	cmd.Flags().StringVar(&token, "token", "", "`reference` to the bearer token of --url, such as env:MY_TOKEN (default env:"+mcpTokenVariable+")")
	cmd.Flags().BoolVar(&s.oauth, "oauth", false, "the client logs in at the issuer of --url and needs no token")
	return cmd
}

// credential sets how the client authenticates at a URL. Clients read tokens only from
// environment variables.
func (s *mcpServer) credential(token string) error {
	switch {
	case s.url == "" && (token != "" || s.oauth):
		return &usageError{message: "--token and --oauth need --url", hint: "add the URL of a running server; a server that the client starts needs no token"}
	case token != "" && s.oauth:
		return &usageError{message: "--token and --oauth cannot be used together", hint: "remove one of them"}
	}
	s.variable = mcpTokenVariable
	if token == "" {
		return nil
	}
	ref, err := secret.ParseRef(token)
	if err != nil {
		return err
	}
	if ref.Scheme() != "env" {
		return &usageError{message: "clients read a bearer token only from an environment variable", hint: "set a variable and name it, such as --token env:MY_TOKEN"}
	}
	s.variable = ref.Name()
	return nil
}

// mcpCommandLine returns the command that starts this program with the same files. A client
// starts programs in another folder and environment, so paths are absolute.
func (a *app) mcpCommandLine(f *mcpFlags, given *pflag.FlagSet) ([]string, error) {
	if given.Changed("form") && !slices.Contains(tool.Forms(), f.Form) {
		return nil, &usageError{message: fmt.Sprintf("there is no form %q", f.Form), hint: fault.Hint(string(f.Form), formNames())}
	}
	if err := noTimeout(given); err != nil {
		return nil, err
	}
	if _, err := a.logger(); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		self = "agenthost"
	}
	command := []string{self, "mcp", "--stdio"} // overrides mcp.http in the configuration
	plugins := a.plugins
	if plugins == "" {
		plugins, _ = a.lookupEnv("AGENTHOST_PLUGINS")
	}
	for _, f := range []struct{ name, path string }{{"--config", a.configPath()}, {"--plugins", plugins}, {"--cache", a.cacheFolder(&config.Config{})}} {
		if f.path == "" {
			continue
		}
		path, err := filepath.Abs(f.path)
		if err != nil {
			return nil, err
		}
		command = append(command, f.name, path)
	}
	if a.environment {
		command = append(command, "--environment")
	}
	for _, connection := range f.Connections {
		command = append(command, "--connection", connection)
	}
	for _, name := range []string{"form", "threshold", "budget", "max-name", "log-level"} {
		if given.Changed(name) {
			command = append(command, "--"+name, given.Lookup(name).Value.String())
		}
	}
	return command, nil
}

// jsonClient returns a writer for a client with a JSON object of servers under key. For a
// URL, remote is the server's type (may be empty), urlKey the key of the URL, and variable
// the syntax for an environment variable.
func jsonClient(key, remote, urlKey, variable string) func(mcpServer) (string, error) {
	return func(s mcpServer) (string, error) {
		server := any(s.local("", variable))
		if s.url != "" {
			server = s.remote(remote, urlKey, expanded(variable, s.variable))
		}
		return indent(map[string]any{key: map[string]any{s.name: server}})
	}
}

type jsonServer struct {
	Type    string            `json:"type,omitempty"`
	Command string            `json:"command,omitempty"`
	Args    []string          `json:"args,omitempty"`
	Env     map[string]string `json:"env,omitempty"`
}

// local returns the command, with variables in the syntax of the client.
func (s mcpServer) local(kind, syntax string) jsonServer {
	server := jsonServer{Type: kind, Command: s.command[0], Args: s.command[1:], Env: make(map[string]string)}
	for _, name := range s.env {
		server.Env[name] = expanded(syntax, name)
	}
	return server
}

// expanded returns a variable in the syntax of a client.
func expanded(syntax, name string) string { return strings.ReplaceAll(syntax, "%s", name) }

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

// localOnly is for a client with a configuration that has no URLs.
func localOnly(write func(mcpServer) (string, error)) func(mcpServer) (string, error) {
	return func(s mcpServer) (string, error) {
		if s.url != "" {
			return "", &usageError{message: "the client's configuration does not support URLs", hint: "remove --url, so that the client starts agenthost"}
		}
		return write(s)
	}
}

// noTokens is for a client that supports URLs, but cannot read a token from a variable.
func noTokens(write func(mcpServer) (string, error)) func(mcpServer) (string, error) {
	return func(s mcpServer) (string, error) {
		if s.url != "" && !s.oauth {
			return "", &usageError{message: "the client cannot read a bearer token from a variable", hint: "remove --url, so that the client starts agenthost; or add --oauth, if the server has an issuer"}
		}
		return write(s)
	}
}

// vscodeClient asks for the token when the server is first used.
func vscodeClient(s mcpServer) (string, error) {
	if s.url == "" {
		return indent(map[string]any{"servers": map[string]any{s.name: s.local("stdio", "${env:%s}")}})
	}
	const id = "agenthost-token"
	snippet := map[string]any{"servers": map[string]any{s.name: s.remote("http", "url", "${input:"+id+"}")}}
	if !s.oauth {
		snippet["inputs"] = []any{map[string]any{"type": "promptString", "id": id, "description": "Bearer token of agenthost", "password": true}}
	}
	return indent(snippet)
}

// codexClient writes TOML. JSON strings are valid TOML basic strings for any path.
func codexClient(s mcpServer) (string, error) {
	head := fmt.Sprintf("[mcp_servers.%s]\n", quoteTOML(s.name))
	switch {
	case s.url != "" && s.oauth:
		return fmt.Sprintf("%surl = %s", head, quoteTOML(s.url)), nil
	case s.url != "":
		return fmt.Sprintf("%surl = %s\nbearer_token_env_var = %s", head, quoteTOML(s.url), quoteTOML(s.variable)), nil
	}
	snippet := fmt.Sprintf("%scommand = %s\nargs = %s", head, quoteTOML(s.command[0]), listTOML(s.command[1:]))
	if len(s.env) > 0 {
		snippet += "\nenv_vars = " + listTOML(s.env)
	}
	return snippet, nil
}

func listTOML(items []string) string {
	quoted := make([]string, 0, len(items))
	for _, item := range items {
		quoted = append(quoted, quoteTOML(item))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
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
