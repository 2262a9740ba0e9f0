package coordinate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agenthost/agenthost/internal/coordinate/databasetest"
	"github.com/agenthost/agenthost/internal/seams"
)

// shared is a database of nodes in a bubble of synctest. Its clock is that of the bubble.
type shared struct {
	*databasetest.Model
	asked atomic.Int64 // how often a rate was asked for
	down  atomic.Bool
}

var errDown = errors.New("the database is down")

func newShared() *shared { return &shared{Model: databasetest.NewModel(time.Now().UnixMilli())} }

func (s *shared) ready() error {
	s.Set(time.Now().UnixMilli())
	if s.down.Load() {
		return errDown
	}
	return nil
}

func (s *shared) AcquireLease(ctx context.Context, name, holder string, life time.Duration) (int64, error) {
	if err := s.ready(); err != nil {
		return 0, err
	}
	return s.Model.AcquireLease(ctx, name, holder, life)
}

func (s *shared) RenewLease(ctx context.Context, name, holder string, life time.Duration) (bool, error) {
	if err := s.ready(); err != nil {
		return false, err
	}
	return s.Model.RenewLease(ctx, name, holder, life)
}

func (s *shared) ReleaseLease(ctx context.Context, name, holder string) error {
	if err := s.ready(); err != nil {
		return err
	}
	return s.Model.ReleaseLease(ctx, name, holder)
}

func (s *shared) ChangeRate(ctx context.Context, name string, change func(int64, string) (string, bool)) error {
	s.asked.Add(1)
	if err := s.ready(); err != nil {
		return err
	}
	return s.Model.ChangeRate(ctx, name, change)
}

func (s *shared) Newest(ctx context.Context) (int64, error) {
	if err := s.ready(); err != nil {
		return 0, err
	}
	return s.Model.Newest(ctx)
}

func (s *shared) Beat(ctx context.Context, id, place string, silent time.Duration) (rank, known int, quiet []int, newest int64, err error) {
	if err := s.ready(); err != nil {
		return 0, 0, nil, 0, err
	}
	return s.Model.Beat(ctx, id, place, silent)
}

// open opens a node, which is closed when the test ends.
func (s *shared) open(t *testing.T, id string, change func(*Options)) *Node {
	t.Helper()
	o := Options{Database: s, ID: id, Place: id, Seams: seams.Seams{Rand: func() float64 { return 0.5 }}}
	if change != nil {
		change(&o)
	}
	n, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(context.WithoutCancel(t.Context())); err != nil && !errors.Is(err, errDown) {
			t.Error(err)
		}
	})
	return n
}

// TestConcurrentLeases: a holder has a lease as long as it wants, and no longer than it should.
func TestConcurrentLeases(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShared()
		a, b := s.open(t, "a", nil), s.open(t, "b", nil)
		l, err := a.Acquire(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * leaseLife)
		if !l.Held() {
			t.Error("it was not renewed")
		}
		ctx, cancel := context.WithTimeout(t.Context(), leaseLife)
		defer cancel()
		if _, err := b.Acquire(ctx, "x"); err == nil {
			t.Error("two nodes have it")
		}
		s.down.Store(true)
		time.Sleep(leaseLife)
		if l.Held() {
			t.Error("its holder believes in it, and cannot renew it")
		}
		s.down.Store(false)
		next, err := b.Acquire(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		_, before := l.Under()
		if name, fence := next.Under(); name != "x" || fence <= before {
			t.Errorf("%s has the fence %d after %d", name, fence, before)
		}
		next.Release()
		began := time.Now()
		again, err := a.Acquire(t.Context(), "x")
		if err != nil || time.Since(began) > 2*leasePoll {
			t.Errorf("after it was released, it takes %s: %v", time.Since(began), err)
		}
		again.Release()
		if again.Held() {
			t.Error("it is held after it was released")
		}
	})
}

