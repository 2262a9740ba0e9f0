package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/spf13/cobra"
)

// reloadInterval is how often a server looks at the plugins folder.
const reloadInterval = 200 * time.Millisecond

// grace is how long a server that ends waits for calls that run.
const grace = 10 * time.Second

// mcpFlags are the flags of agenthost mcp.
type mcpFlags struct {
	address, form, token string
	connections          []string
	threshold, budget    int
	http                 mcp.HTTPOptions
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
which only you can read.`,
		Example: `  agenthost mcp
  agenthost mcp --connection support --form connections
  agenthost mcp --http 127.0.0.1:8080
  agenthost mcp config claude`,
		Args: args(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serveMCP(cmd.Context(), &f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.address, "http", "", "serve HTTP at this `address`, such as 127.0.0.1:8080")
	flags.StringArrayVar(&f.connections, "connection", nil, "offer this `connection` alone (may be repeated)")
	flags.StringVar(&f.form, "form", string(tool.FormAuto), "`form` of the tools: auto, operations, search or connections")
	flags.IntVar(&f.threshold, "threshold", tool.DefaultThreshold, "most tools for which --form auto makes one per operation")
	flags.IntVar(&f.budget, "budget", tool.DefaultBudget, "length of the longest answer in characters")
	flags.StringVar(&f.token, "token", "", "`reference` to the bearer token, such as env:AGENTHOST_MCP_TOKEN or file:/run/secrets/token")
	flags.StringArrayVar(&f.http.Hosts, "host", nil, "Host header that requests may have, such as mcp.example.com (default: loopback names)")
	flags.StringArrayVar(&f.http.Origins, "origin", nil, "Origin header that requests of browsers may have (default: none)")
	flags.BoolVar(&f.http.Sessions, "sessions", false, "keep sessions, which clients of older protocol versions need to be told of changes")
	_ = cmd.RegisterFlagCompletionFunc("form", cobra.FixedCompletions(formNames(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("connection", a.completeConnection)
	cmd.AddCommand(a.mcpConfigCommand())
	return cmd
}

func formNames() []string {
	var names []string
	for _, f := range tool.Forms() {
		names = append(names, string(f))
	}
	return names
}

func (a *app) serveMCP(ctx context.Context, f *mcpFlags) error {
	o, err := a.options()
	if err != nil {
		return err
	}
	o.Reload = reloadInterval
	return openWith(ctx, o, func(h *host.Host) error {
		server, err := mcp.New(ctx, h, mcp.Options{
			Tools: host.ToolOptions{
				Connections: f.connections,
				Options:     tool.Options{Form: tool.Form(f.form), Threshold: f.threshold, Budget: f.budget},
			},
			Logger: o.Logger.Named("mcp"),
		})
		if err != nil {
			return err
		}
		defer server.Close()
		if f.address == "" {
			return server.ServeStdio(ctx, a.stdin, a.stdout)
		}
		return a.serveMCPHTTP(ctx, server, f)
	})
}

func (a *app) serveMCPHTTP(ctx context.Context, server *mcp.Server, f *mcpFlags) error {
	token, where, err := a.mcpToken(ctx, f.token)
	if err != nil {
		return err
	}
	f.http.Tokens = map[string]secret.Value{osUser(): token}
	listener, err := mcp.Listen(ctx, f.address)
	if err != nil {
		return &usageError{message: fmt.Sprintf("cannot listen at %s: %v", f.address, errors.Unwrap(err)), hint: "name a free address, such as --http 127.0.0.1:0"}
	}
	_, _ = fmt.Fprintf(a.stderr, "agenthost: MCP at http://%s, bearer token in %s\n", listener.Addr(), where)
	return server.ServeHTTP(ctx, listener, f.http, grace)
}

// mcpToken reads the bearer token, and makes one at the first start where no reference
// names it.
func (a *app) mcpToken(ctx context.Context, reference string) (token secret.Value, where string, err error) {
	if reference == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return secret.Value{}, "", &usageError{message: "there is no configuration folder for the bearer token", hint: "name one with --token, such as --token env:AGENTHOST_MCP_TOKEN"}
		}
		path := filepath.Join(dir, "agenthost", "mcp-token")
		if err := makeToken(path); err != nil {
			return secret.Value{}, "", &usageError{message: fmt.Sprintf("the bearer token cannot be made: %v", err), hint: "name one with --token"}
		}
		reference = "file:" + path
	}
	ref, err := secret.ParseRef(reference)
	if err != nil {
		return secret.Value{}, "", err
	}
	token, err = secret.NewResolver(secret.Options{LookupEnv: a.lookupEnv}).Resolve(ctx, ref)
	return token, reference, err
}

// makeToken writes a token that only its owner can read, unless there is one.
func makeToken(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	text := mcp.NewToken()
	_, err = file.Write(text)
	clear(text)
	return errors.Join(err, file.Close())
}
