package server

import (
	"context"
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
	}
}

func adminJobRecord(j *store.Job) adminapi.Job {
	record := adminapi.Job{ID: j.ID, WorkspaceID: j.Scope.Workspace, Kind: j.Kind, State: string(j.State), Actor: j.Actor, Error: j.Error, CreatedAt: timeText(j.Created)}
	if !j.Finished.IsZero() {
		record.FinishedAt = timeText(j.Finished)
	}
	return record
}

func (s *Server) adminListJobs(ctx context.Context, r *api.Request, in *adminapi.JobPage) (*adminapi.List[adminapi.Job], error) {
	p, err := adminPage(r, &adminapi.Page{Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	if states := []string{string(store.JobRunning), string(store.JobSucceeded), string(store.JobFailed)}; in.State != "" && !slices.Contains(states, in.State) {
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

func (s *Server) adminGetJob(ctx context.Context, r *api.Request, _ *api.Nothing) (*adminapi.Job, error) {
	j, err := s.store.Job(ctx, adminScope(r), strings.ToLower(r.PathValue("job_id")))
	if err != nil {
		return nil, notThere(err, "job_id", "the organization has no such job", "list its jobs with GET "+adminapi.JobsPath)
	}
	record := adminJobRecord(&j)
	return &record, nil
}
