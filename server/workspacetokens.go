package server

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/store/envelope"
	"github.com/agenthost/agenthost/server/internal/api"
)

// The paths of what applications can do with the tokens of workspaces. Airbyte's API has none.
const (
	workspaceTokensPath = airbyteapi.Prefix + "/agenthost/workspace_tokens"
	workspaceTokenPath  = workspaceTokensPath + "/{token_id}"
)

func (s *Server) workspaceTokenRoutes() []api.Route {
	return []api.Route{
		api.Do(api.Route{Method: http.MethodPost, Path: workspaceTokensPath, ID: "createWorkspaceToken", Summary: "Make a token with which an MCP client acts for a workspace. It is shown once.", Scope: connections.Manage, Status: http.StatusCreated}, s.createWorkspaceToken),
		api.Do(api.Route{Method: http.MethodGet, Path: workspaceTokensPath, ID: "listWorkspaceTokens", Summary: "List the tokens of a workspace, without their text.", Scope: connections.Manage}, s.listWorkspaceTokens),
		api.Do(api.Route{Method: http.MethodDelete, Path: workspaceTokenPath, ID: "revokeWorkspaceToken", Summary: "Take the access from a token of a workspace.", Scope: connections.Manage}, s.revokeWorkspaceToken),
	}
}

// workspaceTokenRequest asks for a token.
type workspaceTokenRequest struct {
	WorkspaceID   string   `json:"workspace_id" doc:"The workspace, by its id."`
	WorkspaceName string   `json:"workspace_name" doc:"The workspace, by its name."`
	Name          string   `json:"name" doc:"What the token is for, such as the name of a machine."`
	Scopes        []string `json:"scopes" doc:"What its bearer may do: read, write, delete, connect. The default is all of them that the access token of the request permits."`
	ExpiresIn     int64    `json:"expires_in" doc:"For how many seconds it is good: 90 days if it is not given, and at most 366."`
}

// workspaceTokensRequest asks for a list of tokens.
type workspaceTokensRequest struct {
	WorkspaceID   string `json:"workspace_id" doc:"The workspace, by its id."`
	WorkspaceName string `json:"workspace_name" doc:"The workspace, by its name."`
}

// workspaceTokenRecord is a token without its text.
type workspaceTokenRecord struct {
	ID          string   `json:"id"`
	WorkspaceID string   `json:"workspace_id"`
	Name        string   `json:"name"`
	Scopes      []string `json:"scopes"`
	CreatedAt   string   `json:"created_at"`
	ExpiresAt   string   `json:"expires_at"`
	RevokedAt   string   `json:"revoked_at,omitempty"`
	LastUsedAt  string   `json:"last_used_at,omitempty"`
}

// workspaceTokenMade is a token, with its text.
type workspaceTokenMade struct {
	workspaceTokenRecord
	Token string `json:"token"`
}

// workspaceTokenRecords are the tokens of a workspace.
type workspaceTokenRecords struct {
	Data []workspaceTokenRecord `json:"data"`
}

func recordOfToken(w *store.WorkspaceToken) workspaceTokenRecord {
	r := workspaceTokenRecord{ID: w.ID, WorkspaceID: w.Workspace, Name: w.Name, Scopes: w.Scopes, CreatedAt: timeText(w.Created), ExpiresAt: timeText(w.Expires)}
	if !w.Revoked.IsZero() {
		r.RevokedAt = timeText(w.Revoked)
	}
	if !w.Used.IsZero() {
		r.LastUsedAt = timeText(w.Used)
	}
	return r
}

