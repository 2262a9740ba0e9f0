package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/httpserve"
	"github.com/agenthost/agenthost/internal/localsocket"
	"github.com/agenthost/agenthost/server"
	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
)

// serveFlags holds the flags of agenthost serve.
type serveFlags struct {
	databaseFlags
	address, url, certificate, key string
	metrics                        string
	hosts, origins, proxies        []string
	maxConnections, auditDays      int
	drain                          time.Duration
	mcp                            config.MCPHTTP
}

// mostDays is the longest time that --audit-days takes: a hundred years.
const mostDays = 36500

// mostDrain is the longest time that --drain takes.
const mostDrain = 10 * time.Minute

// bootstrapFile has the credential of the first application, where no person saw it.
const bootstrapFile = "bootstrap.json"

func (a *app) serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve connectors to many people's agents, with the Airbyte Agent API",
		Long: `Serve connectors to many people's agents, with the Airbyte Agent API: Airbyte's own clients
work with it unmodified.

The first start makes the folder of --data with a database, a master key, an organization and an
application. On a terminal, it prints once how to reach the server. Otherwise it writes that
into bootstrap.json in the folder, which only you can read.

Without --url, the server listens only on this machine's loopback addresses. Use --tls-cert and
--tls-key, or a proxy in front that ends TLS; with --behind-proxy the server believes what that
proxy says of its clients.

serve.connectors in the configuration says what all connections to a connector may do. Connections
of the configuration are not served.`,
		Example: `  agenthost serve --plugins ./plugins
  agenthost serve --http 0.0.0.0:8443 --url https://agents.example.com:8443 --tls-cert cert.pem --tls-key key.pem
  agenthost serve --http 10.0.0.5:8080 --url https://agents.example.com --behind-proxy 10.0.0.0/24`,
		Args: args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := noTimeout(cmd.Flags()); err != nil {
				return err
			}
			return a.serve(cmd.Context(), &f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.address, "http", "127.0.0.1:8080", "serve HTTP at this `address`")
	f.databaseFlags.add(flags)
	flags.StringVar(&f.url, "url", "", "`origin` by which clients know the server, such as https://agents.example.com (default: that of --http, if it is a loopback address)")
	flags.StringArrayVar(&f.hosts, "host", nil, "accepted Host header (repeatable; default: loopback names, and the host of --url)")
	flags.StringArrayVar(&f.origins, "origin", nil, "accepted Origin header of browsers (repeatable; default: none)")
	flags.StringVar(&f.certificate, "tls-cert", "", "`file` with the server's certificate in PEM form; it is read again when it changes")
	flags.StringVar(&f.key, "tls-key", "", "`file` with the private key of --tls-cert")
	flags.StringArrayVar(&f.proxies, "behind-proxy", nil, "`network` of a proxy in front, such as 10.0.0.0/24 (repeatable)")
	flags.IntVar(&f.maxConnections, "max-connections", 0, "largest number of open HTTP connections (default 1024, and at most half of the process's file limit)")
	flags.StringVar(&f.metrics, "metrics", "", "serve /metrics for Prometheus at this `address`, to everybody who reaches it, such as 127.0.0.1:9464 (default: nowhere)")
	flags.StringVar(&f.mcp.Issuer, "issuer", "", "`URL` of the OAuth issuer whose access tokens open /mcp, for the workspace in their claim serve.workspace_claim")
	flags.StringVar(&f.mcp.IssuerCAFile, "issuer-ca-file", "", "`file` of certificate authorities to trust for --issuer, instead of the system's")
	flags.StringVar(&f.mcp.Audience, "audience", "", "required audience of access tokens (default: --url and /mcp)")
	flags.DurationVar(&f.drain, "drain", 0, "how long to go on serving after the signal to end, while /readyz says so: `time` for a load balancer to notice, such as 10s")
	flags.IntVar(&f.auditDays, "audit-days", 90, "`days` that records of the audit trail are kept; 0 keeps them for ever")
	cmd.AddCommand(serveBackupCommand(), serveRestoreCommand(), a.serveRotateCommand(), serveReadyCommand())
	return cmd
}

