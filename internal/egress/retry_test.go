package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// waits records what a Client slept.
func waits(into *[]time.Duration) func(*Config) {
	return func(c *Config) {
		c.Now = func() time.Time { return noon }
		c.Sleep = func(ctx context.Context, d time.Duration) error {
			*into = append(*into, d)
			return ctx.Err()
		}
	}
}

func TestRetries(t *testing.T) {
	ms := time.Millisecond
	for _, test := range []struct {
		name     string
		statuses []int // of the answers; the last one repeats
		after    string
		method   string
		retry    bool
		want     int // the status in the end
		waits    []time.Duration
	}{
		{"first time right", []int{200}, "", "GET", true, 200, nil},
		{"once", []int{503, 200}, "", "GET", true, 200, []time.Duration{125 * ms}},
		{"doubling until it is given up", []int{503}, "", "GET", true, 503, []time.Duration{125 * ms, 250 * ms, 500 * ms}},
		{"429", []int{429, 200}, "", "GET", true, 200, []time.Duration{125 * ms}},
		{"502 and 504", []int{502, 504, 200}, "", "GET", true, 200, []time.Duration{125 * ms, 250 * ms}},
		{"500 of a read", []int{500, 200}, "", "GET", true, 200, []time.Duration{125 * ms}},
		{"500 of a read by POST", []int{500, 200}, "", "POST", true, 200, []time.Duration{125 * ms}},
		{"500 of an idempotent write", []int{500}, "", "DELETE", true, 500, nil},
		{"503 of an idempotent write", []int{503, 204}, "", "DELETE", true, 204, []time.Duration{125 * ms}},
		{"503 of a write", []int{503}, "", "POST", false, 503, nil},
		{"429 of a write", []int{429}, "1", "POST", false, 429, nil},
		{"503 of an operation that writes by GET", []int{503}, "", "GET", false, 503, nil},
		{"404", []int{404}, "", "GET", true, 404, nil},
		{"401", []int{401}, "", "GET", true, 401, nil},
		{"501", []int{501}, "", "GET", true, 501, nil},
		{"Retry-After in seconds", []int{429, 200}, "7", "GET", true, 200, []time.Duration{7 * time.Second}},
		{"Retry-After 0", []int{429, 200}, "0", "GET", true, 200, []time.Duration{0}},
		{"Retry-After as a date", []int{503, 200}, noon.Add(9 * time.Second).Format(http.TimeFormat), "GET", true, 200, []time.Duration{9 * time.Second}},
		{"Retry-After in the past", []int{503, 200}, noon.Add(-time.Hour).Format(http.TimeFormat), "GET", true, 200, []time.Duration{0}},
		{"Retry-After that is no number", []int{503, 200}, "soon", "GET", true, 200, []time.Duration{125 * ms}},
		{"Retry-After past the deadline", []int{429}, "3600", "GET", true, 429, nil},
		{"Retry-After without end", []int{429}, "1e300", "GET", true, 429, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var n atomic.Int32
			v := newVendor(t, func(w http.ResponseWriter, _ *http.Request) {
				status := test.statuses[min(int(n.Add(1)), len(test.statuses))-1]
				if test.after != "" && status >= 400 {
					w.Header().Set("Retry-After", test.after)
				}
				w.WriteHeader(status)
			})
			var slept []time.Duration
			c := lab(t, v, waits(&slept))
			s := scope()
			s.Retry, s.Reads = test.retry, test.retry && test.method != "DELETE"
			req := &abi.Request{Method: test.method, Path: "/issues"}
			if test.method == "DELETE" {
				req.Path, req.PathParams = "/issues/{id}", map[string]string{"id": "1"}
			}
			resp, err := c.Send(t.Context(), s, req, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.waits, slept); diff != "" || resp.Status != test.want || resp.Attempts != len(test.waits)+1 || len(v.requests()) != resp.Attempts {
				t.Errorf("status %d after %d attempts, %d requests; waits:\n%s", resp.Status, resp.Attempts, len(v.requests()), diff)
			}
		})
	}
}

func TestBackoffIsCapped(t *testing.T) {
	c := newClient(t, baseConfig())
	for attempt, want := range map[int]time.Duration{1: 125 * time.Millisecond, 2: 250 * time.Millisecond, 6: 4 * time.Second, 7: 4 * time.Second, 80: 4 * time.Second} {
		if got := c.backoff(attempt); got != want {
			t.Errorf("attempt %d waits %v, want %v", attempt, got, want)
		}
	}
}

// The budget counts attempts; when it ends the repetition, the last answer is returned.
func TestRetriesStayInTheBudget(t *testing.T) {
	v := newVendor(t, reply(503, "busy"))
	resp, err := lab(t, v).Send(t.Context(), Scope{Requests: requests, Retry: true, Budget: NewBudget(2, 1<<20, 1<<20)}, get("/issues"), nil)
	if err != nil || resp.Status != 503 || string(resp.Body) != "busy" || len(v.requests()) != 2 {
		t.Errorf("%+v, %v after %d requests", resp, err, len(v.requests()))
	}
}

// hangUp ends a connection in the middle of an answer.
func hangUp(w http.ResponseWriter, text string) {
	conn, buffer, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = buffer.WriteString(text)
	_ = buffer.Flush()
	_ = conn.Close()
}

