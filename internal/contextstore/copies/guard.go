package copies

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/pdk/abi"
)

// guard is the store as one pass sees it. It leaves out records of a page that were read again since the page was
// asked for, and refuses to write copies that were removed.
type guard struct {
	contextstore.Store
	work    *work
	held    *backend.Connection
	of      *connector.Sync
	entity  *entity
	removed int   // of the entity when the pass began
	since   int64 // the entity's number when the last page was asked for

	progress Progress
}

// begin begins a pass of this process, which end ends.
func (w *work) begin(held *backend.Connection, of *connector.Sync, e *entity) *guard {
	w.writing.Lock()
	defer w.writing.Unlock()
	e.written = make(map[string]int64)
	w.note(e, func(e *entity) { e.none = time.Time{} })
	return &guard{Store: w.copies.store, work: w, held: held, of: of, entity: e, removed: e.removed, since: e.number, progress: Progress{Entity: of.Entity}}
}

func (g *guard) end() {
	g.work.writing.Lock()
	defer g.work.writing.Unlock()
	g.entity.written = nil
}

// paced ends a pass that has to wait longer than it can.
type paced struct{ after time.Duration }

func (paced) Error() string { return "copies take no more of the vendor's rate" }

// pause waits until a page may be asked for, and looks whether it still may.
func (g *guard) pause(ctx context.Context, op *connector.Operation) error {
	w := g.work
	if !w.until.IsZero() {
		left := w.until.Sub(w.copies.seams.Now())
		if left <= 0 {
			return errSlice
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, left)
		defer cancel()
	}
	if err := w.pace(ctx, g.held, op); err != nil {
		if e, ok := errors.AsType[*abi.Error](err); ok && e.Kind == abi.KindRateLimited {
			return paced{time.Duration(e.RetryAfterMS) * time.Millisecond}
		}
		return err
	}
	if err := w.yield(ctx); err != nil {
		return errSlice
	}
	held, err := w.hold(ctx)
	if err != nil {
		return err
	}
	return permits(held, g.of)
}

// call asks for a page.
func (g *guard) call(ctx context.Context, op *connector.Operation, params json.RawMessage) (data, meta json.RawMessage, err error) {
	w := g.work
	select {
	case w.calling <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	defer func() { <-w.calling }()
	w.writing.Lock()
	g.since = g.entity.number
	w.writing.Unlock()
	result, err := w.run(ctx, op, params)
	if err != nil {
		return nil, nil, err
	}
	w.spent(op, result.Stats.Requests)
	if result.Stopped != nil { // what comes after this page would be removed as if it were gone
		return nil, nil, result.Stopped
	}
	g.progress.Pages++
	return result.Data, result.Meta, nil
}

// write changes the copies, unless they were removed since the pass began.
func (g *guard) write(change func() (*contextstore.State, error)) (*contextstore.State, error) {
	g.work.writing.Lock()
	defer g.work.writing.Unlock()
	if g.entity.removed != g.removed {
		return nil, errGone
	}
	return change()
}

// Begin implements [contextstore.Store].
func (g *guard) Begin(ctx context.Context, t contextstore.Target, pass string) (*contextstore.State, error) {
	g.progress.Full = true
	return g.write(func() (*contextstore.State, error) { return g.Store.Begin(ctx, t, pass) })
}

// Apply implements [contextstore.Store].
func (g *guard) Apply(ctx context.Context, t contextstore.Target, b contextstore.Batch) (*contextstore.State, error) {
	state, err := g.write(func() (*contextstore.State, error) {
		newer := func(key string) bool { return g.entity.written[key] > g.since }
		b.Put = slices.DeleteFunc(b.Put, func(r contextstore.Record) bool { return newer(r.Key) })
		b.Remove = slices.DeleteFunc(b.Remove, newer)
		return g.Store.Apply(ctx, t, b)
	})
	if err == nil {
		g.report(state)
	}
	return state, err
}

// End implements [contextstore.Store].
func (g *guard) End(ctx context.Context, t contextstore.Target, pass string, at time.Time) (*contextstore.State, error) {
	state, err := g.write(func() (*contextstore.State, error) { return g.Store.End(ctx, t, pass, at) })
	if err == nil {
		g.report(state)
	}
	return state, err
}

func (g *guard) report(s *contextstore.State) {
	if report := g.work.options.Progress; report != nil {
		g.progress.Changed += s.Changed
		g.progress.Removed += s.Removed
		g.progress.Records = s.Count
		report(g.progress)
	}
}
