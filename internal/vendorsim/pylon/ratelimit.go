package pylon

import (
	"net/http"
	"strconv"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// limiter counts requests per endpoint and minute for the whole organization: all tokens share the counts.
type limiter struct{ minutes contract.Minutes[*endpoint] }

// allow counts a request and says how many remain. Beyond the limit it refuses with 429 and a Retry-After in seconds.
// Fixed windows are a guess; the vendor says only "per minute".
func (l *limiter) allow(ep *endpoint, now time.Time) (remaining int, _ *apiError) {
	remaining, wait, ok := l.minutes.Take(ep, ep.op.Rate, now)
	if ok {
		return remaining, nil
	}
	return 0, &apiError{
		status: http.StatusTooManyRequests, code: codeRate,
		messages: []string{"rate limit of " + strconv.Itoa(ep.op.Rate) + " requests per minute exceeded for " + ep.op.Route()},
		header:   http.Header{"Retry-After": {strconv.Itoa(wait)}},
	}
}
