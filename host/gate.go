package host

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/agenthost/agenthost/internal/fault"
)

// ErrClosed is in the chain of the error of a call to a [Host] that was closed. That is an
// [*Error] of kind denied with the rule "closed": the host refuses the call, nothing was sent,
// and nothing is wrong with the call itself.
var ErrClosed = errors.New("the host is closed")

func errClosed() error {
	return fault.Denied("closed", "the host is closed, and takes no more calls", "open another host").WithCause(ErrClosed)
}

// counter counts calls in and out. Once it is closed, it admits no more. The zero counter is
// open. A call that enters and leaves costs two atomic additions and takes no lock.
type counter struct {
	calls atomic.Int64 // that run; less than 0 once the counter is closed
	once  sync.Once
	empty func() // called when the counter is closed and the last call has left; set by close
}

// closedCounter is added to the calls of a counter that closes.
const closedCounter = math.MinInt64 / 2

// enter admits a call, which leaves when it has ended. It returns false once the counter is
// closed.
func (c *counter) enter() bool {
	if c.calls.Add(1) > 0 {
		return true
	}
	c.leave()
	return false
}

// leave ends what enter began.
func (c *counter) leave() {
	if c.calls.Add(-1) == closedCounter {
		c.once.Do(c.empty)
	}
}

// close lets no more calls in, and calls empty when the last one has left. It is called once.
func (c *counter) close(empty func()) {
	c.empty = empty
	if c.calls.Add(closedCounter) == closedCounter {
		c.once.Do(empty)
	}
}

// gate counts the calls that a host runs, and can cancel them. The zero gate is open.
type gate struct {
	counter
	ended    atomic.Bool // the calls that run are cancelled
	watched  [64]atomic.Pointer[watch]
	mu       sync.Mutex
	overflow map[*watch]struct{} // the watches that found no room in watched
}

// watch lets a gate cancel a call.
type watch struct {
	cancel context.CancelFunc
	place  int // in watched, -1 in overflow
}

// enter admits a call, which leaves when it has ended. The error is [ErrClosed].
func (g *gate) enter() error {
	if g.counter.enter() {
		return nil
	}
	return errClosed()
}

// close lets no more calls in. The channel is closed when the last one has left. It is called
// once.
func (g *gate) close() (empty <-chan struct{}) {
	last := make(chan struct{})
	g.counter.close(func() { close(last) })
	return last
}

// add lets the gate cancel a call that has entered. The caller removes the watch before the
// call leaves.
func (g *gate) add(w *watch) {
	first := int(g.calls.Load())
	w.place = -1
	for i := range 8 { // more are in use only where very many calls run
		place := (first + i) & (len(g.watched) - 1)
		if g.watched[place].CompareAndSwap(nil, w) {
			w.place = place
			break
		}
	}
	if w.place < 0 {
		g.mu.Lock()
		if g.overflow == nil {
			g.overflow = make(map[*watch]struct{})
		}
		g.overflow[w] = struct{}{}
		g.mu.Unlock()
	}
	if g.ended.Load() {
		w.cancel()
	}
}

// remove ends what add began.
func (g *gate) remove(w *watch) {
	if w.place >= 0 {
		g.watched[w.place].Store(nil)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.overflow, w)
}

// cancel cancels the calls that run, and those that enter a gate which is about to close.
func (g *gate) cancel() {
	g.ended.Store(true)
	for i := range g.watched {
		if w := g.watched[i].Load(); w != nil {
			w.cancel()
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for w := range g.overflow {
		w.cancel()
	}
}

// pass is enter, add, remove and leave in one, for calls that are not on the path of
// [Host.Execute]: leave ends all of them.
func (g *gate) pass(ctx context.Context) (_ context.Context, leave func(), err error) {
	if err := g.enter(); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{cancel: cancel}
	g.add(w)
	return ctx, func() {
		g.remove(w)
		cancel()
		g.leave()
	}, nil
}

// within runs a call that is counted, with a context that ends when the host cancels its calls.
func within[T any](ctx context.Context, h *Host, call func(context.Context) (T, error)) (result T, err error) {
	ctx, leave, err := h.gate.pass(ctx)
	if err != nil {
		return result, err
	}
	defer leave()
	return call(ctx)
}

// withConnection is [within] for a call about a connection.
func withConnection[T any](ctx context.Context, h *Host, name string, call func(context.Context, *connection) (T, error)) (T, error) {
	return within(ctx, h, func(ctx context.Context) (result T, err error) {
		c, err := h.connection(ctx, Principal{}, name)
		if err != nil {
			return result, err
		}
		return call(ctx, c)
	})
}

// errBusy is the error of a call that waited for others of its connection.
func errBusy(ctx context.Context, c *connection) error {
	e := fault.Ended(ctx)
	e.Field = "limits.concurrency"
	e.Message = fmt.Sprintf("connection %s reached its limit of %d concurrent calls", c.Name, c.Limits.Concurrency)
	e.Hint = "call again later, or raise limits.concurrency of the connection"
	return e
}

// HoldMessage reserves memory for a client's message before it is decoded. It waits until ctx ends,
// in turns with other callers. A server calls it for long messages, as package mcp does, and calls
// release after the answer. Messages may take half of Options.HostBytes, so that the calls in them
// find room. The error is rate_limited after the deadline of ctx, cancelled if ctx was cancelled,
// or limit_exceeded if the message can never fit.
func (h *Host) HoldMessage(ctx context.Context, caller string, bytes int64) (release func(), err error) {
	return h.memory.Hold(ctx, caller, bytes)
}

// BytesInFlight is how many bytes of Options.HostBytes are reserved.
func (h *Host) BytesInFlight() int64 { return h.memory.Used() }