// take takes from a rate until a time, and returns when.
func take(ctx context.Context, t *testing.T, r *Rate, end time.Time, pause time.Duration) (at []time.Time) {
	for time.Now().Before(end) {
		wait, err := r.Take(ctx)
		if err != nil {
			t.Error(err)
			return at
		}
		if wait == 0 {
			at = append(at, time.Now())
			wait = pause
		}
		time.Sleep(wait)
	}
	return at
}

// TestConcurrentRates: nodes keep to a limit together, and use most of it, however much each wants. While
// there is enough, few calls ask the database.
func TestConcurrentRates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		requests int
		window   time.Duration
		pauses   []time.Duration // between the calls of each node
		least    float64         // of what the limit allows, or of what is wanted
		asked    float64         // questions for each call, at most
	}{
		{100, time.Second, []time.Duration{time.Millisecond, time.Millisecond, time.Millisecond}, 0.9, 0.6},
		{100, time.Second, []time.Duration{time.Millisecond, time.Second, time.Second}, 0.9, 0.6},
		{60, time.Minute, []time.Duration{time.Second, time.Second}, 0.9, 1.1},
		{3000, time.Minute, []time.Duration{50 * time.Millisecond, 50 * time.Millisecond}, 0.9, 0.05},
		{10_000, time.Minute, []time.Duration{2 * time.Millisecond}, 0.9, 0.015},
	} {
		t.Run(fmt.Sprint(tt.requests, " in ", tt.window), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newShared()
				var mu sync.Mutex
				var all []time.Time
				var group sync.WaitGroup
				wanted := 0.0
				const windows = 5
				began := time.Now()
				end := began.Add(windows * tt.window)
				for i, pause := range tt.pauses {
					wanted += float64(windows*tt.window) / float64(pause)
					r := s.open(t, fmt.Sprint("node ", i), nil).Rate("x", tt.requests, tt.window)
					group.Go(func() {
						at := take(t.Context(), t, r, end, pause)
						mu.Lock()
						defer mu.Unlock()
						all = append(all, at...)
					})
				}
				group.Wait()
				slices.SortFunc(all, time.Time.Compare)
				for i := tt.requests; i < len(all); i++ {
					if d := all[i].Sub(all[i-tt.requests]); d < tt.window {
						t.Fatalf("%d requests within %s", tt.requests+1, d)
					}
				}
				if least := tt.least * min(wanted, float64(tt.requests*windows)); float64(len(all)) < least {
					t.Errorf("%d requests, want %.0f", len(all), least)
				}
				if asked := float64(s.asked.Load()) / float64(len(all)); asked > tt.asked {
					t.Errorf("a call asks the database %.3f times, want %.3f", asked, tt.asked)
				}
				t.Logf("%d requests of %d, %.3f questions for each", len(all), tt.requests*windows, float64(s.asked.Load())/float64(len(all)))
			})
		})
	}
}

// TestConcurrentRatesLeft: what a node has ahead of its calls, and no call comes for, is at most a twentieth
// of the limit less one: all of a small limit can be used, on whichever nodes the calls are.
func TestConcurrentRatesLeft(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ requests, calls, left int }{
		{20, 15, 0}, {20, 19, 0}, {39, 20, 0}, {40, 21, 1}, {100, 8, 4}, {1000, 400, 49},
	} {
		t.Run(fmt.Sprint(tt.calls, " of ", tt.requests), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newShared()
				sent := 0
				for i, calls := range []int{tt.calls, tt.requests} {
					r := s.open(t, fmt.Sprint("node ", i), nil).Rate("x", tt.requests, time.Minute)
					for range calls {
						if wait, err := r.Take(t.Context()); err != nil {
							t.Fatal(err)
						} else if wait == 0 {
							sent++
						}
					}
				}
				if left := tt.requests - sent; left > tt.left {
					t.Errorf("%d are left, want %d at most", left, tt.left)
				}
			})
		})
	}
}

