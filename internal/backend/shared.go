package backend

import (
	"sync/atomic"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/ratelimit"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/internal/turns"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Shared is what the calls of a connection share, from the first one on.
type Shared struct {
	// Turns is the connection's share of the time that modules run.
	Turns *turns.Share
	rates *ratelimit.Limiter // nil where none are kept
	// documented says that the manifest's limits count.
	documented bool
}

// NewShared returns what the calls of a workspace's connection share. Headers are those of the
// manifest. Pools may be nil.
func NewShared(engine *sandbox.Engine, w *Workspace, s seams.Seams, rate config.RateLimit, headers []abi.RateHeaders, pools ratelimit.Pools) Shared {
	shared := Shared{Turns: engine.Turns().NewShare(), documented: rate != config.RateLearned}
	if p := w.party(); p != nil {
		shared.Turns = p.NewShare()
	}
	if rate != config.RateOff {
		shared.rates = ratelimit.New(s, headers, pools)
	}
	return shared
}

// Rate returns the gate that an operation's requests go through. Operations that the vendor
// counts together share one.
func (s *Shared) Rate(op *connector.Operation) egress.Rate {
	if s.rates == nil {
		return nil
	}
	name, limit := op.Name(), op.RateLimit
	if limit != nil && limit.Bucket != "" {
		name = limit.Bucket
	}
	if !s.documented {
		limit = nil
	}
	return s.rates.Gate(name, limit)
}

// OwnRate is Rate for one call that brings a credential of its own. Vendors count by credential,
// so that the call neither heeds what others learned nor teaches them.
func (s *Shared) OwnRate(op *connector.Operation) egress.Rate {
	if s.rates == nil {
		return nil
	}
	own := Shared{rates: s.rates.Fresh(), documented: s.documented}
	return own.Rate(op)
}

// Lazy is a value that is made when it is first needed.
type Lazy[T any] struct{ value atomic.Pointer[T] }

// Get returns the value. Create may run twice; one of its values counts.
func (l *Lazy[T]) Get(create func() *T) *T {
	if v := l.value.Load(); v != nil {
		return v
	}
	l.value.CompareAndSwap(nil, create())
	return l.value.Load()
}

// Known returns the value, or nil if no call has needed it.
func (l *Lazy[T]) Known() *T { return l.value.Load() }
