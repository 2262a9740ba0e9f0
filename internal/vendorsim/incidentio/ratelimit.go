package incidentio

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// limiter counts requests in token buckets: one for each key, and one for each key's listing of incidents. A bucket
// holds a minute's worth and refills evenly, which is what the vendor documents for the first kind.
type limiter struct {
	perMinute map[string]int // by the name of the kind

	mu      sync.Mutex
	buckets map[bucketID]*bucket
}

const (
	limitDefault   = "api_key"
	limitIncidents = "incidents_list"
)

type bucketID struct {
	key  *apiKey // nil for all alert sources together
	name string
}

type bucket struct {
	tokens float64
	at     time.Time
}

type rateState struct {
	name             string
	limit, remaining int
	// reset is when the bucket is full again; for a refusal, when there is a token again.
	reset time.Time
}

func newLimiter(o Options) *limiter {
	l := &limiter{perMinute: map[string]int{limitDefault: 1200, limitIncidents: 60}, buckets: map[bucketID]*bucket{}}
	if o.RatePerMinute > 0 {
		l.perMinute[limitDefault] = o.RatePerMinute
	}
	if o.IncidentsPerMinute > 0 {
		l.perMinute[limitIncidents] = o.IncidentsPerMinute
	}
	return l
}

// allow takes a token from every bucket that applies, or none, and describes the narrowest in the headers.
func (l *limiter) allow(h http.Header, c *call) *apiError {
	names := []string{limitDefault}
	if c.ep.op.Route() == "GET /v2/incidents" {
		names = append(names, limitIncidents)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var narrow rateState
	refused := false
	for _, name := range names {
		b := l.refill(bucketID{c.key, name}, c.now)
		if b.tokens < 1 {
			perSecond := float64(l.perMinute[name]) / 60
			wait := time.Duration((1 - b.tokens) / perSecond * float64(time.Second))
			narrow, refused = rateState{name: name, limit: l.perMinute[name], reset: c.now.Add(wait)}, true
		}
	}
	if !refused {
		for _, name := range names {
			b := l.buckets[bucketID{c.key, name}]
			b.tokens--
			limit := l.perMinute[name]
			full := time.Duration((float64(limit) - b.tokens) / (float64(limit) / 60) * float64(time.Second))
			narrow = rateState{name: name, limit: limit, remaining: int(b.tokens), reset: c.now.Add(full)}
		}
	}
	h.Set("X-RateLimit-Limit", fmt.Sprintf("%d, %d;window=60", narrow.limit, narrow.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(narrow.remaining))
	h.Set("X-RateLimit-Used", strconv.Itoa(narrow.limit-narrow.remaining))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(ceilSecond(narrow.reset).Unix(), 10))
	if !refused {
		return nil
	}
	wait := max(1, int(math.Ceil(narrow.reset.Sub(c.now).Seconds())))
	return &apiError{
		status: http.StatusTooManyRequests, kind: kindRate, code: kindRate, rate: &narrow,
		message: fmt.Sprintf("rate limit %s of %d requests a minute exceeded", narrow.name, narrow.limit),
		header:  http.Header{"Retry-After": {strconv.Itoa(wait)}},
	}
}

func (l *limiter) refill(id bucketID, now time.Time) *bucket {
	limit := float64(l.perMinute[id.name])
	b := l.buckets[id]
	if b == nil {
		b = &bucket{tokens: limit, at: now}
		l.buckets[id] = b
	}
	if age := now.Sub(b.at); age > 0 {
		b.tokens, b.at = min(limit, b.tokens+age.Minutes()*limit), now
	}
	return b
}

func ceilSecond(t time.Time) time.Time {
	if r := t.Truncate(time.Second); !r.Equal(t) {
		return r.Add(time.Second)
	}
	return t
}