// TestConcurrentNodesAlone: nodes that do not reach the database use their shares, for as long as they
// may, and all of the limit again after it.
func TestConcurrentNodesAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShared()
		var rates []*Rate
		for i := range 3 {
			rates = append(rates, s.open(t, fmt.Sprint(i), nil).Rate("x", 10, time.Second))
		}
		time.Sleep(2 * beatEvery) // each knows the others
		count := func(d time.Duration) (n []int) {
			end := time.Now().Add(d)
			counts := make([]int, len(rates))
			var group sync.WaitGroup
			for i, r := range rates {
				group.Go(func() { counts[i] = len(take(t.Context(), t, r, end, time.Millisecond)) })
			}
			group.Wait()
			return counts
		}
		s.down.Store(true)
		time.Sleep(beatEvery)
		if n := count(aloneAfter - 2*beatEvery); n[0]+n[1]+n[2] > 10 {
			t.Errorf("%d before the others leave them their shares", n)
		}
		time.Sleep(3 * beatEvery)
		for i, n := range count(10 * time.Second) {
			if want := 10 * share(10, 3, i); n < want*9/10 || n > want {
				t.Errorf("node %d sends %d, want %d", i, n, want)
			}
		}
		time.Sleep(DefaultAway)
		if n := count(10 * time.Second); n[0]+n[1]+n[2] > 0 {
			t.Errorf("%d after they may not go on any more", n)
		}
		s.down.Store(false)
		time.Sleep(3 * beatEvery)
		if n := count(10 * time.Second); n[0]+n[1]+n[2] < 80 || n[0]+n[1]+n[2] > 110 {
			t.Errorf("%d once the database is back", n)
		}
	})
}

// TestShare: the shares of all nodes are the limit, and so are what those that ask may take and the
// shares of those that are silent.
func TestShare(t *testing.T) {
	t.Parallel()
	for limit := range 30 {
		for known := 1; known < 12; known++ {
			sum := 0
			m := members{view: view{known: known}}
			for rank := range known {
				if n := m.common(limit); sum+n != limit {
					t.Errorf("%d of %d nodes are silent: they have %d of %d, and the others %d", rank, known, sum, limit, n)
				}
				sum += share(limit, known, rank)
				m.silent = append(m.silent, rank)
			}
			if sum != limit {
				t.Errorf("%d nodes have %d of %d", known, sum, limit)
			}
		}
	}
}

// TestConcurrentClosings: what the vendor closes is closed for all, and without a limit that the vendor
// declares, nobody asks the database but after that.
func TestConcurrentClosings(t *testing.T) {
	t.Parallel()
	for _, requests := range []int{0, 1000} {
		synctest.Test(t, func(t *testing.T) {
			s := newShared()
			a, b := s.open(t, "a", nil).Rate("x", requests, 10*time.Second), s.open(t, "b", nil).Rate("x", requests, 10*time.Second)
			for _, r := range []*Rate{a, b} {
				if wait, err := r.Take(t.Context()); wait != 0 || err != nil {
					t.Fatal(wait, err)
				}
			}
			asked := s.asked.Load()
			for range 10 {
				if wait, err := b.Take(t.Context()); requests == 0 && (wait != 0 || err != nil) {
					t.Fatal(wait, err)
				}
			}
			if requests == 0 && s.asked.Load() != asked {
				t.Error("a call asks the database")
			}
			a.Close(7 * time.Second)
			synctest.Wait()
			for name, r := range map[string]*Rate{"a": a, "b": b} {
				if wait, err := r.Take(t.Context()); wait < 6900*time.Millisecond || wait > 7*time.Second || err != nil {
					t.Errorf("%s waits %s, %v", name, wait, err)
				}
			}
			asked = s.asked.Load()
			a.Close(7 * time.Second) // another answer says the same
			synctest.Wait()
			if s.asked.Load() != asked {
				t.Error("it is told twice")
			}
			time.Sleep(7 * time.Second)
			for name, r := range map[string]*Rate{"a": a, "b": b} {
				if wait, err := r.Take(t.Context()); wait != 0 || err != nil {
					t.Errorf("%s waits %s after it, %v", name, wait, err)
				}
			}
		})
	}
}

