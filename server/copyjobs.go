package server

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
)

const (
	// copiesJob is the kind of the job that keeps the copies of a connection, its object, from the first search
	// in them on. It ends when the connection is gone or nobody has searched for a week.
	copiesJob = "copies"
	// removeCopiesJob is the kind of the job that removes the copies of connections that were deleted, or got
	// another credential: those of a workspace.
	removeCopiesJob = "copies.remove"
)

const (
	// copiesSlice is how long one part of a job takes.
	copiesSlice = 30 * time.Second
	// copiesPause is how long the job waits at least after a pass that failed, and copiesAsleep at most.
	copiesPause, copiesAsleep = 5 * time.Minute, time.Hour
	// copiesSettle is how long copies of a connection that is gone may still come from another node: as long as
	// it takes until it hears of the change, and what it writes then.
	copiesSettle = 30 * time.Second
)

// keepCopies brings the copies of a connection up to date where they are due.
func (s *Server) keepCopies(ctx context.Context, j store.Job) error {
	kept, err := s.store.Copied(ctx, j.Object)
	if errors.Is(err, store.ErrNone) {
		return s.copying.sweep(ctx, j.Scope, j.Object)
	} else if err != nil || kept.Job != j.ID {
		return err // another job keeps them
	}
	e, err := s.directory.find(ctx, j.Scope, j.Object)
	if err != nil {
		return err
	}
	ends := s.now().Add(-copiesFor)
	if e == nil || s.options.NoCopies {
		ends = s.now().Add(time.Second)
	}
	if done, err := s.store.ForgetCopies(ctx, kept, ends); err != nil {
		return err
	} else if done {
		return s.copying.sweep(ctx, j.Scope, j.Object)
	}
	if err := s.copying.tidy(ctx, j.Scope, func(name string) bool {
		return strings.HasPrefix(name, e.ID+".") && name != s.directory.copiesOf(&e.Connection)
	}); err != nil {
		return err
	}
	if e.Inactive || e.state() != store.Ready {
		return store.MoreAfter(copiesAsleep)
	}
	return s.syncCopies(ctx, kept, e)
}

const (
	// copiesLeft is how much longer copies stay in which nobody searches if their job has not ended with them.
	copiesLeft = 24 * time.Hour
	// forgottenAtOnce is of how many connections copies are removed at once.
	forgottenAtOnce = 100
)

// forgetCopies removes copies in which nobody searches and whose job was cancelled, or waits for a person. It reports whether
// there may be more.
func (s *Server) forgetCopies(ctx context.Context) (more bool, err error) {
	ends := s.now().Add(-copiesFor - copiesLeft)
	idle, err := s.store.IdleCopies(ctx, ends, forgottenAtOnce)
	for i := range idle {
		if err == nil { // first, so that it is done again where it fails
			err = s.copying.sweep(ctx, idle[i].Scope, idle[i].Connection)
		}
		if err == nil {
			_, err = s.store.ForgetCopies(ctx, idle[i], ends)
		}
	}
	return len(idle) == forgottenAtOnce, err
}

// syncCopies makes the passes that are due, for a while, and says when the next one is. Entities in which nobody
// has searched are not copied.
func (s *Server) syncCopies(ctx context.Context, kept store.Copied, e *entry) error {
	there, err := s.copying.copies.Status(ctx, e.Workspace, e.Name)
	begun, permitted, more := s.now(), 0, false
	for i := range there {
		one := &there[i]
		if one.Refused == nil {
			permitted++
		}
		if err != nil || !isCopied(&one.State) {
			continue
		}
		left := copiesSlice - s.now().Sub(begun)
		if left <= 0 {
			more = true
			break
		}
		var synced []copies.Synced
		synced, err = s.copying.copies.Sync(ctx, e.Workspace, e.Name, one.Entity, copies.SyncOptions{DueOnly: true, Slice: left})
		if ctx.Err() == nil && err == nil && one.Refused == nil { // what is refused is gone by now
			more = s.count(e, synced) || more
		}
	}
	switch {
	case ctx.Err() != nil: // the server ends, or the time is over
		return store.ErrMore
	case errors.Is(err, contextstore.ErrDamaged): // they are made again
		return cmp.Or(s.copying.store.Remove(ctx, e.Workspace, "", ""), store.ErrMore)
	case err != nil:
		return again(err)
	case permitted == 0: // what there was is gone
		_, err := s.store.ForgetCopies(ctx, kept, s.now().Add(time.Second))
		return cmp.Or(err, s.copying.sweep(ctx, kept.Scope, kept.Connection))
	case more:
		return store.ErrMore
	}
	return s.untilDue(ctx, kept, e)
}

// isCopied reports whether a search has begun to copy an entity.
func isCopied(state *contextstore.State) bool { return state.Complete || state.Pass != "" }

