package copies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/syncer"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Sync brings the copies of an entity of a connection up to date, or of all that the grant permits if entity is
// empty. Copies that the grant does not permit any more are removed, and those of a connection that does not
// exist. Another pass over an entity that runs in this process is waited for.
//
// # Errors
//
// Those of the connection: it is unknown or hosted, or its connector does not say how to copy anything; and
// unknown_operation for an unknown entity. What happens to an entity is in its Synced.
func (c *Copies) Sync(ctx context.Context, workspace, connection, entity string, o SyncOptions) ([]Synced, error) {
	p, held, err := c.held(ctx, workspace, connection)
	if err != nil {
		return nil, err
	}
	all, err := copied(held, entity)
	if err != nil {
		return nil, err
	}
	w := &work{place: p, options: o}
	if o.Slice > 0 {
		w.until = c.seams.Now().Add(o.Slice)
	}
	var done []Synced
	for _, of := range all {
		synced := w.entity(ctx, held, of)
		if entity == "" && isRefused(synced.Err) {
			continue
		}
		done = append(done, synced)
	}
	return done, nil
}

// held returns a connection as it is now, and what is known of it. Copies that were made when it read from elsewhere
// are removed.
func (c *Copies) held(ctx context.Context, workspace, connection string) (*place, *backend.Connection, error) {
	held, err := c.hold(ctx, workspace, connection)
	if err != nil {
		return nil, nil, err
	}
	p := c.place(held)
	p.removeOthers(ctx)
	return p, held, nil
}

// hold returns a connection as it is now. What it points to stays as it is. The copies of a connection that does not
// exist are removed.
func (c *Copies) hold(ctx context.Context, workspace, connection string) (*backend.Connection, error) {
	held, release, err := c.host.Hold(ctx, workspace, connection)
	if err != nil {
		if e, ok := errors.AsType[*abi.Error](err); ok && e.Kind == abi.KindUnknownOperation && e.Field == "connection" {
			if removed := c.Remove(ctx, workspace, connection); removed != nil {
				return nil, errors.Join(err, removed)
			}
		}
		return nil, err
	}
	now := *held
	release()
	if now.Config.Mode == config.Hosted {
		return nil, fault.Invalid("connection", "connection "+connection+" is hosted: the Airbyte API keeps its copies", "copy the records of direct connections")
	}
	return &now, nil
}

// hold returns the connection as it is now. The error is errGone if it reads from elsewhere now.
func (p *place) hold(ctx context.Context) (*backend.Connection, error) {
	held, err := p.copies.hold(ctx, p.workspace, p.connection)
	if err == nil && sourceOf(held) != p.source {
		return nil, errGone
	}
	return held, err
}

// run runs an operation of the connector. What it answers is of no use if the connection reads from elsewhere since.
func (p *place) run(ctx context.Context, op *connector.Operation, params json.RawMessage) (*backend.Result, error) {
	result, err := p.copies.host.Run(ctx, p.workspace, p.connection, abi.OperationRef{Entity: op.Entity, Action: op.Action}, params)
	if err != nil {
		return nil, err
	}
	if _, err := p.hold(ctx); err != nil {
		return nil, err
	}
	return result, nil
}

// copied are the entities of a connection that are copied, or the one of a name with those that it is made of. One that others
// are lists of is before them.
func copied(held *backend.Connection, name string) ([]*connector.Sync, error) {
	var all []*connector.Sync
	seen := make(map[*connector.Sync]bool)
	var add func(of *connector.Sync)
	add = func(of *connector.Sync) {
		if seen[of] {
			return
		}
		seen[of] = true
		if of.Each != nil && of.Each.Of != nil {
			add(of.Each.Of)
		}
		all = append(all, of)
	}
	m := held.Connector.Manifest
	syncs := held.Connector.Syncs()
	if len(syncs) == 0 {
		return nil, fault.Invalid("connection", m.Name+" does not say how its records are copied", "ask the author of the connector for sync in its manifest")
	}
	if name == "" {
		for _, of := range syncs {
			add(of)
		}
		return all, nil
	}
	of := held.Connector.Sync(name)
	if of == nil {
		var names []string
		for _, of := range syncs {
			names = append(names, of.Entity)
		}
		return nil, &abi.Error{
			Kind: abi.KindUnknownOperation, Field: "entity",
			Message: fmt.Sprintf("%s does not say how %.80q are copied", m.Name, name), Hint: fault.Hint(name, names),
		}
	}
	return []*connector.Sync{of}, nil
}

