// Package rate bounds how often each of many callers asks, in memory that does not grow with
// their number.
package rate

import (
	"sync"
	"time"
)

// Limit is so many requests at once, and one more after each Every.
type Limit struct {
	Burst int
	Every time.Duration
}

// Limiter counts the requests of callers. It is safe for concurrent use.
type Limiter struct {
	limit Limit
	most  int

	mu sync.Mutex
	// full is when each caller who asked lately may make a whole burst again.
	full map[string]time.Time
}

// maxCallers is how many callers are remembered.
const maxCallers = 16 << 10

// New returns a limiter.
func New(l Limit) *Limiter {
	return &Limiter{limit: l, most: maxCallers, full: make(map[string]time.Time)}
}

// Take counts a request. It returns 0, or how long the caller has to wait; a request that has to
// wait does not count.
func (l *Limiter) Take(caller string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	full := l.full[caller]
	if full.Before(now) {
		full = now
	}
	full = full.Add(l.limit.Every)
	if wait := full.Sub(now) - time.Duration(l.limit.Burst)*l.limit.Every; wait > 0 {
		return wait
	}
	if len(l.full) >= l.most {
		l.forget(now)
	}
	l.full[caller] = full
	return 0
}

// forget makes room: those who may make a whole burst go, and if all are busy, everybody.
func (l *Limiter) forget(now time.Time) {
	for caller, full := range l.full {
		if !full.After(now) {
			delete(l.full, caller)
		}
	}
	if len(l.full) >= l.most {
		clear(l.full)
	}
}
