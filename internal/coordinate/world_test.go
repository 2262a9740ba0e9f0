package coordinate

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/agenthost/agenthost/internal/coordinate/databasetest"
	"github.com/agenthost/agenthost/internal/seams"
)

// world is a database, a network and nodes in virtual time. One thing happens at a time, in an order
// that a seed decides. What runs is the code of nodes as it is: where it would wait, for its clock or
// for the database, it is set aside until then.
type world struct {
	*rand.Rand
	troubles
	model   *databasetest.Model
	now     time.Duration // since the beginning
	queue   queue
	events  int64
	current *task
	nodes   []*virtual
	calm    bool // no new trouble begins

	down      time.Duration // until when the database does not answer
	listeners []*listener
	failure   error
}

// troubles say how bad a world is. Chances are those of one message, one look at the clock, or one
// second.
type troubles struct {
	delay                 time.Duration // most of a message, one way
	lost, doubled         float64       // messages to the database and back
	noticeLost, noticeTwi float64       // of one listener
	noticeLate            float64       // a second or so
	stop                  float64       // at a look at the clock: a node stops for up to longStop
	cut                   float64       // a second: a node reaches the database no more for up to longCut
	restart               float64       // a second: of the database
	clocks                bool          // clocks of nodes are wrong by minutes, and run unequally
}

const (
	longStop    = 20 * time.Second
	longCut     = 40 * time.Second
	longRestart = 5 * time.Second
	// dbTime is what the clock of the database shows at the beginning.
	dbTime = 1764579600000
)

// event is something that happens at a time.
type event struct {
	at    time.Duration
	order int64
	do    func()
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].order < q[j].order
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

// task is something that runs on a node.
type task struct {
	node  *virtual
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
}

// virtual is a node of a world.
type virtual struct {
	*Node
	world   *world
	index   int
	offset  time.Duration
	speed   float64
	stopped time.Duration // until when it does nothing
	cut     time.Duration // until when it does not reach the database
	looked  time.Duration // when it last looked at its clock
	trouble time.Duration // when it was last stopped or cut off, or the database was
	tasks   []*task
	heard   func(Change)
	ended   bool
}

func newWorld(seed uint64, t troubles) *world {
	return &world{Rand: rand.New(rand.NewPCG(seed, 0)), troubles: t, model: databasetest.NewModel(dbTime)}
}

// fail notes the first thing that is wrong.
func (w *world) fail(format string, args ...any) {
	if w.failure == nil {
		w.failure = fmt.Errorf("after %s: %s", w.now, fmt.Sprintf(format, args...))
	}
}

// at has something happen at a time.
func (w *world) at(at time.Duration, do func()) {
	w.events++
	heap.Push(&w.queue, event{max(at, w.now), w.events, do})
}

// chance reports whether something happens that has a probability, while there is trouble.
func (w *world) chance(p float64) bool { return !w.calm && p > 0 && w.Float64() < p }

// upTo returns a duration.
func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.Float64() * float64(d)) }

// runUntil lets things happen until a time, or until something is wrong.
func (w *world) runUntil(end time.Duration) {
	for len(w.queue) > 0 && w.queue[0].at <= end && w.failure == nil {
		e := heap.Pop(&w.queue).(event)
		w.now = e.at
		e.do()
	}
	w.now = max(w.now, end)
}

// close ends all that runs.
func (w *world) close() {
	for _, v := range w.nodes {
		v.ended = true
		for _, t := range v.tasks {
			t.stop()
		}
	}
}

// start runs something on a node, from now on.
func (v *virtual) start(f func()) {
	if v.ended {
		return
	}
	t := &task{node: v}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		f()
	})
	v.tasks = append(v.tasks, t)
	v.world.at(v.world.now, func() { v.world.resume(t) })
}

// resume lets a task run until it waits, unless its node is stopped: later, then.
func (w *world) resume(t *task) {
	v := t.node
	if v.ended {
		return
	}
	if w.now < v.stopped {
		w.at(v.stopped+1, func() { w.resume(t) })
		return
	}
	before := w.current
	w.current = t
	t.next()
	w.current = before
}

// errEnded ends what runs when its world does.
var errEnded = errors.New("the world has ended")

// park sets the task that runs aside until somebody resumes it. It returns false once the world has
// ended.
func (w *world) park() bool {
	t := w.current
	if t.node.ended {
		return false
	}
	return t.yield(struct{}{})
}