// TestTakeEndsWithItsCall: who asks for a part of a rate gives up when its call ends.
func TestTakeEndsWithItsCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShared()
		release := make(chan struct{})
		n := s.open(t, "a", func(o *Options) { o.Database = slow{s, release} })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.Rate("x", 5, time.Minute).Take(ctx); err == nil {
			t.Error("it has an answer")
		}
		close(release)
	})
}

// slow is a database that is slow.
type slow struct {
	*shared
	release chan struct{}
}

func (s slow) ChangeRate(ctx context.Context, name string, change func(int64, string) (string, bool)) error {
	<-s.release
	return s.shared.ChangeRate(ctx, name, change)
}

// TestSingleNode: the only node of a database asks it for no rate, and says nothing of itself.
func TestSingleNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShared()
		heard := make(chan Change, 10)
		n := s.open(t, "a", func(o *Options) { o.Single, o.OnChange = true, func(c Change) { heard <- c } })
		if r := n.Rate("x", 5, time.Minute); r != nil {
			t.Error("it shares a rate")
		}
		synctest.Wait()
		if c := <-heard; !c.Everything {
			t.Errorf("it hears first of %+v", c)
		}
		if _, err := s.Announce(t.Context(), "token"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if c := <-heard; c != (Change{About: "token"}) {
			t.Errorf("it hears of %+v", c)
		}
		l, err := n.Acquire(t.Context(), "y")
		if err != nil || !l.Held() {
			t.Error(err)
		}
		l.Release()
		if _, known, _, _, err := s.Beat(t.Context(), "other", "b", time.Second); known != 1 || err != nil {
			t.Errorf("there are %d nodes, %v", known, err)
		}
		time.Sleep(time.Minute)
		if known, silent := n.Nodes(); known != 0 || silent != 0 || n.Away() != 0 {
			t.Errorf("it knows %d nodes, of which %d are silent, and is away for %s", known, silent, n.Away())
		}
	})
}

// mute is a database that tells nobody of anything, and whose beats can have no answer.
type mute struct {
	*shared
	lost atomic.Bool
}

func (*mute) Listen(ctx context.Context, ready func(), _ func(string)) error {
	ready()
	<-ctx.Done()
	return ctx.Err()
}

func (m *mute) Beat(ctx context.Context, id, place string, silent time.Duration) (rank, known int, quiet []int, newest int64, err error) {
	if m.lost.Load() {
		<-ctx.Done()
		return 0, 0, nil, 0, ctx.Err()
	}
	return m.shared.Beat(ctx, id, place, silent)
}

// TestBeatWithoutAnswer: a change whose notice is lost is known soon, while a beat has no answer.
func TestBeatWithoutAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mute{shared: newShared()}
		heard := make(chan Change, 10)
		m.open(t, "a", func(o *Options) { o.Database, o.OnChange = m, func(c Change) { heard <- c } })
		<-heard // it has begun to listen
		for i := range 3 {
			m.lost.Store(true)
			if _, err := m.Announce(t.Context(), "token"); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if c := <-heard; !c.Everything || time.Since(began) > beatEvery+askAgain {
				t.Errorf("change %d: it hears of %+v after %s", i, c, time.Since(began))
			}
			m.lost.Store(false)
			time.Sleep(10 * beatEvery)
		}
	})
}

