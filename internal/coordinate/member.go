package coordinate

import (
	"context"
	"errors"
	"sync"
	"time"
)

// members is what a node knows of the nodes, and of itself.
type members struct {
	mu sync.Mutex
	view
	viewed  time.Time // when the last beat that was answered was sent
	failing time.Time // when the last beat without an answer was sent, which may have arrived; zero if there is none
}

// view is what the database knows of the nodes, in the order of their ids.
type view struct {
	rank, known int   // the place of this node, from 0, and how many there are
	silent      []int // the places of those that were not heard of
}

// standing is how a node stands to the database.
type standing int

const (
	connected standing = iota
	uncertain          // it does not know enough of the others to ask for anything, or to go on alone
	alone
)

// standing says how the node stands. Alone, it has a share of each limit, some time later than it has
// to be: what the others used until then is out of a short window. In a longer one, its share can come
// on top of that once.
func (m *members) standing(now time.Time, away, later time.Duration) standing {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.failing.IsZero() && now.Sub(m.viewed) < viewLife:
		return connected
	case !m.failing.IsZero() && now.Sub(m.failing) >= aloneAfter+later && now.Sub(m.viewed) < away:
		return alone
	}
	return uncertain
}

// share is what a node may use of a limit while nobody asks the database. The shares of all nodes
// are the limit.
func share(limit, known, rank int) int {
	if known == 0 {
		return 0
	}
	n := limit / known
	if rank < limit%known {
		n++
	}
	return n
}

// own is the share of this node.
func (m *members) own(limit int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return share(limit, m.known, m.rank)
}

// common is what nodes may take of a limit together: silent ones may use their shares.
func (m *members) common(limit int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := limit
	for _, rank := range m.silent {
		left -= share(limit, m.known, rank)
	}
	return left
}

// Nodes returns how many nodes there are, as far as this one knows, and how many of them are silent.
func (n *Node) Nodes() (known, silent int) {
	n.members.mu.Lock()
	defer n.members.mu.Unlock()
	return n.members.known, len(n.members.silent)
}

// Away returns how long the node has not reached the database; 0 if it does.
func (n *Node) Away() time.Duration {
	n.members.mu.Lock()
	defer n.members.mu.Unlock()
	if n.members.failing.IsZero() {
		return 0
	}
	return n.now().Sub(n.members.viewed)
}

// beats says that the node is there, until it is closed.
func (n *Node) beats() {
	for {
		began := n.now()
		beating, end := context.WithCancel(n.ctx)
		n.run(func() {
			if n.sleep(beating, askAgain) == nil { // nobody hears what has changed while a beat waits
				n.catchUp(n.ctx) //nolint:contextcheck // to its end, also where the beat has an answer
			}
		})
		err := n.beat(n.ctx)
		if end(); err != nil && n.ctx.Err() == nil {
			n.log.Warn("the database has not heard of this server", "error", err)
		}
		if n.sleep(n.ctx, max(beatEvery/4, beatEvery-n.now().Sub(began))) != nil {
			return
		}
	}
}

// beat says that the node is there. After a beat without an answer, it looks first whether the
// database answers: a beat that arrives without the node's knowledge would say too much of it.
func (n *Node) beat(outer context.Context) error {
	ctx, cancel := context.WithTimeout(outer, callTime)
	defer cancel()
	sent := n.now()
	m := &n.members
	if n.options.Single || !m.failingSince().IsZero() {
		newest, err := n.db.Newest(ctx)
		if err != nil {
			return err
		}
		n.watch.polled(sent, newest, !n.options.Single)
		if n.options.Single {
			return nil
		}
		// The others know what the node used before they count on it again.
		m.beaten(n.now(), view{}, errUnknown)
		if err := n.rates.report(n); err != nil {
			return err
		}
		cancel()
		ctx, cancel = context.WithTimeout(outer, callTime)
		defer cancel()
		sent = n.now()
	}
	rank, known, silent, newest, err := n.db.Beat(ctx, n.options.ID, n.options.Place, silentAfter)
	m.beaten(sent, view{rank, known, silent}, err)
	if err != nil {
		return err
	}
	n.watch.polled(sent, newest, false)
	if len(silent) > 0 {
		_, err = n.db.ForgetNodes(ctx, n.options.Away+goneAfter)
	}
	return err
}

// lastView is when the last beat that was answered was sent.
func (m *members) lastView() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.viewed
}

// errUnknown is of a beat that is about to be sent.
var errUnknown = errors.New("not yet")

// failingSince is when the last beat was sent that has no answer; zero if there is none.
func (m *members) failingSince() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failing
}

// beaten notes what came of a beat.
func (m *members) beaten(sent time.Time, found view, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.failing = sent
		return
	}
	m.view, m.viewed, m.failing = found, sent, time.Time{}
}
