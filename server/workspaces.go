package server

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/server/internal/api"
)

func (s *Server) workspaceRoutes() []api.Route {
	return []api.Route{
		api.Do(api.Route{Method: http.MethodGet, Path: airbyteapi.WorkspacesPath, ID: "listWorkspaces", Summary: "List workspaces."}, s.listWorkspaces),
		api.Do(api.Route{Method: http.MethodGet, Path: airbyteapi.WorkspacePath, ID: "getWorkspace", Summary: "Get a workspace."}, s.getWorkspace),
		api.Do(api.Route{Method: http.MethodPatch, Path: airbyteapi.WorkspacePath, ID: "updateWorkspace", Summary: "Rename a workspace, or stop and start it.", Scope: connections.Manage, Wide: true}, s.updateWorkspace),
		api.Do(api.Route{Method: http.MethodDelete, Path: airbyteapi.WorkspacePath, ID: "deleteWorkspace", Summary: "Delete a workspace with its connectors.", Scope: connections.Manage, Wide: true}, s.deleteWorkspace),
	}
}

// timeText is a time as the API writes it.
func timeText(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func workspaceRecord(w *store.Workspace) airbyteapi.WorkspaceRecord {
	return airbyteapi.WorkspaceRecord{
		ID: w.ID, Name: w.Name, OrganizationID: w.Organization, Status: string(w.Status), Visibility: "private",
		CreatedAt: timeText(w.Created), UpdatedAt: timeText(w.Updated),
	}
}

// defaultPage is the length of a page that does not say how long it is to be.
const defaultPage = 20

// pageLimit reads the length of a page.
func pageLimit(asked int, given bool) (int, error) {
	if !given && asked == 0 {
		return defaultPage, nil
	}
	if asked < 1 || asked > 100 {
		return 0, wrongLimit(asked, 100)
	}
	return asked, nil
}

func wrongLimit(asked, most int) error {
	return fault.Invalid("limit", "limit is "+strconv.Itoa(asked), "use 1 to "+strconv.Itoa(most))
}

func checkStatus(status string) error {
	if status != "" && status != airbyteapi.StatusActive && status != airbyteapi.StatusInactive {
		return fault.Invalid("status", "there is no status "+clip(status), fault.Hint(status, []string{airbyteapi.StatusActive, airbyteapi.StatusInactive}))
	}
	return nil
}

func (s *Server) listWorkspaces(ctx context.Context, r *api.Request, in *airbyteapi.WorkspaceQuery) (*airbyteapi.WorkspaceRecords, error) {
	limit, err := pageLimit(in.Limit, r.URL.Query().Has("limit"))
	if err != nil {
		return nil, err
	}
	if err := checkStatus(in.Status); err != nil {
		return nil, err
	}
	if err := checkCursor(in.Cursor); err != nil {
		return nil, err
	}
	// One more shows whether there is another page.
	found, err := s.store.Workspaces(ctx, scopeOf(r), store.WorkspaceFilter{NameContains: in.NameContains, Status: store.Status(in.Status)}, store.Page{After: in.Cursor, Limit: limit + 1})
	if err != nil {
		return nil, err
	}
	page := &airbyteapi.WorkspaceRecords{Data: []airbyteapi.WorkspaceRecord{}}
	for i := range found[:min(limit, len(found))] {
		page.Data = append(page.Data, workspaceRecord(&found[i]))
	}
	if len(found) > limit {
		query := r.URL.Query()
		query.Set("cursor", found[limit-1].ID)
		next := s.link(airbyteapi.WorkspacesPath, query)
		page.Next = &next
	}
	return page, nil
}

// checkCursor refuses a cursor that no page ended with: an id.
func checkCursor(cursor string) error {
	if cursor == "" {
		return nil
	}
	if _, err := airbyteapi.ParseID(cursor); err != nil {
		return fault.Invalid("cursor", "this is no cursor of a page", "use next of the page before, or leave cursor out")
	}
	return nil
}

// link is the absolute URL of a path of this server. Nothing in it comes from a request's headers.
func (s *Server) link(path string, query url.Values) string {
	link := s.options.URL + path
	if len(query) > 0 {
		link += "?" + query.Encode()
	}
	return link
}

// workspace finds the workspace that the path of a request names.
func (s *Server) workspace(ctx context.Context, r *api.Request) (*store.Workspace, error) {
	return s.workspaceByID(ctx, r, r.PathValue("workspace_id"))
}

func (s *Server) workspaceByID(ctx context.Context, r *api.Request, id string) (*store.Workspace, error) {
	w, err := s.store.Workspace(ctx, scopeOf(r), id)
	if err != nil {
		return nil, notThere(err, "workspace_id", "there is no such workspace", "list the workspaces with GET "+airbyteapi.WorkspacesPath)
	}
	return &w, nil
}

// notThere makes of the store's ErrNone an answer.
func notThere(err error, field, message, hint string) error {
	if errors.Is(err, store.ErrNone) {
		return api.NotFound(field, message, hint)
	}
	return err
}

// workspaceNamed finds the workspace that a request names by its id, or by its name in any of its
// generations.
func (s *Server) workspaceNamed(ctx context.Context, r *api.Request, id, name, customer, externalUser string) (*store.Workspace, error) {
	given, err := airbyteapi.NewWorkspaceName(name, customer, externalUser)
	if err != nil {
		return nil, err
	}
	switch {
	case id != "" && !given.IsZero():
		return nil, fault.Invalid("workspace_id", "workspace_id and "+given.Key()+" both name the workspace", "give one of them")
	case id != "":
		return s.workspaceByID(ctx, r, id)
	case given.IsZero() && r.Claims.Workspace != "":
		return s.workspaceByID(ctx, r, r.Claims.Workspace)
	case given.IsZero():
		return nil, fault.Invalid("workspace_name", "the request does not say which workspace it means", "give workspace_name or workspace_id")
	}
	w, err := s.store.WorkspaceByName(ctx, scopeOf(r), given.String())
	if err != nil {
		return nil, notThere(err, given.Key(), "there is no workspace of this name", "list the workspaces with GET "+airbyteapi.WorkspacesPath+"; creating a connector makes one")
	}
	return &w, nil
}

// workspaceFor is workspaceNamed for a request that makes what it needs. Airbyte's clients have no
// call that creates a workspace.
func (s *Server) workspaceFor(ctx context.Context, r *api.Request, id, name, customer, externalUser string) (*store.Workspace, error) {
	w, err := s.workspaceNamed(ctx, r, id, name, customer, externalUser)
	refusal, is := errors.AsType[*api.Refusal](err)
	if !is || refusal.Status != http.StatusNotFound || id != "" || r.Claims.Workspace != "" || !r.Claims.May(connections.Manage) {
		return w, err
	}
	given, err := airbyteapi.NewWorkspaceName(name, customer, externalUser)
	if err != nil {
		return nil, err
	}
	made, err := s.store.CreateWorkspace(ctx, r.Claims.Organization, given.String())
	if errors.Is(err, store.ErrExists) { // another request was faster
		return s.workspaceNamed(ctx, r, id, name, customer, externalUser)
	}
	if err != nil {
		return nil, err
	}
	return &made, nil
}

// active refuses what a workspace may not have while it is stopped.
func active(is bool) error {
	if is {
		return nil
	}
	return &api.Refusal{Status: http.StatusConflict, Code: "workspace_inactive", Field: "workspace_name", Message: "the workspace is stopped", Hint: "start it with PATCH " + airbyteapi.WorkspacePath + ` and {"status": "active"}`}
}

func (s *Server) getWorkspace(ctx context.Context, r *api.Request, _ *api.Nothing) (*airbyteapi.WorkspaceRecord, error) {
	w, err := s.workspace(ctx, r)
	if err != nil {
		return nil, err
	}
	record := workspaceRecord(w)
	return &record, nil
}

func (s *Server) updateWorkspace(ctx context.Context, r *api.Request, in *airbyteapi.WorkspaceUpdate) (*airbyteapi.WorkspaceRecord, error) {
	if in.CacheEnabled != nil && *in.CacheEnabled == s.options.NoCopies {
		return nil, &api.Refusal{Status: http.StatusNotImplemented, Field: "cache_enabled", Message: "the operator decides for all workspaces whether this server keeps copies of records", Hint: "leave cache_enabled out; the operator sets serve.context_store in the configuration of the server"}
	}
	if err := checkStatus(in.Status); err != nil {
		return nil, err
	}
	w, err := s.workspace(ctx, r)
	if err != nil {
		return nil, err
	}
	var change store.WorkspaceChange
	if r.Present["name"] {
		name, err := airbyteapi.NewWorkspaceName(in.Name, "", "")
		if err == nil && name.IsZero() {
			err = fault.Invalid("name", "the name is empty", "give it a name of 1 to 255 characters")
		}
		if err != nil {
			return nil, err
		}
		text := name.String()
		change.Name = &text
	}
	if in.Status != "" {
		status := store.Status(in.Status)
		change.Status = &status
	}
	changed, err := s.store.UpdateWorkspace(ctx, scopeOf(r), w.ID, change)
	err = s.workspacesChanged(ctx, err)
	if errors.Is(err, store.ErrExists) {
		return nil, &api.Refusal{Status: http.StatusConflict, Field: "name", Message: "another workspace has this name", Hint: "choose another one"}
	}
	if err != nil {
		return nil, notThere(err, "workspace_id", "there is no such workspace", "list the workspaces with GET "+airbyteapi.WorkspacesPath)
	}
	record := workspaceRecord(&changed)
	return &record, nil
}

func (s *Server) deleteWorkspace(ctx context.Context, r *api.Request, _ *api.Nothing) (*airbyteapi.WorkspaceDeleted, error) {
	w, err := s.workspace(ctx, r)
	if err != nil {
		return nil, err
	}
	all, err := s.directory.of(ctx, w.ID)
	if err != nil {
		return nil, err
	}
	revocations, release := s.revocations(ctx, all...)
	defer release()
	deleted, _, err := s.store.DeleteWorkspace(ctx, scopeOf(r), w.ID, append(revocations, s.removals(ctx, all...)...)...)
	err = s.workspacesChanged(ctx, err)
	s.endSessions(func(p host.Principal) bool { return p.Workspace == w.ID })
	if err != nil {
		return nil, notThere(err, "workspace_id", "there is no such workspace", "list the workspaces with GET "+airbyteapi.WorkspacesPath)
	}
	return &airbyteapi.WorkspaceDeleted{ID: w.ID, DeletedAt: timeText(deleted.Deleted)}, nil
}
