package egress

import (
	"fmt"
	"sync/atomic"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Budget is what one call may use up: requests, retries and redirects included; bytes
// sent, heads included; and bytes received, decoded. It may be used by several
// goroutines. A nil Budget is used up.
type Budget struct {
	maxRequests, maxSent, maxReceived int64
	requests, sent, received          atomic.Int64
}

// NewBudget returns a full budget. A number of 0 or less permits nothing of its kind.
func NewBudget(requests int, sentBytes, receivedBytes int64) *Budget {
	return &Budget{maxRequests: int64(requests), maxSent: sentBytes, maxReceived: receivedBytes}
}

// Used returns what has been used up so far.
func (b *Budget) Used() (requests int, sentBytes, receivedBytes int64) {
	if b == nil {
		return 0, 0, 0
	}
	return int(b.requests.Load()), b.sent.Load(), b.received.Load()
}

// spend takes one request of the given size.
func (b *Budget) spend(size int64) *abi.Error {
	if b == nil {
		return limitExceeded("limits.requests", "the call has no budget for requests", "")
	}
	if b.requests.Add(1) > b.maxRequests {
		b.requests.Add(-1)
		return limitExceeded("limits.requests", fmt.Sprintf("the call may send %d requests and has sent them", b.maxRequests),
			"ask for less in one call, or raise limits.requests of the connection")
	}
	if b.sent.Add(size) > b.maxSent {
		b.sent.Add(-size)
		b.requests.Add(-1)
		return limitExceeded("limits.request_bytes", fmt.Sprintf("the call may send %d bytes, and this request is past that", b.maxSent),
			"send less in one call, or raise limits.request_bytes of the connection")
	}
	return nil
}

// left returns how many bytes may still be received.
func (b *Budget) left() int64 { return max(0, b.maxReceived-b.received.Load()) }

// receive counts bytes that have been received.
func (b *Budget) receive(n int) { b.received.Add(int64(n)) }

func (b *Budget) receiveError() *abi.Error {
	return limitExceeded("limits.response_bytes", fmt.Sprintf("the call may receive %d bytes, and the answer is past that", b.maxReceived),
		"ask for fewer records, or raise limits.response_bytes of the connection")
}
