package server

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/server/internal/api"
	"github.com/agenthost/agenthost/server/internal/rate"
	"github.com/agenthost/agenthost/server/internal/token"
)

// The limits of requests. A client of Airbyte's SDK asks for two tokens when it starts.
var (
	tokenRate   = rate.Limit{Burst: 100, Every: 100 * time.Millisecond}
	requestRate = rate.Limit{Burst: 2000, Every: 2 * time.Millisecond}
	// peerRate is for an address with any client ids: they may be guesses.
	peerRate = rate.Limit{Burst: 400, Every: 50 * time.Millisecond}
	// signingRate is for keys of tokens that this server does not know: they may be guesses, too.
	signingRate = rate.Limit{Burst: 10, Every: 100 * time.Millisecond}
	// missRate is for connections that this server does not know: they may be guesses, too.
	missRate = rate.Limit{Burst: 100, Every: 10 * time.Millisecond}
	// checkRate is for the credentials that a workspace tries: they may be guesses too.
	checkRate = rate.Limit{Burst: 20, Every: 3 * time.Second}
	// pageRate is for an address that asks for pages: what it sends may be guesses too.
	pageRate = rate.Limit{Burst: 120, Every: 500 * time.Millisecond}
)

// allScopes are those of an application, and workspaceScopes those of a token for one workspace
// that asks for none.
var (
	allScopes       = []connections.Scope{connections.Read, connections.Write, connections.Delete, connections.Connect, connections.Manage}
	workspaceScopes = allScopes[:4]
)

func (s *Server) tokenRoutes() []api.Route {
	return []api.Route{
		api.Do(api.Route{Method: http.MethodPost, Path: airbyteapi.TokenPath, ID: "getToken", Summary: "Get an access token for an application.", Public: true}, s.getToken),
		api.Do(api.Route{Method: http.MethodPost, Path: airbyteapi.ScopedTokenPath, ID: "getScopedToken", Summary: "Get an access token for one workspace, which is made if it is not there.", Scope: connections.Manage, Wide: true}, s.getScopedToken),
		api.Do(api.Route{Method: http.MethodGet, Path: airbyteapi.ScopedTokenInfoPath, ID: "getScopedTokenInfo", Summary: "Say what the access token of the request permits."}, s.scopedTokenInfo),
		api.Do(api.Route{Method: http.MethodPost, Path: airbyteapi.WidgetTokenPath, ID: "getWidgetToken", Summary: "Not supported.", Refused: true}, s.noWidgets),
	}
}

func (s *Server) getToken(ctx context.Context, r *api.Request, in *airbyteapi.TokenRequest) (*airbyteapi.Token, error) {
	if after := s.peerLimit.Take(r.Peer, s.now()); after > 0 {
		return nil, api.Limited("requests for a token from this address", after)
	}
	// An attacker who knows the id of an application shuts out only callers from his own address.
	if after := s.tokenLimit.Take(r.Peer+" "+clip(in.ClientID), s.now()); after > 0 {
		return nil, api.Limited("requests for a token from this address", after)
	}
	application, err := s.authenticate(ctx, in.ClientID, secret.New([]byte(in.ClientSecret)))
	if err != nil {
		return nil, err
	}
	if asked := r.Request.Header.Get(airbyteapi.OrganizationHeader); asked != "" && asked != application.Organization {
		return nil, api.AnotherOrganization("the application", "the header "+airbyteapi.OrganizationHeader)
	}
	text, err := s.sign(actingFor(ctx, application.ID, r.ID), application.Organization, application.ID, "", allScopes)
	if err != nil {
		return nil, err
	}
	return &airbyteapi.Token{AccessToken: text, TokenType: "bearer", ExpiresIn: token.Life.Seconds(), OrganizationID: application.Organization}, nil
}

// sign makes a token. It is in the audit trail before anybody has it.
func (s *Server) sign(ctx context.Context, organization, application, workspace string, scopes []connections.Scope) (string, error) {
	p := store.Scope{Organization: organization, Workspace: workspace}
	if err := s.store.Record(ctx, p, store.Change{Entity: "tokens", Action: "create", Fields: names(scopes)}); err != nil {
		return "", err
	}
	now := s.now()
	return s.signer.Load().Sign(token.Claims{
		Organization: organization, Application: application, Workspace: workspace, Scopes: scopes,
		Issued: now.Unix(), Expires: now.Add(token.Life).Unix(),
	})
}

func (s *Server) getScopedToken(ctx context.Context, r *api.Request, in *airbyteapi.ScopedTokenRequest) (*airbyteapi.ScopedToken, error) {
	scopes := workspaceScopes
	if in.Scopes != nil {
		scopes = nil
		for _, name := range in.Scopes {
			scope := connections.Scope(name)
			if !slices.Contains(allScopes, scope) {
				return nil, fault.Invalid("scopes", "there is no scope "+clip(name), fault.Hint(name, names(allScopes)))
			}
			if !slices.Contains(scopes, scope) {
				scopes = append(scopes, scope)
			}
		}
	}
	if err := s.applicationLives(ctx, r); err != nil {
		return nil, err
	}
	w, err := s.workspaceFor(ctx, r, "", in.WorkspaceName, "", "")
	if err != nil {
		return nil, err
	}
	text, err := s.sign(ctx, r.Claims.Organization, r.Claims.Application, w.ID, scopes)
	if err != nil {
		return nil, err
	}
	return &airbyteapi.ScopedToken{Token: text, ExpiresIn: int(token.Life.Seconds()), Scopes: names(scopes)}, nil
}

// applicationLives refuses a token to make others with whose application was revoked: it stays good,
// and must not live on in others.
func (s *Server) applicationLives(ctx context.Context, r *api.Request) error {
	application, err := s.store.Application(ctx, r.Claims.Organization, r.Claims.Application)
	if errors.Is(err, store.ErrNone) || err == nil && !application.Revoked.IsZero() {
		return &api.Refusal{Status: http.StatusUnauthorized, Code: "invalid_client", Message: "the application of the access token has lost its access", Hint: "use another application"}
	}
	return err
}

func (s *Server) scopedTokenInfo(ctx context.Context, r *api.Request, _ *api.Nothing) (*airbyteapi.TokenInfo, error) {
	info := &airbyteapi.TokenInfo{
		OrganizationID: r.Claims.Organization, WorkspaceID: r.Claims.Workspace, Scopes: names(r.Claims.Scopes),
		ExpiresAt: timeText(time.Unix(r.Claims.Expires, 0)),
	}
	if r.Claims.Workspace != "" {
		w, err := s.store.Workspace(ctx, scopeOf(r), r.Claims.Workspace)
		if err != nil {
			return nil, notThere(err, "workspace_id", "the workspace of the access token does not exist any more", "get a token for another one")
		}
		info.WorkspaceName = w.Name
	}
	return info, nil
}

func (s *Server) noWidgets(context.Context, *api.Request, *api.Nothing) (*api.Nothing, error) {
	return nil, &api.Refusal{Status: http.StatusNotImplemented, Message: "this server has no widget", Hint: "create the connector with POST " + airbyteapi.ConnectorsPath}
}

func names(scopes []connections.Scope) []string {
	texts := make([]string, len(scopes))
	for i, s := range scopes {
		texts[i] = string(s)
	}
	return texts
}

// scopeOf is whose rows the bearer of a request's token may see.
func scopeOf(r *api.Request) store.Scope {
	return store.Scope{Organization: r.Claims.Organization, Workspace: r.Claims.Workspace}
}
