// Package turns shares processors between calls. A bounded number of calls runs at once, each in a
// slot; the others wait. A call gives up its slot while it waits for something else. It also does
// so at a checkpoint if it has run for a slice and others wait.
//
// Each connection has a share. The waiting share that has used least goes first, so that a short
// call does not wait behind long ones. Time that a share used while no other waited does not count.
// Shares belong to parties, one for each workspace, and of parties the same is true: first the
// party that has used least, then its share that has.
//
// A call that has run for a whole slice is a long one. Long calls leave one slot free if there are
// several. Go's scheduler polls the network when a processor has no other work, and otherwise every
// 10 ms: with a long call on each processor, every answer of a vendor would wait that long.
package turns

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Slice is how long a call runs before it makes room for others.
const Slice = 5 * time.Millisecond

// most is how far behind the others a share may fall, so that old use does not delay it for long.
const most = 4 * Slice

// Turns are the slots. They are safe for concurrent use.
type Turns struct {
	slots, longSlots int
	now              func() time.Time

	// free is the number of free slots, which taking one and giving it back change without the
	// lock. Below zero, a call that may run next is waiting, and only the holder of the lock
	// changes it.
	free atomic.Int64
	// longs is how many parties have long calls that wait.
	longs atomic.Int64

	mu      sync.Mutex
	lines   [2]line       // the parties with calls that wait, by class
	own     Party         // of the shares that belong to no other
	running int           // long calls that run
	served  time.Duration // the use of the party that was served last, before that
	order   uint64
}

// class is what Go's scheduler needs to know of a call.
type class int

const (
	short class = iota
	long
)

// New returns that many slots; 0 means one for each processor that Go may use. Now is the
// clock; nil means time.Now.
func New(slots int, now func() time.Time) *Turns {
	if slots <= 0 {
		slots = runtime.GOMAXPROCS(0)
	}
	if now == nil {
		now = time.Now
	}
	t := &Turns{slots: slots, longSlots: max(1, slots-1), now: now}
	t.lines[long].class = long
	t.own.turns = t
	t.free.Store(int64(slots))
	return t
}

// Share is one party that competes for slots. It is safe for concurrent use.
type Share struct {
	turns *Turns
	party *Party
	// The lock of turns protects the fields below.
	used    time.Duration // while others waited, and what those that wait are expected to use
	waiting int           // calls
}

// NewShare returns a share that has used nothing. All shares of it belong to one party.
func (t *Turns) NewShare() *Share { return t.own.NewShare() }

// Turn is the slot of one call, which has it or not. It belongs to the goroutine of the call.
type Turn struct {
	share   *Share
	held    bool
	start   time.Time     // of having the slot
	seen    time.Time     // when the clock was last looked at while the call had it
	ran     time.Duration // before start without being away, a slice at most
	charged time.Duration // to the share, before the call has run
	long    bool          // counts among those of Turns.running while it is held

	// While it waits:
	key    time.Duration
	order  uint64
	at     int // in its queue; -1 where it is in none
	served chan struct{}
}

// Begin makes a new turn of t.
func (s *Share) Begin(t *Turn) { *t = Turn{share: s, at: -1} }

// Take waits for a slot. If ctx ends first, it returns the error of ctx; if a slot is free, it
// ignores ctx. A nil turn takes no slot.
func (t *Turn) Take(ctx context.Context) error {
	if t == nil || t.held {
		return nil
	}
	all := t.share.turns
	now := all.now()
	// A call that was away for a moment continues its slice: a short wait does not make it a new
	// call.
	t.ran = max(0, t.ran-now.Sub(t.seen))
	if t.ran < Slice && all.take() {
		t.start, t.seen, t.held = now, now, true
		return nil
	}
	free := all.lock()
	t.wait()
	all.unlock(free)
	return t.await(ctx)
}

// take takes a slot if one is free.
func (t *Turns) take() bool {
	for {
		free := t.free.Load()
		if free <= 0 {
			return false
		}
		if t.free.CompareAndSwap(free, free-1) {
			return true
		}
	}
}

// Give gives the slot back. Without one it does nothing.
func (t *Turn) Give() {
	if t == nil || !t.held {
		return
	}
	all := t.share.turns
	if !t.long && t.charged == 0 {
		for {
			free := all.free.Load()
			if free < 0 {
				break
			}
			if all.free.CompareAndSwap(free, free+1) {
				// Since the last checkpoint there was not much. A look at the clock costs
				// as much as all else here.
				t.leave(t.seen)
				return
			}
		}
	}
	now := all.now()
	free := all.lock()
	t.settle(now)
	all.unlock(free + 1)
}

