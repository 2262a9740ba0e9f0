// Package inflight bounds the bytes that are in memory at once for work that runs. Work is
// admitted with what it is known to need, and waits for that; what it needs besides it gets at
// once or not at all, so that nobody who holds bytes waits for others who do.
package inflight

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
)

// Bytes is a number of bytes that may be in use. It is safe for concurrent use.
type Bytes struct {
	most    int64
	used    atomic.Int64
	waiting atomic.Int64

	mu sync.Mutex
	// lines are those who wait, by the name of whose work it is, and order are these names,
	// the next one first.
	lines map[string][]*waiter
	order []string
}

type waiter struct {
	bytes    int64
	admitted chan struct{}
}

// Least is the smallest number of bytes that a host can work with: what one small call needs.
const Least = 2 << 20

// New returns a number of bytes of which none is in use.
func New(most int64) *Bytes { return &Bytes{most: most, lines: make(map[string][]*waiter)} }

// Most is how many bytes there are.
func (b *Bytes) Most() int64 { return b.most }

// Used is how many bytes are reserved.
func (b *Bytes) Used() int64 { return b.used.Load() }

// ErrTooLarge says that there are never as many bytes.
var ErrTooLarge = errors.New("larger than the whole budget")

// Admit reserves bytes, and waits for them where they are not free. Those that wait are
// admitted by turns, one of each name, in the order in which they came. The error is
// [ErrTooLarge] or the context's, and nothing is reserved then.
func (b *Bytes) Admit(ctx context.Context, name string, bytes int64, r *Reservation) error {
	if bytes > b.most {
		return ErrTooLarge
	}
	if b.waiting.Load() > 0 || !b.take(bytes) {
		if err := b.wait(ctx, name, bytes); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of, r.held, r.left = b, bytes, 0
	return nil
}

// take reserves bytes where they are free.
func (b *Bytes) take(bytes int64) bool {
	for {
		used := b.used.Load()
		if bytes > b.most-used {
			return false
		}
		if b.used.CompareAndSwap(used, used+bytes) {
			return true
		}
	}
}

func (b *Bytes) give(bytes int64) {
	b.used.Add(-bytes)
	if b.waiting.Load() > 0 {
		b.mu.Lock()
		b.admit()
		b.mu.Unlock()
	}
}

func (b *Bytes) wait(ctx context.Context, name string, bytes int64) error {
	w := &waiter{bytes: bytes, admitted: make(chan struct{})}
	b.mu.Lock()
	b.waiting.Add(1)
	if len(b.lines[name]) == 0 {
		b.order = append(b.order, name)
	}
	b.lines[name] = append(b.lines[name], w)
	b.admit()
	b.mu.Unlock()
	select {
	case <-w.admitted:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.lines[name], w); i >= 0 {
		b.leave(name, i)
		b.admit() // who is behind a large one may be small
	} else {
		b.used.Add(-bytes)
		b.admit()
	}
	return context.Cause(ctx)
}

// admit lets in who there is room for, in order. It needs the lock, as leave does.
func (b *Bytes) admit() {
	for len(b.order) > 0 {
		name := b.order[0]
		next := b.lines[name][0]
		if !b.take(next.bytes) {
			return
		}
		b.leave(name, 0)
		if len(b.order) > 0 && b.order[0] == name { // whose next one comes after those of others
			b.order = append(b.order[1:], name)
		}
		close(next.admitted)
	}
}

// leave takes who waits out of the line.
func (b *Bytes) leave(name string, at int) {
	b.waiting.Add(-1)
	if b.lines[name] = slices.Delete(b.lines[name], at, at+1); len(b.lines[name]) > 0 {
		return
	}
	delete(b.lines, name)
	b.order = slices.DeleteFunc(b.order, func(n string) bool { return n == name })
}

// Reservation is what work has reserved. The zero value has nothing. It is safe for concurrent
// use.
type Reservation struct {
	mu   sync.Mutex
	of   *Bytes
	held int64
	left int64 // of these, not needed yet
}

// Spare says that some of the bytes are for what Grow will ask for.
func (r *Reservation) Spare(bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left += bytes
}

// step is how many bytes Grow takes at once where they are free, for the next times.
const step = 64 << 10

// Grow reserves more bytes, and reports false if they are not free, or the reservation has
// been released.
func (r *Reservation) Grow(bytes int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		return false
	}
	if more := bytes - r.left; more > 0 {
		ask := max(more, step)
		if !r.of.take(ask) {
			if ask = more; !r.of.take(ask) {
				return false
			}
		}
		r.held += ask
		r.left += ask
	}
	r.left -= bytes
	return true
}

// Release gives all of it back. A second time it does nothing.
func (r *Reservation) Release() {
	r.mu.Lock()
	of, held := r.of, r.held
	r.of, r.held, r.left = nil, 0, 0
	r.mu.Unlock()
	if of != nil {
		of.give(held)
	}
}
