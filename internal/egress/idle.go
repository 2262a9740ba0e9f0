package egress

import (
	"cmp"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// defaultIdle is how many idle connections are kept at most.
	defaultIdle = 512
	// idleLife is how long an unused connection is kept.
	idleLife = time.Minute
)

// IdleConnections bounds the idle connections of any number of Clients. If there are too many,
// it closes the one that has been idle longest; it closes each after a minute. It holds one
// timer and no goroutine. It may be used by several goroutines.
type IdleConnections struct {
	most int
	now  func() time.Time
	open atomic.Int64

	mu          sync.Mutex
	first, last *idleEntry // in the order in which they became idle
	count       int
	timer       *time.Timer // nil while nothing is idle
}

// NewIdleConnections returns an IdleConnections that keeps at most the given number of
// connections; 0 means 512. Now tells the time; nil means [time.Now].
func NewIdleConnections(most int, now func() time.Time) *IdleConnections {
	k := &IdleConnections{most: cmp.Or(max(most, 0), defaultIdle), now: now}
	if k.now == nil {
		k.now = time.Now
	}
	return k
}

// Open returns how many connections the Clients have open, idle or not.
func (k *IdleConnections) Open() int { return int(k.open.Load()) }

// idleEntry is a connection in the list of the idle ones.
type idleEntry struct {
	evict      func() // closes the connection, once it is out of the list
	prev, next *idleEntry
	since      time.Time
	listed     bool
}

// add puts a connection into the list. If there are too many now, it returns the one that the
// caller must evict once it holds no lock.
func (k *IdleConnections) add(e *idleEntry) (tooMany *idleEntry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e.since, e.listed = k.now(), true
	if e.prev = k.last; e.prev != nil {
		e.prev.next = e
	} else {
		k.first = e
	}
	k.last = e
	if k.timer == nil {
		k.timer = time.AfterFunc(idleLife, k.sweep)
	}
	if k.count++; k.count > k.most {
		tooMany = k.first
		k.unlink(tooMany)
	}
	return tooMany
}

// remove takes a connection out of the list. It returns false if the connection is being
// closed, and so not in the list.
func (k *IdleConnections) remove(e *idleEntry) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !e.listed {
		return false
	}
	k.unlink(e)
	return true
}

func (k *IdleConnections) unlink(e *idleEntry) {
	if e.prev != nil {
		e.prev.next = e.next
	} else {
		k.first = e.next
	}
	if e.next != nil {
		e.next.prev = e.prev
	} else {
		k.last = e.prev
	}
	e.prev, e.next, e.listed = nil, nil, false
	k.count--
}

// sweep closes the connections that have been idle for a minute.
func (k *IdleConnections) sweep() {
	var old []*idleEntry
	k.mu.Lock()
	now := k.now()
	for k.first != nil && now.Sub(k.first.since) >= idleLife {
		old = append(old, k.first)
		k.unlink(k.first)
	}
	k.timer = nil
	if k.first != nil {
		// A clock may stand still or go back.
		wait := min(k.first.since.Add(idleLife).Sub(now), idleLife)
		k.timer = time.AfterFunc(wait, k.sweep)
	}
	k.mu.Unlock()
	for _, e := range old {
		e.evict()
	}
}
