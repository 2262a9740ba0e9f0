package coordinate

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
	"weak"

	"github.com/agenthost/agenthost/internal/fault"
)

// rates are the rates that a node uses.
type rates struct {
	mu    sync.Mutex
	named map[string]weak.Pointer[Rate]
	swept int // how many there were when those that nobody uses were last left out
}

// Rate is a limit that all nodes share: what a vendor allows an account. It is safe for concurrent
// use. Get one from [Node.Rate].
type Rate struct {
	node     *Node
	name     string
	requests int
	window   time.Duration

	mu sync.Mutex
	// What the node has taken, and may use until a time.
	id          int64
	count, left int
	until       time.Time
	ended       bool // all of it was used
	back        []returned
	asked       int64         // the last id
	asking      chan struct{} // nil if nobody asks; closed when the answer is there
	waiting     int           // callers who wait for the answer
	lag         time.Duration // how long the last answer took
	next        time.Time     // before, to ask makes no sense
	closed      time.Time     // no request before
	told        time.Time     // until when the others know that it is closed
	stale       bool          // something was heard of it
	turns       int64         // counts what was heard
	paced       time.Time     // when the node may use the next one alone
	alone       int           // what it used alone, and the ledger does not know
}

const (
	// minLife and maxLife bound how long a node may use what it takes.
	minLife = 50 * time.Millisecond
	maxLife = 3 * time.Second
	// mostBack is how many things are given back at once at most.
	mostBack = 8
	// soon is when a caller asks again who cannot be told when.
	soon = 250 * time.Millisecond
	// biteTime bounds a question for a part of a rate. A node that is far away gets some, too.
	biteTime = 5 * time.Second
	// aheadOf is the part of a limit that a node may take ahead of its calls: one in so many. What no call
	// comes for then is lost to the others for a while.
	aheadOf = 20
	// toldEnough is how much longer a rate must be closed for the others to be told again.
	toldEnough = 100 * time.Millisecond
)

// Rate returns the rate of a name; nil if no other node shares it. Keep it as long as you use it. A vendor
// allows so many requests in a window, or 0 if nothing is known of it: the rate is only closed at
// times then.
func (n *Node) Rate(name string, requests int, window time.Duration) *Rate {
	if n.options.Single {
		return nil
	}
	if requests <= 0 || window <= 0 {
		requests, window = 0, 0
	}
	r := &n.rates
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.named[name].Value(); known != nil && known.requests == requests && known.window == window {
		return known
	}
	if r.named == nil {
		r.named = make(map[string]weak.Pointer[Rate])
	}
	if len(r.named) > 2*r.swept+64 {
		maps.DeleteFunc(r.named, func(_ string, p weak.Pointer[Rate]) bool { return p.Value() == nil })
		r.swept = len(r.named)
	}
	// What was heard before this rate was made is in the database.
	made := &Rate{node: n, name: name, requests: requests, window: window, stale: true}
	r.named[name] = weak.Make(made)
	return made
}

// changed tells rates what was heard of them.
func (r *rates) changed(c Change) {
	switch {
	case c.Everything:
		for _, rate := range r.all() {
			rate.heard()
		}
	case c.About == AboutRate:
		r.mu.Lock()
		rate := r.named[c.Object].Value()
		r.mu.Unlock()
		if rate != nil {
			rate.heard()
		}
	}
}

// all returns the rates that are used, by name.
func (r *rates) all() (used []*Rate) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(r.named)) {
		if rate := r.named[name].Value(); rate != nil {
			used = append(used, rate)
		}
	}
	return used
}

// giveBack gives back what the node has of all rates.
func (r *rates) giveBack(ctx context.Context, n *Node) {
	for _, rate := range r.all() {
		rate.mu.Lock()
		rate.drop()
		b := rate.bite(0)
		rate.mu.Unlock()
		if len(b.back) > 0 {
			_, _ = n.bite(ctx, rate.name, b) // or it counts as used
		}
	}
}

