// Package ratelimit keeps a connection's requests within what its vendor allows: a
// number of requests per time that the manifest documents, and what the vendor says in
// its answers.
//
// A request waits if its deadline leaves time to, and otherwise fails at once, with the
// time to come back: it is useless to wait for a time after the deadline.
//
// The limits are those of one process, unless there are [Pools]. Two processes that share a
// credential without them each believe that they have the whole of it, until the vendor's answers
// say otherwise.
package ratelimit

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Pool is a bucket that several processes share. It is safe for concurrent use.
type Pool interface {
	// Take takes the right to send one request now. If it returns a time, there is none before that:
	// take again then.
	Take(ctx context.Context) (wait time.Duration, err error)
	// Close closes the pool for a time, because the vendor said so.
	Close(d time.Duration)
}

// Pools returns the pool of a bucket, which may have a nil limit; nil if no other process shares it.
type Pools func(bucket string, limit *abi.RateLimit) Pool

// Limiter holds the buckets of one connection. It is safe for concurrent use. Get one
// from [New].
type Limiter struct {
	seams   seams.Seams // complete
	headers []abi.RateHeaders
	pools   Pools // may be nil

	mu    sync.Mutex
	gates map[string]*Gate
}

// New returns a limiter with empty buckets, which goes by the clock of s, and learns from the
// given headers besides those that many vendors have. Pools may be nil.
func New(s seams.Seams, headers []abi.RateHeaders, pools Pools) *Limiter {
	return &Limiter{seams: s.WithDefaults(), headers: headers, pools: pools, gates: make(map[string]*Gate)}
}

// Fresh returns a limiter with empty buckets, which no other process shares.
func (l *Limiter) Fresh() *Limiter { return New(l.seams, l.headers, nil) }

// Gate returns the gate to one bucket: what requests that share a limit go through.
// With a nil limit the gate knows only what answers say. A bucket keeps the limit that
// it was first made with.
func (l *Limiter) Gate(name string, limit *abi.RateLimit) *Gate {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.gates[name]
	if g == nil {
		g = &Gate{limiter: l, name: name, limit: limit, bucket: newBucket(limit)}
		if l.pools != nil {
			g.pool = l.pools(name, limit)
		}
		if g.pool != nil {
			g.bucket = newBucket(nil) // it knows what answers say
		}
		l.gates[name] = g
	}
	return g
}

// Gate is a [Limiter]'s bucket as a request sees it. It is safe for concurrent use.
type Gate struct {
	limiter *Limiter
	name    string
	limit   *abi.RateLimit
	pool    Pool   // nil if no other process shares it
	bucket  bucket // under the limiter's mu
}

// Wait returns when the next request may be sent.
//
// # Errors
//
// An [*abi.Error] of kind rate_limited, with the time to come back, where ctx ends
// before that; of kind timeout if ctx ends during the wait.
func (g *Gate) Wait(ctx context.Context) error {
	if err := g.waitHere(ctx); err != nil || g.pool == nil {
		return err
	}
	for {
		wait, err := g.pool.Take(ctx)
		if err != nil || wait <= 0 {
			return err
		}
		if tooLate(ctx, wait) {
			return g.limited(wait)
		}
		if err := g.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// tooLate reports whether ctx ends before a time is over. That is in real time, also if the limiter
// has another clock.
func tooLate(ctx context.Context, wait time.Duration) bool {
	deadline, bounded := ctx.Deadline()
	return bounded && wait > 0 && time.Until(deadline) <= wait
}

func (g *Gate) sleep(ctx context.Context, wait time.Duration) error {
	if err := g.limiter.seams.Sleep(ctx, wait); err != nil {
		return fault.EndedWith(ctx, "the call ended while it waited for the vendor's rate limit")
	}
	return nil
}

// waitHere is Wait for the bucket of this process.
func (g *Gate) waitHere(ctx context.Context) error {
	now := g.limiter.seams.Now()
	g.limiter.mu.Lock()
	at := g.bucket.next(now)
	wait := at.Sub(now)
	if tooLate(ctx, wait) {
		g.limiter.mu.Unlock()
		return g.limited(wait)
	}
	g.bucket.take(at)
	g.limiter.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	return g.sleep(ctx, wait)
}

func (g *Gate) limited(wait time.Duration) *abi.Error {
	what := "the vendor asked to wait"
	if l := g.limit; l != nil {
		what = fmt.Sprintf("the vendor allows %d requests in %d s for %s", l.Requests, l.PerSeconds, g.name)
	}
	return &abi.Error{
		Kind:         abi.KindRateLimited,
		Message:      fmt.Sprintf("%s; the next one is possible in %s, after the call's deadline", what, wait.Round(time.Millisecond)),
		Hint:         "call again then, or allow the call more time",
		Retryable:    true,
		RetryAfterMS: max(1, wait.Milliseconds()),
	}
}

// Learn reads an answer: a 429 closes the bucket until the vendor says, and so does a
// header which says that nothing remains.
func (g *Gate) Learn(status int, header http.Header) {
	now := g.limiter.seams.Now()
	until := reopens(status, header, g.limiter.headers, now)
	if until.IsZero() {
		return
	}
	g.limiter.mu.Lock()
	g.bucket.closeUntil(until)
	g.limiter.mu.Unlock()
	if g.pool != nil {
		g.pool.Close(until.Sub(now))
	}
}
