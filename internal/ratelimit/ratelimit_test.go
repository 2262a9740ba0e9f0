package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
)

// clock is a clock that moves when somebody sleeps.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return ctx.Err()
}

func start() *clock { return &clock{now: time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)} }

// No window has more requests than the limit, and none waits for longer than that takes.
func TestWindowIsNeverExceeded(t *testing.T) {
	for most := 1; most <= 5; most++ {
		c := start()
		g := New(seams.Seams{Now: c.Now, Sleep: c.Sleep}, nil, nil).Gate("issues.list", &abi.RateLimit{Requests: most, PerSeconds: 10})
		var sent []time.Time
		for i := range 60 {
			want := c.Now()
			if i >= most && sent[i-most].Add(10*time.Second).After(want) {
				want = sent[i-most].Add(10 * time.Second)
			}
			if err := g.Wait(context.Background()); err != nil {
				t.Fatal(err)
			}
			if sent = append(sent, c.Now()); !c.Now().Equal(want) {
				t.Errorf("%d in 10 s: request %d was sent %s late", most, i, c.Now().Sub(want))
			}
			c.now = c.now.Add([]time.Duration{0, time.Second, 2 * time.Second, 0, 9 * time.Second, 0, 25 * time.Second}[i%7])
		}
	}
}

// A bucket remembers the requests of one window, and not as many as there might be.
func TestBucketIsAsLargeAsItsUse(t *testing.T) {
	c := start()
	g := New(seams.Seams{Now: c.Now, Sleep: c.Sleep}, nil, nil).Gate("issues.list", &abi.RateLimit{Requests: maxWindow, PerSeconds: 60})
	for _, tt := range []struct{ requests, most int }{{1, 1}, {100, 256}, {1, 1}} {
		for range tt.requests {
			if err := g.Wait(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		if n := cap(g.bucket.times); n > tt.most {
			t.Errorf("%d requests take the memory of %d, want %d at most", tt.requests, n, tt.most)
		}
		c.now = c.now.Add(time.Minute)
	}
}

func TestBucketsAreApart(t *testing.T) {
	c := start()
	l := New(seams.Seams{Now: c.Now, Sleep: c.Sleep}, nil, nil)
	limit := &abi.RateLimit{Requests: 1, PerSeconds: 60}
	before := c.Now()
	for _, name := range []string{"a", "b", "c"} {
		if err := l.Gate(name, limit).Wait(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if !c.Now().Equal(before) {
		t.Error("one bucket waited for another")
	}
	if err := l.Gate("a", limit).Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	if waited := c.Now().Sub(before); waited != time.Minute {
		t.Errorf("the second request of a bucket waited for %s", waited)
	}
}

// A wait that does not fit the deadline fails at once, and takes no place.
func TestNoWaitPastTheDeadline(t *testing.T) {
	c := start()
	g := New(seams.Seams{Now: c.Now, Sleep: c.Sleep}, nil, nil).Gate("issues.list", &abi.RateLimit{Requests: 1, PerSeconds: 3600})
	if err := g.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for range 3 {
		err := g.Wait(ctx)
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindRateLimited || e.RetryAfter() != time.Hour || !e.Retryable {
			t.Fatalf("got %+v", err)
		}
	}
}

func TestCancelledWait(t *testing.T) {
	c := start()
	g := New(seams.Seams{Now: c.Now, Sleep: c.Sleep}, nil, nil).Gate("x", &abi.RateLimit{Requests: 1, PerSeconds: 1})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = g.Wait(ctx)
	var e *abi.Error
	if err := g.Wait(ctx); !errors.As(err, &e) || e.Kind != abi.KindCancelled {
		t.Errorf("got %v", err)
	}
}

func TestLearn(t *testing.T) {
	now := start().now
	for _, tt := range []struct {
		name   string
		status int
		header map[string]string
		closed time.Duration
	}{
		{"nothing", 200, nil, 0},
		{"seconds", 429, map[string]string{"Retry-After": "7"}, 7 * time.Second},
		{"date", 429, map[string]string{"Retry-After": now.Add(9 * time.Second).Format(http.TimeFormat)}, 9 * time.Second},
		{"429 alone", 429, nil, defaultClosed},
		{"503 with a time", 503, map[string]string{"Retry-After": "3"}, 3 * time.Second},
		{"503 alone", 503, nil, 0},
		{"a time without a failure", 200, map[string]string{"Retry-After": "7"}, 0},
		{"some remain", 200, map[string]string{"X-RateLimit-Remaining": "5", "X-RateLimit-Reset": "30"}, 0},
		{"none remains, seconds", 200, map[string]string{"RateLimit-Remaining": "0", "RateLimit-Reset": "30"}, 30 * time.Second},
		{"none remains, unix time", 200, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(now.Add(20 * time.Second).Unix())}, 20 * time.Second},
		{"Pylon's spelling", 200, map[string]string{"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "5"}, 5 * time.Second},
		{"the later of two", 429, map[string]string{"Retry-After": "2", "RateLimit-Remaining": "0", "RateLimit-Reset": "4"}, 4 * time.Second},
		{"a century", 429, map[string]string{"Retry-After": "3153600000"}, maxClosed},
		{"a past date", 429, map[string]string{"Retry-After": now.Add(-time.Hour).Format(http.TimeFormat)}, 0},
		{"nonsense", 429, map[string]string{"Retry-After": "NaN"}, defaultClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := start()
			g := New(seams.Seams{Now: c.Now, Sleep: c.Sleep}, nil, nil).Gate("x", nil)
			header := http.Header{}
			for name, value := range tt.header {
				header.Set(name, value)
			}
			g.Learn(tt.status, header)
			if err := g.Wait(context.Background()); err != nil {
				t.Fatal(err)
			}
			if waited := c.Now().Sub(now); waited != tt.closed {
				t.Errorf("waited for %s, want %s", waited, tt.closed)
			}
		})
	}
}

func TestConcurrentUse(t *testing.T) {
	c := start()
	g := New(seams.Seams{Now: c.Now, Sleep: c.Sleep}, nil, nil).Gate("x", &abi.RateLimit{Requests: 5, PerSeconds: 1})
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if err := g.Wait(context.Background()); err != nil {
				t.Error(err)
			}
			g.Learn(200, nil)
		})
	}
	group.Wait()
}

func FuzzMoment(f *testing.F) {
	for _, seed := range []string{"7", "1769850000", "Sat, 31 Jan 2026 09:00:07 GMT", "-1", "1e400", "NaN", ""} {
		f.Add(seed)
	}
	now := start().now
	f.Fuzz(func(t *testing.T, text string) {
		if until := reopens(429, http.Header{"Retry-After": {text}}, nil, now); until.After(now.Add(maxClosed)) {
			t.Errorf("%q closes until %s", text, until)
		}
	})
}

func ExampleGate_Wait() {
	clock := start()
	limiter := New(seams.Seams{Now: clock.Now, Sleep: clock.Sleep}, nil, nil)
	gate := limiter.Gate("issues.list", &abi.RateLimit{Requests: 1, PerSeconds: 60})
	fmt.Println(gate.Wait(context.Background()))

	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := gate.Wait(ctx)
	var e *abi.Error
	if errors.As(err, &e) {
		fmt.Println(e.Kind, e.RetryAfter())
	}
	// Output:
	// <nil>
	// rate_limited 1m0s
}

// A vendor's own headers, which the manifest declares, close a bucket as the known ones do.
func TestDeclaredHeaders(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	left := abi.RateHeaders{Remaining: "X-Left", Reset: "X-Renewed"}
	in := func(h abi.RateHeaders, unit string) abi.RateHeaders { h.Unit = unit; return h }
	for _, tt := range []struct {
		name    string
		headers abi.RateHeaders
		status  int
		answer  map[string]string
		wait    time.Duration
	}{
		{"seconds", in(left, "seconds"), 200, map[string]string{"x-left": "0", "x-renewed": "12.5"}, 12500 * time.Millisecond},
		{"milliseconds", in(left, "milliseconds"), 200, map[string]string{"X-Left": "0", "X-Renewed": "1500"}, 1500 * time.Millisecond},
		{"epoch", in(left, "epoch"), 200, map[string]string{"X-Left": "0", "X-Renewed": fmt.Sprint(now.Unix() + 30)}, 30 * time.Second},
		{"epoch milliseconds", in(left, "epoch_milliseconds"), 200, map[string]string{"X-Left": "0", "X-Renewed": fmt.Sprint(now.UnixMilli() + 30)}, 30 * time.Millisecond},
		{"a date", in(left, "time"), 200, map[string]string{"X-Left": "0", "X-Renewed": "2026-01-31T09:00:07Z"}, 7 * time.Second},
		{"a date of HTTP", in(left, "time"), 200, map[string]string{"X-Left": "0", "X-Renewed": "Sat, 31 Jan 2026 09:00:08 GMT"}, 8 * time.Second},
		{"something is left", in(left, "seconds"), 200, map[string]string{"X-Left": "1", "X-Renewed": "12"}, 0},
		{"less than a request is left", in(left, "seconds"), 200, map[string]string{"X-Left": "0.4", "X-Renewed": "12"}, 12 * time.Second},
		{"no number", in(left, "seconds"), 200, map[string]string{"X-Left": "none", "X-Renewed": "12"}, 0},
		{"no header", in(left, "seconds"), 200, nil, 0},
		{"a time that is over", in(left, "epoch"), 200, map[string]string{"X-Left": "0", "X-Renewed": "5"}, 0},
		{"not a number", in(left, "seconds"), 200, map[string]string{"X-Left": "0", "X-Renewed": "NaN"}, 0},
		{"for ever", in(left, "seconds"), 200, map[string]string{"X-Left": "0", "X-Renewed": "1e300"}, maxClosed},
		{"until the end of time", in(left, "epoch"), 200, map[string]string{"X-Left": "0", "X-Renewed": "1e300"}, maxClosed},
		{"refused", abi.RateHeaders{Reset: "X-Wait-Ms", Unit: "milliseconds"}, 429, map[string]string{"X-Wait-Ms": "2500"}, 2500 * time.Millisecond},
		{"not refused", abi.RateHeaders{Reset: "X-Wait-Ms", Unit: "milliseconds"}, 200, map[string]string{"X-Wait-Ms": "2500"}, 0},
		{"refused without a word", abi.RateHeaders{Reset: "X-Wait-Ms", Unit: "milliseconds"}, 429, nil, defaultClosed},
		{"the later one counts", in(left, "seconds"), 429, map[string]string{"X-Left": "0", "X-Renewed": "3", "Retry-After": "9"}, 9 * time.Second},
	} {
		c := &clock{now: now}
		g := New(seams.Seams{Now: c.Now, Sleep: c.Sleep}, []abi.RateHeaders{tt.headers}, nil).Fresh().Gate("all", nil)
		header := http.Header{}
		for name, value := range tt.answer {
			header.Set(name, value)
		}
		g.Learn(tt.status, header)
		if err := g.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if waited := c.Now().Sub(now); waited != tt.wait {
			t.Errorf("%s: it waits %s, want %s", tt.name, waited, tt.wait)
		}
	}
}

// shared is a pool of a test: so many requests, and then one each second.
type shared struct {
	left   int
	took   int
	closed []time.Duration
}

func (s *shared) Take(ctx context.Context) (time.Duration, error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if s.left == 0 {
		s.left = 1
		return time.Second, nil
	}
	s.left--
	s.took++
	return 0, nil
}

func (s *shared) Close(d time.Duration) { s.closed = append(s.closed, d) }

// A gate with a pool takes from it, waits as it says, and tells it what the vendor says.
func TestPool(t *testing.T) {
	c := start()
	pool := &shared{left: 2}
	var asked []string
	limit := &abi.RateLimit{Requests: 1, PerSeconds: 3600} // which the pool is in the place of
	l := New(seams.Seams{Now: c.Now, Sleep: c.Sleep}, nil, func(bucket string, limit *abi.RateLimit) Pool {
		asked = append(asked, fmt.Sprint(bucket, limit != nil))
		if bucket == "own" {
			return nil
		}
		return pool
	})
	g := l.Gate("all", limit)
	begun := c.Now()
	for range 3 {
		if err := g.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if took := c.Now().Sub(begun); pool.took != 3 || took != time.Second {
		t.Errorf("%d requests in %s", pool.took, took)
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := g.Wait(short)
	if e, is := errors.AsType[*abi.Error](err); !is || e.Kind != abi.KindRateLimited || e.RetryAfterMS != 1000 || pool.took != 3 {
		t.Errorf("a wait past the deadline: %v", err)
	}
	g.Learn(http.StatusTooManyRequests, http.Header{"Retry-After": {"7"}})
	if fmt.Sprint(pool.closed) != "[7s]" {
		t.Errorf("the pool is closed for %v", pool.closed)
	}
	if _ = l.Gate("own", nil); fmt.Sprint(asked) != "[alltrue ownfalse]" {
		t.Errorf("asked: %v", asked)
	}
	if l.Fresh().Gate("all", limit).pool != nil {
		t.Error("a call with a credential of its own shares a pool")
	}
}
