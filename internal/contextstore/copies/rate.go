package copies

import (
	"cmp"
	"context"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/pdk/abi"
)

// share is which part of the vendor's documented rate passes take: one in so many requests.
const share = 5

// fifth is the part of a limit that passes may use.
func fifth(l *abi.RateLimit) *abi.RateLimit {
	if l == nil || l.Requests <= 0 {
		return nil
	}
	if n := l.Requests / share; n > 0 {
		return &abi.RateLimit{Requests: n, PerSeconds: l.PerSeconds}
	}
	return &abi.RateLimit{Requests: 1, PerSeconds: (share*l.PerSeconds + l.Requests - 1) / l.Requests}
}

// pace waits until a pass may run an operation once more. The error is rate_limited, with the time, where ctx ends
// before that.
func (p *place) pace(ctx context.Context, held *backend.Connection, op *connector.Operation) error {
	limit := fifth(op.RateLimit)
	if limit == nil || held.Rate() == config.RateLearned { // the manifest's limits are not those of the server
		return nil
	}
	bucket := bucketOf(op)
	gate := p.rates.Gate(bucket, limit)
	for {
		if err := gate.Wait(ctx); err != nil {
			return err
		}
		p.mu.Lock()
		owed := p.owed[bucket]
		if owed > 0 {
			p.owed[bucket]--
		}
		p.mu.Unlock()
		if owed == 0 {
			return nil
		}
	}
}

// spent notes how many requests a call took: the first one was waited for.
func (p *place) spent(op *connector.Operation, requests int) {
	if requests > 1 {
		p.mu.Lock()
		p.owed[bucketOf(op)] += requests - 1
		p.mu.Unlock()
	}
}

func bucketOf(op *connector.Operation) string {
	if op.RateLimit != nil {
		return cmp.Or(op.RateLimit.Bucket, op.Name())
	}
	return op.Name()
}
