package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/host/mcp/accesstoken"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/internal/credential"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// reloadInterval is how often a server checks the plugins folder for changes.
const reloadInterval = 200 * time.Millisecond

// mcpFlags holds the flags of agenthost mcp, which override the configuration.
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

Only operations that connections allow become tools. Up to --threshold operations, each
has a tool of its own. Beyond that, agents get search_operations, describe_operation and
execute_operation, which use less of a model's context. The server notices new, changed
and removed connectors in the plugins folder, and changed connections in the configuration:
it reads an edited file again, and on SIGHUP. Running calls and sessions go on. At the start it prints a line for each
connection to standard error: where it comes from, and whether it has no restrictions.

Over HTTP every request needs a bearer token. By default, the token is in mcp-token in
agenthost's configuration folder. The first start makes this file, and only you can read
it. With --issuer, the server accepts access tokens of that OAuth issuer, and the token of
--token if you set one.

Flags override mcp: in the configuration.`,
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
	flags.BoolVar(&f.TextOnly, "text-only", false, "leave out the structured content of results")
	flags.BoolVar(&f.stdio, "stdio", false, "serve standard input and output, even if the configuration has mcp.http")
	flags.StringVar(&f.HTTP.Address, "http", "", "serve HTTP at this `address`, such as 127.0.0.1:8080")
	flags.StringVar(&f.HTTP.Token, "token", "", "`reference` to the bearer token, such as env:AGENTHOST_MCP_TOKEN or file:/run/secrets/token")
	flags.StringArrayVar(&f.HTTP.Hosts, "host", nil, "accepted Host header, such as mcp.example.com (repeatable; default: loopback names, and the host of --resource)")
	flags.StringArrayVar(&f.HTTP.Origins, "origin", nil, "accepted Origin header of browsers (repeatable; default: none)")
	flags.BoolVar(&f.HTTP.Sessions, "sessions", false, "keep sessions, so that clients of older protocol versions hear of changes")
	flags.IntVar(&f.HTTP.MaxConnections, "max-connections", 0, "largest number of open HTTP connections (default 1024, and at most half of the process's file limit)")
	flags.StringVar(&f.HTTP.Issuer, "issuer", "", "`URL` of the OAuth issuer of access tokens; needs --resource")
	flags.StringVar(&f.HTTP.IssuerCAFile, "issuer-ca-file", "", "`file` of certificate authorities to trust for --issuer, instead of the system's")
	flags.StringVar(&f.HTTP.Resource, "resource", "", "`URL` of this server for clients; needs --issuer")
	flags.StringVar(&f.HTTP.Audience, "audience", "", "required audience of access tokens (default: the URL of --resource)")
	flags.StringArrayVar(&f.HTTP.Scopes, "scope", nil, "required `scope` of access tokens (repeatable)")
	cmd.AddCommand(a.mcpConfigCommand())
	return cmd
}

// toolFlags adds the flags that choose the tools.
func (f *mcpFlags) toolFlags(a *app, cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.Connections, "connection", nil, "offer only this `connection`, even if it comes from the environment (repeatable)")
	flags.StringVar((*string)(&f.Form), "form", string(tool.FormAuto), "`form` of the tools: auto, operations, search or connections")
	flags.IntVar(&f.Threshold, "threshold", 0, "largest number of operations for which --form auto makes one tool each (default 40)")
	flags.IntVar(&f.Budget, "budget", 0, "longest result in characters (default 20000)")
	flags.IntVar(&f.MaxName, "max-name", 0, "longest name of a tool; shorter names leave room for a client's prefix (default 64)")
	_ = cmd.RegisterFlagCompletionFunc("form", cobra.FixedCompletions(formNames(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("connection", a.completeConnection)
}

// over returns c with the values of the flags that the user set.
func (f *mcpFlags) over(c config.MCP, given *pflag.FlagSet) config.MCP {
	for name, set := range map[string]func(){
		"connection":      func() { c.Connections = f.Connections },
		"form":            func() { c.Form = f.Form },
		"threshold":       func() { c.Threshold = f.Threshold },
		"budget":          func() { c.Budget = f.Budget },
		"text-only":       func() { c.TextOnly = f.TextOnly },
		"max-name":        func() { c.MaxName = f.MaxName },
		"stdio":           func() { c.HTTP.Address = f.HTTP.Address },
		"http":            func() { c.HTTP.Address = f.HTTP.Address },
		"token":           func() { c.HTTP.Token = f.HTTP.Token },
		"host":            func() { c.HTTP.Hosts = f.HTTP.Hosts },
		"origin":          func() { c.HTTP.Origins = f.HTTP.Origins },
		"max-connections": func() { c.HTTP.MaxConnections = f.HTTP.MaxConnections },
		"sessions":        func() { c.HTTP.Sessions = f.HTTP.Sessions },
		"issuer":          func() { c.HTTP.Issuer = f.HTTP.Issuer },
		"issuer-ca-file":  func() { c.HTTP.IssuerCAFile = f.HTTP.IssuerCAFile },
		"resource":        func() { c.HTTP.Resource = f.HTTP.Resource },
		"audience":        func() { c.HTTP.Audience = f.HTTP.Audience },
		"scope":           func() { c.HTTP.Scopes = f.HTTP.Scopes },
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
		return &usageError{message: "--stdio and --http cannot be used together", hint: "remove one of them"}
	}
	if err := noTimeout(given); err != nil {
		return err
	}
	hangup := make(chan os.Signal, 1)
	// Do not ignore the signal instead: child processes inherit that.
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	c, path, err := a.loadConfig()
	if err != nil {
		return err
	}
	o, err := a.optionsOf(c, path)
	if err != nil {
		return err
	}
	o.Reload = reloadInterval
	o.CompileAhead = len(o.CompileWorker) > 0
	m := f.over(c.MCP, given)
	// Naming a connection that is not configured asks for it from the environment. The server
	// offers only the named ones.
	o.Environment = o.Environment || slices.ContainsFunc(m.Connections, func(name string) bool {
		_, configured := c.Connections[name]
		return !configured
	})
	// A configuration from a pipe cannot be read again.
	var file *host.FileConnections
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		file = &host.FileConnections{Path: path, Config: c, Every: reloadInterval, Report: a.unusedConfig(path)} //nolint:contextcheck // a report reads the file whether ctx has ended or not
		o.Environment = o.Environment || c.Connections == nil
		o.Connections = file
	}
	var k *kept
	keep := newKeeper(a.now, func(ctx context.Context, connection, entity string) ([]copies.Synced, error) {
		return k.Sync(ctx, "", connection, entity, copies.SyncOptions{DueOnly: true})
	})
	k = a.keepCopies(c, &o, keep.want)
	// No call has parameters here that could be wrong.
	return fault.Configuration(openWith(ctx, o, k, func(h *host.Host) error {
		if k != nil {
			defer keep.start(ctx)()
		}
		if file != nil {
			following, stop := context.WithCancel(ctx)
			defer stop()
			go reloadOn(following, hangup, file)
		}
		server, err := mcp.New(ctx, h, mcp.Options{
			Tools: host.ToolOptions{Connections: m.Connections, Options: m.Options}, TextOnly: m.TextOnly,
			Logger: o.Logger.Named("mcp"),
		})
		if err != nil {
			return err
		}
		defer server.Close()
		announce := a.announcer(ctx, h, m.Connections, path)
		// A connector that arrives later may have a connection from the environment.
		defer h.OnChange(func(host.Change) { _ = announce() })()
		if err := announce(); err != nil {
			return err
		}
		a.missingVariables(c, m.Connections)
		if m.HTTP.Address == "" {
			if a.typed() {
				a.say("note", "mcp waits for messages of a client on standard input. Clients start this command themselves: see agenthost mcp config --help. Ctrl-C ends it")
			}
			return server.ServeStdio(ctx, a.stdin, a.stdout)
		}
		return a.serveMCPHTTP(ctx, server, m.HTTP, o)
	}))
}

// noTimeout refuses --timeout, which is for one call of a command.
func noTimeout(given *pflag.FlagSet) error {
	if given.Changed("timeout") {
		return &usageError{message: "--timeout is for a single call, and a server runs many", hint: "set limits: {timeout: 30s} at the connection"}
	}
	return nil
}

// reloadOn reads the configuration again at each signal, until ctx ends.
func reloadOn(ctx context.Context, signals <-chan os.Signal, file *host.FileConnections) {
	for {
		select {
		case <-signals:
			file.Reload()
		case <-ctx.Done():
			return
		}
	}
}

// unusedConfig reports why an edited configuration is not used.
func (a *app) unusedConfig(path string) func(err error) {
	return func(err error) {
		a.report(err)
		a.say("note", "the connections stay as they were; "+path+" is read again when it changes")
	}
}

// announcer returns a function that prints a line for each connection the server offers, once
// per line. If names is empty, it offers all.
func (a *app) announcer(ctx context.Context, h *host.Host, names []string, configuration string) (announce func() error) {
	var mu sync.Mutex
	said := make(map[string]bool)
	return func() error {
		mu.Lock()
		defer mu.Unlock()
		connections, err := h.Connections(ctx)
		if err != nil {
			return err
		}
		if len(connections) == 0 && !said[nothing] {
			said[nothing] = true
			a.say("note", nothing)
		}
		for _, c := range connections {
			line := offer(c, configuration)
			if said[line] || len(names) > 0 && !slices.Contains(names, c.Name) {
				continue
			}
			said[line] = true
			if _, err := fmt.Fprintln(a.stderr, render.Visible(line)); err != nil {
				return err
			}
		}
		return nil
	}
}

const nothing = "there are no connections, so mcp offers no tools; name a configuration with --config FILE, or add --environment"

// offer returns the line about a connection.
func offer(c host.ConnectionInfo, configuration string) string {
	line := fmt.Sprintf("agenthost: mcp offers connection %s from the environment", c.Name)
	if c.Source == "config" {
		line = fmt.Sprintf("agenthost: mcp offers connection %s from %s", c.Name, configuration)
	}
	if c.Unrestricted {
		line += ", without allow: it may run every operation of " + c.Connector
	}
	return line
}

// grace is how long a server waits for running calls when it stops.
const grace = 10 * time.Second

// serveMCPHTTP serves until ctx ends. It prepares authentication before it listens.
func (a *app) serveMCPHTTP(ctx context.Context, server *mcp.Server, c config.MCPHTTP, o host.Options) error {
	options := mcp.HTTPOptions{Hosts: c.Hosts, Origins: c.Origins, Sessions: c.Sessions, MaxConnections: c.MaxConnections}
	secrets, err := openSecrets(o)
	if err != nil {
		return err
	}
	tokens, opens, err := a.mcpTokens(ctx, c, secrets)
	if err != nil {
		return err
	}
	options.Tokens = tokens
	if c.Issuer != "" {
		if err := acceptIssuer(ctx, &options, c, o, secrets); err != nil {
			return err
		}
		opens = append(opens, "access tokens of "+c.Issuer)
	} else if c.Resource != "" || c.Audience != "" || c.IssuerCAFile != "" || len(c.Scopes) > 0 {
		return &usageError{message: "--resource, --audience, --issuer-ca-file and --scope need an issuer", hint: "add --issuer URL"}
	}
	listener, err := mcp.Listen(ctx, c.Address)
	if err != nil {
		return &usageError{message: fmt.Sprintf("cannot listen at %s: %v", c.Address, errors.Unwrap(err)), hint: "name a free address, such as --http 127.0.0.1:0"}
	}
	_, _ = fmt.Fprintf(a.stderr, "agenthost: MCP at http://%s, %s\n", listener.Addr(), strings.Join(opens, ", "))
	return server.ServeHTTP(ctx, listener, options, grace)
}

// acceptIssuer makes the server accept access tokens of an issuer. It fetches the issuer's
// keys at the start, so that a mistake shows then.
func acceptIssuer(ctx context.Context, options *mcp.HTTPOptions, c config.MCPHTTP, o host.Options, secrets *credential.Store) error {
	if c.Resource == "" {
		return &usageError{message: "--issuer needs --resource", hint: "add the URL of this server for clients, such as --resource https://mcp.example.com"}
	}
	v, err := verifier(ctx, c, o, secrets)
	if err != nil {
		return err
	}
	options.Verify, options.Issuer, options.Resource, options.Scopes = v.Verify, c.Issuer, c.Resource, c.Scopes
	return nil
}

// verifier returns what checks the access tokens of an issuer. It has the issuer's keys.
func verifier(ctx context.Context, c config.MCPHTTP, o host.Options, secrets *credential.Store) (*accesstoken.Verifier, error) {
	audience := cmp.Or(c.Audience, c.Resource)
	log := o.Logger.Named("mcp").Named("issuer")
	proxy, err := secrets.ProxyConfig(o.Proxy)
	if err != nil {
		return nil, err
	}
	network := o.Seams
	if c.IssuerCAFile != "" {
		roots, err := credential.Authorities(c.IssuerCAFile, "mcp.http.issuer_ca_file", "the certificate authorities of the issuer")
		if err != nil {
			return nil, err
		}
		network = network.WithRootCAs(roots)
	}
	v, err := accesstoken.New(accesstoken.Config{Issuer: c.Issuer, Audience: audience, Scopes: c.Scopes, Logger: log, Proxy: proxy, Seams: network})
	if err != nil {
		return nil, err
	}
	return v, v.Ready(ctx)
}

// mcpTokens reads the bearer tokens by caller, and describes in opens what clients need. If
// neither a token nor an issuer is configured, it makes a token at the first start.
func (a *app) mcpTokens(ctx context.Context, c config.MCPHTTP, secrets *credential.Store) (tokens map[string]secret.Value, opens []string, err error) {
	if c.Token == "" && len(c.Tokens) == 0 && c.Issuer == "" {
		if c.Token, err = ownToken(); err != nil {
			return nil, nil, err
		}
	}
	references := make(map[string]string, len(c.Tokens)+1)
	maps.Copy(references, c.Tokens)
	if c.Token != "" {
		if _, twice := references[osUser()]; twice {
			return nil, nil, &usageError{message: osUser() + " has two tokens, in token and in tokens", hint: "remove one of them"}
		}
		references[osUser()] = c.Token
		opens = append(opens, "bearer token in "+c.Token)
	}
	if len(c.Tokens) > 0 {
		opens = append(opens, "bearer tokens of "+strings.Join(slices.Sorted(maps.Keys(c.Tokens)), ", "))
	}
	tokens = make(map[string]secret.Value, len(references))
	for caller, reference := range references {
		ref, err := secret.ParseRef(reference)
		if err != nil {
			return nil, nil, err
		}
		if tokens[caller], err = secrets.Resolve(ctx, ref); err != nil {
			return nil, nil, err
		}
	}
	return tokens, opens, nil
}

// ownToken returns the reference to the token in agenthost's configuration folder. It makes
// the token if there is none.
func ownToken() (reference string, err error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", &usageError{message: "cannot find a configuration folder for the bearer token", hint: "set a token with --token, such as --token env:AGENTHOST_MCP_TOKEN"}
	}
	path := filepath.Join(dir, "agenthost", "mcp-token")
	if err := makeToken(path); err != nil {
		return "", &usageError{message: fmt.Sprintf("cannot make the bearer token: %v", err), hint: "set a token with --token"}
	}
	return "file:" + path, nil
}

// makeToken writes a token of 256 random bits that only its owner can read. It keeps an
// existing one.
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
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	text := base64.RawURLEncoding.AppendEncode(nil, raw[:])
	clear(raw[:])
	_, err = file.Write(text)
	clear(text)
	return errors.Join(err, file.Close())
}
