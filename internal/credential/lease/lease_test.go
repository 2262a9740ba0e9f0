package lease_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agenthost/agenthost/internal/credential/lease"
	"github.com/agenthost/agenthost/pdk/abi"
)

// source is a place with a secret, and a clock.
type source struct {
	mu     sync.Mutex
	secret string
	until  time.Time
	err    error
	now    time.Time
	reads  int
	stale  []error
}

func (s *source) read(_ context.Context, old *string, _ bool) (*string, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.err != nil {
		return nil, time.Time{}, s.err
	}
	if old != nil && *old == s.secret {
		return old, s.until, nil
	}
	found := s.secret
	return &found, s.until, nil
}

func (s *source) Now() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now }

func newSource() (*source, *lease.Lease[string]) {
	s := &source{secret: "one", now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	return s, lease.New(lease.Config[string]{
		Read: s.read, Now: s.Now, What: "the secret", OnStale: func(err error) { s.stale = append(s.stale, err) },
	})
}

// get returns what a call gets, and how many readings that took.
func (s *source) get(t *testing.T, get func(context.Context) (*string, error)) (text string, reads int) {
	t.Helper()
	before := s.reads
	value, err := get(t.Context())
	if err != nil {
		return err.Error(), s.reads - before
	}
	return *value, s.reads - before
}

// step is a change of the world, and what a call gets after it.
type step struct {
	what   string
	change func(s *source, l *lease.Lease[string])
	renew  bool // instead of get
	want   string
	reads  int
}

var (
	errAway = &abi.Error{Kind: abi.KindNetwork, Message: "no route to the vault", Retryable: true}
	errGone = &abi.Error{Kind: abi.KindAuthFailed, Message: "the secret is gone"}
)

func pass(d time.Duration) func(*source, *lease.Lease[string]) {
	return func(s *source, _ *lease.Lease[string]) { s.now = s.now.Add(d) }
}

func becomes(secret string) func(*source, *lease.Lease[string]) {
	return func(s *source, _ *lease.Lease[string]) { s.secret = secret }
}

func fails(err error) func(*source, *lease.Lease[string]) {
	return func(s *source, _ *lease.Lease[string]) { s.err = err }
}

func TestLease(t *testing.T) {
	for name, steps := range map[string][]step{
		"used for a while": {
			{"at first", nil, false, "one", 1},
			{"at once", becomes("two"), false, "one", 0},
			{"just before the end", pass(lease.Usual - 1), false, "one", 0},
			{"at the end", pass(1), false, "two", 1},
			{"again", pass(lease.Usual - 1), false, "two", 0},
		},
		"not longer than it is good for": {
			{"at first", func(s *source, _ *lease.Lease[string]) { s.until = s.now.Add(time.Second) }, false, "one", 1},
			{"at its end", pass(time.Second), false, "one", 1},
		},
		"held and expired": {
			{"held", func(_ *source, l *lease.Lease[string]) { other := "other"; l.Hold(&other) }, false, "other", 0},
			{"expired", func(_ *source, l *lease.Lease[string]) { l.Expire() }, false, "one", 1},
		},
		"refused, and there is another one": {
			{"at first", nil, false, "one", 1},
			{"refused", becomes("two"), true, "two", 1},
			{"known from then on", nil, false, "two", 0},
		},
		"refused, and there is no other one": {
			{"at first", nil, false, "one", 1},
			{"refused", nil, true, "one", 1},
			{"refused again", pass(lease.Pause - 1), true, "one", 0},
			{"after the pause", pass(1), true, "one", 1},
			{"another one, by age", func(s *source, _ *lease.Lease[string]) { s.now = s.now.Add(lease.Usual); s.secret = "two" }, false, "two", 1},
			{"refused at once", becomes("three"), true, "three", 1},
		},
		"refused, and read for another reason within the pause": {
			{"at first", nil, false, "one", 1},
			{"refused", nil, true, "one", 1},
			{"expired, and the same", func(_ *source, l *lease.Lease[string]) { l.Expire() }, false, "one", 1},
			{"refused again", nil, true, "one", 0},
		},
		"refused, and the source is away": {
			{"at first", nil, false, "one", 1},
			{"refused", fails(errAway), true, errAway.Error(), 1},
			{"refused again", pass(lease.Pause - 1), true, errAway.Error(), 0},
			{"for who was not refused", nil, false, "one", 0},
			{"after the pause", pass(1), true, errAway.Error(), 1},
			{"old, and the source is away", pass(lease.Usual), false, "one", 1},
			{"back again", fails(nil), true, "one", 1},
		},
		"old, and the source is away": {
			{"at first", nil, false, "one", 1},
			{"away", func(s *source, _ *lease.Lease[string]) { s.err = errAway; s.now = s.now.Add(lease.Usual) }, false, "one", 1},
			{"not asked by every call", pass(lease.Usual - 1), false, "one", 0},
			{"asked again", pass(1), false, "one", 1},
			{"for too long", pass(lease.Stale - 2*lease.Usual), false, errAway.Error(), 1},
			{"back again", fails(nil), false, "one", 1},
		},
		"old, and gone": {
			{"at first", nil, false, "one", 1},
			{"gone", func(s *source, _ *lease.Lease[string]) { s.err = errGone; s.now = s.now.Add(lease.Usual) }, false, errGone.Error(), 1},
			{"still gone", nil, false, errGone.Error(), 1},
			{"an error of another type", fails(errors.New("odd")), false, "odd", 1},
		},
		"never read": {
			{"away", fails(errAway), false, errAway.Error(), 1},
			{"there", fails(nil), false, "one", 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, l := newSource()
			if l.Held() != nil {
				t.Error("a value is held before it was read")
			}
			for _, step := range steps {
				if step.change != nil {
					step.change(s, l)
				}
				get := l.Get
				if step.renew {
					get = func(ctx context.Context) (*string, error) { return l.Renew(ctx, l.Held()) }
				}
				if got, reads := s.get(t, get); got != step.want || reads != step.reads {
					t.Errorf("%s: %q after %d readings, want %q after %d", step.what, got, reads, step.want, step.reads)
				}
			}
		})
	}
}

// TestStale says why an old value is used, once for each reading that failed.
func TestStale(t *testing.T) {
	s, l := newSource()
	s.get(t, l.Get)
	s.err = errAway
	for range 3 {
		s.now = s.now.Add(lease.Usual)
		s.get(t, l.Get)
		s.get(t, l.Get)
	}
	if len(s.stale) != 3 || !errors.Is(s.stale[0], errAway) {
		t.Errorf("told of %v", s.stale)
	}
}

// TestRefusedLate refuses a value that has been replaced meanwhile.
func TestRefusedLate(t *testing.T) {
	s, l := newSource()
	first, err := l.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.secret = "two"
	renew := func(ctx context.Context) (*string, error) { return l.Renew(ctx, first) }
	for i, reads := range []int{1, 0} {
		if got, n := s.get(t, renew); got != "two" || n != reads {
			t.Errorf("refusal %d: %q after %d readings", i, got, n)
		}
	}
}

// TestEndedCallSaysNothingOfTheSource cancels the call that reads after a refusal.
func TestEndedCallSaysNothingOfTheSource(t *testing.T) {
	s, l := newSource()
	first, err := l.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.err = &abi.Error{Kind: abi.KindTimeout, Message: "the call ended", Retryable: true}
	for range 10 { // either it does not come to read, or it reads in vain
		if _, err := l.Renew(ctx, first); err == nil {
			t.Error("a call that has ended gets a value")
		}
	}
	s.err, s.secret = nil, "two"
	if got, _ := s.get(t, func(ctx context.Context) (*string, error) { return l.Renew(ctx, first) }); got != "two" {
		t.Errorf("the next call gets %q", got)
	}
}

// TestOneReads lets many callers meet a value that has not been read: one reads, the others
// wait, and who gives up does not take it from the others.
func TestOneReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, release := 0, make(chan struct{})
		l := lease.New(lease.Config[string]{
			Read: func(context.Context, *string, bool) (*string, time.Time, error) {
				reads++
				<-release
				found := "one"
				return &found, time.Time{}, nil
			},
			Now: time.Now, What: "the secret", OnStale: func(error) {},
		})
		var group sync.WaitGroup
		call := func(ctx context.Context, want string) {
			group.Go(func() {
				value, err := l.Get(ctx)
				if err != nil && err.Error() != want || err == nil && *value != want {
					t.Errorf("got %v, %v, want %s", value, err, want)
				}
			})
		}
		call(t.Context(), "one")
		synctest.Wait() // it reads
		ctx, cancel := context.WithCancel(t.Context())
		call(ctx, "cancelled: the call ended while the secret was read")
		for range 50 {
			call(t.Context(), "one")
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(release)
		group.Wait()
		if reads != 1 {
			t.Errorf("%d readings", reads)
		}
	})
}

// TestCheapLease: where reading costs nothing, each refusal reads.
func TestCheapLease(t *testing.T) {
	t.Parallel()
	s := &source{secret: "one", now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	l := lease.New(lease.Config[string]{Read: s.read, Now: s.Now, What: "the secret", Cheap: true, OnStale: func(error) {}})
	renew := func(ctx context.Context) (*string, error) { return l.Renew(ctx, l.Held()) }
	for i, step := range []struct {
		secret string
		err    error
		want   string
	}{{"one", nil, "one"}, {"one", nil, "one"}, {"two", nil, "two"}, {"two", errGone, errGone.Error()}, {"three", nil, "three"}} {
		s.secret, s.err = step.secret, step.err
		if got, reads := s.get(t, renew); got != step.want || reads != 1 {
			t.Errorf("step %d: %s after %d readings, want %s", i, got, reads, step.want)
		}
	}
}
