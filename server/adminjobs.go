package server

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/server/internal/api"
)

func (s *Server) adminJobRoutes() []api.Route {
	return []api.Route{
		api.Do(api.Route{Method: http.MethodGet, Path: adminapi.JobsPath, ID: "listJobs", Summary: "List what the server did, or is doing, for an organization.", Scope: connections.Read}, s.adminListJobs),
		api.Do(api.Route{Method: http.MethodGet, Path: adminapi.JobPath, ID: "getJob", Summary: "Get a job: how far it is, and why it failed.", Scope: connections.Read}, s.adminGetJob),
		api.Do(api.Route{Method: http.MethodPost, Path: adminapi.JobPath, ID: "changeJob", Summary: "Try a job now that waits or is parked, or end it without doing it.", Scope: connections.Manage}, s.adminChangeJob),
	}
}

func adminJobRecord(j *store.Job) adminapi.Job {
	return adminapi.Job{
		ID: j.ID, WorkspaceID: j.Scope.Workspace, Kind: j.Kind, Object: j.Object, State: string(j.State), Actor: j.Actor, Attempts: j.Attempts, Error: j.Error,
		CreatedAt: timeText(j.Created), NextAt: orNever(j.Next), FinishedAt: orNever(j.Finished),
	}
}

func (s *Server) adminListJobs(ctx context.Context, r *api.Request, in *adminapi.JobPage) (*adminapi.List[adminapi.Job], error) {
	p, err := adminPage(r, &adminapi.Page{Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	if state := store.JobState(in.State); state != "" && !slices.Contains(store.JobStates(), state) {
		var states []string
		for _, known := range store.JobStates() {
			states = append(states, string(known))
		}
		return nil, fault.Invalid("state", "there is no state "+clip(in.State), fault.Hint(in.State, states))
	}
	scope := adminScope(r)
	if _, err := s.store.Organization(ctx, scope.Organization); err != nil {
		return nil, noOrganization(err)
	}
	found, err := s.store.Jobs(ctx, scope, store.JobState(in.State), p)
	if err != nil {
		return nil, err
	}
	return listed(found, p, func(j *store.Job) string { return j.ID }, adminJobRecord), nil
}

func noJob(err error) error {
	return notThere(err, "job_id", "the organization has no such job", "list its jobs: agenthost jobs list, or GET "+adminapi.JobsPath)
}

func (s *Server) adminGetJob(ctx context.Context, r *api.Request, _ *api.Nothing) (*adminapi.Job, error) {
	j, err := s.store.Job(ctx, adminScope(r), strings.ToLower(r.PathValue("job_id")))
	if err != nil {
		return nil, noJob(err)
	}
	record := adminJobRecord(&j)
	return &record, nil
}

func (s *Server) adminChangeJob(ctx context.Context, r *api.Request, in *adminapi.JobAction) (*adminapi.Job, error) {
	change := s.store.RetryJob
	switch in.Action {
	case "retry":
	case "cancel":
		change = s.store.CancelJob
	default:
		return nil, fault.Invalid("action", "there is no action "+clip(in.Action), fault.Hint(in.Action, []string{"retry", "cancel"}))
	}
	j, err := change(ctx, adminScope(r), strings.ToLower(r.PathValue("job_id")))
	if errors.Is(err, store.ErrChanged) {
		return nil, &api.Refusal{Status: http.StatusConflict, Field: "job_id", Message: "the job is " + string(j.State), Hint: "only a job that waits or is parked can be tried again or cancelled"}
	} else if err != nil {
		return nil, noJob(err)
	}
	record := adminJobRecord(&j)
	return &record, nil
}
