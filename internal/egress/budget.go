package egress

import (
	"fmt"
	"github.com/agenthost/agenthost/internal/fault"
	"sync/atomic"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Budget is what one call may use: requests, including retries and redirects; bytes
// sent, heads included; and bytes received, decoded. It may be used by several
// goroutines. A nil Budget is used up.
type Budget struct {
	maxRequests, maxSent, maxReceived, maxDownloaded int64
	requests, sent, received, downloaded             atomic.Int64
	room                                             Room
}

// Room is memory for responses, shared by calls.
type Room interface {
	// Grow takes n bytes, and reports whether they were free.
	Grow(bytes int64) bool
}

// Within makes answers take memory from room as they are read. It returns the budget; call
// it before the budget's first use.
func (b *Budget) Within(room Room) *Budget {
	b.room = room
	return b
}

// Downloads sets how many bytes may go into a [Sink]. It returns the budget; call it before
// the budget's first use.
func (b *Budget) Downloads(bytes int64) *Budget {
	b.maxDownloaded = bytes
	return b
}

// NewBudget returns a full budget, without downloads. A number of 0 or less permits nothing of its kind.
func NewBudget(requests int, sentBytes, receivedBytes int64) *Budget {
	return &Budget{maxRequests: int64(requests), maxSent: sentBytes, maxReceived: receivedBytes}
}

// Used returns what has been used up so far, downloads included.
func (b *Budget) Used() (requests int, sentBytes, receivedBytes int64) {
	if b == nil {
		return 0, 0, 0
	}
	return int(b.requests.Load()), b.sent.Load(), b.received.Load() + b.downloaded.Load()
}

// spend takes one request of the given size.
func (b *Budget) spend(size int64) *abi.Error {
	if b == nil {
		return fault.LimitExceeded("limits.requests", "the call has no budget for requests", "")
	}
	if b.requests.Add(1) > b.maxRequests {
		b.requests.Add(-1)
		return fault.LimitExceeded("limits.requests", fmt.Sprintf("the call reached its limit of %d requests", b.maxRequests),
			"ask for less in one call, or raise limits.requests of the connection")
	}
	if b.sent.Add(size) > b.maxSent {
		b.sent.Add(-size)
		b.requests.Add(-1)
		return fault.LimitExceeded("limits.request_bytes", fmt.Sprintf("this request exceeds the call's limit of %d sent bytes", b.maxSent),
			"send less in one call, or raise limits.request_bytes of the connection")
	}
	return nil
}

func (b *Budget) left() int64 { return max(0, b.maxReceived-b.received.Load()) }

func (b *Budget) leftToDownload() int64 { return max(0, b.maxDownloaded-b.downloaded.Load()) }

func (b *Budget) receive(n int) { b.received.Add(int64(n)) }

// grow takes memory for the next n bytes of an answer.
func (b *Budget) grow(n int) error {
	if b == nil || b.room == nil || b.room.Grow(int64(n)) {
		return nil
	}
	return errNoRoom
}

func (b *Budget) receiveError() *abi.Error {
	return fault.LimitExceeded("limits.response_bytes", fmt.Sprintf("this response exceeds the call's limit of %d received bytes", b.maxReceived),
		"ask for fewer records, or raise limits.response_bytes of the connection")
}

func (b *Budget) downloadError() *abi.Error {
	return fault.LimitExceeded("limits.download_bytes", fmt.Sprintf("the file exceeds the call's limit of %d downloaded bytes", b.maxDownloaded),
		"raise limits.download_bytes of the connection")
}
