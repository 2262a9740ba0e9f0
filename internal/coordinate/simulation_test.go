package coordinate

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"
)

var (
	seeds = flag.Int("seeds", 160, "how many worlds TestSimulation makes")
	crowd = flag.Int("crowd", 100, "how many nodes TestCrowd has")
	first = flag.Uint64("seed", 0, "the seed of the first world")
	trial = flag.Int("trial", -1, "the trial that the worlds are of, and to end with the first one in which something is wrong; -1 for all")
)

// trials are the worlds of a simulation: each seed is one of them.
var trials = []struct {
	name string
	troubles
}{
	{"nothing goes wrong", troubles{delay: 45 * time.Millisecond, clocks: true}},
	{"notices are lost", troubles{delay: 50 * time.Millisecond, clocks: true, noticeLost: 0.2, noticeTwi: 0.1, noticeLate: 0.1}},
	{"messages are lost", troubles{delay: 100 * time.Millisecond, clocks: true, lost: 0.05, doubled: 0.05}},
	{"nodes stop", troubles{delay: 50 * time.Millisecond, clocks: true, stop: 0.0005}},
	{"nodes are cut off", troubles{delay: 50 * time.Millisecond, clocks: true, cut: 0.02}},
	{"the database restarts", troubles{delay: 50 * time.Millisecond, clocks: true, restart: 0.05}},
	{"the database is far away", troubles{delay: 990 * time.Millisecond, clocks: true, lost: 0.01}},
	{"everything", troubles{delay: 200 * time.Millisecond, clocks: true, lost: 0.02, doubled: 0.02, noticeLost: 0.05, noticeTwi: 0.05, noticeLate: 0.05, stop: 0.0002, cut: 0.01, restart: 0.02}},
}

// away is how long nodes of a simulation go on without the database.
const away = 30 * time.Second

// simulation is what the nodes of a world do, and what is checked of it:
//
//   - A node that believes that it has a lease has it, and a write is made under the newest lease only.
//   - In each window of a rate, at most as many requests are sent as it allows, if no node that does not
//     reach the database sends one of them. In any case, it is at most twice as many in one window, and
//     2 % and one window more in ten.
//   - Once the vendor closes a rate, no node sends anything after 200 ms, where nothing goes wrong.
//   - A change is heard of within 200 ms where nothing goes wrong; within 5 s where notices are lost; and
//     in the end, whatever went wrong.
//   - In the end, leases can be had, and requests can be sent.
type simulation struct {
	*world
	seed     uint64
	trial    string
	quiet    bool // nothing goes wrong
	unfenced bool // a mistake: writes do not go by the lease
	requests int
	window   time.Duration
	sent     []sent
	leases   []*claim
	closings []closing
	got      time.Duration // when a node last got a lease
	writes   int

	kinds  []string
	news   map[string][]time.Duration // when each version of what is announced was made
	caches []map[string]int           // of each node
}

// sent is a request to the vendor.
type sent struct {
	at    time.Duration
	alone bool
}

// closing is that the vendor closed the rate.
type closing struct{ from, until time.Duration }

// claim is a lease of a node.
type claim struct {
	*Lease
	node *virtual
}

// simulate returns the first thing that is wrong in the world of a seed.
func simulate(seed uint64, unfenced bool) error {
	trial := int(seed % uint64(len(trials)))
	s := newSimulation(seed, trial)
	defer s.close()
	s.unfenced = unfenced
	s.populate(2 + s.IntN(6))
	return s.run(45*time.Second, 30*time.Second)
}

func newSimulation(seed uint64, trial int) *simulation {
	s := &simulation{world: newWorld(seed, trials[trial].troubles), seed: seed, trial: trials[trial].name, quiet: trial == 0, kinds: []string{"connection", "token", "plan"}, news: make(map[string][]time.Duration)}
	s.requests = []int{1, 3, 5, 20, 100}[s.IntN(5)]
	s.window = []time.Duration{time.Second, 2 * time.Second, 10 * time.Second, time.Minute}[s.IntN(4)]
	return s
}

// populate adds nodes, which together want about as much as the rate allows, or twice that.
func (s *simulation) populate(nodes int) {
	load := (0.3 + 2*s.Float64()) * float64(s.requests) / s.window.Seconds() // requests a second
	for i := range nodes {
		s.caches = append(s.caches, nil)
		s.add(fmt.Sprint("place ", i), away, func(v *virtual) { s.work(v, load/float64(nodes)) })
	}
}