// refused says that a grant does not permit the copies of an entity.
type refused struct{ cause error }

func (refused) Error() string   { return "the grant permits no copies" }
func (r refused) Unwrap() error { return r.cause }

func isRefused(err error) bool {
	_, is := errors.AsType[refused](err)
	return is
}

// permits is why there may be no copies of an entity, nil if there may.
func permits(held *backend.Connection, of *connector.Sync) error {
	for at := of; at != nil; {
		op := &abi.Operation{Entity: at.Entity, Action: airbyteapi.ActionSearch, Effect: abi.EffectRead}
		if d := held.Grant.Operation(op); !d.Allowed {
			e := d.Denied(held.Name, op)
			return e.WithCause(refused{e.Unwrap()})
		}
		if at.Each == nil {
			return nil
		}
		at = at.Each.Of
	}
	return nil
}

// work is one Sync.
type work struct {
	*place
	options SyncOptions
	until   time.Time // zero without an end
	// enough, if not nil, says of what there is that no pass is needed.
	enough func(*contextstore.State) bool
}

// entity brings the copies of one entity up to date.
func (w *work) entity(ctx context.Context, held *backend.Connection, of *connector.Sync) Synced {
	s := Synced{Entity: of.Entity}
	if s.Err = permits(held, of); s.Err != nil {
		if err := w.forgo(ctx, of); err != nil {
			s.Err = err
		}
		return s
	}
	e := w.place.entity(of.Entity)
	if state, err := w.copies.store.State(ctx, w.target(of)); err == nil && w.suffices(e, state) {
		s.Result.State = *state
		return s // without waiting for a pass that runs
	}
	select {
	case e.passing <- struct{}{}:
	case <-ctx.Done():
		s.More, s.Err = true, fault.Ended(ctx)
		return s
	}
	defer func() { <-e.passing }()
	for tries := 0; ; tries++ {
		s = w.pass(ctx, held, of, e)
		if tries > 0 || !errors.Is(s.Err, contextstore.ErrDamaged) {
			break
		}
		if err := w.copies.damaged(ctx, w.workspace, s.Err); err != nil {
			s.Err = err
			break
		}
	}
	s.Err = public(s.Err)
	if isRefused(s.Err) { // since the pass began
		s.More = false
		if err := w.forgo(ctx, of); err != nil {
			s.Err = err
		}
	}
	w.note(e, func(e *entity) {
		e.err, e.retry = s.Err, time.Time{}
		if s.Err != nil || s.More {
			e.retry = s.Next
		}
	})
	return s
}

// forgo removes copies that the grant does not permit.
func (p *place) forgo(ctx context.Context, of *connector.Sync) error {
	state, err := p.copies.store.State(ctx, p.target(of))
	e := p.entity(of.Entity)
	p.writing.Lock()
	left := e.left
	p.writing.Unlock()
	if err == nil && !begun(state) && !left {
		return nil
	}
	if err == nil {
		p.copies.log.Info("copies are removed: the connection does not permit them", "workspace", p.workspace, "connection", p.connection, "entity", of.Entity)
		err = p.remove(ctx, of.Entity)
	}
	if errors.Is(err, contextstore.ErrDamaged) {
		return p.copies.damaged(ctx, p.workspace, err)
	}
	return public(err)
}

// begun reports whether there is something of an entity.
func begun(s *contextstore.State) bool {
	return s.Complete || s.Count > 0 || s.Pass != "" || s.Cursor != "" || !s.Synced.IsZero()
}

// How long to wait after an error that does not say it: retryAfter where the same call may succeed.
const retryAfter = 10 * time.Second

// errSlice ends a pass at the end of its slice, errGone one whose copies were removed.
var (
	errSlice = errors.New("the slice is over")
	errGone  = errors.New("the copies were removed")
)

