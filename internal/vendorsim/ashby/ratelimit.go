package ashby

import (
	"net/http"
	"strconv"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// limiter counts requests by minute: those of each key, and those of operations with a limit of their own for all keys
// together.
type limiter struct {
	on     bool
	perKey int

	minutes contract.Minutes[any]
}

// allow counts a request, writes the ratelimit headers, and beyond a limit refuses with 429 and Retry-After in seconds.
// Fixed windows are a guess; so are the names of the headers, but for Retry-After.
func (l *limiter) allow(h http.Header, key *apiKey, ep *endpoint, now time.Time) *apiError {
	if !l.on {
		return nil
	}
	remaining, wait, ok := l.minutes.Take(key, l.perKey, now)
	limit, what := l.perKey, "requests per minute of this API key"
	if ok && ep.op.Rate > 0 {
		limit, what = ep.op.Rate, "starts per minute of "+ep.op.Path[1:]
		remaining, wait, ok = l.minutes.Take(ep, limit, now)
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
