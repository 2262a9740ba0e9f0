package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Times of a keeper.
const (
	// lookEvery is how often it looks at the clock. A timer for the next pass would stand still
	// while the machine sleeps.
	lookEvery = time.Second
	// againAfter is how long it waits after a pass that failed.
	againAfter = time.Minute
	// wantedFor is how long copies are kept up to date that nobody searches.
	wantedFor = 7 * 24 * time.Hour
)

// keeper keeps copies up to date, by their intervals.
type keeper struct {
	// pass makes the passes that are due of an entity, or of all if it is empty.
	pass func(ctx context.Context, connection, entity string) ([]copies.Synced, error)
	now  func() time.Time
	// report, if not nil, is told of each pass.
	report func(connection string, done []copies.Synced, err error)

	mu   sync.Mutex
	all  map[subjectOfCopies]*keeping
	woke chan struct{}
}

type subjectOfCopies struct{ connection, entity string }

// keeping is when the copies of an entity are brought up to date, and since when nobody wants them.
type keeping struct {
	next, wanted time.Time
	always       bool
}

func newKeeper(now func() time.Time, pass func(ctx context.Context, connection, entity string) ([]copies.Synced, error)) *keeper {
	return &keeper{pass: pass, now: now, all: make(map[subjectOfCopies]*keeping), woke: make(chan struct{}, 1)}
}

// want says that somebody searches an entity of the operator's connections.
func (k *keeper) want(_ context.Context, workspace, connection, entity string) {
	if workspace == "" {
		k.add(connection, entity, false)
	}
}

func (k *keeper) add(connection, entity string, always bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	of := subjectOfCopies{connection, entity}
	if known := k.all[of]; known != nil {
		known.wanted = k.now()
		return
	}
	k.all[of] = &keeping{wanted: k.now(), always: always}
	select {
	case k.woke <- struct{}{}:
	default:
	}
}

// start makes passes in the background, until what it returns is called.
func (k *keeper) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { k.run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

// run makes passes until ctx ends.
func (k *keeper) run(ctx context.Context) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-k.woke: // what it was for is due
		default:
		}
		for _, of := range k.due() {
			k.renew(ctx, of)
			if ctx.Err() != nil {
				return
			}
		}
		select {
		case <-look.C:
		case <-k.woke:
		case <-ctx.Done():
			return
		}
	}
}

// due returns what is due now, and forgets what nobody wants any more.
func (k *keeper) due() (due []subjectOfCopies) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	for of, at := range k.all {
		switch {
		case !at.always && now.Sub(at.wanted) >= wantedFor:
			delete(k.all, of)
		case !now.Before(at.next):
			due = append(due, of)
		}
	}
	return due
}

// renew brings copies up to date, and notes when the next pass is due.
func (k *keeper) renew(ctx context.Context, of subjectOfCopies) {
	done, err := k.pass(ctx, of.connection, of.entity)
	if ctx.Err() != nil {
		return
	}
	next := nextPass(k.now(), done, err)
	k.mu.Lock()
	if e, ok := errors.AsType[*abi.Error](err); ok && e.Kind == abi.KindUnknownOperation && !k.all[of].always {
		delete(k.all, of) // there is no such connection any more
	} else {
		k.all[of].next = next
	}
	k.mu.Unlock()
	if k.report != nil {
		k.report(of.connection, done, err)
	}
}

// nextPass is when a pass is due after some that were made.
func nextPass(now time.Time, done []copies.Synced, err error) time.Time {
	next := now.Add(againAfter)
	if err != nil {
		return next
	}
	first := true
	for _, one := range done {
		at := one.Next
		switch {
		case one.Err != nil || at.IsZero():
			at = now.Add(againAfter)
		case one.More:
			at = now
		}
		if first || at.Before(next) {
			next, first = at, false
		}
	}
	return next
}
