package server

import (
	"context"
	"net/http"

	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/server/internal/api"
)

func (s *Server) adminOrganizationRoutes() []api.Route {
	return []api.Route{
		api.Do(api.Route{Method: http.MethodGet, Path: adminapi.OrganizationsPath, ID: "listOrganizations", Summary: "List organizations.", Scope: connections.Read}, s.listOrganizations),
		api.Do(api.Route{Method: http.MethodPost, Path: adminapi.OrganizationsPath, ID: "createOrganization", Summary: "Create an organization.", Scope: connections.Manage, Status: http.StatusCreated}, s.createOrganization),
		api.Do(api.Route{Method: http.MethodPatch, Path: adminapi.OrganizationPath, ID: "renameOrganization", Summary: "Rename an organization.", Scope: connections.Manage}, s.renameOrganization),
	}
}

func organizationRecord(o *store.Organization) adminapi.Organization {
	return adminapi.Organization{ID: o.ID, Name: o.Name, CreatedAt: timeText(o.Created)}
}

// noOrganization makes of the store's ErrNone an answer.
func noOrganization(err error) error {
	return notThere(err, "organization_id", "there is no such organization", "list the organizations: agenthost org list, or GET "+adminapi.OrganizationsPath)
}

func (s *Server) listOrganizations(ctx context.Context, r *api.Request, in *adminapi.Page) (*adminapi.List[adminapi.Organization], error) {
	p, err := adminPage(r, in)
	if err != nil {
		return nil, err
	}
	found, err := s.store.Organizations(ctx, in.Name, p)
	if err != nil {
		return nil, err
	}
	return listed(found, p, func(o *store.Organization) string { return o.ID }, organizationRecord), nil
}

func (s *Server) createOrganization(ctx context.Context, _ *api.Request, in *adminapi.Named) (*adminapi.Organization, error) {
	made, err := s.store.CreateOrganization(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	s.noteOrganization()
	record := organizationRecord(&made)
	return &record, nil
}

func (s *Server) renameOrganization(ctx context.Context, r *api.Request, in *adminapi.Named) (*adminapi.Organization, error) {
	id := r.PathValue("organization_id")
	if err := s.store.RenameOrganization(ctx, id, in.Name); err != nil {
		return nil, noOrganization(err)
	}
	o, err := s.store.Organization(ctx, id)
	if err != nil {
		return nil, noOrganization(err)
	}
	record := organizationRecord(&o)
	return &record, nil
}