// TestNotices: a watch makes one change of each revision, or says that everything may have changed.
func TestNotices(t *testing.T) {
	t.Parallel()
	poll := func(sent, newest int) func(*watch) {
		return func(w *watch) { w.polled(time.Unix(int64(sent), 0), int64(newest), false) }
	}
	late := func(sent, newest int) func(*watch) {
		return func(w *watch) { w.polled(time.Unix(int64(sent), 0), int64(newest), true) }
	}
	notice := func(text string) func(*watch) { return func(w *watch) { w.heard(text) } }
	for name, steps := range map[string][]struct {
		step func(*watch)
		want string // "*" is everything
	}{
		"in order":          {{notice("1 a"), "a"}, {notice("2 b x y"), "b x y"}, {poll(1, 2), ""}},
		"twice":             {{notice("1 a"), "a"}, {notice("1 a"), "a"}},
		"one is missing":    {{notice("1 a"), "a"}, {notice("3 c"), "*"}, {notice("2 b"), "b"}, {notice("4 d"), "d"}},
		"the last":          {{notice("1 a"), "a"}, {poll(1, 2), ""}, {poll(2, 2), "*"}, {poll(3, 2), ""}},
		"late":              {{notice("1 a"), "a"}, {poll(1, 2), ""}, {notice("2 b"), "b"}, {poll(2, 2), ""}},
		"a late question":   {{notice("1 a"), "a"}, {late(1, 1), ""}, {late(2, 2), "*"}, {poll(3, 2), ""}, {notice("2 b"), "b"}},
		"late, and another": {{poll(1, 2), ""}, {notice("1 a"), "a"}, {poll(2, 3), "*"}, {notice("3 c"), "c"}},
		"an old poll":       {{notice("1 a"), "a"}, {notice("2 b"), "b"}, {poll(1, 1), ""}, {notice("3 c"), "c"}, {poll(2, 2), ""}, {poll(3, 3), ""}},
		// Who may connect to PostgreSQL may send notices.
		"a forged number":      {{notice("1 a"), "a"}, {notice("2 rate x"), "rate x"}, {notice("2 token t"), "token t"}, {poll(1, 2), ""}},
		"the largest number":   {{notice("1 a"), "a"}, {notice("9223372036854775807 rate x"), "*"}, {notice("2 token t"), "token t"}},
		"forged, then missing": {{notice("1 a"), "a"}, {notice("9223372036854775807 rate x"), "*"}, {poll(1, 1), ""}, {poll(2, 2), "*"}, {notice("3 c"), "c"}},
		"forged, and missing":  {{notice("1 a"), "a"}, {notice("2 rate x"), "rate x"}, {poll(1, 1), ""}, {poll(2, 1), "*"}, {poll(3, 2), ""}, {poll(4, 2), "*"}},
		"an older database":    {{notice("1 a"), "a"}, {notice("9 b"), "*"}, {poll(1, 9), ""}, {poll(2, 4), "*"}, {notice("5 c"), "c"}, {poll(3, 5), ""}},
		"without a revision":   {{notice("1 a"), "a"}, {notice("0 rate x"), "rate x"}, {notice("2 b"), "b"}},
		"of another version":   {{notice("1 a"), "a"}, {notice("next {}"), "*"}, {notice(""), "*"}, {notice("2"), "*"}, {notice("2 b"), "b"}},
		"listens again": {
			{notice("1 a"), "a"},
			{func(w *watch) { w.listening(time.Unix(5, 0)) }, ""},
			{poll(4, 1), ""}, // asked before
			{poll(5, 1), "*"}, {poll(6, 1), ""}, {notice("2 b"), "b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			w := &watch{deliver: func(c Change) {
				text := c.About
				if c.Object != "" {
					text += " " + c.Object
				}
				if c.Everything {
					text = "*"
				}
				got = append(got, text)
			}}
			for i, s := range steps {
				got = nil
				s.step(w)
				if text := fmt.Sprint(got); text != fmt.Sprintf("[%s]", s.want) {
					t.Errorf("step %d: %s, want %q", i, text, s.want)
				}
			}
		})
	}
}

