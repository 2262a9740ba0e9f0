package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/agenthost/agenthost/host/ask"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/server/internal/api"
)

// The paths of what calls of applications ask persons about. Airbyte's API has none. Nobody answers
// here: an application's token, and a workspace's, are those of who asks.
const (
	plansPath = airbyteapi.Prefix + "/agenthost/plans"
	planPath  = plansPath + "/{plan_id}"
)

// plans keeps what calls ask persons about, in the server's database.
type plans struct {
	store *store.Store
	pages string // what begins the addresses of their pages; empty where nobody logs in
}

var _ ask.Store = plans{}

// Propose implements [ask.Store].
func (p plans) Propose(ctx context.Context, a ask.Ask) (ask.Ask, error) {
	if err := p.again(ctx); err != nil {
		return a, err
	}
	a.State = ""
	text, err := json.Marshal(&a)
	if err != nil {
		return a, err
	}
	kept, err := p.store.ProposePlan(ctx, a.Plan.Workspace, a.Digest, text, a.Expires)
	if err != nil {
		return a, err
	}
	return p.of(&kept)
}

// again ends a call whose idempotency key was used before: it has its answer, and nobody is asked.
func (p plans) again(ctx context.Context) error {
	w, _ := ctx.Value(writeKey{}).(*write)
	if w == nil || w.Key == "" {
		return nil
	}
	prior, err := p.store.PriorWrite(ctx, w.Write)
	if errors.Is(err, store.ErrNone) {
		return nil
	}
	if err == nil {
		w.prior, err = prior, errors.New("the key was used before")
	}
	return err
}

// Find implements [ask.Store].
func (p plans) Find(ctx context.Context, workspace, id string) (ask.Ask, error) {
	kept, err := p.store.Plan(ctx, workspace, id)
	if errors.Is(err, store.ErrNone) {
		err = ask.ErrUnknown
	}
	if err != nil {
		return ask.Ask{}, err
	}
	return p.of(&kept)
}

// Use implements [ask.Store].
func (p plans) Use(ctx context.Context, workspace, id, digest string) error {
	err := p.store.UsePlan(ctx, workspace, id, digest)
	if errors.Is(err, store.ErrNone) {
		err = ask.ErrNotApproved
	}
	return err
}

// askOf is a plan as the host knows it. One whose text is not what it was is none.
func askOf(p *store.Plan) (a ask.Ask, err error) {
	if err := json.Unmarshal(p.Text, &a); err != nil {
		return a, fmt.Errorf("plan %s has no JSON", p.ID)
	}
	if a.Plan.Digest() != p.Digest || a.Plan.Workspace != p.Scope.Workspace {
		return a, fmt.Errorf("plan %s has another digest than its text", p.ID)
	}
	a.ID, a.Digest, a.State, a.By, a.Answered = p.ID, p.Digest, ask.State(p.State), p.By, p.Answered
	a.Created, a.Expires = p.Created, p.Expires
	return a, nil
}

// of is askOf, with where a person sees it.
func (p plans) of(kept *store.Plan) (ask.Ask, error) {
	a, err := askOf(kept)
	if a.Where = showsPlan(kept); p.pages != "" {
		a.Where = p.pages + kept.ID
	}
	return a, err
}

func (s *Server) planRoutes() []api.Route {
	return []api.Route{
		api.Do(api.Route{Method: http.MethodGet, Path: plansPath, ID: "listPlans", Summary: "List what calls of a workspace ask persons about. Nobody answers with a token of an application or a workspace.", Scope: connections.Read}, s.listPlans),
		api.Do(api.Route{Method: http.MethodGet, Path: planPath, ID: "getPlan", Summary: "Get what one call asks about, and whether a person has answered.", Scope: connections.Read}, s.getPlan),
	}
}

// planRequest says whose plans are meant.
type planRequest struct {
	WorkspaceID   string `json:"workspace_id" doc:"The workspace, by its id."`
	WorkspaceName string `json:"workspace_name" doc:"The workspace, by its name."`
}

// planRecords are the plans of a workspace.
type planRecords struct {
	Data []adminapi.Plan `json:"data"`
}