// serve serves until ctx ends.
func (a *app) serve(ctx context.Context, f *serveFlags) error {
	c, path, err := a.loadConfig()
	if err != nil {
		return err
	}
	o, certificate, err := f.check(a.now)
	if err != nil {
		return err
	}
	if o.Host, err = a.servedHost(c, path); err != nil {
		return err
	}
	o.Connectors, o.DatabaseAway, o.NoCopies = c.Serve.Connectors, c.Serve.DatabaseAway, c.Serve.NoContextStore
	if o.OAuthClient, err = clients(ctx, c.Serve.OAuth, o.Host); err != nil {
		return fault.Configuration(err)
	}
	o.Organization = c.Serve.Organization
	if o.Login, err = loginOf(&c.Serve, o.Host); err != nil {
		return fault.Configuration(err)
	}
	if o.Database, o.MasterKeys, err = f.secrets(ctx, o.Host); err != nil {
		return fault.Configuration(err)
	}
	listener, err := httpserve.Listen(ctx, f.address)
	if err != nil {
		return &usageError{message: fmt.Sprintf("cannot listen at %s: %v", f.address, err), hint: "name a free address, such as --http 127.0.0.1:0"}
	}
	if o.URL == "" {
		o.URL = scheme(certificate) + "://" + listener.Addr().String()
	}
	if err := f.offerMCP(ctx, &o, c.Serve); err != nil {
		return errors.Join(fault.Configuration(err), listener.Close())
	}
	metrics, err := f.listenForMetrics(ctx)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if metrics != nil {
		a.say("note", "metrics are at http://"+metrics.address+"/metrics, for everybody who reaches that address")
	}
	n, reduced := httpserve.Connections(f.maxConnections)
	if reduced {
		a.say("note", fmt.Sprintf("the file limit of the process reduces the number of connections to %d", n))
	}
	o.MCP.MaxConnections = n
	a.collectLess(ctx)
	err = a.serveWith(ctx, o, func(ctx context.Context, s *server.Server) error {
		defer metrics.start(ctx, s, o.Host.Logger.Named("metrics"))()
		serving, cancel := later(ctx, f.drain)
		defer cancel()
		return httpserve.Serve(serving, listener, s.Handler(ctx), httpserve.Options{
			MaxConnections: n, Patience: httpserve.DefaultPatience(), TLS: certificate, Logger: o.Host.Logger.Named("http"),
		}, grace)
	})
	if err != nil {
		err = errors.Join(fault.Configuration(err), ignoreClosed(listener.Close()))
		if metrics != nil {
			err = errors.Join(err, ignoreClosed(metrics.close()))
		}
	}
	return err
}

// later returns a context that ends some time after ctx.
func later(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(by, cancel) })
	return longer, cancel
}

// offerMCP says what the server offers to clients of MCP. Flags override the configuration.
func (f *serveFlags) offerMCP(ctx context.Context, o *server.Options, c config.Serve) error {
	of := c.MCP.HTTP
	of.Issuer, of.IssuerCAFile, of.Audience = cmp.Or(f.mcp.Issuer, of.Issuer), cmp.Or(f.mcp.IssuerCAFile, of.IssuerCAFile), cmp.Or(f.mcp.Audience, of.Audience)
	o.MCP.Tools, o.MCP.TextOnly, o.MCP.Sessionless = c.MCP.Options, c.MCP.TextOnly, c.Sessionless
	if of.Issuer == "" {
		if of.IssuerCAFile != "" || of.Audience != "" || len(of.Scopes) > 0 {
			return &usageError{message: "an audience, scopes and authorities for access tokens need an issuer", hint: "add --issuer URL"}
		}
		return nil
	}
	of.Resource = strings.TrimSuffix(o.URL, "/") + "/mcp"
	secrets, err := openSecrets(o.Host)
	if err != nil {
		return err
	}
	o.MCP.Issuer, o.MCP.Scopes, o.MCP.WorkspaceClaim = of.Issuer, of.Scopes, cmp.Or(c.WorkspaceClaim, "workspace")
	o.MCP.Verifier, err = verifier(ctx, of, o.Host, secrets)
	return err
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func scheme(certificate *tls.Config) string {
	if certificate != nil {
		return "https"
	}
	return "http"
}

// servedHost returns the options of the host behind the server.
func (a *app) servedHost(c *config.Config, path string) (host.Options, error) {
	o, err := a.optionsOf(c, path)
	if err != nil {
		return o, err
	}
	if len(c.Connections) > 0 {
		a.say("note", "serve does not offer the connections of "+path+": each workspace has its own")
	}
	o.Connections, o.Environment, o.WorkspaceLimits = nil, false, c.Serve.Limits
	o.Reload = reloadInterval
	o.CompileAhead = len(o.CompileWorker) > 0
	return o, nil
}

// check reads the flags. The certificate is nil without TLS.
func (f *serveFlags) check(now clock) (o server.Options, certificate *tls.Config, err error) {
	o = server.Options{Data: f.data, URL: f.url, Hosts: f.hosts, Origins: f.origins}
	if f.auditDays < 0 || f.auditDays > mostDays {
		return o, nil, &usageError{message: fmt.Sprintf("--audit-days is %d", f.auditDays), hint: fmt.Sprintf("use at most %d, or 0 to keep the records for ever", mostDays)}
	}
	if f.drain < 0 || f.drain > mostDrain {
		return o, nil, &usageError{message: fmt.Sprintf("--drain is %s", f.drain), hint: fmt.Sprintf("use at most %s, or 0 to end at once", mostDrain)}
	}
	if o.AuditFor = time.Duration(f.auditDays) * 24 * time.Hour; f.auditDays == 0 {
		o.AuditFor = -1
	}
	for _, text := range f.proxies {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return o, nil, &usageError{message: fmt.Sprintf("--behind-proxy %.60q is no network", text), hint: "write it like 10.0.0.0/24"}
		}
		o.Proxies = append(o.Proxies, p.Masked())
	}
	address, _, err := net.SplitHostPort(f.address)
	if err != nil {
		return o, nil, &usageError{message: fmt.Sprintf("--http %.60q is not an address with a port", f.address), hint: "write it like 127.0.0.1:8080"}
	}
	local := isLoopback(address)
	if (f.certificate == "") != (f.key == "") {
		return o, nil, &usageError{message: "--tls-cert and --tls-key need each other", hint: "give both, or neither"}
	}
	u, err := url.Parse(f.url)
	switch {
	case err != nil:
		return o, nil, &usageError{message: "--url is not a URL", hint: "write it like https://agents.example.com"}
	case f.url == "" && !local:
		return o, nil, &usageError{message: f.address + " can be reached from other machines, and the server does not know its own URL", hint: "add --url, such as --url https://agents.example.com"}
	case f.url != "" && u.Scheme != "https" && !isLoopback(u.Hostname()):
		return o, nil, &usageError{message: "--url is not an https URL, so secrets would travel in the clear", hint: "use https, with --tls-cert and --tls-key or behind a proxy"}
	case !local && f.certificate == "" && len(o.Proxies) == 0:
		return o, nil, &usageError{message: f.address + " can be reached from other machines without TLS", hint: "add --tls-cert and --tls-key, or --behind-proxy with the network of the proxy that ends TLS"}
	}
	if f.certificate != "" {
		certificate, err = reloadedCertificate(f.certificate, f.key, now)
	}
	return o, certificate, err
}

