package copies

import (
	"context"

	"github.com/agenthost/agenthost/internal/contextstore/syncer"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Status says what there is of the copies of a connection, in the order in which entities are copied.
//
// # Errors
//
// Those of [Copies.Sync], and conflict if a newer agenthost made the copies.
func (c *Copies) Status(ctx context.Context, workspace, connection string) ([]Status, error) {
	p, held, err := c.held(ctx, workspace, connection)
	if err != nil {
		return nil, err
	}
	all, err := copied(held, "")
	if err != nil {
		return nil, err
	}
	status := make([]Status, 0, len(all))
	for _, of := range all {
		s := Status{Entity: of.Entity, Interval: of.Interval, Full: of.Full, Refused: permits(held, of)}
		state, err := c.store.State(ctx, p.target(of))
		if err != nil {
			return nil, public(err)
		}
		s.State = *state
		s.LeftOut, s.LeftMore = syncer.LeftOut(state)
		s.Over = syncer.Over(state)
		e := p.entity(of.Entity)
		s.Running = len(e.passing) > 0
		if s.Refused == nil {
			s.Next, _ = syncer.Next(of, state)
		}
		var failed error
		if e := syncer.Failed(state); e != nil {
			failed = e
		}
		p.note(e, func(e *entity) {
			if s.Err = e.err; s.Err == nil && s.Refused == nil {
				s.Err = failed
			}
			if e.dirty {
				s.Next = e.retry
			} else if e.retry.After(s.Next) {
				s.Next = e.retry
			}
		})
		status = append(status, s)
	}
	return status, nil
}

// Searches are the searches in the copies of a connection that its grant permits.
//
// # Errors
//
// Those of [Copies.Sync].
func (c *Copies) Searches(ctx context.Context, workspace, connection string) ([]*abi.Operation, error) {
	held, err := c.hold(ctx, workspace, connection)
	if err != nil {
		return nil, err
	}
	var all []*abi.Operation
	for _, op := range held.Connector.SearchOperations() {
		if permits(held, held.Connector.Sync(op.Entity)) == nil {
			all = append(all, op.Operation)
		}
	}
	return all, nil
}
