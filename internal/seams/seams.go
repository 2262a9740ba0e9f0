// Package seams holds what a host takes from the machine around it: the network, the clock
// and chance. Tests, replays of recordings and networks with rules of their own replace
// parts of it.
package seams

import (
	"context"
	"crypto/x509"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"
)

// Seams are the places where a host meets the machine. Each field may be nil, which means the
// real thing; so the zero value is the machine as it is. Functions may be called by several
// goroutines at once.
type Seams struct {
	// Resolver finds the addresses of a host name. The host vets them before it connects.
	Resolver Resolver
	// Dial connects to a vetted address, which is never a name.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now tells the time.
	Now func() time.Time
	// Sleep waits for d, and returns the context's error early when ctx ends.
	Sleep func(ctx context.Context, d time.Duration) error
	// Rand returns a number in [0, 1), which spreads repeated requests over time.
	Rand func() float64
	// RootCAs are the certificate authorities that servers' certificates are checked
	// against, instead of the system's.
	RootCAs *x509.CertPool
}

// Resolver finds the addresses of host names, as *net.Resolver does. Network is "ip".
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// WithDefaults fills in the clock and chance where they are nil. It leaves the network as it
// is: package egress opens every connection, and knows what nil means.
func (s Seams) WithDefaults() Seams {
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Sleep == nil {
		s.Sleep = sleep
	}
	if s.Rand == nil {
		s.Rand = rand.Float64
	}
	return s
}

// WithRootCAs returns seams that check certificates against roots.
func (s Seams) WithRootCAs(roots *x509.CertPool) Seams {
	s.RootCAs = roots
	return s
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
