package server

import (
	"context"
	"net/http"
	"strings"

	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/server/internal/api"
)

func (s *Server) adminWorkspaceTokenRoutes() []api.Route {
	return []api.Route{
		api.Do(api.Route{Method: http.MethodPost, Path: adminapi.WorkspaceTokensPath, ID: "createWorkspaceToken", Summary: "Make a token with which an MCP client acts for a workspace. It is shown once.", Scope: connections.Manage, Status: http.StatusCreated}, s.adminCreateWorkspaceToken),
		api.Do(api.Route{Method: http.MethodGet, Path: adminapi.WorkspaceTokensPath, ID: "listWorkspaceTokens", Summary: "List the tokens of a workspace, without their text.", Scope: connections.Read}, s.adminListWorkspaceTokens),
		api.Do(api.Route{Method: http.MethodDelete, Path: adminapi.WorkspaceTokenPath, ID: "revokeWorkspaceToken", Summary: "Take the access from a token of a workspace.", Scope: connections.Manage}, s.adminRevokeWorkspaceToken),
	}
}

func adminTokenRecord(w *store.WorkspaceToken) adminapi.WorkspaceToken {
	r := recordOfToken(w)
	return adminapi.WorkspaceToken{ID: r.ID, Name: r.Name, Scopes: r.Scopes, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt, RevokedAt: r.RevokedAt, LastUsedAt: r.LastUsedAt}
}

func (s *Server) adminCreateWorkspaceToken(ctx context.Context, r *api.Request, in *adminapi.WorkspaceTokenRequest) (*adminapi.WorkspaceTokenMade, error) {
	made, text, err := s.newWorkspaceToken(ctx, adminScope(r), in.Name, in.Scopes, in.ExpiresIn, workspaceScopes)
	if err != nil {
		return nil, noWorkspace(err)
	}
	return &adminapi.WorkspaceTokenMade{WorkspaceToken: adminTokenRecord(&made), Token: adminapi.Show(text)}, nil
}

func (s *Server) adminListWorkspaceTokens(ctx context.Context, r *api.Request, in *adminapi.Page) (*adminapi.List[adminapi.WorkspaceToken], error) {
	p, err := adminPage(r, in)
	if err != nil {
		return nil, err
	}
	if _, err := s.adminWorkspace(ctx, r); err != nil {
		return nil, err
	}
	found, err := s.store.WorkspaceTokens(ctx, adminScope(r), p)
	if err != nil {
		return nil, err
	}
	return listed(found, p, func(w *store.WorkspaceToken) string { return w.ID }, adminTokenRecord), nil
}

func (s *Server) adminRevokeWorkspaceToken(ctx context.Context, r *api.Request, _ *api.Nothing) (*adminapi.WorkspaceToken, error) {
	w, err := s.endWorkspaceToken(ctx, adminScope(r), strings.ToLower(r.PathValue("token_id")))
	if err != nil {
		return nil, notThere(err, "token_id", noWorkspaceToken, "list the tokens of the workspace: agenthost workspace tokens, or GET "+adminapi.WorkspaceTokensPath)
	}
	record := adminTokenRecord(&w)
	return &record, nil
}