// TestLedger: what nodes take, give back and use up.
func TestLedger(t *testing.T) {
	t.Parallel()
	const now = 1_000_000
	ask := func(node string, id int64, want int, back ...returned) bite {
		return bite{node: node, id: id, want: want, limit: 100, requests: 100, window: 10 * time.Second, life: time.Second, back: back}
	}
	for name, steps := range map[string][]struct {
		after int64
		bite
		want answer
	}{
		"as much as is wanted": {{0, ask("a", 1, 3), answer{count: 3}}, {0, ask("b", 1, 25), answer{count: 25}}},
		"a quarter at most":    {{0, ask("a", 1, 100), answer{count: 25}}},
		"less and less": {
			{0, ask("a", 1, 25), answer{count: 25}}, {0, ask("b", 1, 100), answer{count: 25}}, {0, ask("c", 1, 100), answer{count: 25}},
			{0, ask("d", 1, 100), answer{count: 12}}, {0, ask("e", 1, 100), answer{count: 6}}, {0, ask("f", 1, 100), answer{count: 3}},
			{0, ask("g", 1, 100), answer{count: 2}}, {0, ask("h", 1, 100), answer{count: 2}}, {0, ask("i", 1, 100), answer{wait: 11 * time.Second}},
		},
		"the same twice":     {{0, ask("a", 1, 20), answer{count: 20}}, {1, ask("a", 1, 20), answer{count: 20}}, {1, ask("b", 1, 100), answer{count: 25}}},
		"counts for a while": {{0, ask("a", 1, 25), answer{count: 25}}, {10_999, ask("b", 1, 100), answer{count: 25}}},
		"comes back":         {{0, with(ask("a", 1, 25), 1), answer{count: 1}}, {1, with(ask("a", 2, 1), 1), answer{wait: 10_999 * time.Millisecond}}, {2, with(ask("a", 3, 1, returned{1, 1}), 1), answer{count: 1}}},
		"comes back twice": {
			{0, with(ask("a", 1, 1), 2), answer{count: 1}}, {1, with(ask("a", 2, 1, returned{1, 1}), 2), answer{count: 1}},
			{2, with(ask("a", 3, 1, returned{1, 1}), 2), answer{count: 1}}, {3, with(ask("a", 4, 1), 2), answer{wait: 10_998 * time.Millisecond}},
		},
		"comes back late":   {{0, with(ask("a", 1, 1), 1), answer{count: 1}}, {1000, with(ask("a", 2, 1, returned{1, 1}), 1), answer{wait: 10_052 * time.Millisecond}}},
		"of somebody else":  {{0, with(ask("a", 1, 1), 1), answer{count: 1}}, {1, with(ask("b", 2, 1, returned{1, 1}), 1), answer{wait: 10_999 * time.Millisecond}}},
		"used up early":     {{0, with(ask("a", 1, 1), 1), answer{count: 1}}, {10, with(ask("a", 2, 1, returned{1, 0}), 1), answer{wait: 10_106 * time.Millisecond}}},
		"used alone":        {{0, with(bite{node: "a", id: 1, want: 1, limit: 5, requests: 5, window: 10 * time.Second, alone: 5}, 5), answer{wait: 10_116 * time.Millisecond}}},
		"nothing is known":  {{0, bite{node: "a", id: 1, want: 1}, answer{}}},
		"nothing is wanted": {{0, ask("a", 1, 0), answer{}}},
		"no share for them": {{0, with(ask("a", 1, 1), 0), answer{wait: 10 * time.Second}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := ""
			for i, s := range steps {
				l := readLedger(text)
				if got := l.take(now+s.after, s.bite); got != s.want {
					t.Errorf("step %d: %+v, want %+v; the ledger was %s", i, got, s.want, text)
				}
				text = l.text()
			}
		})
	}
	l := readLedger("{damaged")
	if !l.close(now, time.Second) || l.close(now, time.Second) || !l.close(now, 2*time.Second) {
		t.Error("it is not closed for longer")
	}
	if got := l.take(now+500, ask("a", 1, 1)); got != (answer{wait: 1500 * time.Millisecond}) {
		t.Errorf("%+v while it is closed", got)
	}
	// However much is taken, the ledger is no longer than its steps.
	for i := range int64(10_000) {
		l.take(now+5000+i, ask(fmt.Sprint("node ", i%7), i, 1))
	}
	if n := len(l.text()); n > 16<<10 {
		t.Errorf("the ledger has %d bytes", n)
	}
}

func with(b bite, limit int) bite {
	b.limit = limit
	return b
}