func isLoopback(name string) bool {
	ip, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return strings.EqualFold(name, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// serveWith opens the server, and serves it until that ends.
func (a *app) serveWith(ctx context.Context, o server.Options, serve func(context.Context, *server.Server) error) error {
	o.Bootstrap = func(b *server.Bootstrap) error { return a.showBootstrap(b, o) }
	s, err := server.New(ctx, o)
	if err != nil {
		return err
	}
	notes, err := s.Notes(ctx)
	for _, note := range notes {
		a.say("note", note)
	}
	var local func() error
	if err == nil {
		local = a.serveLocally(ctx, s, o)
		_, err = fmt.Fprintf(a.stderr, "agenthost: serving %s, with the data in %s\n", o.URL, o.Data)
	}
	if err == nil {
		err = serve(ctx, s)
	}
	if local != nil {
		err = errors.Join(err, local())
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	return errors.Join(err, s.Close(closing))
}

// serveLocally serves the operators' API over a socket in the folder of the data until ctx ends or
// end is called. Where that is not possible, it says so: operators have tokens, too.
func (a *app) serveLocally(ctx context.Context, s *server.Server, o server.Options) (end func() error) {
	listener, err := localsocket.Listen(ctx, o.Data)
	if err != nil {
		a.say("note", "commands of operators on this machine need --server and a token: "+err.Error())
		return nil
	}
	return serveAside(ctx, func(ctx context.Context) error {
		return httpserve.Serve(ctx, listener, s.LocalHandler(ctx), localOptions(o.Host.Logger), time.Second)
	})
}

// localOptions are those of a listener for the commands of operators.
func localOptions(log hclog.Logger) httpserve.Options {
	return httpserve.Options{MaxConnections: 64, Patience: httpserve.DefaultPatience(), Logger: log.Named("local")}
}

// serveAside runs serve until ctx ends or end is called.
func serveAside(ctx context.Context, serve func(context.Context) error) (end func() error) {
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx) }()
	return func() error {
		stop()
		return ignoreClosed(<-ended)
	}
}

// showBootstrap shows the credential of the first application to a person, or keeps it in a file.
func (a *app) showBootstrap(b *server.Bootstrap, o server.Options) error {
	if a.typed() {
		if _, err := fmt.Fprintln(a.stderr, "This is shown once. Airbyte's Python SDK reaches the server with:"); err != nil {
			return err
		}
		return b.Show(a.stderr, o.URL)
	}
	path := filepath.Join(o.Data, bootstrapFile)
	if err := b.WriteFile(path, o.URL); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err := fmt.Fprintf(a.stderr, "agenthost: the credential of the first application is in %s\n", path)
	return err
}
