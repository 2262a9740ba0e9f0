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
	// swept is when idle callers were forgotten.
	swept time.Time
}

// maxCallers is how many callers are remembered.
const maxCallers = 16 << 10

// New returns a limiter.
func New(l Limit) *Limiter {
	return &Limiter{limit: l, most: maxCallers, full: make(map[string]time.Time)}
}

// crowd is the caller that those share for whom there is no room.
const crowd = ""

// Take counts a request. It returns 0, or how long the caller has to wait; a request that has to
// wait does not count. Where more callers ask at once than can be remembered, the new ones are
// counted as one.
func (l *Limiter) Take(caller string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	full, known := l.full[caller]
	if !known && !l.room(now) {
		caller, full = crowd, l.full[crowd]
	}
	if full.Before(now) {
		full = now
	}
	full = full.Add(l.limit.Every)
	if wait := full.Sub(now) - time.Duration(l.limit.Burst)*l.limit.Every; wait > 0 {
		return wait
	}
	l.full[caller] = full
	return 0
}

// room reports whether one more caller can be remembered. It forgets those who may make a whole
// burst again, and looks for them once a second: the limits of all others stay.
func (l *Limiter) room(now time.Time) bool {
	if len(l.full) < l.most-1 {
		return true
	}
	if now.Sub(l.swept) < time.Second {
		return false
	}
	l.swept = now
	for caller, full := range l.full {
		if !full.After(now) {
			delete(l.full, caller)
		}
	}
	return len(l.full) < l.most-1
}
