package copies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/agenthost/agenthost/internal/contextstore/syncer"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// searching is a backend that also searches the copies of its connection's records.
type searching struct {
	backend.Backend
	copies *Copies
	c      *backend.Connection
	first  sync.Once
	known  atomic.Pointer[place]
}

// place is what is known of the copies of the connection, which does not change.
func (s *searching) place() *place {
	p := s.known.Load()
	if p == nil {
		p = s.copies.place(s.c)
		s.known.Store(p)
	}
	return p
}

// Decorate implements [backend.Copies].
func (c *Copies) Decorate(connection *backend.Connection, b backend.Backend) backend.Backend {
	searches := connection.Connector.SearchOperations()
	if len(searches) == 0 {
		return b
	}
	connection.Copied = connection.Connector.Copied()
	return &searching{Backend: b, copies: c, c: connection}
}

// Undecorated returns the backend that runs the connector's operations.
func (s *searching) Undecorated() backend.Backend { return s.Backend }

// Operations returns the operations of the connector, and the searches.
func (s *searching) Operations() []*abi.Operation {
	all := s.Backend.Operations()
	for _, op := range s.c.Connector.SearchOperations() {
		all = append(all, op.Operation)
	}
	return all
}

// Operation finds an operation of the connector, or a search.
func (s *searching) Operation(entity, action string) (*connector.Operation, error) {
	if connector.IsContextStore(action) {
		return s.c.Connector.SearchOperation(entity, action)
	}
	return s.Backend.Operation(entity, action)
}

// Accept refuses a search that has no meaning.
func (s *searching) Accept(op *connector.Operation, params []byte) error {
	if op.Action != airbyteapi.ActionSearch {
		return s.Backend.Accept(op, params)
	}
	of := s.c.Connector.Sync(op.Entity)
	_, err := query.Parse(params, syncer.Entity(of))
	return err
}

// Requests returns none for a search: it is answered here.
func (s *searching) Requests(op *abi.Operation) []backend.Request {
	if op.Action == airbyteapi.ActionSearch {
		return nil
	}
	return s.Backend.Requests(op)
}

// Run searches, or runs an operation of the connector and has what it wrote read again.
func (s *searching) Run(ctx context.Context, call *backend.Call) (backend.Result, error) {
	if call.Operation.Action == airbyteapi.ActionSearch {
		return s.search(ctx, call)
	}
	if call.Copying || call.Planning {
		return s.Backend.Run(ctx, call)
	}
	p := s.place()
	s.first.Do(p.prune)
	p.agents.Add(1)
	defer p.agents.Add(-1)
	result, err := s.Backend.Run(ctx, call)
	if call.Operation.Effect != abi.EffectRead {
		p.wrote(s.c.Connector, call, result.Data, err) //nolint:contextcheck // it outlives the call
	}
	return result, err
}

// search answers a search.
func (s *searching) search(ctx context.Context, call *backend.Call) (backend.Result, error) {
	name := call.Operation.Name()
	switch {
	case call.Planning:
		return backend.Result{}, nil // it sends nothing
	case len(call.Credentials) > 0:
		list := s.c.Connector.Sync(call.Operation.Entity).List.Name()
		return backend.Result{}, fault.Denied("copies", "the copies that "+name+" searches were made with the credential of the connection, and the call brings its own", "call "+list+" with the credential, or search without it")
	case call.Tape != nil || call.Profile != nil:
		return backend.Result{}, fault.Invalid("action", name+" is answered without the connector, so there is nothing to record or to profile", "call an operation of the connector")
	}
	of := s.c.Connector.Sync(call.Operation.Entity)
	p := s.place()
	t := p.target(of)
	q, err := query.Parse(call.Params, t.Fields)
	if err != nil {
		return backend.Result{}, err
	}
	var found *contextstore.Answer
	age := ageOf(call.Params)
	wait := age != nil
	if !wait {
		found, err = s.copies.find(ctx, p, t, q)
		wait = err == nil && !found.State.Complete && found.State.Count == 0 // nothing that it could answer
	}
	// Only now, as a pass in the background may begin with it, and the first search is to wait for that.
	if wanted := s.copies.options.Wanted; wanted != nil {
		wanted(ctx, s.c.Workspace, s.c.Name, of.Entity)
	}
	var fresh freshness
	if wait {
		if fresh, err = s.copies.refresh(ctx, p, of, age); err == nil {
			found, err = s.copies.find(ctx, p, t, q)
		}
	}
	if err != nil {
		return backend.Result{}, err
	}
	return s.answer(call, q, found, fresh)
}

// find searches the copies as they are.
func (c *Copies) find(ctx context.Context, p *place, t contextstore.Target, q *query.Query) (*contextstore.Answer, error) {
	found, err := c.store.Search(ctx, t, q)
	if errors.Is(err, contextstore.ErrDamaged) {
		if removed := c.damaged(ctx, p.workspace, err); removed != nil {
			return nil, removed
		}
	}
	shown := public(err)
	if e, ok := errors.AsType[*abi.Error](shown); ok && e.Kind == abi.KindInternal && !e.Retryable && ctx.Err() == nil {
		c.log.Error("the copies of a workspace cannot be used", "workspace", p.workspace, "error", err)
	}
	return found, shown
}

// ageOf is how old copies may be, nil if a search does not say so on its first page.
func ageOf(params []byte) *time.Duration {
	raw, asked, err := rawjson.Pointer(params, "/"+connector.MaxAge)
	seconds, wrong := strconv.ParseFloat(string(raw), 64)
	_, next, _ := rawjson.Pointer(params, "/cursor")
	if !asked || err != nil || wrong != nil || next {
		return nil
	}
	age := time.Duration(min(seconds, maxAge.Seconds()) * float64(time.Second))
	return &age
}

