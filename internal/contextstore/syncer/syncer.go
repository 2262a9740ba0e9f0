// Package syncer brings copies up to date: it lists the records of an entity by the connector's own
// operations, as the manifest says, and puts them into the store. It stops after any page, and goes on
// there, also in another process.
package syncer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Syncer copies the records of one connection. One goroutine at a time copies an entity.
type Syncer struct {
	Store                 contextstore.Store
	Workspace, Connection string
	// Call runs an operation of the connection, under its grant. Limit is that of the operation.
	Call func(ctx context.Context, op *connector.Operation, params json.RawMessage) (data, meta json.RawMessage, err error)
	// Pause waits before a call. It may end the pass with an error, which then goes on another time.
	Pause func(ctx context.Context, op *connector.Operation) error
	Now   func() time.Time
	NewID func() (string, error)
}

// Result is what a pass did.
type Result struct {
	State contextstore.State
	// Pages is how many lists were read, Changed how many copies are other ones now, and Removed how
	// many are gone.
	Pages, Changed, Removed int
	// Full says that it was a pass over everything.
	Full bool
}

// Target is where the copies of an entity are.
func (s *Syncer) Target(of *connector.Sync) contextstore.Target {
	return contextstore.Target{Workspace: s.Workspace, Connection: s.Connection, Entity: of.Entity, Fields: Entity(of)}
}

// Entity says how the copies of an entity are searched.
func Entity(of *connector.Sync) *query.Entity {
	types := map[connector.FieldType]query.Type{connector.FieldText: query.Text, connector.FieldNumber: query.Number, connector.FieldTime: query.Time}
	var e query.Entity
	words, indexed := set(of.Text), set(of.Index)
	for _, name := range sorted(of.Fields) {
		e.Fields = append(e.Fields, query.Field{Name: name, Type: types[of.Fields[name]], Words: words[name], Indexed: indexed[name]})
	}
	return &e
}

// Next is when the next pass is due, the zero time for one that has begun or should have, and whether it is one over everything.
func Next(of *connector.Sync, state *contextstore.State) (at time.Time, full bool) {
	p, err := read(state.Cursor)
	if err == nil && p.Failed != nil && p.Failed.Over { // one page shows that there is no room still
		return time.UnixMilli(p.Failed.At).Add(of.Full), true
	}
	if err != nil || !state.Complete || state.Pass != "" {
		return time.Time{}, true
	}
	if p.At == nil {
		at = state.Synced.Add(of.Interval)
	}
	if whole := p.full().Add(of.Full); !whole.After(at) {
		return whole, true
	}
	return at, false
}

// Due reports whether a pass is due, and whether over everything.
func Due(of *connector.Sync, state *contextstore.State, now time.Time) (due, full bool) {
	at, full := Next(of, state)
	if at.After(now) {
		return false, false
	}
	if p, err := read(state.Cursor); err == nil && state.Complete && state.Pass == "" && now.Sub(p.full()) < of.Full {
		full = false
	}
	return true, full
}

// Sync makes a pass, or goes on with the one that was interrupted. After an error, the pages before it
// are kept: the next call goes on there.
//
// # Errors
//
// Those of the calls, of Pause and of the store. A record without a key, or a page that leads to itself,
// is an *[abi.Error] of kind connector_fault.
func (s *Syncer) Sync(ctx context.Context, of *connector.Sync, full bool) (r Result, err error) {
	t := s.Target(of)
	state, err := s.Store.State(ctx, t)
	if err != nil {
		return r, err
	}
	p, err := read(state.Cursor)
	if err != nil || !of.Incremental() || !state.Complete {
		full = true
	}
	p.Failed = nil
	run := &run{Syncer: s, of: of, target: t, position: p, kept: state.Cursor, there: *state != contextstore.State{}, result: &r}
	resumed := p.At != nil && len(p.At.Page) > 0
	err = run.once(ctx, state, full)
	if resumed && r.Pages == 0 && refuses(err) { // the vendor does not know any more where the pass was
		run.position.At, state.Pass = nil, ""
		err = run.once(ctx, state, full)
	}
	if errors.Is(err, contextstore.ErrFull) {
		err = fault.LimitExceeded("context_store", fmt.Sprintf("a connection may have %d copies of records, and %d GiB of them: what is more is missing", contextstore.MostCopies, contextstore.MostCopyBytes>>30),
			"call the lists for what is missing; take entities that nobody searches from the connection's grant").WithCause(err)
	}
	if err != nil && ctx.Err() == nil {
		run.failed(ctx, err)
	}
	return r, err
}