// pause sets the task that runs aside until a time.
func (w *world) pause(until time.Duration) bool {
	t := w.current
	w.at(until, func() { w.resume(t) })
	return w.park()
}

// clock is what the clock of a node shows. The node may be stopped right after a look.
func (v *virtual) clock() time.Time {
	w := v.world
	v.looked = w.now
	shown := v.shows(w.now)
	if w.current != nil && !v.ended && w.chance(w.stop) {
		v.stopped = w.now + w.upTo(longStop)
		v.trouble = max(v.trouble, v.stopped)
		t := w.current
		w.at(v.stopped, func() { w.resume(t) }) // before all others of the node
		w.park()
	}
	return shown
}

func (v *virtual) shows(at time.Duration) time.Time {
	return time.UnixMilli(dbTime).Add(v.offset + time.Duration(float64(at)*v.speed))
}

func (v *virtual) sleep(ctx context.Context, d time.Duration) error {
	if v.ended || !v.world.pause(v.world.now+time.Duration(float64(max(d, 0))/v.speed)+1) {
		return errEnded
	}
	return ctx.Err()
}

func (v *virtual) waitFor(ctx context.Context, closed <-chan struct{}) error {
	for {
		select {
		case <-closed:
			return nil
		default:
		}
		if err := v.sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

// add adds a node, which runs f after it has started.
func (w *world) add(place string, away time.Duration, f func(v *virtual)) *virtual {
	v := &virtual{world: w, index: len(w.nodes), speed: 1}
	if w.clocks {
		v.offset = w.upTo(4*time.Minute) - 2*time.Minute
		v.speed = 1 + (w.Float64()-0.5)/51
	}
	v.Node = newNode(Options{
		Database: &wire{v}, ID: fmt.Sprintf("node-%05d", v.index), Place: place, Away: away,
		OnChange: func(c Change) {
			if v.heard != nil {
				v.heard(c)
			}
		},
		Seams: seams.Seams{Now: v.clock, Sleep: v.sleep, Rand: w.Float64},
	})
	v.run, v.wait = v.start, v.waitFor
	w.nodes = append(w.nodes, v)
	v.start(func() {
		for v.Node.start(context.Background()) != nil {
			if v.sleep(context.Background(), beatEvery) != nil {
				return
			}
		}
		f(v)
	})
	return v
}

// trouble begins what happens to nodes and to the database every second.
func (w *world) trouble() {
	for _, v := range w.nodes {
		if w.chance(w.cut) {
			v.cut = w.now + w.upTo(longCut)
			v.trouble = max(v.trouble, v.cut)
			w.drop(func(l *listener) bool { return l.node == v })
		}
	}
	if w.chance(w.restart) {
		w.down = w.now + w.upTo(longRestart)
		for _, v := range w.nodes {
			v.trouble = max(v.trouble, w.down)
		}
		w.drop(func(*listener) bool { return true })
	}
	w.at(w.now+time.Second, w.trouble)
}

// wire is the way of a node to the database, which is a [Database].
type wire struct{ *virtual }

// errWire is what a node knows of a message that has no answer.
var errWire = errors.New("the database does not answer")

// call has the database do something. The message, or its answer, may be lost. Then, and after
// callTime, the node gives up, and the database does not do it any more.
func (c *wire) call(patience time.Duration, do func()) error {
	w, v := c.world, c.virtual
	if v.ended || w.current == nil {
		return errEnded
	}
	there, back := w.upTo(w.delay), w.upTo(w.delay)
	given := w.now + patience
	if there >= patience || w.chance(w.lost) {
		return c.giveUp(given)
	}
	reached := false
	w.at(w.now+there, func() {
		w.model.Set(dbTime + w.now.Milliseconds())
		if reached = w.now >= w.down && w.now >= v.cut; reached {
			do()
		}
	})
	if w.chance(w.doubled) {
		w.at(w.now+there+back+w.upTo(200*time.Millisecond)+1, func() {
			w.model.Set(dbTime + w.now.Milliseconds())
			if reached && w.now >= w.down && w.now >= v.cut {
				do()
			}
		})
	}
	answered := w.now + there + back
	if there+back >= patience || w.chance(w.lost) {
		return c.giveUp(given)
	}
	if !w.pause(answered) {
		return errEnded
	}
	if !reached || w.now < v.cut {
		if w.now < v.cut { // it hears nothing
			return c.giveUp(given)
		}
		return errWire
	}
	return nil
}

func (c *wire) giveUp(at time.Duration) error {
	if !c.world.pause(at) {
		return errEnded
	}
	return errWire
}

// result runs a question, of which a copy may come later: the answer to that goes nowhere.
func result[T any](c *wire, patience time.Duration, do func() T) (answer T, err error) {
	var first bool
	err = c.call(patience, func() {
		got := do()
		if !first {
			answer, first = got, true
		}
	})
	if err != nil {
		var none T
		return none, err
	}
	return answer, nil
}

func (c *wire) AcquireLease(ctx context.Context, name, holder string, life time.Duration) (int64, error) {
	return result(c, callTime, func() int64 {
		fence, _ := c.world.model.AcquireLease(ctx, name, holder, life)
		return fence
	})
}

func (c *wire) RenewLease(ctx context.Context, name, holder string, life time.Duration) (bool, error) {
	return result(c, callTime, func() bool {
		held, _ := c.world.model.RenewLease(ctx, name, holder, life)
		return held
	})
}

func (c *wire) ReleaseLease(ctx context.Context, name, holder string) error {
	return c.call(callTime, func() { _ = c.world.model.ReleaseLease(ctx, name, holder) })
}

func (c *wire) ChangeRate(ctx context.Context, name string, change func(now int64, ledger string) (string, bool)) error {
	return c.call(biteTime, func() { _ = c.world.model.ChangeRate(ctx, name, change) })
}

func (c *wire) Newest(ctx context.Context) (int64, error) {
	return result(c, callTime, func() int64 {
		newest, _ := c.world.model.Newest(ctx)
		return newest
	})
}

func (c *wire) Beat(ctx context.Context, id, place string, silent time.Duration) (rank, known int, quiet []int, newest int64, err error) {
	type members struct {
		rank, known int
		quiet       []int
		newest      int64
	}
	m, err := result(c, callTime, func() (m members) {
		m.rank, m.known, m.quiet, m.newest, _ = c.world.model.Beat(ctx, id, place, silent)
		return m
	})
	return m.rank, m.known, m.quiet, m.newest, err
}

func (c *wire) ForgetNodes(ctx context.Context, gone time.Duration) (int64, error) {
	return result(c, callTime, func() int64 {
		n, _ := c.world.model.ForgetNodes(ctx, gone)
		return n
	})
}

func (c *wire) Leave(ctx context.Context, id string) error {
	return c.call(callTime, func() { _ = c.world.model.Leave(ctx, id) })
}

// listener is a connection that listens.
type listener struct {
	node    *virtual
	task    *task // that waits
	waiting bool
	notices []string
	dead    bool
	last    time.Duration // when the last notice arrives: they keep their order
	end     func()
}

// drop ends the connections of listeners.
func (w *world) drop(which func(*listener) bool) {
	kept := w.listeners[:0]
	for _, l := range w.listeners {
		if !which(l) {
			kept = append(kept, l)
			continue
		}
		l.dead = true
		l.end()
		w.wake(l)
	}
	w.listeners = kept
}

func (w *world) wake(l *listener) {
	if l.waiting {
		l.waiting = false
		w.at(w.now, func() { w.resume(l.task) })
	}
}

func (c *wire) Listen(_ context.Context, ready func(), hear func(notice string)) error {
	w, v := c.world, c.virtual
	l := &listener{node: v, task: w.current}
	err := c.call(callTime, func() {
		if l.end != nil {
			return // the same question again
		}
		l.end = w.model.Subscribe(func(notice string) { w.send(l, notice) })
		w.listeners = append(w.listeners, l)
	})
	if err != nil {
		w.drop(func(other *listener) bool { return other == l })
		return err
	}
	ready()
	for {
		for len(l.notices) > 0 {
			notice := l.notices[0]
			l.notices = l.notices[1:]
			hear(notice)
		}
		if l.dead {
			return errWire
		}
		l.waiting = true
		if !w.park() {
			return errEnded
		}
	}
}

// send sends a notice to a listener.
func (w *world) send(l *listener, notice string) {
	if w.chance(w.noticeLost) {
		return
	}
	for range 1 + w.once(w.noticeTwi) {
		at := w.now + w.upTo(w.delay)
		if w.chance(w.noticeLate) {
			at += w.upTo(2 * time.Second)
		}
		l.last = max(l.last, at)
		w.at(l.last, func() {
			if !l.dead {
				l.notices = append(l.notices, notice)
				w.wake(l)
			}
		})
	}
}

func (w *world) once(p float64) int {
	if w.chance(p) {
		return 1
	}
	return 0
}
