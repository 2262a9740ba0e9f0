package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/host/mcp/accesstoken"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/store/envelope"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/api"
	"github.com/agenthost/agenthost/server/internal/token"
)

// MCP configures the Model Context Protocol at /mcp. The zero value serves workspace tokens, and
// tokens of applications for one workspace.
type MCP struct {
	// Tools are the form of the tools, and the budget of a result.
	Tools tool.Options
	// TextOnly is the field of mcp.Options.
	TextOnly bool
	// Sessionless keeps no session for clients of older protocol versions: they hear of no changed
	// tools, and are asked nothing. With PostgreSQL, no server keeps any.
	Sessionless bool
	// MaxConnections is the field of mcp.HTTPOptions.
	MaxConnections int
	// Issuer also lets in who has an access token that Verifier accepts, for the audience of URL
	// and /mcp. The claim WorkspaceClaim of the token has the id or the name of a workspace of the
	// organization of Options.
	Issuer   string
	Verifier *accesstoken.Verifier
	// Scopes are what Verifier wants. The metadata lists them for clients.
	Scopes         []string
	WorkspaceClaim string
}

const (
	// mcpPath is where clients of the Model Context Protocol reach the server.
	mcpPath = "/mcp"
	// resourceMetadata is where RFC 9728 has the metadata of a server that takes access tokens.
	resourceMetadata = "/.well-known/oauth-protected-resource"
)

// openMCP makes what serves /mcp.
func (s *Server) openMCP(ctx context.Context) error {
	o := s.options.MCP
	var err error
	// With PostgreSQL, any node may get the next message.
	shared := !s.options.Database.IsZero()
	s.mcp, err = mcp.NewMany(ctx, s.host, mcp.Options{Tools: host.ToolOptions{Options: o.Tools}, TextOnly: o.TextOnly, NoForms: shared, Logger: s.log.Named("mcp")}, s.identify)
	if err != nil {
		return err
	}
	ho := mcp.HTTPOptions{Sessions: !o.Sessionless && !shared, MaxConnections: o.MaxConnections}
	if o.Issuer != "" {
		ho.Issuer, ho.Resource, ho.Scopes = o.Issuer, s.options.URL+mcpPath, o.Scopes
	}
	s.mcpHandler, err = s.mcp.Handler(ho)
	return err
}

// serveMCP adds MCP to the paths of the server.
func (s *Server) serveMCP(mux *http.ServeMux) {
	mux.Handle(mcpPath, s.mcpHandler)
	if s.options.MCP.Issuer != "" {
		mux.Handle(resourceMetadata, s.mcpHandler)
		mux.Handle(resourceMetadata+mcpPath, s.mcpHandler)
	}
}

// endSessions ends the MCP sessions of principals, whose tokens are refused by now.
func (s *Server) endSessions(of func(host.Principal) bool) {
	if s.mcp != nil {
		s.mcp.End(of)
	}
}

// identify returns whom a token of an MCP client is for.
func (s *Server) identify(r *http.Request, text string) (*mcp.Identity, error) {
	if err := s.ready(); err != nil {
		return nil, &abi.Error{Kind: abi.KindInternal, Message: err.Error()}
	}
	var i *mcp.Identity
	var err error
	switch o := s.options.MCP; {
	case strings.HasPrefix(text, store.WorkspaceTokenPrefix):
		i, err = s.byWorkspaceToken(r, text)
	case strings.HasPrefix(text, token.Prefix+"."):
		i, err = s.byApplicationToken(r, text)
	case o.Verifier != nil:
		i, err = s.byAccessToken(r, text)
	default:
		err = errNotOurs
	}
	if err != nil {
		return nil, err
	}
	if after := s.requestLimit.Take(i.Principal.Subject+" "+i.Principal.Workspace, s.now()); after > 0 {
		return nil, tooOften("messages with this token", after)
	}
	return i, nil
}

var (
	errNotOurs = &abi.Error{Kind: abi.KindAuthFailed, Message: "it is no token that is good here; use a workspace token"}
	errEnded   = &abi.Error{Kind: abi.KindAuthFailed, Message: "the token is wrong, or it was revoked; use another one"}
	errStopped = &abi.Error{Kind: abi.KindPermissionDenied, Message: "the workspace is stopped"}
)

func tooOften(what string, after time.Duration) error {
	return &abi.Error{Kind: abi.KindRateLimited, Message: "too many " + what, RetryAfterMS: after.Milliseconds() + 1}
}

// guess bounds how often an address asks the database for a token that is not known.
func (s *Server) guess(r *http.Request) func() error {
	return func() error {
		if after := s.peerLimit.Take(s.peer(r), s.now()); after > 0 {
			return tooOften("tokens from this address", after)
		}
		return nil
	}
}

func (s *Server) byWorkspaceToken(r *http.Request, text string) (*mcp.Identity, error) {
	if !envelope.IsToken(store.WorkspaceTokenPrefix, text) {
		return nil, &abi.Error{Kind: abi.KindAuthFailed, Message: "the token has a character too many, too few or another one; copy it again"}
	}
	w, err := s.known.token(r.Context(), text, s.guess(r))
	switch {
	case errors.Is(err, store.ErrNone):
		return nil, errEnded
	case err != nil:
		return nil, unread(err)
	case !s.now().Before(w.Expires):
		return nil, &abi.Error{Kind: abi.KindAuthFailed, Message: "the token has expired; use another one"}
	case w.Inactive:
		return nil, errStopped
	}
	s.known.note(w.ID, s.now())
	scopes := make([]connections.Scope, len(w.Scopes))
	for i, scope := range w.Scopes {
		scopes[i] = connections.Scope(scope)
	}
	return s.identity(w.Organization, host.Principal{Workspace: w.Workspace, Subject: w.ID, Scopes: scopes}, w.Name), nil
}