// run is one pass.
type run struct {
	*Syncer
	of       *connector.Sync
	target   contextstore.Target
	position position
	pass     string // of a pass over everything
	kept     string // the cursor in the store
	there    bool   // the store has the entity
	result   *Result
}

// once makes a pass, or goes on with one.
func (r *run) once(ctx context.Context, state *contextstore.State, full bool) error {
	if !full && state.Pass == "" {
		if err := r.changes(ctx); err == nil || !r.tokenIsOver(err) {
			return err
		}
	}
	r.result.Full = true
	return r.everything(ctx, state)
}

// failed keeps with the copies how the pass failed, so that other processes know. That it cannot be kept is nothing: the
// error is that of the pass.
func (r *run) failed(ctx context.Context, cause error) {
	e, ok := errors.AsType[*abi.Error](cause)
	if !r.there || !ok {
		return
	}
	p, err := read(r.kept)
	if err != nil {
		return
	}
	p.Failed = &failure{At: r.Now().UnixMilli(), Kind: e.Kind, Message: shortened(e.Message), Hint: shortened(e.Hint), Over: errors.Is(cause, contextstore.ErrFull)}
	_, _ = r.Store.Apply(ctx, r.target, contextstore.Batch{Pass: r.pass, Cursor: p.text()})
}

// tokenIsOver reports whether the vendor refused what it gave in place of a time: it forgets that.
func (r *run) tokenIsOver(err error) bool {
	return r.of.Changes != nil && r.of.Changes.Token != "" && refuses(err)
}

// refuses reports whether an error is one of a vendor that does not take a token or a cursor.
func refuses(err error) bool {
	e, ok := errors.AsType[*abi.Error](err)
	if !ok || e.Retryable {
		return false
	}
	return e.Kind == abi.KindInvalidParams || e.Kind == abi.KindNotFound || e.Kind == abi.KindConflict || e.Kind == abi.KindVendorError
}

// goesOn reports whether there is a place where a pass goes on. That of an older program names no record of which the list was
// read: such a pass begins again.
func (r *run) goesOn() bool {
	at := r.position.At
	return at != nil && (r.of.Each == nil || r.of.Each.Of == nil || at.Known != nil)
}

// late is how much later than it happened a change may be in the answers of a vendor, whose clock may differ, too.
const late = time.Minute

// begin is the place where a pass begins.
func (r *run) begin(ctx context.Context) (*place, error) {
	at := &place{Started: r.Now().UnixMilli()}
	if r.of.Each == nil || r.of.Each.Of == nil {
		return at, nil
	}
	of, err := r.Store.State(ctx, r.Target(r.of.Each.Of))
	if err != nil {
		return nil, err
	}
	known := int64(0)
	if !of.Synced.IsZero() {
		known = of.Synced.Add(-late).UnixMilli()
	}
	at.Known = &known
	return at, nil
}

// everything makes a pass over everything. What it does not see is removed at its end.
func (r *run) everything(ctx context.Context, state *contextstore.State) error {
	r.pass = state.Pass
	if r.pass == "" || !r.goesOn() {
		id, err := r.NewID()
		if err != nil {
			return err
		}
		at, err := r.begin(ctx)
		if err != nil {
			return err
		}
		r.pass, r.position = id, position{At: at}
	}
	begun, err := r.Store.Begin(ctx, r.target, r.pass)
	if err != nil {
		return err
	}
	r.kept, r.there = begun.Cursor, true
	started := time.UnixMilli(r.position.At.Started)
	if err := r.lists(ctx, func(json.RawMessage) []connector.SyncRange { return r.of.All(started) }); err != nil {
		return err
	}
	r.position.Full = r.position.At.Started
	if err := r.finish(ctx, started); err != nil {
		return err
	}
	ended, err := r.Store.End(ctx, r.target, r.pass, started)
	if err == nil {
		r.result.State = *ended
		r.result.Removed += ended.Removed
	}
	return err
}

