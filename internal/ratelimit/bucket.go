package ratelimit

import (
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

// bucket is a sliding window: it knows when the last requests were sent, as many as the
// limit allows. That keeps within the limit whichever way the vendor counts, which
// refilling by rate does not: a full bucket and its refill pass within one window.
type bucket struct {
	limit *abi.RateLimit
	// times are those of the last sends: a list that grows to limit.Requests, and then a
	// ring with the oldest at head.
	times  []time.Time
	head   int
	closed time.Time // no request before
}

// maxWindow bounds the memory of a bucket. A vendor that allows more requests than
// this in a window is not the bottleneck.
const maxWindow = 10_000

func newBucket(limit *abi.RateLimit) bucket {
	if limit == nil || limit.Requests <= 0 || limit.PerSeconds <= 0 || limit.Requests > maxWindow {
		return bucket{}
	}
	return bucket{limit: limit}
}

// window is the time in which the vendor counts.
func (b *bucket) window() time.Duration { return time.Duration(b.limit.PerSeconds) * time.Second }

// next is when the next request may be sent: now or later.
func (b *bucket) next(now time.Time) time.Time {
	at := now
	if b.limit != nil && len(b.times) == b.limit.Requests {
		if free := b.times[b.head].Add(b.window()); free.After(at) {
			at = free
		}
	}
	if b.closed.After(at) {
		at = b.closed
	}
	return at
}

// take books a request at a time that next returned.
func (b *bucket) take(at time.Time) {
	if b.limit == nil {
		return
	}
	if len(b.times) < b.limit.Requests {
		// Until it is full, the list is in order, and head is 0.
		if n := len(b.times); n > 0 && !b.times[n-1].Add(b.window()).After(at) {
			b.times = nil // all of them are out of the window
		}
		b.times = append(b.times, at)
		return
	}
	b.times[b.head] = at
	b.head = (b.head + 1) % len(b.times)
}

func (b *bucket) closeUntil(until time.Time) {
	if until.After(b.closed) {
		b.closed = until
	}
}
