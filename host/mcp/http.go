package mcp

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/logging"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// HTTPOptions say who may use a server over HTTP. One of Tokens and Verify has to be set:
// there is no server without either.
type HTTPOptions struct {
	// Tokens are bearer tokens by the name of who has them; the name is the caller of the
	// audit record.
	Tokens map[string]secret.Value
	// Verify is for tokens of another kind; accesstoken.Verifier has one for those of an
	// OAuth issuer. It returns who a token is for, which is the caller of the audit record.
	// An error means 401 (Unauthorized), unless it is an *abi.Error of kind
	// permission_denied, for a token without the Scopes (403), or of another kind than
	// that and auth_failed, for a token that cannot be checked now (503). The caller is
	// told the message of such an error, and nothing of others.
	Verify func(ctx context.Context, token string) (caller string, err error)
	// Hosts are the Host headers that requests may have, such as mcp.example.com or
	// 127.0.0.1:8080. None means those of a loopback address, on any port, and Resource's.
	Hosts []string
	// Origins are the Origin headers that requests of browsers may have, such as
	// https://app.example.com. Requests of other programs have none.
	Origins []string
	// Issuer and Resource make the server a protected resource of OAuth: its metadata
	// (RFC 9728) then names Issuer as who gives tokens for Resource, the URL of this
	// server. Tokens are checked by Verify.
	Issuer, Resource string
	// Scopes are what Verify asks of a token, for clients to know.
	Scopes []string
	// Sessions keeps a session for each client, which protocol versions before
	// 2026-07-28 need to be told of changed tools. The default keeps none.
	Sessions bool

	resourceHost string // of Resource
}

// SessionTimeout is how long a session lives after its last request.
const SessionTimeout = 30 * time.Minute

// metadataPath is where RFC 9728 has the metadata of a protected resource.
const metadataPath = "/.well-known/oauth-protected-resource"

// NewToken returns the text of a bearer token: 256 random bits.
func NewToken() []byte {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	return base64.RawURLEncoding.AppendEncode(nil, raw[:])
}

// Handler serves clients over streamable HTTP, at any path. Each request is checked in this
// order: Host, Origin, bearer token, size and form of the body.
//
// The error is an *[abi.Error] of kind invalid_params, which names the option.
func (s *Server) Handler(o HTTPOptions) (http.Handler, error) {
	if len(o.Tokens) == 0 && o.Verify == nil {
		return nil, invalidOption("tokens", "a server over HTTP needs a token", "set Tokens or Verify")
	}
	for caller, token := range o.Tokens {
		if caller == "" || token.IsZero() {
			return nil, invalidOption("tokens", "a token, or the name of who has it, is empty", "give each caller a name and a token")
		}
		for other, same := range o.Tokens {
			if caller < other && token.Equal(same) {
				return nil, invalidOption("tokens", caller+" and "+other+" have the same token, so that nothing tells them apart", "give each caller a token of its own")
			}
		}
	}
	if (o.Issuer == "") != (o.Resource == "") {
		return nil, invalidOption("resource", "there is an issuer and no resource, or a resource and no issuer", "set both, or neither")
	}
	protocol := sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return s.server }, &sdk.StreamableHTTPOptions{
		Stateless:      !o.Sessions,
		SessionTimeout: SessionTimeout,
		Logger:         logging.ToSlog(s.log.Named("http")),
		// The Host header is checked here, whatever address the server listens on.
		DisableLocalhostProtection:   true,
		MaxRequestBodyBytes:          MaxMessage,
		PropagateRequestCancellation: true,
	})
	mux := http.NewServeMux()
	metadataURL := ""
	if o.Issuer != "" {
		resource, err := url.Parse(o.Resource)
		if err != nil || resource.Host == "" || resource.Scheme != "https" && resource.Scheme != "http" || !plainPath(resource) {
			return nil, invalidOption("resource", "the resource is no URL, or one with a query, a fragment or a path that needs escapes", "write the URL by which clients know this server, such as https://mcp.example.com")
		}
		place := metadataPath + strings.TrimSuffix(resource.Path, "/")
		mux.Handle("GET "+place, metadata(o))
		metadataURL = resource.Scheme + "://" + resource.Host + place
		o.resourceHost = resource.Host
	}
	mux.Handle("/", s.authenticate(strictBody(protocol), o, metadataURL))
	return guard(mux, o), nil
}

func invalidOption(field, message, hint string) error {
	return &abi.Error{Kind: abi.KindInvalidParams, Field: field, Message: message, Hint: hint}
}

// plainPath says whether a resource's URL has a path that a server can have a document
// for, and nothing after it.
func plainPath(u *url.URL) bool {
	return u.RawQuery == "" && u.Fragment == "" && !strings.ContainsAny(u.EscapedPath(), "%{}") && (u.Path == "" || path.Clean(u.Path) == "/"+strings.Trim(u.Path, "/"))
}

// guard refuses requests of web pages that have no business here: those of another origin,
// and those that reached the server by a name that somebody else made point to it.
func guard(next http.Handler, o HTTPOptions) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !o.hostAllowed(r.Host) {
			http.Error(w, "this server does not go by that name: see the option hosts", http.StatusForbidden)
			return
		}
		if !o.originAllowed(r) {
			http.Error(w, "requests of that origin are not allowed: see the option origins", http.StatusForbidden)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// originAllowed lets requests pass that no web page makes, and those of allowed pages: the
// ones that this very server would have sent are among them.
func (o HTTPOptions) originAllowed(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	return len(origins) == 1 && (slices.Contains(o.Origins, origins[0]) ||
		origins[0] == "http://"+r.Host || origins[0] == "https://"+r.Host)
}

func (o HTTPOptions) hostAllowed(host string) bool {
	if len(o.Hosts) > 0 {
		return slices.ContainsFunc(o.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
	}
	if o.resourceHost != "" && strings.EqualFold(o.resourceHost, host) {
		return true
	}
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	ip := net.ParseIP(name)
	return strings.EqualFold(name, "localhost") || ip != nil && ip.IsLoopback()
}

// strictBody refuses messages for their form before the protocol's library reads them.
func strictBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxMessage))
		var tooLarge *http.MaxBytesError
		status := http.StatusBadRequest
		var why string
		switch {
		case errors.As(err, &tooLarge):
			status, why = http.StatusRequestEntityTooLarge, fmt.Sprintf("the message is longer than %d bytes", MaxMessage)
		case err != nil:
			why = "the message did not arrive"
		default:
			why = strict(body)
		}
		if why != "" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.Write(refusal(idOf(body), why))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// Listen opens a port for [Server.ServeHTTP], such as 127.0.0.1:8080. Port 0 means any that
// is free.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("mcp: %w", err)
	}
	return listener, nil
}

// ServeHTTP serves a listener until ctx ends, and then waits for requests that run, for at
// most grace. It closes the listener.
func (s *Server) ServeHTTP(ctx context.Context, listener net.Listener, o HTTPOptions, grace time.Duration) error {
	handler, err := s.Handler(o)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return background },
		ErrorLog:          s.log.Named("http").StandardLogger(nil),
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		limited, done := context.WithTimeout(background, grace)
		defer done()
		err := server.Shutdown(limited)
		cancel() // what streams without end, and calls that took too long
		stopped <- errors.Join(err, server.Close())
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("mcp: %w", err)
	}
	if err := <-stopped; err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("mcp: %w", err)
	}
	return nil
}