// changes makes a pass over what changed.
func (r *run) changes(ctx context.Context) error {
	if !r.goesOn() {
		at, err := r.begin(ctx)
		if err != nil {
			return err
		}
		at.Latest, r.position.At = r.position.Since, at
	}
	started := time.UnixMilli(r.position.At.Started)
	err := r.lists(ctx, func(json.RawMessage) []connector.SyncRange {
		switch {
		case r.of.Changes == nil:
			return r.of.All(started)
		case r.of.Changes.Token != "":
			return []connector.SyncRange{{Token: r.position.Token}}
		}
		return r.of.Since(time.UnixMilli(r.position.Since), started)
	})
	if err == nil && r.of.Deletions != nil {
		err = r.deletions(ctx)
	}
	if err != nil {
		return err
	}
	return r.finish(ctx, started)
}

// finish keeps what the next pass needs to know, and that the copies are up to date as of a time.
func (r *run) finish(ctx context.Context, synced time.Time) error {
	at := r.position.At
	r.position.Since, r.position.At = max(r.position.Since, at.since()), nil
	if len(at.Token) > 0 {
		r.position.Token = at.Token
	}
	b := contextstore.Batch{Pass: r.pass, Cursor: r.position.text()}
	if r.pass == "" {
		b.Synced = synced
	}
	return r.apply(ctx, b)
}

// apply writes a page. One of a list without pages may need several steps: the place is kept with the last one.
func (r *run) apply(ctx context.Context, b contextstore.Batch) error {
	for len(b.Put)+len(b.Remove) > contextstore.MostRecords {
		part := contextstore.Batch{Pass: b.Pass, Cursor: r.kept}
		n := min(len(b.Put), contextstore.MostRecords)
		part.Put, b.Put = b.Put[:n:n], b.Put[n:]
		if n == 0 {
			part.Remove, b.Remove = b.Remove[:contextstore.MostRecords:contextstore.MostRecords], b.Remove[contextstore.MostRecords:]
		}
		if err := r.step(ctx, part); err != nil {
			return err
		}
	}
	return r.step(ctx, b)
}

func (r *run) step(ctx context.Context, b contextstore.Batch) error {
	state, err := r.Store.Apply(ctx, r.target, b)
	if err == nil {
		r.kept = state.Cursor
		r.result.State = *state
		r.result.Changed += state.Changed
		r.result.Removed += state.Removed
	}
	return err
}

// call asks for one page.
func (r *run) call(ctx context.Context, op *connector.Operation, params json.RawMessage) (p page, err error) {
	if r.Pause != nil {
		if err := r.Pause(ctx, op); err != nil {
			return p, err
		}
	}
	data, meta, err := r.Call(ctx, op, params)
	if err != nil {
		return p, err
	}
	r.result.Pages++
	if err := json.Unmarshal(data, &p.records); err != nil {
		return p, r.broken("the answer of %s is no list", op.Name())
	}
	var members map[string]json.RawMessage
	if len(meta) > 0 && json.Unmarshal(meta, &members) != nil {
		return p, r.broken("the meta of %s is no object", op.Name())
	}
	p.meta = members
	if next := members[abi.MetaNextCursor]; op.Paginated && len(next) > 0 && string(next) != "null" {
		p.next = next
	}
	return p, nil
}

// page is a part of a list.
type page struct {
	records []json.RawMessage
	meta    map[string]json.RawMessage
	next    json.RawMessage // the cursor of the page after it, nil on the last one
}

func (r *run) broken(format string, args ...any) error {
	return &abi.Error{Kind: abi.KindConnectorFault, Message: "copies of " + r.of.Entity + ": " + fmt.Sprintf(format, args...), Hint: "tell the author of the connector"}
}

// isGone reports whether a list is of something that is not there any more.
func isGone(err error) bool {
	e, ok := errors.AsType[*abi.Error](err)
	return ok && e.Kind == abi.KindNotFound
}
