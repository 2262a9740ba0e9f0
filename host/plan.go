package host

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/agenthost/agenthost/host/ask"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/pdk/abi"
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
	r.entry.asked(audit.Ask{Plan: plan.Digest()})
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

// consent asks a person about the call of an operation that allow.ask has, and lets the call send only
// what the person saw. All other calls pass at once.
func (h *Host) consent(ctx context.Context, c *connection, call Call, o runOptions, r *run) error {
	rule, asks := c.Grant.Asks(r.call.Operation.Operation)
	switch {
	case o.copying:
		return c.copies(r.call.Operation.Operation)
	case !asks || o.check:
		return nil
	}
	requests, err := c.plan(ctx, r)
	if err != nil {
		return err
	}
	only := &backend.Only{Requests: requests}
	r.call.Show = only.Check
	if len(requests) == 0 {
		return nil // it sends nothing, and may not
	}
	plan := c.planOf(call, r, requests)
	if len(call.Credentials) > 0 {
		plan.Once = newID(h.options.Now()) // another call may bring another account's
	}
	if call.Confirm != nil {
		answer, err := call.Confirm(ctx, &plan)
		if err == nil {
			r.entry.asked(audit.Ask{Plan: plan.Digest(), By: answer.By, Answered: h.options.Now()})
			if !answer.Approved {
				return refused(c, r, rule, "")
			}
			return nil
		}
		if _, ends := errors.AsType[*Error](err); ends {
			return err
		}
		h.log.Debug("cannot ask a person at once", "connection", c.Name, "error", err)
	}
	approved, err := h.ask(ctx, c, call, rule, plan, r)
	if err != nil {
		return err
	}
	only.First = func() error { return h.use(ctx, approved, rule) }
	return nil
}

// ask keeps a question to a person, and waits a while for the answer. It returns the approved ask.
func (h *Host) ask(ctx context.Context, c *connection, call Call, rule string, plan ask.Plan, r *run) (ask.Ask, error) {
	if h.options.Asks == nil {
		return ask.Ask{}, &Error{
			Kind: abi.KindDenied, Rule: rule, Code: abi.CodeNeedsApproval, Message: "a person must approve this call, and this program asks nobody",
			Hint: "set Options.Asks or Call.Confirm; or take the operation out of allow.ask of the connection, if a person agrees",
		}
	}
	now := h.options.Now()
	a, err := h.options.Asks.Propose(ctx, ask.Ask{
		Plan: plan, Digest: plan.Digest(), Caller: r.entry.caller(call), Subject: call.Principal.Subject, Intent: call.Intent,
		Created: now.UTC(), Expires: now.Add(cmp.Or(h.options.AskExpires, askExpires)).UTC(),
	})
	for until := now.Add(h.options.AskWait); err == nil && a.State == ask.Pending && h.options.Now().Before(until); {
		if h.options.Sleep(ctx, askLook) != nil {
			break
		}
		a, err = h.options.Asks.Find(ctx, plan.Workspace, a.ID)
	}
	if err != nil {
		return a, (&Error{Kind: abi.KindInternal, Rule: rule, Message: "the question to a person cannot be kept or read, so the call was not made", Hint: "the log has details"}).WithCause(err)
	}
	r.entry.asked(audit.Ask{ID: a.ID, Plan: a.Digest, By: a.By, Answered: a.Answered})
	switch {
	case a.Digest != plan.Digest():
		return a, &Error{Kind: abi.KindInternal, Rule: rule, Message: "the store of asks returned the ask of another call"}
	case a.State == ask.Approved:
		return a, nil
	case a.State == ask.Refused:
		return a, refused(c, r, rule, a.ID)
	}
	where := cmp.Or(a.Where, "the ask "+a.ID)
	return a, &Error{
		Kind: abi.KindDenied, Rule: rule, Code: abi.CodeNeedsApproval, Ask: a.ID,
		Message: "a person must approve this call of " + r.call.Operation.Name() + ", and has not yet",
		Hint:    "give the user this: " + where + " shows what would be sent; after a yes, make the same call again",
	}
}

// use uses an approval up, before the first request.
func (h *Host) use(ctx context.Context, a ask.Ask, rule string) error {
	err := h.options.Asks.Use(ctx, a.Plan.Workspace, a.ID, a.Digest)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ask.ErrNotApproved), errors.Is(err, ask.ErrUnknown):
		return (&Error{Kind: abi.KindDenied, Rule: rule, Message: "the approval " + a.ID + " was used by another call, or is over", Hint: "make the same call again, which asks again"}).WithCause(err)
	}
	return (&Error{Kind: abi.KindInternal, Rule: rule, Message: "the use of the approval " + a.ID + " cannot be kept, so the call was not made", Hint: "the log has details"}).WithCause(err)
}

func refused(c *connection, r *run, rule, id string) error {
	return &Error{Kind: abi.KindDenied, Rule: rule, Ask: id, Message: "a person refused this call of " + r.call.Operation.Name() + " on connection " + c.Name, Hint: "ask the user what to do instead"}
}

const (
	askExpires = time.Hour              // of Options.AskExpires
	askLook    = 250 * time.Millisecond // between two looks for an answer
	confirmFor = 5 * time.Minute        // that Call.Confirm may take
)

// patience is how much longer a call may take because a person is asked.
func (h *Host) patience(c *connection, call Call, o runOptions, op *abi.Operation) time.Duration {
	if _, asks := c.Grant.Asks(op); !asks || o.check || o.plan != nil {
		return 0
	}
	if call.Confirm != nil {
		return max(h.options.AskWait, confirmFor)
	}
	return h.options.AskWait
}