// run lets things go wrong for a time, and looks whether all is well after it.
func (s *simulation) run(bad, good time.Duration) error {
	s.at(time.Second, s.trouble)
	s.at(50*time.Millisecond, s.check)
	s.runUntil(bad)
	s.calm = true
	s.down = min(s.down, s.now)
	for _, v := range s.nodes {
		v.cut = min(v.cut, s.now)
	}
	calm := s.now
	for _, v := range s.nodes {
		calm = max(calm, v.stopped) // it goes on then, where it was stopped
	}
	s.runUntil(calm + good)
	s.checkEnd(calm)
	if s.failure != nil {
		return fmt.Errorf("seed %d (%s; %d nodes, %d in %s) %w", s.seed, s.trial, len(s.nodes), s.requests, s.window, s.failure)
	}
	return nil
}

// work is what a node does.
func (s *simulation) work(v *virtual, load float64) {
	s.read(v, Change{Everything: true})
	v.heard = func(c Change) { s.read(v, c) }
	rate := v.Rate("vendor", s.requests, s.window)
	v.start(func() { s.refresh(v) })
	v.start(func() { s.announce(v) })
	for range 1 + s.IntN(4) {
		v.start(func() { s.call(v, rate, load/2) })
	}
	if s.Float64() < 0.5 {
		v.start(func() { s.closeRate(v, rate) })
	}
}

// call sends requests to the vendor, so many a second.
func (s *simulation) call(v *virtual, r *Rate, load float64) {
	ctx := context.Background()
	for {
		alone := r.alone
		wait, err := r.Take(ctx)
		if v.ended {
			return
		}
		switch {
		case err != nil:
		case wait > 0:
		default:
			// What a stop holds back between the decision and the network counts when it was decided.
			s.sent = append(s.sent, sent{v.looked, r.alone > alone})
			wait = time.Duration(s.ExpFloat64() / load * float64(time.Second))
		}
		if v.sleep(ctx, min(wait, 10*time.Second)) != nil {
			return
		}
	}
}

// closeRate has the vendor close the rate at times.
func (s *simulation) closeRate(v *virtual, r *Rate) {
	for v.sleep(context.Background(), s.upTo(15*time.Second)) == nil && !s.calm {
		d := s.upTo(3 * time.Second)
		s.closings = append(s.closings, closing{s.now, s.now + d})
		r.Close(d)
	}
}

// token is what a node writes under a lease. Eight nodes have one together.
func (s *simulation) token(v *virtual) string { return fmt.Sprint("token ", v.index/8) }

// refresh writes something under a lease, again and again.
func (s *simulation) refresh(v *virtual) {
	ctx := context.Background()
	for v.sleep(ctx, s.upTo(3*time.Second)) == nil {
		l, err := v.Acquire(ctx, s.token(v))
		if err != nil {
			continue
		}
		c := &claim{l, v}
		s.got = s.now
		s.leases = append(s.leases, c)
		s.writeUnder(v, l)
		s.leases = slices.DeleteFunc(s.leases, func(other *claim) bool { return other == c })
		l.Release()
	}
}

func (s *simulation) writeUnder(v *virtual, l *Lease) {
	w := &wire{v}
	version, err := result(w, callTime, func() int64 { return s.model.Version(s.token(v)) })
	if err != nil {
		return
	}
	long := 2 * time.Second // the vendor's answer
	if s.Float64() < 0.05 {
		long = 20 * time.Second
	}
	if v.sleep(context.Background(), s.upTo(long)) != nil {
		return
	}
	name, fence := l.Under()
	_ = w.call(callTime, func() {
		under := fence
		if s.unfenced {
			under = s.model.Fence(name)
		}
		if !s.model.Write(name, version, under) {
			return
		}
		if newest := s.model.Fence(name); fence != newest {
			s.fail("a write under the lease %d is made, and %d was given", fence, newest)
		}
		s.writes++
	})
}

// announce changes something at times.
func (s *simulation) announce(v *virtual) {
	for v.sleep(context.Background(), s.upTo(8*time.Second)) == nil && !s.calm {
		kind := s.kinds[s.IntN(len(s.kinds))]
		w := &wire{v}
		_ = w.call(callTime, func() {
			s.news[kind] = append(s.news[kind], s.now)
			_, _ = s.model.Announce(context.Background(), kind)
		})
	}
}

// read reads again what changed.
func (s *simulation) read(v *virtual, c Change) {
	if s.caches[v.index] == nil {
		s.caches[v.index] = make(map[string]int)
	}
	for _, kind := range s.kinds {
		if c.Everything || c.About == kind {
			s.caches[v.index][kind] = len(s.news[kind])
		}
	}
}

// check looks at all nodes, every 50 ms.
func (s *simulation) check() {
	believers := make(map[string]int)
	for _, c := range s.leases {
		if c.node.shows(s.now).Sub(c.began) < time.Duration(c.until.Load()) {
			if believers[c.name]++; believers[c.name] > 1 {
				s.fail("several nodes believe that they have a lease")
			}
			if newest := s.model.Fence(c.name); c.fence != newest {
				s.fail("node %d believes in the lease %d, and %d was given", c.node.index, c.fence, newest)
			}
		}
	}
	bound := 5 * time.Second
	if s.quiet {
		bound = 200 * time.Millisecond
	}
	for _, v := range s.nodes {
		if s.delay > 250*time.Millisecond || s.now-v.trouble < 6*time.Second && v.trouble > 0 {
			continue // the bound is for a network that works
		}
		s.checkNews(v, bound)
	}
	s.at(s.now+50*time.Millisecond, s.check)
}

