package egress

import (
	"time"

	"github.com/agenthost/agenthost/internal/egress/wire"
)

// Limits bound one request and its response. A field that is 0 has the default that its
// comment names; no limit can be switched off.
type Limits struct {
	// RequestBody is the largest body to send, in bytes: 16 MiB.
	RequestBody int64
	// URL is the longest path and query together, in bytes: 16 KiB.
	URL int
	// RequestHeaders is the most that a guest's header names and values may add up
	// to, in bytes: 16 KiB.
	RequestHeaders int
	// ResponseBody is the largest answer, before and after decoding, in bytes:
	// 32 MiB.
	ResponseBody int64
	// Ratio is how many times its size an answer may grow when decoded, once it
	// has grown past 1 MiB: 200.
	Ratio int64
	// ResponseHeaders is the most that an answer's headers add up to, in bytes:
	// 256 KiB.
	ResponseHeaders int64
	// Timeout bounds Send with all its attempts, if ctx ends later: 2 minutes.
	Timeout time.Duration
	// Idle is how long a vendor may stay silent in the middle of a body: 30 s.
	Idle time.Duration
	// Dial bounds resolving a name and connecting: 10 s.
	Dial time.Duration
	// Connections is the most connections to one origin at a time: 64.
	Connections int
}

func (l Limits) withDefaults() Limits {
	request := wire.DefaultLimits()
	orDefault(&l.RequestBody, request.Body)
	orDefault(&l.URL, request.URL)
	orDefault(&l.RequestHeaders, request.Headers)
	orDefault(&l.ResponseBody, 32<<20)
	orDefault(&l.Ratio, 200)
	orDefault(&l.ResponseHeaders, 256<<10)
	orDefault(&l.Timeout, 2*time.Minute)
	orDefault(&l.Idle, 30*time.Second)
	orDefault(&l.Dial, 10*time.Second)
	orDefault(&l.Connections, 64)
	return l
}

func orDefault[T int | int64 | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}
