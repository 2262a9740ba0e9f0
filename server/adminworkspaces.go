package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/server/internal/api"
)

func (s *Server) adminWorkspaceRoutes() []api.Route {
	return []api.Route{
		api.Do(api.Route{Method: http.MethodGet, Path: adminapi.WorkspacesPath, ID: "listWorkspaces", Summary: "List the workspaces of an organization.", Scope: connections.Read}, s.adminListWorkspaces),
		api.Do(api.Route{Method: http.MethodPost, Path: adminapi.WorkspacesPath, ID: "createWorkspace", Summary: "Create a workspace.", Scope: connections.Manage, Status: http.StatusCreated}, s.adminCreateWorkspace),
		api.Do(api.Route{Method: http.MethodGet, Path: adminapi.WorkspaceStatusPath, ID: "getWorkspaceStatus", Summary: "Say how a workspace is.", Scope: connections.Read}, s.adminWorkspaceStatus),
		api.Do(api.Route{Method: http.MethodPatch, Path: adminapi.WorkspacePath, ID: "updateWorkspace", Summary: "Rename a workspace, or stop and start it.", Scope: connections.Manage}, s.adminUpdateWorkspace),
		api.Do(api.Route{Method: http.MethodDelete, Path: adminapi.WorkspacePath, ID: "deleteWorkspace", Summary: "Delete a workspace with all that it has.", Scope: connections.Manage}, s.adminDeleteWorkspace),
	}
}

// adminScope is the organization that the path of an operator's request names, and its workspace if
// it names one. Whether they exist is the store's to say.
func adminScope(r *api.Request) store.Scope {
	return store.Scope{Organization: r.PathValue("organization_id"), Workspace: r.PathValue("workspace_id")}
}

// adminWorkspace finds the workspace that the path of a request names.
func (s *Server) adminWorkspace(ctx context.Context, r *api.Request) (*store.Workspace, error) {
	p := adminScope(r)
	w, err := s.store.Workspace(ctx, p, p.Workspace)
	if err != nil {
		return nil, noWorkspace(err)
	}
	return &w, nil
}

// noWorkspace makes of the store's ErrNone an answer.
func noWorkspace(err error) error {
	return notThere(err, "workspace_id", "the organization has no such workspace", "list its workspaces: agenthost workspace list, or GET "+adminapi.WorkspacesPath)
}

func adminWorkspaceRecord(w *store.Workspace) adminapi.Workspace {
	return adminapi.Workspace{ID: w.ID, Name: w.Name, Status: string(w.Status), CreatedAt: timeText(w.Created), UpdatedAt: timeText(w.Updated)}
}

func (s *Server) adminListWorkspaces(ctx context.Context, r *api.Request, in *adminapi.Page) (*adminapi.List[adminapi.Workspace], error) {
	p, err := adminPage(r, in)
	if err != nil {
		return nil, err
	}
	scope := adminScope(r)
	if _, err := s.store.Organization(ctx, scope.Organization); err != nil {
		return nil, noOrganization(err)
	}
	var found []store.Workspace
	if in.Name != "" {
		switch w, err := s.store.WorkspaceByName(ctx, scope, in.Name); {
		case err == nil:
			found = append(found, w)
		case !errors.Is(err, store.ErrNone):
			return nil, err
		}
	} else if found, err = s.store.Workspaces(ctx, scope, store.WorkspaceFilter{}, p); err != nil {
		return nil, err
	}
	return listed(found, p, func(w *store.Workspace) string { return w.ID }, adminWorkspaceRecord), nil
}

// workspaceName reads the name of a workspace as the other API does.
func workspaceName(text string) (string, error) {
	name, err := airbyteapi.NewWorkspaceName(text, "", "")
	if err != nil {
		return "", err
	}
	return name.String(), nil
}

func (s *Server) adminCreateWorkspace(ctx context.Context, r *api.Request, in *adminapi.Named) (*adminapi.Workspace, error) {
	name, err := workspaceName(in.Name)
	if err != nil {
		return nil, err
	}
	made, err := s.store.CreateWorkspace(ctx, adminScope(r).Organization, name)
	if err != nil {
		return nil, noOrganization(nameTaken(err))
	}
	record := adminWorkspaceRecord(&made)
	return &record, nil
}

// nameTaken makes of the store's ErrExists an answer.
func nameTaken(err error) error {
	if errors.Is(err, store.ErrExists) {
		return &api.Refusal{Status: http.StatusConflict, Field: "name", Message: "another workspace has this name", Hint: "choose another one"}
	}
	return err
}

func (s *Server) adminWorkspaceStatus(ctx context.Context, r *api.Request, _ *api.Nothing) (*adminapi.WorkspaceStatus, error) {
	w, err := s.adminWorkspace(ctx, r)
	if err != nil {
		return nil, err
	}
	entries, err := s.directory.of(ctx, w.ID)
	if err != nil {
		return nil, err
	}
	status := &adminapi.WorkspaceStatus{
		ID: w.ID, Name: w.Name, Status: string(w.Status), CreatedAt: timeText(w.Created), UpdatedAt: timeText(w.Updated),
		Connections: len(entries), States: make(map[string]int),
	}
	for _, e := range entries {
		status.States[string(e.state())]++
	}
	return status, nil
}

func (s *Server) adminUpdateWorkspace(ctx context.Context, r *api.Request, in *adminapi.WorkspaceChange) (*adminapi.Workspace, error) {
	var change store.WorkspaceChange
	if in.Name != "" {
		name, err := workspaceName(in.Name)
		if err != nil {
			return nil, err
		}
		change.Name = &name
	}
	if in.Status != "" {
		if err := checkStatus(in.Status); err != nil {
			return nil, err
		}
		status := store.Status(in.Status)
		change.Status = &status
	}
	p := adminScope(r)
	changed, err := s.store.UpdateWorkspace(ctx, p, p.Workspace, change)
	if err = s.workspacesChanged(ctx, err); err != nil {
		return nil, noWorkspace(nameTaken(err))
	}
	record := adminWorkspaceRecord(&changed)
	return &record, nil
}

func (s *Server) adminDeleteWorkspace(ctx context.Context, r *api.Request, _ *api.Nothing) (*api.Nothing, error) {
	p := adminScope(r)
	all, err := s.directory.within(ctx, p, "")
	if err != nil {
		return nil, err
	}
	revocations, release := s.revocations(ctx, all...)
	defer release()
	_, _, err = s.store.DeleteWorkspace(ctx, p, p.Workspace, append(revocations, s.removals(ctx, all...)...)...)
	err = s.workspacesChanged(ctx, err)
	s.endSessions(func(of host.Principal) bool { return of.Workspace == p.Workspace })
	if err != nil {
		return nil, noWorkspace(err)
	}
	return new(api.Nothing), nil
}