func (s *Server) createWorkspaceToken(ctx context.Context, r *api.Request, in *workspaceTokenRequest) (*workspaceTokenMade, error) {
	if err := s.applicationLives(ctx, r); err != nil {
		return nil, err
	}
	w, err := s.workspaceNamed(ctx, r, in.WorkspaceID, in.WorkspaceName, "", "")
	if err != nil {
		return nil, err
	}
	may := slices.DeleteFunc(slices.Clone(workspaceScopes), func(scope connections.Scope) bool { return !r.Claims.May(scope) })
	made, text, err := s.newWorkspaceToken(ctx, store.Scope{Organization: w.Organization, Workspace: w.ID}, in.Name, in.Scopes, in.ExpiresIn, may)
	if err != nil {
		return nil, notThere(err, "workspace_id", "there is no such workspace", "list the workspaces with GET "+airbyteapi.WorkspacesPath)
	}
	return &workspaceTokenMade{recordOfToken(&made), string(envelope.Bytes(text))}, nil
}

// newWorkspaceToken makes a token with scopes out of those that its maker may give; none means all
// of them. 0 seconds mean the default. The error is [store.ErrNone] if there is no such workspace.
func (s *Server) newWorkspaceToken(ctx context.Context, p store.Scope, name string, scopes []string, seconds int64, may []connections.Scope) (store.WorkspaceToken, secret.Value, error) {
	expires, err := s.expiry(seconds)
	if err != nil {
		return store.WorkspaceToken{}, secret.Value{}, err
	}
	if scopes == nil {
		scopes = names(may)
	}
	var given []string
	for _, scope := range scopes {
		switch {
		case !slices.Contains(workspaceScopes, connections.Scope(scope)):
			return store.WorkspaceToken{}, secret.Value{}, fault.Invalid("scopes", "a token of a workspace has no scope "+clip(scope), fault.Hint(scope, names(workspaceScopes)))
		case !slices.Contains(may, connections.Scope(scope)):
			return store.WorkspaceToken{}, secret.Value{}, &api.Refusal{Status: http.StatusForbidden, Code: "insufficient_scope", Field: "scopes", Message: "you cannot give the scope " + scope + ", which you do not have", Hint: "leave it out, or use an access token that has it"}
		case !slices.Contains(given, scope):
			given = append(given, scope)
		}
	}
	if len(given) == 0 {
		return store.WorkspaceToken{}, secret.Value{}, fault.Invalid("scopes", "a token without a scope may do nothing", "give it one of "+strings.Join(names(may), ", "))
	}
	return s.store.CreateWorkspaceToken(ctx, p, name, given, expires)
}

func (s *Server) listWorkspaceTokens(ctx context.Context, r *api.Request, in *workspaceTokensRequest) (*workspaceTokenRecords, error) {
	w, err := s.workspaceNamed(ctx, r, in.WorkspaceID, in.WorkspaceName, "", "")
	if err != nil {
		return nil, err
	}
	all, err := s.store.WorkspaceTokens(ctx, store.Scope{Organization: w.Organization, Workspace: w.ID}, store.Page{})
	if err != nil {
		return nil, err
	}
	records := workspaceTokenRecords{Data: make([]workspaceTokenRecord, len(all))}
	for i := range all {
		records.Data[i] = recordOfToken(&all[i])
	}
	return &records, nil
}

func (s *Server) revokeWorkspaceToken(ctx context.Context, r *api.Request, _ *api.Nothing) (*workspaceTokenRecord, error) {
	w, err := s.endWorkspaceToken(ctx, scopeOf(r), strings.ToLower(r.PathValue("token_id")))
	if err != nil {
		return nil, notThere(err, "token_id", noWorkspaceToken, "list the tokens of the workspace with GET "+workspaceTokensPath)
	}
	record := recordOfToken(&w)
	return &record, nil
}

// noWorkspaceToken says that there is no token to revoke.
const noWorkspaceToken = "there is no such token that is good"

// endWorkspaceToken revokes a token, and ends its sessions. The error is [store.ErrNone] if there is none
// that is good.
func (s *Server) endWorkspaceToken(ctx context.Context, p store.Scope, id string) (store.WorkspaceToken, error) {
	w, err := s.store.RevokeWorkspaceToken(ctx, p, id)
	s.known.changed() // also after an error: it may have been revoked
	if err == nil {
		s.endSessions(func(p host.Principal) bool { return p.Subject == id })
	}
	return w, err
}
