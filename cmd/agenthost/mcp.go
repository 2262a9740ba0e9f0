package main

import (
	"context"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// reloadInterval is how often a server looks at the plugins folder.
const reloadInterval = 200 * time.Millisecond

// mcpFlags are the flags of agenthost mcp. Those that were given take the place of what
// the configuration says.
type mcpFlags struct {
	config.MCP
	stdio bool
}

func (a *app) mcpCommand() *cobra.Command {
	var f mcpFlags
	cmd := &cobra.Command{
		Use:   "mcp",
		Short: "Serve connections to agents over the Model Context Protocol",
		Long: `Serve connections to agents over the Model Context Protocol, on standard input and
output, or over streamable HTTP with --http.

What connections allow becomes tools, and nothing else. Up to --threshold operations
are a tool each; beyond that there are search_operations, describe_operation and
execute_operation, which fill less of a model's context. A connector that appears in
the plugins folder, changes or goes is followed at once.

Over HTTP every request needs a bearer token. Without --token it is read from
mcp-token in agenthost's configuration folder, which is made at the first start and
which only you can read. With --issuer it is an access token of that OAuth issuer, and
no other unless --token names one.

Flags win over what the configuration says under mcp:.`,
		Example: `  agenthost mcp
  agenthost mcp --connection support --form connections
  agenthost mcp --http 127.0.0.1:8080
  agenthost mcp --http 127.0.0.1:8080 --issuer https://login.example.com --resource https://mcp.example.com
  agenthost mcp config claude`,
		Args: args(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serveMCP(cmd.Context(), &f, cmd.Flags()) },
	}
	f.toolFlags(a, cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.stdio, "stdio", false, "serve standard input and output, whatever the configuration says")
	flags.StringVar(&f.HTTP.Address, "http", "", "serve HTTP at this `address`, such as 127.0.0.1:8080")
	flags.StringVar(&f.HTTP.Token, "token", "", "`reference` to the bearer token, such as env:AGENTHOST_MCP_TOKEN or file:/run/secrets/token")
	flags.StringArrayVar(&f.HTTP.Hosts, "host", nil, "Host header that requests may have, such as mcp.example.com (default: loopback names, and that of --resource)")
	flags.StringArrayVar(&f.HTTP.Origins, "origin", nil, "Origin header that requests of browsers may have (default: none)")
	flags.BoolVar(&f.HTTP.Sessions, "sessions", false, "keep sessions, which clients of older protocol versions need to be told of changes")
	flags.StringVar(&f.HTTP.Issuer, "issuer", "", "`URL` of an OAuth issuer whose access tokens are taken, with --resource")
	flags.StringVar(&f.HTTP.IssuerCAFile, "issuer-ca-file", "", "`file` of certificate authorities that are trusted for --issuer instead of this machine's")
	flags.StringVar(&f.HTTP.Resource, "resource", "", "`URL` by which clients know this server, with --issuer")
	flags.StringVar(&f.HTTP.Audience, "audience", "", "what access tokens are for (default: what --resource says)")
	flags.StringArrayVar(&f.HTTP.Scopes, "scope", nil, "`scope` that access tokens have to have (may be repeated)")
	cmd.AddCommand(a.mcpConfigCommand())
	return cmd
}

// toolFlags are the flags that say which tools there are.
func (f *mcpFlags) toolFlags(a *app, cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.Connections, "connection", nil, "offer this `connection` alone (may be repeated)")
	flags.StringVar((*string)(&f.Form), "form", string(tool.FormAuto), "`form` of the tools: auto, operations, search or connections")
	flags.IntVar(&f.Threshold, "threshold", tool.DefaultThreshold, "most tools for which --form auto makes one per operation")
	flags.IntVar(&f.Budget, "budget", tool.DefaultBudget, "length of the longest answer in characters")
	_ = cmd.RegisterFlagCompletionFunc("form", cobra.FixedCompletions(formNames(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("connection", a.completeConnection)
}

// over returns c with the flags that were given in place of what it says.
func (f *mcpFlags) over(c config.MCP, given *pflag.FlagSet) config.MCP {
	for name, set := range map[string]func(){
		"connection":     func() { c.Connections = f.Connections },
		"form":           func() { c.Form = f.Form },
		"threshold":      func() { c.Threshold = f.Threshold },
		"budget":         func() { c.Budget = f.Budget },
		"stdio":          func() { c.HTTP.Address = f.HTTP.Address },
		"http":           func() { c.HTTP.Address = f.HTTP.Address },
		"token":          func() { c.HTTP.Token = f.HTTP.Token },
		"host":           func() { c.HTTP.Hosts = f.HTTP.Hosts },
		"origin":         func() { c.HTTP.Origins = f.HTTP.Origins },
		"sessions":       func() { c.HTTP.Sessions = f.HTTP.Sessions },
		"issuer":         func() { c.HTTP.Issuer = f.HTTP.Issuer },
		"issuer-ca-file": func() { c.HTTP.IssuerCAFile = f.HTTP.IssuerCAFile },
		"resource":       func() { c.HTTP.Resource = f.HTTP.Resource },
		"audience":       func() { c.HTTP.Audience = f.HTTP.Audience },
		"scope":          func() { c.HTTP.Scopes = f.HTTP.Scopes },
	} {
		if given.Changed(name) {
			set()
		}
	}
	return c
}

func formNames() []string {
	var names []string
	for _, f := range tool.Forms() {
		names = append(names, string(f))
	}
	return names
}

func (a *app) serveMCP(ctx context.Context, f *mcpFlags, given *pflag.FlagSet) error {
	if f.stdio && f.HTTP.Address != "" {
		return &usageError{message: "--stdio and --http are two places to serve", hint: "say one of them"}
	}
	c, path, err := a.loadConfig()
	if err != nil {
		return err
	}
	o, err := a.optionsOf(c, path)
	if err != nil {
		return err
	}
	o.Reload = reloadInterval
	m := f.over(c.MCP, given)
	return openWith(ctx, o, func(h *host.Host) error {
		server, err := mcp.New(ctx, h, mcp.Options{
			Tools:  host.ToolOptions{Connections: m.Connections, Options: m.Options},
			Logger: o.Logger.Named("mcp"),
		})
		if err != nil {
			return err
		}
		defer server.Close()
		if m.HTTP.Address == "" {
			return server.ServeStdio(ctx, a.stdin, a.stdout)
		}
		return a.serveMCPHTTP(ctx, server, m.HTTP, o)
	})
}
