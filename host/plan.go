package host

import (
	"context"
	"maps"
	"slices"

	"github.com/agenthost/agenthost/host/ask"
	"github.com/agenthost/agenthost/internal/backend"
)

// Plan returns what a call would send, without sending anything: the connector runs and asks for its
// first request, the host checks and builds that as for [Host.Execute], and stops there. It reads no
// secret and gets no token: the plan says where which field of the credential goes. The audit trail
// has the call as a plan.
//
// What a connector asks for after an answer is not part of a plan: see [ask.Plan.More].
//
// # Errors
//
// Those of Execute before a request is sent. Also auth_failed for a connection whose server only
// the answer with an access token names, before there was one in this process.
func (h *Host) Plan(ctx context.Context, connection string, call Call) (*ask.Plan, error) {
	var plan ask.Plan
	if _, err := h.execute(ctx, connection, call, runOptions{via: viaPlan, plan: &plan}); err != nil {
		return nil, err
	}
	return &plan, nil
}

// show writes what a call would send to plan.
func (h *Host) show(ctx context.Context, c *connection, call Call, r *run, plan *ask.Plan) (*Result, error) {
	requests, err := c.plan(ctx, r)
	if err != nil {
		return nil, err
	}
	*plan = c.planOf(call, r, requests)
	return &Result{}, nil
}

// plan waits for its turn and runs the operation up to its first request.
func (c *connection) plan(ctx context.Context, r *run) ([]ask.Request, error) {
	if err := c.admit(ctx); err != nil {
		return nil, err
	}
	defer c.leave()
	call := r.call
	call.Budget = backend.NewBudget(&c.Limits, &r.room)
	return backend.Plan(ctx, c.backend, &call)
}

// planOf is the plan of a call that would send what is shown.
func (c *connection) planOf(call Call, r *run, requests []ask.Request) ask.Plan {
	op := r.call.Operation
	if requests == nil {
		requests = []ask.Request{} // as JSON shows it
	}
	p := ask.Plan{
		Workspace: call.Principal.Workspace, Connection: c.Name,
		Connector: c.Connector.Manifest.Name, Version: c.Connector.Manifest.Version, Module: c.Connector.Digest,
		Mode: string(c.backend.Mode()), Entity: op.Entity, Action: op.Action, Effect: op.Effect,
		Params: slices.Clone(r.call.Params), Requests: requests, Credentials: slices.Sorted(maps.Keys(call.Credentials)),
	}
	declared := c.backend.Requests(op.Operation)
	p.More = len(declared) > 1 || len(declared) == 1 && declared[0].File != ""
	return p
}