// count counts passes, and reports whether one goes on at once.
func (s *Server) count(e *entry, all []copies.Synced) (more bool) {
	for i := range all {
		one := &all[i]
		s.counts.passes.Add(1, e.Connector, passOutcome(one))
		if one.Err != nil {
			s.log.Warn("copies are not up to date", "connector", e.ID, "entity", one.Entity, "error", one.Err)
		}
		more = more || one.More && one.Err == nil
	}
	return more
}

// untilDue notes what there is, and waits for the next pass.
func (s *Server) untilDue(ctx context.Context, kept store.Copied, e *entry) error {
	there, err := s.copying.copies.Status(ctx, e.Workspace, e.Name)
	if err != nil {
		return again(err)
	}
	records, oldest, pause := 0, time.Time{}, copiesAsleep
	for i := range there {
		one := &there[i]
		if one.Refused != nil || !isCopied(&one.State) {
			continue
		}
		records += one.State.Count
		if at := one.State.Synced; oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
		least := time.Second
		if one.Err != nil {
			least = copiesPause
		}
		pause = min(pause, max(least, one.Next.Sub(s.now())))
	}
	if oldest.IsZero() { // the search that was to begin failed, or has not begun
		pause = time.Minute
	}
	return cmp.Or(s.store.NoteCopies(ctx, kept, records, oldest), store.MoreAfter(pause))
}

// again makes of an error of a connection one after which the job goes on: a vendor, a credential or a
// connector that fails now may be good later. Errors of the server stay what they are.
func again(err error) error {
	if e, is := errors.AsType[*abi.Error](err); is && e.Kind != abi.KindInternal && e.Kind != abi.KindUnknownOperation && e.Kind != abi.KindDenied {
		return store.MoreAfter(copiesPause)
	}
	return err
}

// passOutcome is how a pass ended: ok, part, or the kind of its error.
func passOutcome(one *copies.Synced) string {
	switch e, is := errors.AsType[*abi.Error](one.Err); {
	case is:
		return outcome(string(e.Kind))
	case one.Err != nil:
		return outcome(string(abi.KindInternal))
	case one.More:
		return "part"
	}
	return "ok"
}

// removals returns the job that removes the copies of connections that are deleted, or get another credential.
// Add it with what does that. There is none where nothing can have been copied.
func (s *Server) removals(ctx context.Context, entries ...*entry) []store.JobOrder {
	for _, e := range entries {
		info, err := s.host.Connector(ctx, e.Connector)
		if err != nil || len(info.Manifest.Sync) > 0 { // where nobody knows the connector, there may be some
			return []store.JobOrder{{Kind: removeCopiesJob}}
		}
	}
	return nil
}

// removeCopies removes the copies of connections of a workspace that are gone, and has them removed once more
// when nobody can have added any since.
func (s *Server) removeCopies(ctx context.Context, j store.Job) error {
	if err := s.copying.sweep(ctx, j.Scope, ""); err != nil {
		return err
	}
	if left := copiesSettle - s.now().Sub(j.Created); s.node.Load() != nil && left > 0 {
		return store.MoreAfter(left)
	}
	return nil
}

// sweep removes the copies of connections of a workspace that are gone, or have another credential by now, and
// those of one connection that nobody searches any more.
func (c *copying) sweep(ctx context.Context, p store.Scope, idle string) error {
	if _, err := c.server.store.Workspace(ctx, store.Scope{Organization: p.Organization}, p.Workspace); errors.Is(err, store.ErrNone) {
		if err := c.barrier(ctx); err != nil {
			return err
		}
		return c.store.Remove(ctx, p.Workspace, "", "")
	} else if err != nil {
		return err
	}
	return c.tidy(ctx, p, func(name string) bool {
		return idle != "" && strings.HasPrefix(name, idle+".") || !c.server.directory.isCurrent(p.Workspace, name)
	})
}

// tidy removes the copies of a workspace of which gone says so.
func (c *copying) tidy(ctx context.Context, p store.Scope, gone func(name string) bool) error {
	names, err := c.store.Connections(ctx, p.Workspace)
	if errors.Is(err, contextstore.ErrDamaged) {
		return c.store.Remove(ctx, p.Workspace, "", "")
	} else if err != nil || len(names) == 0 {
		return err
	}
	// Each of these names was that of a connection when its copies began.
	if err := c.barrier(ctx); err != nil {
		return err
	}
	for _, name := range names {
		if !gone(name) {
			continue
		}
		if err := c.store.Remove(ctx, p.Workspace, name, ""); err != nil {
			return err
		}
		c.forget(name)
	}
	return nil
}

// barrier reads what changed, and waits for writes that began before that.
func (c *copying) barrier(ctx context.Context) error {
	d := c.server.directory
	d.doubts.Add(1)
	if err := d.fresh(ctx); err != nil {
		return err
	}
	c.gate.Lock()
	c.gate.Unlock() //nolint:staticcheck,gocritic // who waited for its turn sees what changed
	return nil
}
