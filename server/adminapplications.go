package server

import (
	"context"
	"net/http"
	"time"

	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/server/internal/api"
)

func (s *Server) adminApplicationRoutes() []api.Route {
	return []api.Route{
		api.Do(api.Route{Method: http.MethodGet, Path: adminapi.ApplicationsPath, ID: "listApplications", Summary: "List the applications of an organization.", Scope: connections.Read}, s.listApplications),
		api.Do(api.Route{Method: http.MethodPost, Path: adminapi.ApplicationsPath, ID: "createApplication", Summary: "Create an application, and show its secret once.", Scope: connections.Manage, Status: http.StatusCreated}, s.createApplication),
		api.Do(api.Route{Method: http.MethodPatch, Path: adminapi.ApplicationPath, ID: "updateApplication", Summary: "Change the return URLs of an application.", Scope: connections.Manage}, s.updateApplication),
		api.Do(api.Route{Method: http.MethodDelete, Path: adminapi.ApplicationPath, ID: "revokeApplication", Summary: "Take the access from an application.", Scope: connections.Manage}, s.revokeApplication),
	}
}

// orNever is a time as the API writes it; empty if it has not come.
func orNever(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return timeText(t)
}

func applicationRecord(a *store.Application) adminapi.Application {
	return adminapi.Application{ID: a.ID, Name: a.Name, ReturnURLs: append([]string{}, a.ReturnURLs...), CreatedAt: timeText(a.Created), RevokedAt: orNever(a.Revoked)}
}

func noApplication(err error) error {
	return notThere(err, "application_id", "the organization has no such application, or it was revoked before", "list its applications: agenthost app list, or GET "+adminapi.ApplicationsPath)
}

func (s *Server) listApplications(ctx context.Context, r *api.Request, in *adminapi.Page) (*adminapi.List[adminapi.Application], error) {
	p, err := adminPage(r, in)
	if err != nil {
		return nil, err
	}
	organization := adminScope(r).Organization
	if _, err := s.store.Organization(ctx, organization); err != nil {
		return nil, noOrganization(err)
	}
	found, err := s.store.Applications(ctx, organization, p)
	if err != nil {
		return nil, err
	}
	return listed(found, p, func(a *store.Application) string { return a.ID }, applicationRecord), nil
}

func (s *Server) createApplication(ctx context.Context, r *api.Request, in *adminapi.NewApplication) (*adminapi.MadeApplication, error) {
	organization := adminScope(r).Organization
	if err := store.CheckReturnURLs(in.ReturnURLs); err != nil { // before anybody has a secret
		return nil, err
	}
	a, password, err := s.store.CreateApplication(ctx, organization, in.Name, nil)
	if err != nil {
		return nil, noOrganization(err)
	}
	if len(in.ReturnURLs) > 0 {
		if err := s.store.SetReturnURLs(ctx, organization, a.ID, in.ReturnURLs); err != nil {
			return nil, err
		}
	}
	return &adminapi.MadeApplication{
		ID: a.ID, Name: a.Name, Organization: organization, ReturnURLs: append([]string{}, in.ReturnURLs...), CreatedAt: timeText(a.Created), ClientSecret: adminapi.Show(password),
	}, nil
}

func (s *Server) updateApplication(ctx context.Context, r *api.Request, in *adminapi.ApplicationChange) (*adminapi.Application, error) {
	organization, id := adminScope(r).Organization, r.PathValue("application_id")
	if err := s.store.SetReturnURLs(ctx, organization, id, in.ReturnURLs); err != nil {
		return nil, noApplication(err)
	}
	a, err := s.store.Application(ctx, organization, id)
	if err != nil {
		return nil, noApplication(err)
	}
	record := applicationRecord(&a)
	return &record, nil
}

func (s *Server) revokeApplication(ctx context.Context, r *api.Request, _ *api.Nothing) (*api.Nothing, error) {
	if err := s.store.RevokeApplication(ctx, adminScope(r).Organization, r.PathValue("application_id")); err != nil {
		return nil, noApplication(err)
	}
	return new(api.Nothing), nil
}
