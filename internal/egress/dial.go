package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
)

// dialer connects to one origin only. It resolves the name, vets the addresses and connects
// to one of those very addresses, so that DNS rebinding has no effect.
type dialer struct {
	origin origin.Origin
	// private permits private addresses.
	private  bool
	resolver seams.Resolver
	// absolute looks the name up with a dot at its end, so that the machine's search
	// domains cannot capture it.
	absolute bool
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	timeout  time.Duration
	proxy    *Proxy // nil dials directly
}

func newDialer(network seams.Seams, s *server, limits Limits) *dialer {
	d := &dialer{origin: s.origin, private: s.private, resolver: network.Resolver, dial: network.Dial, timeout: limits.Dial}
	if d.resolver == nil {
		d.resolver, d.absolute = net.DefaultResolver, true
	}
	if d.dial == nil {
		d.dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	return d
}

// connect connects to the origin. Its *abi.Errors go to the caller unchanged.
func (d *dialer) connect(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	if d.proxy != nil && d.proxy.resolves {
		return d.dial(ctx, "tcp", d.origin.Address())
	}
	addrs, err := d.resolve(ctx)
	if err != nil {
		return nil, err
	}
	vetted, err := vet(d.origin.Host, addrs, d.private)
	if err != nil {
		return nil, err
	}
	return d.first(ctx, vetted)
}

func (d *dialer) resolve(ctx context.Context) ([]netip.Addr, error) {
	host := d.origin.Host
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	name := host
	if d.absolute && !d.private && strings.IndexByte(host, '.') >= 0 {
		name += "."
	}
	addrs, err := d.resolver.LookupNetIP(ctx, "ip", name)
	if err == nil && len(addrs) > 0 {
		return addrs, nil
	}
	e := &abi.Error{Kind: abi.KindNetwork, Message: "cannot resolve the name " + host, Hint: "check the network's name server, then try again", Retryable: true}
	if dnsErr, ok := errors.AsType[*net.DNSError](err); err == nil || ok && dnsErr.IsNotFound {
		e.Message, e.Hint, e.Retryable = "the name "+host+" does not exist", "check the server's URL, and the name server of this machine", false
	}
	return nil, e.WithCause(err)
}

// vet returns the addresses that may be dialled. It fails only if there are none.
func vet(host string, addrs []netip.Addr, private bool) ([]netip.Addr, error) {
	var vetted []netip.Addr
	refused := fault.Denied(RuleAddress, host+" has no address", "")
	first := true
	for _, addr := range addrs {
		c, what := classify(addr)
		switch {
		case c == classPublic, private && (c == classPrivate || c == classLoopback):
			vetted = append(vetted, addr.Unmap())
		case c == classMetadata:
			// A name with a metadata address among others is an attack.
			return nil, metadataDenied(host)
		case first:
			refused, first = addressDenied(host, addr, what, c), false
		}
	}
	if len(vetted) == 0 {
		return nil, refused
	}
	return vetted, nil
}

func addressDenied(host string, addr netip.Addr, what string, c class) *abi.Error {
	message := host + " resolves to " + addr.String() + ", which is " + what
	if addr.String() == host {
		message = host + " is " + what
	}
	hint := "agenthost never connects to an address of this kind"
	if c == classPrivate || c == classLoopback {
		hint = "to permit it, set server of the connection to the URL"
	}
	return fault.Denied(RuleAddress, message, hint)
}

func metadataDenied(host string) *abi.Error {
	return fault.Denied(RuleMetadata, host+" is a cloud's metadata service, which issues credentials", "agenthost never connects to it")
}

// first connects to the first address that answers. Each one but the last gets an even share
// of the remaining time.
func (d *dialer) first(ctx context.Context, addrs []netip.Addr) (net.Conn, error) {
	var firstErr error
	for i, addr := range addrs {
		conn, err := d.one(ctx, netip.AddrPortFrom(addr, d.origin.Port), len(addrs)-i)
		if err == nil {
			return conn, nil
		}
		if known, ok := errors.AsType[*abi.Error](err); ok && !known.Retryable {
			return nil, err // the proxy's refusal holds for the other addresses too
		}
		if firstErr == nil {
			firstErr = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, firstErr
}

func (d *dialer) one(ctx context.Context, to netip.AddrPort, left int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	return d.dial(ctx, "tcp", to.String())
}