// pass makes a pass over one entity, if one is due. The caller has e.passing.
func (w *work) pass(ctx context.Context, held *backend.Connection, of *connector.Sync, e *entity) Synced {
	s := Synced{Entity: of.Entity}
	now := w.copies.seams.Now()
	state, err := w.copies.store.State(ctx, w.target(of))
	if err != nil {
		s.Err = err
		return s
	}
	s.Result.State = *state
	next, _ := syncer.Next(of, state)
	_, full := syncer.Due(of, state, now)
	var dirty bool
	w.note(e, func(e *entity) {
		if e.retry.After(next) {
			next = e.retry
		}
		if dirty = e.dirty; dirty {
			next = e.retry
		}
	})
	if w.suffices(e, state) || w.options.DueOnly && next.After(now) {
		s.Next = next
		return s
	}
	if parent, err := w.parent(ctx, of); err != nil {
		s.Err = err
		return s
	} else if parent != nil {
		if err := w.first(ctx, held, parent); err != nil {
			s.Err, s.More, s.Next = err, true, now.Add(retryAfter)
			return s
		}
	}
	w.note(e, func(e *entity) { e.dirty = false })
	g := w.begin(held, of, e)
	defer g.end()
	s.Result, err = w.syncer(g).Sync(ctx, of, w.options.Full || full)
	w.settle(ctx, &s, of, err)
	if s.More || s.Err != nil {
		w.note(e, func(e *entity) { e.dirty = e.dirty || dirty })
	}
	return s
}

// suffices reports whether no pass is needed, because of what there is.
func (w *work) suffices(e *entity, state *contextstore.State) bool {
	if w.enough == nil {
		return false
	}
	dirty := false
	w.note(e, func(e *entity) { dirty = e.dirty })
	return !dirty && w.enough(state)
}

// parent is the entity whose keys are needed for the lists of another one, if it was not copied.
func (w *work) parent(ctx context.Context, of *connector.Sync) (*connector.Sync, error) {
	if of.Each == nil || of.Each.Of == nil {
		return nil, nil
	}
	state, err := w.copies.store.State(ctx, w.target(of.Each.Of))
	if err != nil || state.Complete {
		return nil, err
	}
	return of.Each.Of, nil
}

// first copies an entity that another one needs.
func (w *work) first(ctx context.Context, held *backend.Connection, parent *connector.Sync) error {
	once := *w
	once.options.Full, once.options.DueOnly = false, false
	once.enough = func(s *contextstore.State) bool { return s.Complete }
	s := once.entity(ctx, held, parent)
	if s.Err == nil && s.More {
		return errSlice
	}
	return s.Err
}

// settle says how a pass ended.
func (w *work) settle(ctx context.Context, s *Synced, of *connector.Sync, err error) {
	now := w.copies.seams.Now()
	e, _ := errors.AsType[*abi.Error](err)
	wait, isPaced := errors.AsType[paced](err)
	switch {
	case err == nil:
		s.Next, _ = syncer.Next(of, &s.Result.State)
	case errors.Is(err, errSlice), errors.Is(err, contextstore.ErrPass): // another process has begun one
		s.More, s.Next = true, now
	case isPaced:
		s.More, s.Next = true, now.Add(wait.after)
	case errors.Is(err, contextstore.ErrDamaged), isRefused(err):
		s.Err = err
	case errors.Is(err, contextstore.ErrFull):
		s.Err, s.Next = err, now.Add(of.Full)
	case ctx.Err() != nil:
		s.More, s.Err, s.Next = true, fault.Ended(ctx), now
	case e != nil && (e.Retryable || e.Kind == abi.KindRateLimited):
		s.More, s.Err, s.Next = true, err, now.Add(retryAfter)
		if e.RetryAfterMS > 0 {
			s.Next = now.Add(time.Duration(e.RetryAfterMS) * time.Millisecond)
		}
	default:
		s.Err, s.Next = err, now.Add(of.Interval)
	}
}

// syncer copies records; without a guard it only knows where they are.
func (p *place) syncer(g *guard) *syncer.Syncer {
	s := &syncer.Syncer{Workspace: stored(p.workspace), Connection: p.inStore(), Now: p.copies.seams.Now, NewID: p.copies.options.NewID}
	if g != nil {
		s.Store, s.Call, s.Pause = g, g.call, g.pause
	}
	return s
}
