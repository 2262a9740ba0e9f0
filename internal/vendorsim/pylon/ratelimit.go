package pylon

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// limiter counts requests per endpoint and minute for the whole organization: all tokens share the counts.
type limiter struct {
	mu     sync.Mutex
	minute map[*endpoint]window
}

type window struct {
	start time.Time
	count int
}

// allow counts a request and says how many remain. Beyond the limit it refuses with 429 and a Retry-After in seconds.
// Fixed windows are a guess; the vendor says only "per minute".
func (l *limiter) allow(ep *endpoint, now time.Time) (remaining int, _ *apiError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.minute[ep]
	if age := now.Sub(w.start); age >= time.Minute || age < 0 {
		w = window{start: now}
	}
	if w.count >= ep.op.Rate {
		wait := max(1, int((time.Minute-now.Sub(w.start)+time.Second-1)/time.Second))
		return 0, &apiError{
			status: http.StatusTooManyRequests, code: codeRate,
			messages: []string{"rate limit of " + strconv.Itoa(ep.op.Rate) + " requests per minute exceeded for " + ep.op.Route()},
			header:   http.Header{"Retry-After": {strconv.Itoa(wait)}},
		}
	}
	w.count++
	if l.minute == nil {
		l.minute = map[*endpoint]window{}
	}
	l.minute[ep] = w
	return ep.op.Rate - w.count, nil
}
