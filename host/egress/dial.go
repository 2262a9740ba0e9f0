package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/egress/origin"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Resolver turns host names into addresses. *net.Resolver is one. It may be used by
// several goroutines. Network is "ip".
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// dialer connects to one origin, and to nothing else. It resolves the name, vets the
// addresses and connects to one of those very addresses, so that there is no moment at
// which the name could change its meaning.
type dialer struct {
	origin origin.Origin
	// private says that the origin may have private addresses.
	private  bool
	resolver Resolver
	// absolute says that names of the manifest are looked up with a dot at their
	// end, so that the machine's search domains cannot capture them.
	absolute bool
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	timeout  time.Duration
}

func newDialer(config Config, s *server, limits Limits) *dialer {
	d := &dialer{origin: s.origin, private: s.private, resolver: config.Resolver, dial: config.Dial, timeout: limits.Dial}
	if d.resolver == nil {
		d.resolver, d.absolute = net.DefaultResolver, true
	}
	if d.dial == nil {
		d.dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	return d
}

// dialContext is an http.Transport's DialContext. An *abi.Error of kind denied or
// network that it returns goes to the caller as it is.
func (d *dialer) dialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if address != d.origin.Address() {
		return nil, denied(RuleAddress, fmt.Sprintf("%.100q is not the address of %s", address, d.origin), "only the manifest's servers and the operator's are dialled")
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	addrs, err := d.resolve(ctx)
	if err != nil {
		return nil, err
	}
	vetted, err := vet(d.origin.Host, addrs, d.private)
	if err != nil {
		return nil, err
	}
	return d.first(ctx, network, vetted)
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
	e := &abi.Error{Kind: abi.KindNetwork, Message: "the name " + host + " cannot be resolved", Hint: "check the network's name server, then try again", Retryable: true}
	if dnsErr, ok := errors.AsType[*net.DNSError](err); err == nil || ok && dnsErr.IsNotFound {
		e.Message, e.Hint, e.Retryable = "the name "+host+" does not exist", "check the server's URL, and the name server of this machine", false
	}
	return nil, e.WithCause(err)
}

// vet returns the addresses that may be dialled. One public address is enough: the
// others are left aside, and an error is the last resort.
func vet(host string, addrs []netip.Addr, private bool) ([]netip.Addr, error) {
	var vetted []netip.Addr
	refused := denied(RuleAddress, host+" has no address", "")
	first := true
	for _, addr := range addrs {
		c, what := classify(addr)
		switch {
		case c == classPublic, private && (c == classPrivate || c == classLoopback):
			vetted = append(vetted, addr.Unmap())
		case c == classMetadata:
			// A name that leads to credentials among other places is an attack.
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
	message := host + " leads to " + addr.String() + ", which is " + what
	if addr.String() == host {
		message = host + " is " + what
	}
	hint := "an address of this kind is never dialled"
	if c == classPrivate || c == classLoopback {
		hint = "if this is meant, the operator names the URL in the connection's server setting"
	}
	return denied(RuleAddress, message, hint)
}

func metadataDenied(host string) *abi.Error {
	return denied(RuleMetadata, host+" is a cloud's metadata service, which hands out credentials", "nothing makes it reachable")
}

// first connects to the first address that answers. Each but the last gets an even part
// of the time that is left.
func (d *dialer) first(ctx context.Context, network string, addrs []netip.Addr) (net.Conn, error) {
	var firstErr error
	for i, addr := range addrs {
		conn, err := d.one(ctx, network, netip.AddrPortFrom(addr, d.origin.Port), len(addrs)-i)
		if err == nil {
			return conn, nil
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

func (d *dialer) one(ctx context.Context, network string, to netip.AddrPort, left int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	return d.dial(ctx, network, to.String())
}

// newTransport returns the transport to one origin of a Client.
func newTransport(d *dialer, roots *x509.CertPool, limits Limits) *http.Transport {
	return &http.Transport{
		Proxy:                  nil, // never the environment's
		DialContext:            d.dialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    limits.Dial,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // decoded in body.go, with caps
		MaxIdleConnsPerHost:    min(limits.Connections, 64),
		MaxConnsPerHost:        limits.Connections,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: limits.ResponseHeaders,
		ReadBufferSize:         16 << 10,
	}
}