// byApplicationToken takes a token of an application for one workspace: with another one, an agent
// could choose whose accounts it uses.
func (s *Server) byApplicationToken(r *http.Request, text string) (*mcp.Identity, error) {
	c, err := s.checkToken(r.Context(), text)
	if err != nil {
		if errors.Is(err, token.ErrInvalid) {
			err = errEnded
		}
		return nil, err
	}
	if c.Workspace == "" {
		return nil, &abi.Error{Kind: abi.KindPermissionDenied, Message: "the token is for all workspaces of an application; use a workspace token, or a token of the application for one workspace"}
	}
	w, err := s.goodWorkspace(r, c.Organization, c.Workspace)
	if err != nil {
		return nil, err
	}
	return s.identity(c.Organization, host.Principal{Workspace: w.ID, Subject: c.Application, Scopes: c.Scopes}, c.Application), nil
}

func (s *Server) byAccessToken(r *http.Request, text string) (*mcp.Identity, error) {
	caller, claims, err := s.options.MCP.Verifier.Claims(r.Context(), text)
	if err != nil {
		return nil, err
	}
	named, _ := claims[s.options.MCP.WorkspaceClaim].(string)
	if named == "" {
		return nil, &abi.Error{Kind: abi.KindPermissionDenied, Message: "the token names no workspace in its claim " + s.options.MCP.WorkspaceClaim}
	}
	w, err := s.goodWorkspace(r, s.organization, named)
	if err != nil {
		return nil, err
	}
	return s.identity(w.Organization, host.Principal{Workspace: w.ID, Subject: caller, Scopes: issuedScopes(claims)}, caller), nil
}

// issuedScopes are those of an issuer's token that are ours; where it has none of them, those of a
// workspace.
func issuedScopes(claims map[string]any) []connections.Scope {
	var issued []string
	for _, name := range []string{"scope", "scp"} { // RFC 9068, and what Okta and Microsoft Entra call it
		switch given := claims[name].(type) {
		case string:
			issued = append(issued, strings.Fields(given)...)
		case []any:
			for _, one := range given {
				scope, _ := one.(string)
				issued = append(issued, scope)
			}
		}
	}
	var ours []connections.Scope
	for _, scope := range workspaceScopes {
		if slices.Contains(issued, string(scope)) {
			ours = append(ours, scope)
		}
	}
	if ours == nil {
		return workspaceScopes
	}
	return ours
}

// goodWorkspace returns a workspace that may be used.
func (s *Server) goodWorkspace(r *http.Request, organization, named string) (*store.Workspace, error) {
	w, err := s.known.workspace(r.Context(), organization, named, s.guess(r))
	switch {
	case errors.Is(err, store.ErrNone):
		return nil, &abi.Error{Kind: abi.KindPermissionDenied, Message: "the workspace of the token does not exist"}
	case err != nil:
		return nil, unread(err)
	case w.Status != store.Active:
		return nil, errStopped
	}
	return w, nil
}

// unread is the error of a token that could not be looked up.
func unread(err error) error {
	if _, is := errors.AsType[*abi.Error](err); is {
		return err
	}
	return (&abi.Error{Kind: abi.KindInternal, Message: "the token cannot be looked up"}).WithCause(err)
}

// identity is a principal with what its calls leave in the audit trail.
func (s *Server) identity(organization string, p host.Principal, caller string) *mcp.Identity {
	scope := store.Scope{Organization: organization, Workspace: p.Workspace}
	return &mcp.Identity{
		Principal: p, Caller: caller,
		Enter: func(ctx context.Context) context.Context {
			w := &write{Write: store.Write{Scope: scope, Caller: p.Subject}}
			return w.in(store.WithActor(ctx, store.Actor{Via: "mcp", Caller: caller}))
		},
		Connect: func(ctx context.Context, _ error) *mcp.ConnectLink { return s.connectLink(ctx, scope, p) },
	}
}

// linker makes links on which a person connects an account.
type linker interface {
	// link makes a link to give a connection of a workspace a credential.
	link(ctx context.Context, p store.Scope, connection string) (id, url string, err error)
	// confirm takes the code that the person at the page has seen.
	confirm(ctx context.Context, p store.Scope, id, code string) error
}

// told makes what agents may read of a refusal.
func told(err error) error {
	if r, is := errors.AsType[*api.Refusal](err); is {
		return &abi.Error{Kind: abi.KindConflict, Field: r.Field, Message: r.Message, Hint: r.Hint}
	}
	return err
}

// connectLink is where a person can give the connection of a call a credential, or nil.
func (s *Server) connectLink(ctx context.Context, scope store.Scope, p host.Principal) *mcp.ConnectLink {
	w, _ := ctx.Value(writeKey{}).(*write)
	if s.links == nil || w == nil || w.asked == "" || !p.May(connections.Connect) {
		return nil
	}
	name := w.asked
	return &mcp.ConnectLink{
		Message: fmt.Sprintf("Connect an account for %s, so that the agent can use it", name),
		Make: func(ctx context.Context) (id, url string, err error) {
			id, url, err = s.links.link(ctx, scope, name)
			return id, url, told(err)
		},
		Confirm: func(ctx context.Context, id, code string) error { return told(s.links.confirm(ctx, scope, id, code)) },
		Done: func(ctx context.Context) bool {
			_, _, err := s.directory.Get(ctx, p, name)
			return err == nil
		},
	}
}
