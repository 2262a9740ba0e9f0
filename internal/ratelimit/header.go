package ratelimit

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

// maxClosed bounds what a vendor's header can do: a date in the far future would
// otherwise close a connection for good.
const maxClosed = time.Hour

// defaultClosed is how long a 429 without a time closes a bucket.
const defaultClosed = time.Second

// remainingHeaders pair the headers that say how many requests remain with those that
// say when there are more. Pylon writes X-Rate-Limit, incident.io X-RateLimit, and the
// IETF draft RateLimit.
var remainingHeaders = [][2]string{
	{"X-Ratelimit-Remaining", "X-Ratelimit-Reset"},
	{"X-Rate-Limit-Remaining", "X-Rate-Limit-Reset"},
	{"Ratelimit-Remaining", "Ratelimit-Reset"},
}

// reopens is when the next request may be sent, as an answer says in the headers that many
// vendors have or in those that the manifest declares; zero if it says nothing.
func reopens(status int, header http.Header, declared []abi.RateHeaders, now time.Time) time.Time {
	var until time.Time
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		until = moment(header.Get("Retry-After"), now)
	}
	for _, pair := range remainingHeaders {
		remaining := strings.TrimSpace(header.Get(pair[0]))
		if remaining == "" {
			continue // as in most answers; an error of strconv costs more than the rest
		}
		if left, err := strconv.Atoi(remaining); err == nil && left <= 0 {
			if reset := moment(header.Get(pair[1]), now); reset.After(until) {
				until = reset
			}
		}
	}
	for _, d := range declared {
		if refused := status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable; d.Remaining == "" && !refused {
			continue
		}
		if d.Remaining != "" {
			left, err := strconv.ParseFloat(strings.TrimSpace(header.Get(d.Remaining)), 64)
			if err != nil || left >= 1 {
				continue
			}
		}
		if reset := momentIn(d.Unit, header.Get(d.Reset), now); reset.After(until) {
			until = reset
		}
	}
	if until.IsZero() && status == http.StatusTooManyRequests {
		until = now.Add(defaultClosed)
	}
	if most := now.Add(maxClosed); until.After(most) {
		until = most
	}
	return until
}

// epoch is where seconds from now end and seconds since 1970 begin: nobody asks to
// wait for thirty years.
const epoch = 1_000_000_000

// moment reads a time as the headers write it: seconds from now, seconds since 1970,
// or a date (RFC 9110 section 10.2.3).
func moment(text string, now time.Time) time.Time {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		switch {
		case seconds != seconds || seconds <= 0: // not a number, or over
			return time.Time{}
		case seconds >= epoch:
			return time.Unix(int64(min(seconds, epoch*100)), 0)
		}
		return now.Add(time.Duration(min(seconds, maxClosed.Seconds()) * float64(time.Second)))
	}
	if date, err := http.ParseTime(text); err == nil {
		return date
	}
	return time.Time{}
}

// momentIn reads a time in a unit of [abi.RateHeaders]; zero if it is not a time, or not positive.
func momentIn(unit, text string, now time.Time) time.Time {
	text = strings.TrimSpace(text)
	if unit == "time" {
		if date, err := http.ParseTime(text); err == nil {
			return date
		}
		date, _ := time.Parse(time.RFC3339, text)
		return date
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || number != number || number <= 0 {
		return time.Time{}
	}
	if unit == "milliseconds" || unit == "epoch_milliseconds" {
		number /= 1000
	}
	if unit == "epoch" || unit == "epoch_milliseconds" {
		return time.UnixMilli(int64(min(number, epoch*100) * 1000))
	}
	return now.Add(time.Duration(min(number, maxClosed.Seconds()) * float64(time.Second)))
}