// leave notes that the slot is another's.
func (t *Turn) leave(now time.Time) {
	t.held, t.seen = false, now
	t.ran = min(t.ran+now.Sub(t.start), Slice)
}

// Checkpoint is for calls that run long: it passes the slot on where it is time, and then
// waits for the next one. With an error, which is the context's, the call has none.
func (t *Turn) Checkpoint(ctx context.Context) error {
	if t == nil || !t.held {
		return nil
	}
	all := t.share.turns
	now := all.now()
	t.seen = now
	ran := now.Sub(t.start)
	if ran < Slice && (t.long || t.ran+ran < Slice) {
		return nil
	}
	if t.long && all.free.Load() >= 0 && all.longs.Load() == 0 {
		return nil // no other share wants it
	}
	free := all.lock()
	if !t.long && all.running < all.longSlots && all.next() == nil {
		t.long = true
		all.running++
		all.unlock(free)
		return nil
	}
	t.settle(now)
	t.wait()
	all.unlock(free + 1)
	return t.await(ctx)
}

// await waits until the turn has a slot.
func (t *Turn) await(ctx context.Context) error {
	all := t.share.turns
	select {
	case <-t.served:
	default:
		select {
		case <-t.served:
		case <-ctx.Done():
			if t.withdraw() {
				return context.Cause(ctx)
			}
			<-t.served
		}
	}
	t.start = all.now()
	t.seen = t.start
	return nil
}

// withdraw takes a turn out of the queue, where it is still there.
func (t *Turn) withdraw() bool {
	all := t.share.turns
	free := all.lock()
	defer func() { all.unlock(free) }()
	if t.at < 0 {
		return false
	}
	t.share.party.remove(t)
	t.share.waiting--
	t.share.used -= t.charged
	t.charged, t.long = 0, false
	return true
}

// lock takes the lock, and all free slots, so that no caller takes one without the queue.
func (t *Turns) lock() (free int64) {
	t.mu.Lock()
	return max(0, t.free.Swap(-1))
}

// unlock gives free slots to those that wait, and the lock back.
func (t *Turns) unlock(free int64) {
	next := t.next()
	for ; free > 0 && next != nil; next = t.next() {
		t.serve(next)
		free--
	}
	t.longs.Store(int64(len(t.lines[long].parties)))
	if next == nil {
		t.free.Store(free)
	}
	t.mu.Unlock()
}

// What follows needs the lock.

// next is the call that gets the next slot, or nil.
func (t *Turns) next() *Turn {
	a, b := t.lines[short].first(), (*Turn)(nil)
	if t.running < t.longSlots {
		b = t.lines[long].first()
	}
	if a == nil || b != nil && b.before(a) {
		return b
	}
	return a
}

func (t *Turns) serve(next *Turn) {
	next.share.party.serve(next)
	next.share.waiting--
	next.held = true
	if next.long {
		t.running++
	}
	next.served <- struct{}{}
}

// wait puts a turn into its queue. Its share pays for a slice in advance, so that of many
// calls of one share each comes a round later than the one before it.
func (t *Turn) wait() {
	all, s := t.share.turns, t.share
	served := s.party.served
	behind := served + most + time.Duration(s.waiting)*Slice
	s.used = min(max(s.used, served-Slice), behind)
	t.key, t.charged, t.long = s.used, Slice, t.ran >= Slice
	s.used += Slice
	s.waiting++
	all.order++
	t.order = all.order
	if t.served == nil {
		t.served = make(chan struct{}, 1)
	}
	s.party.add(t)
}

// settle books what a turn has used and leaves it without a slot.
func (t *Turn) settle(now time.Time) {
	all := t.share.turns
	used := -t.charged
	t.share.party.paid -= t.charged
	t.charged = 0
	if all.lines[short].first() != nil || all.lines[long].first() != nil {
		used += min(now.Sub(t.start), most)
	}
	t.share.used += used
	t.share.party.use(used)
	t.leave(now)
	if t.long {
		t.long = false
		all.running--
	}
}

func (t *Turn) class() class {
	if t.long {
		return long
	}
	return short
}

// before reports whether a turn comes before another: by their parties, and in one by their shares.
func (t *Turn) before(o *Turn) bool {
	if p := t.share.party; p != o.share.party {
		return p.before(o.share.party)
	}
	return t.key < o.key || t.key == o.key && t.order < o.order
}

// queue is a heap: the first is the next.
type queue []*Turn

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].before(q[j]) }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].at, q[j].at = i, j
}

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	if t, ok := x.(*Turn); ok { // as everything here is
		t.at = len(*q)
		*q = append(*q, t)
	}
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	(*q)[last], *q = nil, (*q)[:last]
	t.at = -1
	return t
}
