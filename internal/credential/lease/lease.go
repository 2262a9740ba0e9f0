// Package lease keeps a value made from a secret, and decides when to read the secret again:
// after some time, and at once when a vendor rejects it. So a host uses a changed secret without
// a restart. [Config.Read] does the reading.
package lease

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

const (
	// Usual is how long a value is used by default before it is read again.
	Usual = time.Minute
	// Stale is how long a value is still used while its source does not answer, so that a
	// Vault may restart.
	Stale = 15 * time.Minute
	// Pause is the least time between two readings after refusals, so that a revoked secret
	// does not make every call read it.
	Pause = 10 * time.Second
)

// Config configures a [Lease]. Read, Now, What and OnStale are required.
type Config[V any] struct {
	// Read reads the secret and makes an immutable value of it. It returns old, which is nil
	// at first, if the secret did not change; refused says that the vendor refused old. If
	// until is not zero, the value is read again by then.
	Read func(ctx context.Context, old *V, refused bool) (value *V, until time.Time, err error)
	// Cheap says that reading is cheap, so that every refusal may cause one; otherwise there
	// is a [Pause] between those.
	Cheap bool
	// For is how long a value is used before it is read again; 0 means [Usual].
	For time.Duration
	// Now tells the time.
	Now func() time.Time
	// What names the value in errors, such as "the credential of connection lab".
	What string
	// OnStale is called with the error if a value could not be read again and the old one
	// is used.
	OnStale func(err error)
}

// Lease keeps a value. It is safe for concurrent use: one caller reads, and the others wait.
// Get one from [New].
type Lease[V any] struct {
	config  Config[V]
	reading chan struct{} // held by the reader

	mu   sync.Mutex
	held *term[V] // nil before the first reading; a term is immutable
}

// term is a value and when it was read.
type term[V any] struct {
	value *V
	read  time.Time // when the value was read
	until time.Time // when to read it again
	// renewed is when a refusal last caused a reading, and failed its error, if any.
	renewed time.Time
	failed  error
}

// New returns a lease that has no value yet.
func New[V any](c Config[V]) *Lease[V] {
	c.For = cmp.Or(c.For, Usual)
	return &Lease[V]{config: c, reading: make(chan struct{}, 1)}
}

// Get returns the value, and reads it if it is unread or too old.
//
// # Errors
//
// Those of [Config.Read]. One that is an *[abi.Error] and Retryable is none for [Stale]
// after the last reading: the old value is returned. Kind timeout if ctx ended while
// another caller read.
func (l *Lease[V]) Get(ctx context.Context) (*V, error) {
	if t := l.term(); t.fresh(l.config.Now()) {
		return t.value, nil
	}
	return l.read(ctx, nil)
}

// Renew reads the value at once, because the vendor refused it. It returns refused itself if
// there is no other value, and, unless the lease is Cheap, within a [Pause] of the last such
// reading.
//
// # Errors
//
// Those of [Config.Read], again for a [Pause] unless the lease is Cheap; kind timeout as in [Lease.Get].
func (l *Lease[V]) Renew(ctx context.Context, refused *V) (*V, error) { return l.read(ctx, refused) }

// Held returns the value without reading, and nil before the first reading.
func (l *Lease[V]) Held() *V {
	if t := l.term(); t != nil {
		return t.value
	}
	return nil
}

// Hold sets a value that was just read.
func (l *Lease[V]) Hold(value *V) {
	now := l.config.Now()
	l.set(&term[V]{value: value, read: now, until: now.Add(l.config.For)})
}

// Expire makes the next [Lease.Get] read the value.
func (l *Lease[V]) Expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held != nil {
		expired := *l.held
		expired.until = time.Time{}
		l.held = &expired
	}
}

// read reads the value, one reader at a time; refused is nil if the value is only old.
func (l *Lease[V]) read(ctx context.Context, refused *V) (*V, error) {
	select {
	case l.reading <- struct{}{}:
		defer func() { <-l.reading }()
	case <-ctx.Done():
		return nil, fault.EndedWith(ctx, "the call ended while "+l.config.What+" was read")
	}
	old, now := l.term(), l.config.Now()
	switch {
	case old == nil:
		old = &term[V]{}
	case refused == nil && old.fresh(now), refused != nil && old.value != refused:
		return old.value, nil // another caller has read it
	case refused != nil && !l.config.Cheap && !old.renewed.IsZero() && now.Sub(old.renewed) < Pause:
		if old.failed != nil {
			return nil, old.failed
		}
		return refused, nil
	}
	next, err := l.renewed(ctx, old, refused != nil)
	if next != nil {
		l.set(next)
	}
	if err != nil {
		return nil, err
	}
	return next.value, nil
}

// renewed reads the value and returns the term after old. It may return one, to be kept, with
// the error.
func (l *Lease[V]) renewed(ctx context.Context, old *term[V], refused bool) (*term[V], error) {
	value, until, err := l.config.Read(ctx, old.value, refused)
	now := l.config.Now()
	next := *old
	switch {
	case err == nil:
		next = term[V]{value: value, read: now, until: now.Add(l.config.For)}
		if !until.IsZero() && until.Before(next.until) {
			next.until = until
		}
		if value == old.value {
			next.renewed = old.renewed
		}
	case old.value == nil:
		return nil, err
	case refused && ctx.Err() == nil: // if ctx has ended, that says nothing of the source
		next.failed = err
	case !refused && transient(err) && now.Sub(old.read) < Stale:
		l.config.OnStale(err)
		next.until, err = now.Add(l.config.For), nil
	default:
		return nil, err
	}
	if refused {
		next.renewed = now
	}
	return &next, err
}

func (t *term[V]) fresh(now time.Time) bool { return t != nil && now.Before(t.until) }

func (l *Lease[V]) term() *term[V] {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held
}

func (l *Lease[V]) set(t *term[V]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = t
}

// transient reports whether a source may answer the next time.
func transient(err error) bool {
	var e *abi.Error
	return errors.As(err, &e) && e.Retryable
}
