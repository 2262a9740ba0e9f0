package ashby

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// limiter counts requests by minute: those of each key, and those of operations with a limit of their own for all keys
// together.
type limiter struct {
	on     bool
	perKey int

	mu      sync.Mutex
	windows map[any]window
}

type window struct {
	start time.Time
	count int
}

// allow counts a request, writes the ratelimit headers, and beyond a limit refuses with 429 and Retry-After in seconds.
// Fixed windows are a guess; so are the names of the headers, but for Retry-After.
func (l *limiter) allow(h http.Header, key *apiKey, ep *endpoint, now time.Time) *apiError {
	if !l.on {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	remaining, wait, ok := l.take(key, l.perKey, now)
	limit, what := l.perKey, "requests per minute of this API key"
	if ok && ep.op.Rate > 0 {
		limit, what = ep.op.Rate, "starts per minute of "+ep.op.Path[1:]
		remaining, wait, ok = l.take(ep, limit, now)
	}
	h.Set("RateLimit-Limit", strconv.Itoa(limit))
	h.Set("RateLimit-Remaining", strconv.Itoa(remaining))
	h.Set("RateLimit-Reset", strconv.Itoa(wait))
	if ok {
		return nil
	}
	return &apiError{
		status: http.StatusTooManyRequests, code: "rate_limit_exceeded", message: "The limit of " + strconv.Itoa(limit) + " " + what + " is exceeded",
		header: http.Header{"Retry-After": {strconv.Itoa(wait)}},
	}
}

// take counts one request of who, and says how many remain and how many seconds the minute still has.
func (l *limiter) take(who any, limit int, now time.Time) (remaining, wait int, ok bool) {
	w := l.windows[who]
	if age := now.Sub(w.start); age >= time.Minute || age < 0 {
		w = window{start: now}
	}
	wait = max(1, int((time.Minute-now.Sub(w.start)+time.Second-1)/time.Second))
	if w.count >= limit {
		return 0, wait, false
	}
	w.count++
	if l.windows == nil {
		l.windows = map[any]window{}
	}
	l.windows[who] = w
	return limit - w.count, wait, true
}
