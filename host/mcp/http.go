package mcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/logging"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/httpserve"
	"github.com/hashicorp/go-hclog"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// HTTPOptions configure a server over HTTP. Set Tokens, Verify or both.
type HTTPOptions struct {
	// Tokens are bearer tokens by caller. The audit records have the caller's name.
	Tokens map[string]secret.Value
	// Verify checks other tokens; accesstoken.Verifier checks those of an OAuth issuer. It
	// returns the caller for the audit record. An error means 401 (Unauthorized), except for
	// an *abi.Error of kind permission_denied, which means 403 (a scope is missing), or of
	// any other kind but auth_failed, which means 503 (cannot check now). The client sees
	// the messages of only these errors.
	Verify func(ctx context.Context, token string) (caller string, err error)
	// Hosts are the accepted Host headers, such as mcp.example.com or 127.0.0.1:8080. Empty
	// means loopback names with any port, and the host of Resource.
	Hosts []string
	// Origins are the accepted Origin headers of browsers, such as https://app.example.com.
	// Other programs send none.
	Origins []string
	// Issuer and Resource make the server an OAuth protected resource: its metadata (RFC
	// 9728) names Issuer as the issuer of tokens for Resource, the URL of this server.
	// Verify checks the tokens.
	Issuer, Resource string
	// Scopes are the scopes that Verify requires. The metadata lists them for clients.
	Scopes []string
	// Sessions keeps a session for each client. Clients of protocol versions before
	// 2026-07-28 need one to hear of changed tools; later ones have none. The default keeps none.
	Sessions bool
	// MaxConnections is the largest number of open connections in [Server.ServeHTTP]; 0
	// means 1024. It is at most half of the process's file limit. One peer
	// may have three quarters of the connections. Half of them may be streams, and a quarter
	// streams of one caller.
	MaxConnections int

	resourceHost string // of Resource
	patience     *httpserve.Patience
	ending       func() bool // whether the server was told to end; nil means that it is not
}

// sessionTimeout is how long a session lives after its last request.
const sessionTimeout = 30 * time.Minute

// metadataPath is where RFC 9728 has the metadata of a protected resource; the path of the resource
// follows.
const metadataPath = "/.well-known/oauth-protected-resource"

// Handler serves clients over streamable HTTP, at any path except /healthz and
// /readyz. It checks each request in this order: Host, Origin, bearer token, method and
// headers, size and form of the body. A refusal does not wait for the body. If the server
// supports it ([http.ResponseController]), Handler disconnects clients that send or receive
// too slowly. The server limits the time for headers, idle connections and the number of
// connections: see [Server.ServeHTTP].
//
// The error is an *[abi.Error] of kind invalid_params, which names the option.
func (s *Server) Handler(o HTTPOptions) (http.Handler, error) {
	if len(o.Tokens) == 0 && o.Verify == nil {
		return nil, fault.Invalid("tokens", "a server over HTTP needs a token", "set Tokens or Verify")
	}
	for caller, token := range o.Tokens {
		if caller == "" || token.IsZero() {
			return nil, fault.Invalid("tokens", "a token or the name of its caller is empty", "give each caller a name and a token")
		}
		for other, same := range o.Tokens {
			if caller < other && token.Equal(same) {
				return nil, fault.Invalid("tokens", caller+" and "+other+" have the same token", "give each caller a different token")
			}
		}
	}
	return s.front(o).handler(o)
}

// front is the way of a request to a server.
func (s *Server) front(o HTTPOptions) *front {
	return &front{
		host: s.host, log: s.log, server: func(*http.Request) *sdk.Server { return s.server },
		identify: func(r *http.Request, token string) (*visitor, error) {
			caller, err := o.caller(r.Context(), token)
			return &visitor{user: caller, caller: caller}, err
		},
	}
}

// front checks requests before the protocol's library gets them.
type front struct {
	host *host.Host
	log  hclog.Logger
	// server returns the server for a request whose visitor is known.
	server func(*http.Request) *sdk.Server
	// identify returns whom a token is for. Its errors are those of HTTPOptions.Verify.
	identify func(r *http.Request, token string) (*visitor, error)
	// root says that no other resource of the same origin has its metadata at the root.
	root bool
}

// visitor is whom a request is from.
type visitor struct {
	// user is to whom a session belongs, and caller whose share of memory and streams counts.
	user, caller string
	tenant       *tenant // of a [Many]
}