// report says in the ledgers what the node used while it did not reach the database.
func (r *rates) report(n *Node) error {
	for _, rate := range r.all() {
		rate.mu.Lock()
		if rate.alone == 0 || rate.asking != nil {
			rate.mu.Unlock()
			continue
		}
		b := rate.bite(0)
		rate.mu.Unlock()
		if _, err := n.bite(n.ctx, rate.name, b); err != nil {
			rate.mu.Lock()
			rate.failed(b)
			rate.mu.Unlock()
			return err
		}
	}
	return nil
}

// Take takes the right to send one request now. If it returns a time, there is none before that: take
// again then. It asks the database nothing as long as the node has some.
//
// # Errors
//
// An *[abi.Error] of kind timeout or cancelled if ctx ends while it asks.
func (r *Rate) Take(ctx context.Context) (wait time.Duration, err error) {
	for {
		wait, asking := r.try()
		if asking == nil {
			return wait, nil
		}
		err := r.node.wait(ctx, asking)
		r.mu.Lock()
		r.waiting--
		r.mu.Unlock()
		if err != nil {
			return 0, fault.EndedWith(ctx, "the call ended while it asked how much of the vendor's limit is left")
		}
	}
}

// try is one attempt to take something. It returns a channel to wait for if the database is asked.
func (r *Rate) try() (wait time.Duration, asking <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.node
	now := n.now()
	switch {
	case now.Before(r.closed):
		return r.closed.Sub(now), nil
	case !r.stale && r.requests == 0:
		return 0, nil
	case !r.stale && r.left > 0 && now.Before(r.until):
		r.left--
		r.ended = r.left == 0
		return 0, nil
	}
	switch n.members.standing(now, n.options.Away, min(r.window, maxLife)) {
	case alone:
		return r.pace(now), nil
	case uncertain:
		if r.requests == 0 {
			return 0, nil
		}
		return soon, nil
	}
	if now.Before(r.next) {
		return r.next.Sub(now), nil
	}
	r.waiting++
	if r.asking == nil {
		r.asking = make(chan struct{})
		n.run(r.ask)
	}
	return 0, r.asking
}

// pace spreads the node's share over the window, and a little more: clocks run unequally, and a window
// may begin and end with a request.
func (r *Rate) pace(now time.Time) (wait time.Duration) {
	if r.requests == 0 {
		return 0
	}
	own := r.node.members.own(r.requests)
	switch {
	case own == 0:
		return soon
	case now.Before(r.paced):
		return r.paced.Sub(now)
	}
	each := r.window / time.Duration(own)
	r.paced = now.Add(each + each/20)
	r.alone++
	return 0
}

// life is how long the node may use what it takes: not long, as it counts until it is over, but
// longer than an answer takes.
func (r *Rate) life() time.Duration {
	return min(max(r.window/20, minLife, 4*r.lag), max(maxLife, 4*r.lag))
}

// wanted is how much the node needs at once: for those who wait, or as much as it used lately, if that is
// a small part of the limit. So of a limit below 40, it takes nothing that no call waits for.
func (r *Rate) wanted(now time.Time) int {
	lately := 0
	if now.Sub(r.until) < r.life() {
		if lately = r.count - r.left; r.ended {
			lately = 2 * r.count
		}
	}
	return max(1, r.waiting, min(lately, r.requests/aheadOf))
}

// drop has the node use no more of what it has.
func (r *Rate) drop() {
	if r.count > 0 {
		r.back = append(r.back, returned{r.id, r.left})
		r.count, r.left = 0, 0
	}
}

// bite returns a question to the database.
func (r *Rate) bite(want int) bite {
	r.asked++
	b := bite{
		node: r.node.options.ID, id: r.asked, want: want, limit: r.node.members.common(r.requests),
		requests: r.requests, window: r.window, life: r.life(), back: r.back, alone: min(r.alone, r.node.members.own(r.requests)+1),
	}
	r.back, r.alone = nil, 0
	return b
}

// failed undoes a bite without an answer, which may have arrived.
func (r *Rate) failed(b bite) {
	r.back = append(r.back, b.back...)
	if b.want > 0 {
		r.back = append(r.back, returned{b.id, b.want})
	}
	r.back = r.back[max(0, len(r.back)-mostBack):]
	r.alone += b.alone
	r.next = r.node.now().Add(soon)
}

