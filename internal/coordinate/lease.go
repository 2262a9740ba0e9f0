package coordinate

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
)

const (
	// leaseLife is how long others wait for a lease whose holder died.
	leaseLife = 15 * time.Second
	// leaseRenewed is how often a holder has it end later.
	leaseRenewed = leaseLife / 3
	// leaseMargin is how much earlier a holder believes it over: clocks run unequally.
	leaseMargin = leaseLife / 10
	// leasePoll is about how often a node asks for a lease that another one has.
	leasePoll = 100 * time.Millisecond
)

// leases counts the leases that a node asked for.
type leases struct{ asked atomic.Int64 }

// Lease is a right that one of all nodes has at a time, until it is released. It is renewed until
// then. Get one from [Node.Acquire].
type Lease struct {
	node   *Node
	name   string
	holder string
	fence  int64
	until  atomic.Int64 // nanoseconds since began; the lease is over then
	began  time.Time
	cancel context.CancelFunc
}

// Acquire waits for a lease until ctx ends. Those of one process do better to take turns first: only
// one of them can have it.
//
// # Errors
//
// An *[abi.Error] of kind timeout or cancelled if ctx ends; those of the database.
func (n *Node) Acquire(ctx context.Context, name string) (*Lease, error) { //nolint:contextcheck // a lease is renewed after ctx has ended, too
	l := &Lease{node: n, name: name, holder: fmt.Sprintf("%s/%d", n.options.ID, n.leases.asked.Add(1)), began: n.now()}
	for {
		sent := n.now()
		fence, err := n.acquire(ctx, l)
		switch {
		case err != nil:
			l.abandon() //nolint:contextcheck // it is given back after ctx has ended, too
			return nil, err
		case fence > 0:
			l.fence = fence
			l.extend(sent)
			renewing, cancel := context.WithCancel(n.ctx)
			l.cancel = cancel
			n.run(func() { l.renew(renewing) })
			return l, nil
		}
		if n.sleep(ctx, time.Duration(float64(leasePoll)*(0.5+n.rand()))) != nil {
			return nil, fault.EndedWith(ctx, "the call ended while another node had what it needs")
		}
	}
}

func (n *Node) acquire(ctx context.Context, l *Lease) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return n.db.AcquireLease(ctx, l.name, l.holder, leaseLife)
}

// abandon gives back a lease that the node may have got without knowing it.
func (l *Lease) abandon() {
	n := l.node
	n.run(func() {
		ctx, cancel := context.WithTimeout(n.ctx, callTime)
		defer cancel()
		_ = n.db.ReleaseLease(ctx, l.name, l.holder) // or it ends by itself
	})
}

// extend counts the life of the lease from a time before the database was asked: it ends here
// before it ends there.
func (l *Lease) extend(sent time.Time) {
	l.until.Store(int64(sent.Add(leaseLife - leaseMargin).Sub(l.began)))
}

// renew renews the lease until it is released, or another node has it.
func (l *Lease) renew(ctx context.Context) {
	n := l.node
	for pause := leaseRenewed; n.sleep(ctx, pause) == nil; {
		sent := n.now()
		held, err := l.renewOnce(ctx)
		switch {
		case err != nil:
			pause = leasePoll // the database may be back soon
		case !held:
			l.until.Store(0)
			return
		default:
			l.extend(sent)
			pause = leaseRenewed
		}
	}
}

func (l *Lease) renewOnce(ctx context.Context) (held bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return l.node.db.RenewLease(ctx, l.name, l.holder, leaseLife)
}

// Held reports whether the node has the lease still. It may be over a moment later: a write goes by
// [Lease.Under].
func (l *Lease) Held() bool {
	return l.node.now().Sub(l.began) < time.Duration(l.until.Load())
}

// Under is what a write under the lease says to the database, which makes it only if nobody has got
// the lease since: its name and its fence, which is larger than those of all before.
func (l *Lease) Under() (name string, fence int64) { return l.name, l.fence }

// Release gives the lease back. It does not wait for the database.
func (l *Lease) Release() {
	l.cancel()
	l.until.Store(0)
	l.abandon()
}