// freshness is what a search knows of how old the copies are.
type freshness struct {
	missed bool   // they are older than the search wants them
	note   string // why, or ""
}

// answer makes a result of what was found, within the limits of the connection.
func (s *searching) answer(call *backend.Call, q *query.Query, found *contextstore.Answer, fresh freshness) (backend.Result, error) {
	size := 2
	for _, record := range found.Records {
		size += len(record) + 1
	}
	if most := s.c.Limits.OutputBytes; int64(size) > most {
		return backend.Result{}, fault.LimitExceeded("limits.output_bytes", fmt.Sprintf("the page has %d bytes, and may have %d", size, most), "search with a smaller limit, or name fields")
	}
	if !call.Room.Grow(int64(size)) {
		return backend.Result{}, backend.NoRoom("what was found needs")
	}
	data := make([]byte, 0, size)
	data = append(data, '[')
	for i, record := range found.Records {
		if i > 0 {
			data = append(data, ',')
		}
		data = append(data, record...)
	}
	r := backend.Result{Data: append(data, ']'), NextCursor: found.Cursor, HasMore: found.Cursor != ""}
	r.Meta = backend.WithPagination(metaOf(found, q.Notes, fresh), r.NextCursor, r.HasMore)
	return r, nil
}

const overNote = "records are missing: the connection has as many copies as it may have; use get or list"

const leftNote = "records that cannot be kept, such as those of more than 1 MiB, are not found: there are %s; use get or list"

// metaOf says as of when the copies are, and what else a caller should know.
func metaOf(found *contextstore.Answer, notes []string, fresh freshness) []byte {
	b := []byte(`{"synced_at":`)
	if found.State.Synced.IsZero() {
		b = append(b, "null"...)
	} else {
		b = backend.AppendText(b, found.State.Synced.UTC().Format(time.RFC3339))
	}
	over := syncer.Over(&found.State)
	b = append(b, `,"complete":`...)
	b = strconv.AppendBool(b, found.State.Complete && !over)
	b = append(b, `,"records":`...)
	b = strconv.AppendInt(b, int64(found.State.Count), 10)
	if found.Capped {
		b = append(b, `,"capped":true`...)
	}
	if fresh.missed {
		b = append(b, `,"up_to_date":false`...)
	}
	if fresh.note != "" {
		notes = append(notes[:len(notes):len(notes)], fresh.note)
	}
	if over {
		notes = append(notes[:len(notes):len(notes)], overNote)
	}
	if left, more := syncer.LeftOut(&found.State); more {
		notes = append(notes[:len(notes):len(notes)], fmt.Sprintf(leftNote, "more than "+strconv.Itoa(len(left))))
	} else if len(left) > 0 {
		notes = append(notes[:len(notes):len(notes)], fmt.Sprintf(leftNote, strconv.Itoa(len(left))))
	}
	if len(notes) > 0 {
		raw, _ := json.Marshal(notes) // texts always marshal
		b = append(append(b, `,"notes":`...), raw...)
	}
	return append(b, '}')
}

// refresh brings copies up to date before a search: so that they are of an age at most, or if age is nil, because nobody
// has ever copied the entity. The error is that of a first copy that cannot be made.
func (c *Copies) refresh(ctx context.Context, p *place, of *connector.Sync, age *time.Duration) (f freshness, err error) {
	now := c.seams.Now()
	left := timeLeft(ctx)
	within := left / 2
	w := &work{place: p, enough: func(s *contextstore.State) bool { return s.Complete }}
	if age != nil {
		since := now.Add(-*age).Truncate(time.Millisecond) // as copies have it
		w.enough = func(s *contextstore.State) bool { return s.Complete && !s.Synced.Before(since) }
		within = left - min(left/5, searchReserve)
	}
	w.until = now.Add(within)
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	stopped := w.fresh(bounded, of)
	state, err := c.store.State(ctx, p.target(of))
	if err != nil {
		return f, nil // the search says so, too
	}
	e, ok := errors.AsType[*abi.Error](stopped.Err)
	failed := ok && e.Kind != abi.KindTimeout && e.Kind != abi.KindCancelled
	if !state.Complete && state.Count == 0 && (failed || stopped.Err != nil && !stopped.More) {
		return f, stopped.Err // an empty answer would look as if there were no records
	}
	f.missed = age != nil && !w.enough(state)
	if failed {
		f.note = "the copies could not be brought up to date: " + backend.Visible(e.Message, backend.MaxMessage)
	}
	return f, nil
}

const (
	// maxAge is the largest age that a search can name; more is the same.
	maxAge = 100 * 365 * 24 * time.Hour
	// searchReserve is left for the search itself, of the time of a call.
	searchReserve = 2 * time.Second
	// longest is the time of a call without a deadline.
	longest = time.Minute
)

func timeLeft(ctx context.Context) time.Duration {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return longest
	}
	return time.Until(deadline)
}

// fresh makes the passes that an entity needs to be as new as a search wants it: those it is made of first.
func (w *work) fresh(ctx context.Context, of *connector.Sync) Synced {
	held, err := w.hold(ctx)
	if err != nil {
		return Synced{Entity: of.Entity, Err: err}
	}
	if now := held.Connector.Sync(of.Entity); now != nil {
		of = now
	}
	var chain []*connector.Sync
	for at := of; at != nil; {
		chain = append([]*connector.Sync{at}, chain...)
		if at.Each == nil {
			break
		}
		at = at.Each.Of
	}
	var s Synced
	for _, at := range chain {
		if s = w.entity(ctx, held, at); s.Err != nil || s.More {
			break
		}
	}
	return s
}