func (s *simulation) checkNews(v *virtual, bound time.Duration) {
	cache := s.caches[v.index]
	if cache == nil {
		return // it has not started
	}
	for _, kind := range s.kinds {
		if news := s.news[kind]; cache[kind] < len(news) && s.now-news[cache[kind]] > bound {
			s.fail("node %d does not know after %s that a %s was changed", v.index, s.now-news[cache[kind]], kind)
		}
	}
}

// checkEnd looks at what was done, and at what can be done since nothing goes wrong any more.
func (s *simulation) checkEnd(calm time.Duration) {
	for _, v := range s.nodes {
		s.checkNews(v, 0)
	}
	if s.got < calm {
		s.fail("no lease can be had any more")
	}
	slices.SortFunc(s.sent, func(a, b sent) int { return int(a.at - b.at) })
	if s.window <= 10*time.Second && (len(s.sent) == 0 || s.sent[len(s.sent)-1].at < calm) {
		s.fail("nothing is sent any more")
	}
	s.checkWindows()
	if s.quiet {
		s.checkClosings()
	}
}

// checkWindows looks at the requests in each window.
func (s *simulation) checkWindows() {
	alone := make([]int, len(s.sent)+1) // how many of those before were sent alone
	for i, one := range s.sent {
		alone[i+1] = alone[i]
		if one.alone {
			alone[i+1]++
		}
	}
	most := s.requests*10 + s.requests*10/50 + s.requests
	for i := range s.sent {
		if last := i + s.requests; last < len(s.sent) && s.sent[last].at-s.sent[i].at < s.window && alone[last+1] == alone[i] {
			s.fail("%d requests are sent within %s, from %s on", s.requests+1, s.sent[last].at-s.sent[i].at, s.sent[i].at)
			return
		}
		if last := i + 2*s.requests; last < len(s.sent) && s.sent[last].at-s.sent[i].at < s.window {
			s.fail("%d requests are sent within %s, from %s on", 2*s.requests+1, s.sent[last].at-s.sent[i].at, s.sent[i].at)
			return
		}
		if last := i + most; last < len(s.sent) && s.sent[last].at-s.sent[i].at < 10*s.window {
			s.fail("%d requests are sent within %s, from %s on", most+1, s.sent[last].at-s.sent[i].at, s.sent[i].at)
			return
		}
	}
}

// checkClosings looks for requests after the vendor has closed the rate.
func (s *simulation) checkClosings() {
	for _, c := range s.closings {
		for _, one := range s.sent {
			if one.at > c.from+200*time.Millisecond && one.at < c.until-toldEnough-20*time.Millisecond {
				s.fail("a request is sent %s after the vendor closed the rate for %s", one.at-c.from, c.until-c.from)
				return
			}
		}
	}
}

// TestSimulation makes worlds in which everything goes wrong. A seed that fails does so again.
func TestSimulation(t *testing.T) {
	t.Parallel()
	for i := range uint64(*seeds) {
		seed := *first + i
		if *trial >= 0 {
			seed = (*first+i)*uint64(len(trials)) + uint64(*trial)
		}
		if err := simulate(seed, false); err != nil {
			if t.Error(err); *trial >= 0 {
				return
			}
		}
	}
}

// TestCrowd makes a world of many nodes.
func TestCrowd(t *testing.T) {
	t.Parallel()
	s := newSimulation(*first, len(trials)-1)
	defer s.close()
	s.requests, s.window = 100, time.Second
	s.populate(*crowd)
	if err := s.run(10*time.Second, 30*time.Second); err != nil {
		t.Error(err)
	}
	t.Logf("%d nodes sent %d requests and wrote %d tokens in %s", *crowd, len(s.sent), s.writes, s.now)
}

// TestSeedsRepeat: the same seed makes the same world.
func TestSeedsRepeat(t *testing.T) {
	t.Parallel()
	for trial := range trials {
		var before *simulation
		for range 2 {
			s := newSimulation(uint64(trial), trial)
			s.populate(4)
			if err := s.run(20*time.Second, 30*time.Second); err != nil {
				t.Error(err)
			}
			s.close()
			if before != nil && (s.events != before.events || s.writes != before.writes || !slices.Equal(s.sent, before.sent)) {
				t.Errorf("trial %d: %d things happen, and then %d", trial, before.events, s.events)
			}
			before = s
		}
	}
}
