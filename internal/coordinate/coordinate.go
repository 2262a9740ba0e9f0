// Package coordinate is what the nodes of a server agree on, through their database: who refreshes
// a token (leases), how much of a vendor's limit each may use (rates), what has changed (notices),
// and which nodes there are.
//
// The clock of a node is never compared with another one. The clock of the database says when
// something ends; a node counts with its own from before it asked, so that it stops first.
//
// What holds, even if something is late, lost, doubled or stopped:
//
//   - Of the holders of a lease, at most one believes that it has it. A write under a lease is made
//     only if nobody has got the lease since.
//   - While nodes reach the database, no window of a rate has more requests than its limit. A node
//     that does not reach it goes on with its share, which the others leave to it.
//   - Every announced change is heard: in the order of revisions, or as a change of everything.
//
// The simulation in this package's tests checks that, with the code that is used for real. It has to
// be true for it that clocks run equally fast, to a fiftieth; that the clock of the database does not
// jump ahead; and that the database does not carry out what its client has given up.
package coordinate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/agenthost/agenthost/internal/seams"
)

// Database is what nodes have in common; internal/store has one. The package databasetest says how
// one behaves.
type Database interface {
	AcquireLease(ctx context.Context, name, holder string, life time.Duration) (fence int64, err error)
	RenewLease(ctx context.Context, name, holder string, life time.Duration) (held bool, err error)
	ReleaseLease(ctx context.Context, name, holder string) error

	ChangeRate(ctx context.Context, name string, change func(now int64, ledger string) (next string, tell bool)) error

	Newest(ctx context.Context) (revision int64, err error)
	Listen(ctx context.Context, ready func(), hear func(notice string)) error

	Beat(ctx context.Context, id, place string, silent time.Duration) (rank, known int, quiet []int, newest int64, err error)
	ForgetNodes(ctx context.Context, gone time.Duration) (n int64, err error)
	Leave(ctx context.Context, id string) error
}

const (
	// beatEvery is how often a node says that it is there, and looks for what it has not heard of.
	beatEvery = time.Second
	// callTime bounds a question to the database.
	callTime = 2 * time.Second
	// askAgain is how long after a beat without an answer a node asks what has changed.
	askAgain = 500 * time.Millisecond
	// silentAfter is when a node that was not heard of is silent: the others leave its share to it.
	silentAfter = 4 * time.Second
	// viewLife is how long a node goes by what it knows of the others.
	viewLife = 3 * time.Second
	// aloneAfter is how long after the first beat without an answer a node goes on with its share:
	// that beat may have arrived in callTime, the node is silent silentAfter that, and each of the
	// others knows it viewLife later.
	aloneAfter = callTime + silentAfter + viewLife
	// goneAfter is how long a silent node is remembered after it had to stop.
	goneAfter = 15 * time.Second
	// DefaultAway is how long a node goes on without the database.
	DefaultAway = time.Minute
)

// Options are what a node needs.
type Options struct {
	Database Database
	// ID is of this process and no other one, not even of the next one at the same place. IDs sort by
	// the time at which they were made.
	ID string
	// Place is what only one process at a time has, such as the id of a folder that it has locked. A
	// node takes the place of the one that had it before.
	Place string
	// Single says that no other node uses the database: rates are not shared then, and nobody needs to
	// know that the node is there.
	Single bool
	// Away is how long a node goes on without the database; [DefaultAway] if 0. It is the same for
	// all nodes.
	Away time.Duration
	// OnChange hears of every change that any node announces, this one too. It must return soon, and
	// must not call the node.
	OnChange func(Change)
	// Seams has the clock and chance.
	Seams seams.Seams
	// Log may be nil.
	Log hclog.Logger
}

// Node is this process among the nodes of a server. It is safe for concurrent use. Get one from
// [Open].
type Node struct {
	options Options // complete
	db      Database
	log     hclog.Logger
	now     func() time.Time
	sleep   func(context.Context, time.Duration) error
	rand    func() float64
	// run runs something beside the caller, and wait waits until a channel is closed.
	run  func(func())
	wait func(context.Context, <-chan struct{}) error

	ctx     context.Context // of what runs, until stop
	stop    context.CancelFunc
	running sync.WaitGroup

	members members
	watch   watch
	rates   rates
	leases  leases
}

// Open says that the node is there, and begins to listen.
func Open(ctx context.Context, o Options) (*Node, error) {
	n := newNode(o)
	n.run = func(f func()) { n.running.Go(f) }
	n.wait = func(ctx context.Context, closed <-chan struct{}) error {
		select {
		case <-closed:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if err := n.start(ctx); err != nil {
		return nil, errors.Join(err, n.Close(ctx))
	}
	return n, nil
}

func newNode(o Options) *Node {
	o.Seams = o.Seams.WithDefaults()
	if o.Away == 0 {
		o.Away = DefaultAway
	}
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	n := &Node{options: o, db: o.Database, log: o.Log, now: o.Seams.Now, sleep: o.Seams.Sleep, rand: o.Seams.Rand}
	n.watch.deliver = func(c Change) {
		n.rates.changed(c)
		if o.OnChange != nil {
			o.OnChange(c)
		}
	}
	return n
}

// start makes the first beat, and begins what runs until the node is closed.
func (n *Node) start(ctx context.Context) error {
	n.ctx, n.stop = context.WithCancel(context.WithoutCancel(ctx))
	if err := n.beat(ctx); err != nil {
		return fmt.Errorf("say in the database that this node is there: %w", err)
	}
	n.run(n.beats)
	n.run(n.listening)
	return nil
}

// Close gives back what the node has, and says that it is gone. Nothing that it coordinates may run.
func (n *Node) Close(ctx context.Context) error {
	if n.ctx.Err() != nil {
		return nil
	}
	n.rates.giveBack(ctx, n)
	n.stop()
	n.running.Wait()
	if n.options.Single {
		return nil
	}
	if n.members.lastView().IsZero() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return n.db.Leave(ctx, n.options.ID)
}
