package copies

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/syncer"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Bounds of what is read again after writes.
const (
	mostAgain    = 1000 // records and lists that wait, of a connection
	againTries   = 3
	againWait    = 30 * time.Second // for a vendor that says when to come back
	againPages   = 100              // of a list
	againTimeout = 2 * time.Minute
	againPass    = 5 * time.Second // over what changed, where a call does not say what it wrote
)

// again is a record, or a list, that a call wrote.
type again struct {
	entity    string
	key, each json.RawMessage
	removed   bool
	tries     int
	// gone is how often the copies of the entity had been removed when it was read.
	gone int
}

func (a again) same(b again) bool {
	return a.entity == b.entity && bytes.Equal(a.key, b.key) && bytes.Equal(a.each, b.each) && a.removed == b.removed
}

// wrote has the records read again that a call may have written.
func (p *place) wrote(c *connector.Connector, call *backend.Call, data []byte, err error) {
	if err != nil && !mayHaveWritten(err) {
		return
	}
	ours := len(call.Credentials) == 0 // with its own, it may be of another account
	for _, t := range c.Touched(call.Operation, call.Params, data) {
		p.readAgain(again{entity: t.Sync.Entity, key: bytes.Clone(t.Key), each: bytes.Clone(t.Each), removed: t.Removed && err == nil && ours})
	}
}

// mayHaveWritten reports whether a call that failed may have changed something: nobody knows what the vendor did
// with a request that it got, and one that was refused does no harm.
func mayHaveWritten(err error) bool {
	e, ok := errors.AsType[*abi.Error](err)
	return ok && e.RequestSent && e.Kind != abi.KindAuthFailed && e.Kind != abi.KindPermissionDenied && e.Kind != abi.KindInvalidParams
}

// readAgain has something read again, in the background.
func (p *place) readAgain(a again) {
	e := p.entity(a.entity)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, waits := range p.again {
		if waits.same(a) {
			return
		}
	}
	if len(p.again) >= mostAgain {
		e.dirty = true
		return
	}
	p.again = append(p.again, a)
	if p.reading != nil {
		return
	}
	done := make(chan struct{})
	if p.copies.start(func() { p.readAll(done) }) {
		p.reading = done
	}
}

// start runs something in the background, unless the copies are closed.
func (c *Copies) start(run func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.behind.Go(run)
	}
	return !c.closed
}

// readAll reads again what waits, until nothing does.
func (p *place) readAll(done chan struct{}) {
	defer close(done)
	for {
		p.mu.Lock()
		if len(p.again) == 0 || p.copies.ctx.Err() != nil {
			p.again, p.reading = nil, nil
			p.mu.Unlock()
			return
		}
		a := p.again[0]
		p.again = p.again[1:]
		p.mu.Unlock()
		p.read(a)
	}
}

// read reads something again, and tries once more where that may help. What cannot be read leaves the entity to its
// next pass, which is due at once.
func (p *place) read(a again) {
	for ; ; a.tries++ {
		ctx, cancel := context.WithTimeout(p.copies.ctx, againTimeout)
		known, err := p.readOnce(ctx, a)
		cancel()
		e, ok := errors.AsType[*abi.Error](err)
		if err == nil && known || p.copies.ctx.Err() != nil || isRefused(err) {
			return
		}
		if err == nil || a.tries+1 >= againTries || !ok || !e.Retryable {
			p.note(p.entity(a.entity), func(e *entity) { e.dirty = true })
			if err != nil {
				p.copies.log.Warn("a record that a call wrote is not read again before the next pass", "workspace", p.workspace, "connection", p.connection, "entity", a.entity, "error", err)
			}
			return
		}
		wait := time.Second << a.tries
		if e.RetryAfterMS > 0 {
			wait = min(time.Duration(e.RetryAfterMS)*time.Millisecond, againWait)
		}
		if p.copies.seams.Sleep(p.copies.ctx, wait) != nil {
			return
		}
	}
}

// noneFor is how long it is not asked again whether there is anything of an entity. Another process may have begun
// to copy it: what was written in this time is in its next pass.
const noneFor = 2 * time.Second

// readOnce reads a record or a list again, and reports whether it is known what was written.
func (p *place) readOnce(ctx context.Context, a again) (known bool, err error) {
	held, err := p.hold(ctx)
	if err != nil {
		return false, err
	}
	of := held.Connector.Sync(a.entity)
	if of == nil {
		return true, nil
	}
	if err := permits(held, of); err != nil {
		return false, err // a pass removes them
	}
	e := p.entity(a.entity)
	now, none := p.copies.seams.Now(), false
	p.note(e, func(e *entity) { none = !e.none.IsZero() && now.Sub(e.none) < noneFor })
	if none {
		return true, nil
	}
	p.writing.Lock()
	a.gone = e.removed
	p.writing.Unlock()
	state, err := p.copies.store.State(ctx, p.target(of))
	if err != nil {
		return false, err
	}
	if !begun(state) {
		if len(e.passing) == 0 {
			p.note(e, func(e *entity) { e.none = now })
		}
		return true, nil
	}
	if a.removed && a.key != nil && (of.Each == nil || a.each != nil) {
		key := syncer.Key(a.each, a.key)
		if err := p.put(ctx, of, a, nil, []string{key}); err != nil {
			return false, err
		}
		if of.Get == nil {
			return true, nil
		}
	}
	if of.Get != nil && a.key != nil {
		if params, err := of.GetParams(a.key, a.each); err == nil {
			return p.readRecord(ctx, of, a, params)
		}
	}
	if of.Each != nil && a.each != nil {
		return true, p.readList(ctx, of, a)
	}
	if of.Incremental() && len(e.passing) == 0 { // what changed tells
		s := (&work{place: p, until: p.copies.seams.Now().Add(againPass)}).entity(ctx, held, of)
		return s.Err == nil && !s.More, s.Err
	}
	return false, nil
}