// handler returns the handler for checked options.
func (f *front) handler(o HTTPOptions) (http.Handler, error) {
	if o.MaxConnections < 0 {
		return nil, fault.Invalid("max_connections", "the number of connections is negative", "use a positive number, or 0 for the default")
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = httpserve.DefaultConnections
	}
	if o.patience == nil {
		o.patience = httpserve.DefaultPatience()
	}
	if (o.Issuer == "") != (o.Resource == "") {
		return nil, fault.Invalid("resource", "Issuer and Resource need each other", "set both, or neither")
	}
	protocol := f.protocol(o.Sessions)
	mux := http.NewServeMux()
	metadataURL := ""
	if o.Issuer != "" {
		resource, err := url.Parse(o.Resource)
		if err != nil || resource.Host == "" || resource.Scheme != "https" && resource.Scheme != "http" || !plainPath(resource) {
			return nil, fault.Invalid("resource", "the resource is not a URL, or it has a query, a fragment or a path with escapes", "write the URL of this server for clients, such as https://mcp.example.com")
		}
		place := metadataPath + strings.TrimSuffix(resource.Path, "/")
		mux.Handle("GET "+place, metadata(o))
		if f.root && place != metadataPath { // where clients look that do not find it there
			mux.Handle("GET "+metadataPath, metadata(o))
		}
		metadataURL = resource.Scheme + "://" + resource.Host + place
		o.resourceHost = resource.Host
	}
	httpserve.Probes(mux, func() httpserve.Readiness {
		if o.ending != nil && o.ending() {
			return httpserve.Ending
		}
		return httpserve.Ready
	})
	streams := newShares(o.MaxConnections/2, o.MaxConnections/4)
	mux.Handle("/", f.authenticate(f.checkForm(protocol, streams), o, metadataURL))
	guarded := httpserve.Guard{Hosts: o.Hosts, Own: o.resourceHost, Origins: o.Origins, Patience: o.patience}.Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if httpserve.Of(r.Context()) != nil { // the request came through the guard of a server around this one
			mux.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	}), nil
}

// sessionless is the first version of the protocol that has no sessions.
const sessionless = "2026-07-28"

// protocol returns the protocol's library. With sessions, it refuses versions that have none, so
// their requests go to one without.
func (f *front) protocol(sessions bool) http.Handler {
	options := sdk.StreamableHTTPOptions{
		Stateless:      true,
		SessionTimeout: sessionTimeout,
		Logger:         logging.ToSlog(f.log.Named("http")),
		// The Host header is checked here, for any address that the server listens on.
		DisableLocalhostProtection:   true,
		MaxRequestBodyBytes:          maxMessage,
		PropagateRequestCancellation: true,
	}
	without := sdk.NewStreamableHTTPHandler(f.server, &options)
	if !sessions {
		return without
	}
	options.Stateless = false
	with := sdk.NewStreamableHTTPHandler(f.server, &options)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Older versions have no Mcp-Method.
		newer := r.Header.Get("Mcp-Protocol-Version") >= sessionless || r.Header.Get("Mcp-Method") != ""
		if newer && r.Header.Get("Mcp-Session-Id") == "" {
			without.ServeHTTP(w, r)
			return
		}
		with.ServeHTTP(w, r)
	})
}

// plainPath reports whether a resource's URL has a plain path and nothing after it.
func plainPath(u *url.URL) bool {
	return u.RawQuery == "" && u.Fragment == "" && !strings.ContainsAny(u.EscapedPath(), "%{}") && (u.Path == "" || path.Clean(u.Path) == "/"+strings.Trim(u.Path, "/"))
}

// Listen opens a port for [Server.ServeHTTP], such as 127.0.0.1:8080. Port 0 means any free
// port.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := httpserve.Listen(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("mcp: %w", err)
	}
	return listener, nil
}

// ServeHTTP serves a listener until ctx ends. Then it waits up to grace for running requests.
// It closes the listener.
//
// The number of connections is limited (see HTTPOptions.MaxConnections). At the limit, a new
// client replaces a connection that keeps the server waiting.
func (s *Server) ServeHTTP(ctx context.Context, listener net.Listener, o HTTPOptions, grace time.Duration) error {
	o = s.bounded(o)
	o.ending = func() bool { return ctx.Err() != nil }
	handler, err := s.Handler(o)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := httpserve.Serve(ctx, listener, handler, httpserve.Options{MaxConnections: o.MaxConnections, Patience: o.patience, Logger: s.log.Named("http")}, grace); err != nil {
		return fmt.Errorf("mcp: %w", err)
	}
	return nil
}

// bounded limits the number of connections by the process's file limit.
func (s *Server) bounded(o HTTPOptions) HTTPOptions {
	n, reduced := httpserve.Connections(o.MaxConnections)
	if reduced {
		s.log.Warn("the file limit of the process reduces the number of connections", "connections", n)
	}
	o.MaxConnections = n
	if o.patience == nil {
		o.patience = httpserve.DefaultPatience()
	}
	return o
}