// bite asks the database.
func (n *Node) bite(ctx context.Context, name string, b bite) (got answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, biteTime)
	defer cancel()
	err = n.db.ChangeRate(ctx, name, func(now int64, text string) (string, bool) {
		l := readLedger(text)
		got = l.take(now, b)
		return l.text(), false
	})
	return got, err
}

// ask takes something from the ledger.
func (r *Rate) ask() {
	n := r.node
	r.mu.Lock()
	want := 0
	if r.requests > 0 {
		want = r.wanted(n.now())
	}
	r.drop()
	b, turns := r.bite(want), r.turns
	r.mu.Unlock()
	sent := n.now()
	got, err := n.bite(n.ctx, r.name, b)
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.asking)
	r.asking = nil
	if err != nil {
		r.failed(b)
		return
	}
	r.answered(b, got, sent, turns)
}

// answered takes what the ledger gives.
func (r *Rate) answered(b bite, got answer, sent time.Time, turns int64) {
	n := r.node
	now := n.now()
	r.lag = now.Sub(sent)
	switch {
	case got.wait > 0 && r.requests == 0:
		r.closed = now.Add(got.wait)
	case b.limit < r.requests: // a silent node may be back soon
		r.next = now.Add(min(got.wait, viewLife))
	default:
		r.next = now.Add(got.wait)
	}
	if r.turns == turns {
		r.stale = false
	}
	if got.count == 0 {
		return
	}
	// It is over here before it is over there: counted from before the question, a fiftieth sooner,
	// and the database counts whole milliseconds.
	r.id, r.count, r.left, r.ended = b.id, got.count, got.count, false
	r.until = sent.Add(b.life - b.life/50 - 2*time.Millisecond)
	if r.stale {
		r.drop() // the vendor may have closed it since
	}
	if got.count > 1 {
		id, rest := r.id, r.until.Sub(now)-2*r.lag
		n.run(func() { r.giveBack(id, rest) })
	}
}

// giveBack gives back what is left of something, shortly before it is over.
func (r *Rate) giveBack(id int64, after time.Duration) {
	n := r.node
	if n.sleep(n.ctx, after) != nil {
		return
	}
	r.mu.Lock()
	if r.id != id || r.left == 0 || r.asking != nil || !n.now().Before(r.until) {
		r.mu.Unlock()
		return
	}
	r.drop()
	b := r.bite(0)
	r.asking = make(chan struct{})
	asking := r.asking
	r.mu.Unlock()
	_, err := n.bite(n.ctx, r.name, b)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asking = nil
	close(asking)
	if err != nil {
		r.failed(b)
	}
}

// heard says that the rate may be closed: what the node has may be worth nothing.
func (r *Rate) heard() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stale = true
	r.turns++
	r.next = time.Time{}
	r.drop()
}

// Close closes the rate for a time, because the vendor said so, and tells the others. It does not
// wait for the database.
func (r *Rate) Close(d time.Duration) {
	n := r.node
	r.mu.Lock()
	now := n.now()
	until := now.Add(d)
	tell := until.Sub(r.told) >= toldEnough
	if tell {
		r.told = until
	}
	if until.After(r.closed) {
		r.closed = until
	}
	r.drop()
	r.mu.Unlock()
	if tell {
		n.run(func() { r.tell(until) })
	}
}

// tell tells the other nodes until when the rate is closed.
func (r *Rate) tell(until time.Time) {
	n := r.node
	for left := until.Sub(n.now()); left > 0; left = until.Sub(n.now()) {
		ctx, cancel := context.WithTimeout(n.ctx, callTime)
		err := n.db.ChangeRate(ctx, r.name, func(now int64, text string) (string, bool) {
			l := readLedger(text)
			longer := l.close(now, left)
			return l.text(), longer
		})
		cancel()
		if err == nil || n.sleep(n.ctx, soon) != nil {
			return
		}
	}
}
