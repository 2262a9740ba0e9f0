// Package inflight bounds the bytes that are in memory at once for work that runs. Work is
// admitted with what it is known to need, and waits for that; what it needs besides it gets at
// once or not at all, so that nobody who holds bytes waits for others who do.
//
// A part, such as that of a workspace, has a bound of its own and takes turns with the other parts.
package inflight

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Bytes is a number of bytes that may be in use. It is safe for concurrent use.
type Bytes struct {
	most    int64
	whole   *Bytes // of which these are a part, or nil
	queue   Queue
	used    atomic.Int64
	waiting atomic.Int64 // for these
	queued  atomic.Int64 // of those admitted here: who waits, for these or for the whole

	mu    sync.Mutex
	lines rotation[*Bytes] // those who wait for these
}

// Queue bounds how many wait, and for how long. The zero value bounds neither.
type Queue struct {
	Most int64
	Wait time.Duration
}

// Least is the smallest number of bytes that a host can work with: what one small call needs.
const Least = 2 << 20

// New returns a number of bytes of which none is in use.
func New(most int64) *Bytes { return &Bytes{most: most} }

// NewQueued is New with a bound on who waits.
func NewQueued(most int64, q Queue) *Bytes { return &Bytes{most: most, queue: q} }

// NewPart returns that many bytes of b, which others may use, too.
func (b *Bytes) NewPart(most int64, q Queue) *Bytes {
	return &Bytes{most: min(most, b.most), whole: b, queue: q}
}

// Most is how many bytes there are.
func (b *Bytes) Most() int64 { return b.most }

// Used is how many bytes are reserved.
func (b *Bytes) Used() int64 { return b.used.Load() }

// Errors of [Bytes.Admit].
var (
	// ErrTooLarge says that there are never as many bytes.
	ErrTooLarge = errors.New("larger than the whole budget")
	// ErrFull says that as many wait as may.
	ErrFull = errors.New("the queue is full")
	// ErrLate says that the wait was as long as it may be.
	ErrLate = errors.New("too long in the queue")
)

// Admit reserves bytes, and waits for them where they are not free. Those that wait are
// admitted by turns: one of each part, and in a part one of each name, in the order in which they
// came. The error is one of the above or the context's, and nothing is reserved then.
func (b *Bytes) Admit(ctx context.Context, name string, bytes int64, r *Reservation) error {
	if bytes > b.most {
		return ErrTooLarge
	}
	if !b.free() || !b.take(bytes) {
		if err := b.await(ctx, name, bytes); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of, r.held, r.left = b, bytes, 0
	return nil
}

// free reports whether nobody waits.
func (b *Bytes) free() bool {
	return b.waiting.Load() == 0 && (b.whole == nil || b.whole.waiting.Load() == 0)
}

// take reserves bytes where they are free, in the whole, too.
func (b *Bytes) take(bytes int64) bool {
	if !b.takeHere(bytes) {
		return false
	}
	if b.whole == nil || b.whole.take(bytes) {
		return true
	}
	b.giveHere(bytes)
	return false
}

func (b *Bytes) takeHere(bytes int64) bool {
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
	b.giveHere(bytes)
	if b.whole != nil {
		b.whole.give(bytes)
	}
}

func (b *Bytes) giveHere(bytes int64) {
	b.used.Add(-bytes)
	if b.waiting.Load() > 0 {
		b.mu.Lock()
		b.admit()
		b.mu.Unlock()
	}
}

// await waits for bytes, and then for those of the whole.
func (b *Bytes) await(ctx context.Context, name string, bytes int64) error {
	defer b.queued.Add(-1)
	if n := b.queued.Add(1); b.queue.Most > 0 && n > b.queue.Most {
		return ErrFull
	}
	if b.queue.Wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, b.queue.Wait, ErrLate)
		defer cancel()
	}
	if err := b.wait(ctx, nil, name, bytes); err != nil || b.whole == nil {
		return err
	}
	if err := b.whole.wait(ctx, b, name, bytes); err != nil {
		b.giveHere(bytes)
		return err
	}
	return nil
}

func (b *Bytes) wait(ctx context.Context, part *Bytes, name string, bytes int64) error {
	w := &waiter{bytes: bytes, admitted: make(chan struct{})}
	b.mu.Lock()
	b.waiting.Add(1)
	b.lines.add(part, name, w)
	b.admit()
	b.mu.Unlock()
	select {
	case <-w.admitted:
		return nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lines.remove(part, name, w) {
		b.waiting.Add(-1)
	} else {
		b.used.Add(-bytes)
	}
	b.admit() // who is behind a large one may be small
	return context.Cause(ctx)
}

// admit lets in who there is room for, in order. It needs the lock.
func (b *Bytes) admit() {
	for next := b.lines.next(); next != nil && b.takeHere(next.bytes); next = b.lines.next() {
		b.lines.pass()
		b.waiting.Add(-1)
		close(next.admitted)
	}
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