func (s *Server) listPlans(ctx context.Context, r *api.Request, in *planRequest) (*planRecords, error) {
	w, err := s.workspaceNamed(ctx, r, in.WorkspaceID, in.WorkspaceName, "", "")
	if err != nil {
		return nil, err
	}
	found, err := s.store.Plans(ctx, w.ID, store.Page{})
	if err != nil {
		return nil, err
	}
	records := &planRecords{Data: make([]adminapi.Plan, len(found))}
	for i := range found {
		if records.Data[i], err = planRecord(&found[i]); err != nil {
			return nil, err
		}
	}
	return records, nil
}

func (s *Server) getPlan(ctx context.Context, r *api.Request, in *planRequest) (*adminapi.Plan, error) {
	w, err := s.workspaceNamed(ctx, r, in.WorkspaceID, in.WorkspaceName, "", "")
	if err != nil {
		return nil, err
	}
	return s.plan(ctx, w.ID, r.PathValue("plan_id"))
}

func (s *Server) plan(ctx context.Context, workspace, id string) (*adminapi.Plan, error) {
	found, err := s.store.Plan(ctx, workspace, strings.ToLower(id))
	if err != nil {
		return nil, noPlan(err)
	}
	record, err := planRecord(&found)
	return &record, err
}

func noPlan(err error) error {
	return notThere(err, "plan_id", "there is no such plan that waits for an answer, or it has expired", "make the call again, which asks again")
}

// planRecord is a plan in an answer.
func planRecord(p *store.Plan) (adminapi.Plan, error) {
	a, err := askOf(p)
	if err != nil {
		return adminapi.Plan{}, err
	}
	plan, err := json.Marshal(&a.Plan)
	record := adminapi.Plan{
		ID: p.ID, WorkspaceID: p.Scope.Workspace, Digest: p.Digest, State: string(p.State), Connection: a.Plan.Connection, Operation: a.Plan.Entity + "." + a.Plan.Action,
		Caller: a.Caller, Intent: a.Intent, CreatedAt: timeText(p.Created), ExpiresAt: timeText(p.Expires), AnsweredBy: p.By, Text: a.Plan.Text(), Plan: plan,
	}
	if !p.Answered.IsZero() {
		record.AnsweredAt = timeText(p.Answered)
	}
	return record, err
}

func (s *Server) adminPlanRoutes() []api.Route {
	return []api.Route{
		api.Do(api.Route{Method: http.MethodGet, Path: adminapi.PlansPath, ID: "listPlans", Summary: "List what calls of a workspace ask persons about.", Scope: connections.Read}, s.adminListPlans),
		api.Do(api.Route{Method: http.MethodGet, Path: adminapi.PlanPath, ID: "getPlan", Summary: "Get what one call asks about.", Scope: connections.Read}, s.adminGetPlan),
		api.Do(api.Route{Method: http.MethodPost, Path: adminapi.PlanAnswerPath, ID: "answerPlan", Summary: "Approve or refuse a call, once.", Scope: connections.Manage}, s.adminAnswerPlan),
	}
}

func (s *Server) adminListPlans(ctx context.Context, r *api.Request, in *adminapi.Page) (*adminapi.List[adminapi.Plan], error) {
	page, err := adminPage(r, in)
	if err != nil {
		return nil, err
	}
	w, err := s.adminWorkspace(ctx, r)
	if err != nil {
		return nil, err
	}
	found, err := s.store.Plans(ctx, w.ID, page)
	if err != nil {
		return nil, err
	}
	var wrong error
	list := listed(found, page, func(p *store.Plan) string { return p.ID }, func(p *store.Plan) adminapi.Plan {
		record, err := planRecord(p)
		wrong = errors.Join(wrong, err)
		return record
	})
	return list, wrong
}

func (s *Server) adminGetPlan(ctx context.Context, r *api.Request, _ *api.Nothing) (*adminapi.Plan, error) {
	w, err := s.adminWorkspace(ctx, r)
	if err != nil {
		return nil, err
	}
	return s.plan(ctx, w.ID, r.PathValue("plan_id"))
}

func (s *Server) adminAnswerPlan(ctx context.Context, r *api.Request, in *adminapi.PlanAnswer) (*adminapi.Plan, error) {
	w, err := s.adminWorkspace(ctx, r)
	if err != nil {
		return nil, err
	}
	id := strings.ToLower(r.PathValue("plan_id"))
	if err := s.store.AnswerPlan(ctx, adminScope(r), id, in.Digest, r.Claims.Application, in.Answer == "approve"); err != nil {
		return nil, noPlan(err)
	}
	return s.plan(ctx, w.ID, id)
}
