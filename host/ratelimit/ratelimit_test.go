package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

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

func TestWindowIsNeverExceeded(t *testing.T) {
	c := start()
	g := New(c.Now, c.Sleep).Gate("issues.list", &abi.RateLimit{Requests: 3, PerSeconds: 10})
	var sent []time.Time
	for i := range 20 {
		if err := g.Wait(context.Background()); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, c.Now())
		c.now = c.now.Add(time.Duration(i%4) * time.Second)
	}
	for i := range sent {
		if i >= 3 && sent[i].Sub(sent[i-3]) < 10*time.Second {
			t.Errorf("requests %d to %d took %s", i-3, i, sent[i].Sub(sent[i-3]))
		}
	}
}

func TestBucketsAreApart(t *testing.T) {
	c := start()
	l := New(c.Now, c.Sleep)
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
	g := New(c.Now, c.Sleep).Gate("issues.list", &abi.RateLimit{Requests: 1, PerSeconds: 3600})
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
	g := New(c.Now, c.Sleep).Gate("x", &abi.RateLimit{Requests: 1, PerSeconds: 1})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = g.Wait(ctx)
	var e *abi.Error
	if err := g.Wait(ctx); !errors.As(err, &e) || e.Kind != abi.KindTimeout {
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
			g := New(c.Now, c.Sleep).Gate("x", nil)
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
	g := New(c.Now, c.Sleep).Gate("x", &abi.RateLimit{Requests: 5, PerSeconds: 1})
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
		if until := reopens(429, http.Header{"Retry-After": {text}}, now); until.After(now.Add(maxClosed)) {
			t.Errorf("%q closes until %s", text, until)
		}
	})
}

func ExampleGate_Wait() {
	clock := start()
	limiter := New(clock.Now, clock.Sleep)
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
