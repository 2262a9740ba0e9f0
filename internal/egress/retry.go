package egress

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Retry configures how often and how soon to repeat a request. A field that is 0 has the
// default that its comment names.
type Retry struct {
	// Attempts is the most times that a request is sent, the first time included:
	// 4. 1 repeats nothing.
	Attempts int
	// Base is the longest wait before the second attempt; it doubles with every
	// attempt: 250 ms. The wait is drawn at random between 0 and that.
	Base time.Duration
	// Cap is the longest wait that is drawn: 8 s. A vendor's Retry-After may be
	// longer, and is honoured if it fits into the call's deadline.
	Cap time.Duration
}

func (r Retry) withDefaults() Retry {
	if r.Attempts <= 0 {
		r.Attempts = 4
	}
	orDefault(&r.Base, 250*time.Millisecond)
	orDefault(&r.Cap, 8*time.Second)
	return r
}

// backoff returns the wait before the next attempt: exponential with full jitter.
func (c *Client) backoff(attempt int) time.Duration {
	ceiling := c.retry.Cap
	if shift := attempt - 1; shift < 30 && c.retry.Base<<shift > 0 {
		ceiling = min(ceiling, c.retry.Base<<shift)
	}
	return time.Duration(c.seams.Rand() * float64(ceiling))
}

func retryableStatus(reads bool, status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusInternalServerError:
		return reads
	}
	return false
}

// nextWait returns how long to wait before the request is sent again, and whether it may be.
func (c *Client) nextWait(s Scope, attempt int, resp *Response, err *abi.Error) (time.Duration, bool) {
	if attempt >= c.retry.Attempts || s.Sink.begun() {
		return 0, false
	}
	if err != nil {
		// A request that was never sent may be repeated, even if it changes data.
		again := err.Retryable && (err.Kind == abi.KindNetwork || err.Kind == abi.KindTimeout) && (s.Retry || !err.RequestSent)
		return c.backoff(attempt), again
	}
	wait, asked := RetryAfter(resp.Header.Get("Retry-After"), c.seams.Now())
	refused := s.RetryRefused && asked && resp.Status == http.StatusTooManyRequests
	if !refused && (!s.Retry || !retryableStatus(s.Reads, resp.Status)) {
		return 0, false
	}
	if asked {
		return wait, true
	}
	return c.backoff(attempt), true
}

// RetryAfter reads a Retry-After header: seconds, or an HTTP date (RFC 9110, section
// 10.2.3). Some vendors send fractions of seconds.
func RetryAfter(value string, now time.Time) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		if !(seconds >= 0) {
			return 0, false
		}
		const most = 365 * 24 * time.Hour
		return time.Duration(min(seconds, most.Seconds()) * float64(time.Second)), true
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now)), true
	}
	return 0, false
}