// readRecord reads a record again.
func (p *place) readRecord(ctx context.Context, of *connector.Sync, a again, params json.RawMessage) (known bool, err error) {
	result, err := p.run(ctx, of.Get, params)
	if e, ok := errors.AsType[*abi.Error](err); ok && e.Kind == abi.KindNotFound {
		if of.Each != nil && a.each == nil {
			return false, nil
		}
		return true, p.put(ctx, of, a, nil, []string{syncer.Key(a.each, a.key)})
	}
	if err != nil {
		return false, err
	}
	each := a.each
	if of.Each != nil && each == nil {
		if of.Each.As == "" {
			return false, nil
		}
		value, found, err := rawjson.Pointer(result.Data, "/"+of.Each.As)
		if err != nil || !found {
			return false, nil //nolint:nilerr // whose list it is in is not known
		}
		each = value
	}
	if of.Each == nil {
		each = nil
	}
	record, kept, err := p.syncer(nil).Record(of, each, result.Data)
	switch {
	case err != nil:
		return false, err
	case kept && record.Check() == nil:
		return true, p.put(ctx, of, a, []contextstore.Record{record}, nil)
	case kept: // it cannot be kept; the next pass says so
		return false, p.put(ctx, of, a, nil, []string{record.Key})
	}
	return true, p.put(ctx, of, a, nil, []string{record.Key})
}

// readList reads the list of a value again.
func (p *place) readList(ctx context.Context, of *connector.Sync, a again) error {
	for _, part := range of.All(p.copies.seams.Now()) {
		params, err := of.ListParams(a.each, part)
		if err != nil {
			return fault.Of(err)
		}
		for range againPages {
			result, err := p.run(ctx, of.List, params)
			if err != nil {
				return err
			}
			var put []contextstore.Record
			var remove []string
			for raw := range result.Records() {
				record, kept, err := p.syncer(nil).Record(of, a.each, raw)
				switch {
				case err != nil:
					return err
				case kept && record.Check() == nil:
					put = append(put, record)
				default:
					remove = append(remove, record.Key)
				}
			}
			if err := p.put(ctx, of, a, put, remove); err != nil {
				return err
			}
			if !result.HasMore || result.Stopped != nil {
				break
			}
			if params, err = nextPage(params, result.NextCursor); err != nil {
				return fault.Of(err)
			}
		}
	}
	return nil
}

func nextPage(params json.RawMessage, cursor string) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(params, &members); err != nil {
		return nil, err
	}
	members["cursor"] = backend.AppendText(nil, cursor)
	return json.Marshal(members)
}

// put writes what was read again, and has the pages that were asked for before leave it as it is.
func (p *place) put(ctx context.Context, of *connector.Sync, a again, put []contextstore.Record, remove []string) error {
	e := p.entity(of.Entity)
	p.writing.Lock()
	defer p.writing.Unlock()
	if e.removed != a.gone {
		return nil
	}
	if _, err := p.copies.store.Apply(ctx, p.target(of), contextstore.Batch{Put: put, Remove: remove}); err != nil {
		return public(err)
	}
	e.number++
	if e.written == nil {
		return nil
	}
	for _, r := range put {
		e.written[r.Key] = e.number
	}
	for _, key := range remove {
		e.written[key] = e.number
	}
	return nil
}

// prune removes, in the background, copies that the connection does not permit any more.
func (p *place) prune() {
	p.copies.start(func() {
		ctx := p.copies.ctx
		held, err := p.hold(ctx)
		if err != nil || held.Grant == nil {
			return
		}
		p.removeOthers(ctx)
		for _, of := range held.Connector.Syncs() {
			if permits(held, of) == nil {
				continue
			}
			if err := p.forgo(ctx, of); err != nil && ctx.Err() == nil {
				p.copies.log.Warn("copies that the connection does not permit are not removed before the next pass", "workspace", p.workspace, "connection", p.connection, "entity", of.Entity, "error", err)
			}
		}
	})
}

// Settle waits until the records that calls wrote before were read again.
func (c *Copies) Settle(ctx context.Context) error {
	for {
		var reading chan struct{}
		for _, p := range c.all() {
			p.mu.Lock()
			if p.reading != nil {
				reading = p.reading
			}
			p.mu.Unlock()
		}
		if reading == nil {
			return nil
		}
		select {
		case <-reading:
		case <-ctx.Done():
			return fault.Ended(ctx)
		}
	}
}

// Close ends what runs in the background. It does not close the store.
func (c *Copies) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.behind.Wait()
	return nil
}
