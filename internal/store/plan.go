package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/store/envelope"
)

// Plan is what a person is asked about: what a call would send. Its text is sealed, because it has the
// parameters of the call.
type Plan struct {
	ID    string
	Scope Scope // of a workspace
	// Digest is the SHA-256 of the plan, in hexadecimal.
	Digest string
	State  PlanState
	// By and Answered are who answered, and when; empty before.
	By               string
	Answered         time.Time
	Created, Expires time.Time
	// Text is the plan, and who asks, in a form of the caller's.
	Text []byte
}

// PlanState says what became of a plan.
type PlanState string

// The states of a plan. An approved one is used once.
const (
	PlanPending  PlanState = "pending"
	PlanApproved PlanState = "approved"
	PlanRefused  PlanState = "refused"
	PlanUsed     PlanState = "used"
)

// maxPlans is how many plans of a workspace may wait for an answer.
const maxPlans = 1000

// ErrTooMany says that as many plans of a workspace wait as may.
var ErrTooMany = errors.New("too many plans wait for an answer")

func (s *Store) scanPlan(ctx context.Context) func(r row) (Plan, error) {
	return func(r row) (p Plan, err error) {
		var k sealedKey
		var answered, created, expires int64
		var sealed []byte
		if err := r.Scan(&p.ID, &p.Scope.Organization, &p.Scope.Workspace, &p.Digest, &p.State, &p.By, &answered, &created, &expires, &sealed, &k.id, &k.organization, &k.workspace, &k.wrapped.Master, &k.wrapped.Sealed); err != nil {
			return p, err
		}
		if answered != 0 {
			p.Answered = instant(answered)
		}
		p.Created, p.Expires = instant(created), instant(expires)
		key, err := s.openDataKey(ctx, k)
		if err != nil {
			return p, err
		}
		value, err := key.Open(p.place(), sealed)
		if err != nil {
			return p, fmt.Errorf("plan %s: %w", p.ID, err)
		}
		p.Text = envelope.Bytes(value)
		return p, nil
	}
}

func (p *Plan) place() envelope.Place {
	return envelope.Place{Organization: p.Scope.Organization, Workspace: p.Scope.Workspace, Field: "plan " + p.ID + " " + p.Digest}
}

// ProposePlan returns the plan of the workspace with the digest that is approved, refused or pending,
// the first of these, or else keeps this one. The error is [ErrNone] if there is no such workspace, and
// [ErrTooMany] if too many wait.
func (s *Store) ProposePlan(ctx context.Context, workspace, digest string, text []byte, expires time.Time) (p Plan, err error) {
	id, err := s.NewID()
	if err != nil {
		return p, err
	}
	value := secret.New(text)
	err = s.write(ctx, func(t session) error {
		now := millis(s.now())
		known, err := many(t, s.scanPlan(ctx), "plan.of_digest", workspace, digest, now)
		if err != nil {
			return err
		}
		for _, state := range []PlanState{PlanApproved, PlanRefused, PlanPending} {
			for _, p = range known {
				if p.State == state {
					return nil
				}
			}
		}
		n, err := one(t, scanNumber, "plan.count", workspace, now)
		if err == nil && n >= maxPlans {
			err = ErrTooMany
		}
		if err != nil {
			return err
		}
		organization, err := one(t, func(r row) (text string, err error) { return text, r.Scan(&text) }, "plan.organization", workspace)
		if err != nil {
			return err
		}
		p = Plan{ID: id, Scope: Scope{organization, workspace}, Digest: digest, State: PlanPending, Created: instant(now), Expires: instant(millis(expires)), Text: text}
		key, err := t.sealer(workspace, 1)
		if err != nil {
			return err
		}
		sealed, err := key.Seal(s.random, p.place(), value)
		if err != nil {
			return err
		}
		if err := t.change("plan.create", p.ID, organization, workspace, digest, key.ID(), sealed, now, millis(expires)); err != nil {
			return err
		}
		return t.record(p.Scope, Change{Entity: "plans", Action: "create", Object: p.ID, Name: digest})
	})
	return p, err
}

// Plan returns a plan of a workspace. The error is [ErrNone] if it has none with the id, or if that has
// expired.
func (s *Store) Plan(ctx context.Context, workspace, id string) (Plan, error) {
	return readOne(ctx, s, s.scanPlan(ctx), "plan.get", workspace, id, millis(s.now()))
}

// AnyPlan returns a plan of a workspace, or of any workspace for an empty one, also one that has
// expired and is not forgotten yet. The error is [ErrNone] if there is none.
func (s *Store) AnyPlan(ctx context.Context, workspace, id string) (Plan, error) {
	return readOne(ctx, s, s.scanPlan(ctx), "plan.any", id, workspace)
}

// Plans returns the plans of a workspace that have not expired, oldest first.
func (s *Store) Plans(ctx context.Context, workspace string, page Page) ([]Plan, error) {
	return readMany(ctx, s, s.scanPlan(ctx), "plan.list", workspace, millis(s.now()), page.After, page.limit())
}

// AnswerPlan approves or refuses a plan that is pending, in the name of a person who saw what has the
// digest. The error is [ErrNone] if the workspace has no such plan.
func (s *Store) AnswerPlan(ctx context.Context, p Scope, id, digest, by string, approve bool) error {
	state := PlanRefused
	if approve {
		state = PlanApproved
	}
	return s.write(ctx, func(t session) error {
		now := millis(s.now())
		if err := t.change("plan.answer", p.Organization, p.Workspace, id, digest, string(state), by, now); err != nil {
			return err
		}
		return t.record(p, Change{Entity: "plans", Action: "answer", Object: id, Name: digest, State: string(state)})
	})
}

// UsePlan uses an approval up: of all calls, one returns nil, and then a crash does not undo it. The
// error is [ErrNone] if the plan is not approved.
func (s *Store) UsePlan(ctx context.Context, workspace, id, digest string) error {
	return s.write(ctx, func(t session) error {
		organization, err := one(t, func(r row) (text string, err error) { return text, r.Scan(&text) }, "plan.organization", workspace)
		if err != nil {
			return err
		}
		if err := t.change("plan.use", workspace, id, digest, millis(s.now())); err != nil {
			return err
		}
		return t.record(Scope{organization, workspace}, Change{Entity: "plans", Action: "use", Object: id, Name: digest, State: string(PlanUsed)})
	})
}