func TestBrokenConnections(t *testing.T) {
	for _, broken := range []string{
		"", // closed before an answer
		"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"cut\":",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"cut",
		"HTTP/1.1 20",
		"HTTP/1.1 " + canary + "\r\n\r\n",
		"garbage " + canary + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nBad Header " + canary + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n123456",
		"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
	} {
		for _, retry := range []bool{false, true} {
			var n atomic.Int32
			v := newVendor(t, func(w http.ResponseWriter, _ *http.Request) {
				if n.Add(1) < 3 {
					hangUp(w, broken)
					return
				}
				_, _ = io.WriteString(w, "{}")
			})
			s := scope()
			s.Retry = retry
			resp, err := lab(t, v).Send(t.Context(), s, &abi.Request{Method: "POST", Path: "/issues"}, []byte("{}"))
			if retry {
				if err != nil || string(resp.Body) != "{}" || resp.Attempts != 3 {
					t.Errorf("%q with retries: %+v, %v", broken, resp, err)
				}
				continue
			}
			if e := want(t, err, abi.KindNetwork); !e.RequestSent || !e.Retryable || len(v.requests()) != 1 {
				t.Errorf("%q: %#v after %d requests", broken, e, len(v.requests()))
			}
		}
	}
}

// A write whose connection was never made has not happened, so it is tried again.
func TestWriteIsRetriedIfItNeverLeft(t *testing.T) {
	v := newVendor(t, reply(201, "{}"))
	var dials atomic.Int32
	c := lab(t, v, func(c *Config) {
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if dials.Add(1) < 3 {
				return nil, errors.New("no route today")
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}
	})
	resp, err := c.Send(t.Context(), scope(), &abi.Request{Method: "POST", Path: "/issues"}, []byte("{}"))
	if err != nil || resp.Attempts != 3 || len(v.requests()) != 1 {
		t.Errorf("%+v, %v after %d requests", resp, err, len(v.requests()))
	}
}

// An idempotency key lets net/http repeat a write by itself, behind the budget's back.
func TestIdempotencyKeyDoesNotRepeat(t *testing.T) {
	var n atomic.Int32
	v := newVendor(t, func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) > 1 {
			hangUp(w, "")
			return
		}
		_, _ = io.WriteString(w, "{}")
	})
	c := lab(t, v)
	post := &abi.Request{Method: "POST", Path: "/issues", Headers: [][2]string{{"Idempotency-Key", "k"}}}
	if _, err := c.Send(t.Context(), scope(), post, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	_, err := c.Send(t.Context(), scope(), post, []byte("{}"))
	if e := want(t, err, abi.KindNetwork); !e.RequestSent || len(v.requests()) != 2 {
		t.Errorf("%#v after %d requests", e, len(v.requests()))
	}
}

// threat: N13
func TestDeadlines(t *testing.T) {
	release := make(chan struct{})
	v := newVendor(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "body") {
			_, _ = io.WriteString(w, "start")
			_ = http.NewResponseController(w).Flush()
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	id := func(s string) *abi.Request {
		return &abi.Request{Method: "GET", Path: "/issues/{id}", PathParams: map[string]string{"id": s}}
	}
	short := func(c *Config) { c.Limits.Timeout = 50 * time.Millisecond }
	_, err := lab(t, v, short).Send(t.Context(), retrying(), id("head"), nil)
	if e := want(t, err, abi.KindTimeout, "did not respond in time"); !e.RequestSent || !e.Retryable {
		t.Errorf("%#v", e)
	}
	_, err = lab(t, v, short).Send(t.Context(), retrying(), id("body"), nil)
	if e := want(t, err, abi.KindTimeout, "did not respond in time"); !e.RequestSent {
		t.Errorf("%#v", e)
	}
	_, err = lab(t, v, func(c *Config) { c.Limits.Idle = 50 * time.Millisecond; c.Retry.Attempts = 1 }).Send(t.Context(), retrying(), id("body"), nil)
	want(t, err, abi.KindTimeout, "stopped in the middle of its response")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err = lab(t, v).Send(ctx, retrying(), id("head"), nil)
	if e := want(t, err, abi.KindCancelled, "cancelled"); !errors.Is(e, context.Canceled) {
		t.Errorf("%#v is not context.Canceled", e)
	}
	_, err = lab(t, v).Send(ctx, retrying(), id("head"), nil)
	if e := want(t, err, abi.KindCancelled, "cancelled"); e.RequestSent {
		t.Errorf("%#v", e)
	}
}

// FuzzRetryAfter checks that no value makes a wait that is negative or overflows.
func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"1", "1.5", "-1", "NaN", "Inf", "1e400", "0x1p4", noon.Format(http.TimeFormat), noon.Format(time.RFC850), strconv.Itoa(1 << 62)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if wait, ok := RetryAfter(value, noon); wait < 0 || !ok && wait != 0 {
			t.Fatalf("%q waits %v", value, wait)
		}
	})
}

// TestCancelledWaitsAreCancelled: a call that is cancelled while it waits for a proxy, or to
// send its request again, ends as cancelled, and not with the last failure.
func TestCancelledWaitsAreCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := lab(t, newVendor(t, reply(503, "{}")), func(c *Config) {
		c.Sleep = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
	})
	_, err := c.Send(ctx, retrying(), get("/issues"), nil)
	if e := want(t, err, abi.KindCancelled, "send its request again"); !e.RequestSent {
		t.Errorf("%#v", e)
	}
	ctx, cancel = context.WithCancel(t.Context())
	c, _, p, err := proxied(t, reply(200, "{}"), func(_ *ProxyConfig, c *Config) { c.Limits.Dial = time.Minute })
	if err != nil {
		t.Fatal(err)
	}
	p.answer = func(conn net.Conn) { cancel(); _, _ = conn.Read(make([]byte, 1)) }
	_, err = c.Send(ctx, retrying(), get("/issues"), nil)
	if e := want(t, err, abi.KindCancelled, "cancelled"); e.RequestSent {
		t.Errorf("%#v", e)
	}
}
