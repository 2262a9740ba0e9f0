package egress

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"github.com/agenthost/agenthost/internal/fault"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/pdk/abi"
)

// RuleProxy names the rule for requests that must not go through a proxy.
const RuleProxy = "egress.proxy"

// Proxy is the operator's HTTP proxy, for https only: it gets a CONNECT request, and sees
// where a connection leads but not what is sent. Get one from [NewProxy]. Several clients may
// use it.
//
// The environment's proxy settings have no effect.
type Proxy struct {
	at         origin.Origin
	resolves   bool
	credential func(ctx context.Context) (secret.Value, error)
	roots      *x509.CertPool
}

// ProxyConfig configures a [Proxy].
type ProxyConfig struct {
	// URL is http://HOST:PORT or https://HOST:PORT. It may be at a private address.
	URL string
	// Resolves lets the proxy resolve the names of vendors. Then this host cannot vet the
	// address, and refuses only private addresses and names that are not public. Otherwise
	// the proxy is asked for an address that was resolved and vetted here.
	Resolves bool
	// Credential returns user:password for each connection to the proxy; nil sends none.
	Credential func(ctx context.Context) (secret.Value, error)
	// RootCAs verify a proxy at https; nil means the system's.
	RootCAs *x509.CertPool
}

// NewProxy returns a Proxy. It connects to nothing yet.
//
// # Errors
//
// An *[abi.Error] of kind invalid_params for a URL that is not a proxy's.
func NewProxy(c ProxyConfig) (*Proxy, error) {
	at, err := origin.Parse(c.URL)
	if err != nil {
		return nil, fault.Invalid("proxy.url", err.Error(), "write it like http://proxy.example.com:3128; put user and password into proxy.credential")
	}
	if isMetadataName(at.Host) {
		return nil, metadataDenied(at.Host)
	}
	return &Proxy{at, c.Resolves, c.Credential, c.RootCAs}, nil
}

// takes refuses origins that cannot be reached through a proxy.
func (p *Proxy) takes(to origin.Origin) error {
	switch {
	case p == nil:
		return nil
	case to.Scheme != "https":
		return fault.Invalid("proxy", to.String()+" is not an https server, which a proxy needs", "use an https server, or remove proxy")
	case p.resolves:
		return publicName(to.Host)
	}
	return nil
}

// privateSuffixes end names that no public name server knows: RFC 6761, RFC 6762, RFC 7686,
// RFC 8375, RFC 9476, ICANN's for private use, and others that networks use.
var privateSuffixes = []string{
	"localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa",
	"test", "invalid", "example", "onion", "alt", "arpa",
}

// publicName refuses a host that the proxy would find in its own network.
func publicName(host string) error {
	if addr, err := netip.ParseAddr(host); err == nil {
		_, err := vet(host, []netip.Addr{addr}, false)
		return err
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	private := last == host || slices.ContainsFunc(privateSuffixes, func(s string) bool { return host == s || strings.HasSuffix(host, "."+s) })
	switch {
	case isMetadataName(host):
		return metadataDenied(host)
	case private:
		return fault.Denied(RuleProxy, host+" is a private name, which agenthost does not send to a proxy that resolves names", "let this host resolve names: remove resolve: proxy")
	}
	return nil
}

// through makes a dialler connect through a proxy, if there is one.
func (d *dialer) through(p *Proxy) *dialer {
	if p == nil {
		return d
	}
	// The proxy is the operator's own, as a server with a URL is.
	way := &dialer{origin: p.at, private: true, resolver: d.resolver, absolute: d.absolute, dial: d.dial, timeout: d.timeout}
	d.proxy = p
	d.dial = func(ctx context.Context, _, address string) (net.Conn, error) { return p.connect(ctx, way, address) }
	return d
}

// connect asks the proxy for a connection to an address, or to a name and a port.
func (p *Proxy) connect(ctx context.Context, way *dialer, address string) (net.Conn, error) {
	conn, err := way.connect(ctx)
	if err != nil {
		return nil, p.failed(ctx, "cannot be reached", err)
	}
	// The timeout for connecting holds for the proxy too.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	tunnel, err := p.ask(ctx, conn, address)
	if !stop() && err == nil {
		err = p.failed(ctx, "did not respond in time", context.Cause(ctx))
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return tunnel, nil
}

// ask speaks to the proxy until the connection is the vendor's.
func (p *Proxy) ask(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	if p.at.Scheme == "https" {
		secure := tls.Client(conn, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: p.roots, ServerName: p.at.Host, NextProtos: []string{"http/1.1"}})
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, p.failed(ctx, "failed the TLS handshake", err)
		}
		conn = secure
	}
	request, err := p.request(ctx, address)
	if err != nil {
		return nil, err
	}
	_, err = conn.Write(request)
	clear(request)
	if err != nil {
		return nil, p.failed(ctx, "closed the connection", err)
	}
	head, err := readHead(conn)
	if err != nil {
		return nil, p.failed(ctx, "sent an invalid response", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &http.Request{Method: http.MethodConnect})
	if err != nil {
		return nil, p.failed(ctx, "sent an invalid response", nil) // the cause could quote it
	}
	_ = resp.Body.Close()
	if resp.StatusCode/100 == 2 {
		return conn, nil
	}
	return nil, p.refused(resp.StatusCode)
}

// request is the head that asks for a connection. The caller clears it.
func (p *Proxy) request(ctx context.Context, address string) ([]byte, error) {
	b := fmt.Appendf(make([]byte, 0, 1024), "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", address, address)
	if p.credential != nil {
		credential, err := p.credential(ctx)
		if err != nil {
			return nil, err
		}
		err = credential.Reveal(func(plain []byte) error {
			if !bytes.ContainsRune(plain, ':') {
				return fault.Invalid("proxy.credential", "the credential of the proxy is not user:password", "store the user, a colon, and the password in the secret")
			}
			b = append(b, "Proxy-Authorization: Basic "...)
			b = base64.StdEncoding.AppendEncode(b, plain)
			b = append(b, "\r\n"...)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return append(b, "\r\n"...), nil
}

// maxProxyHead is the size of the largest head of a proxy's answer, in bytes.
const maxProxyHead = 16 << 10

// readHead reads a head, and no byte after it: those are the vendor's.
func readHead(conn net.Conn) ([]byte, error) {
	head := make([]byte, 0, 256)
	for len(head) < maxProxyHead {
		var one [1]byte
		if _, err := io.ReadFull(conn, one[:]); err != nil {
			return nil, err
		}
		if head = append(head, one[0]); bytes.HasSuffix(head, []byte("\r\n\r\n")) || bytes.HasSuffix(head, []byte("\n\n")) {
			return head, nil
		}
	}
	return nil, errors.New("the proxy's response headers are too long")
}

func (p *Proxy) refused(status int) error {
	e := &abi.Error{Kind: abi.KindNetwork, Field: "proxy", Message: fmt.Sprintf("the proxy %s refused the connection with status %d", p.at, status), Hint: "ask the operator of the proxy whether it may connect there"}
	switch {
	case status == http.StatusProxyAuthRequired:
		e.Field, e.Message, e.Hint = "proxy.credential", "the proxy "+p.at.String()+" rejected the credential", "set proxy.credential to a reference to user:password"
	case status >= 500:
		e.Hint, e.Retryable = "try again later, or ask the operator of the proxy", true
	}
	return e
}

func (p *Proxy) failed(ctx context.Context, how string, cause error) error {
	if known, ok := errors.AsType[*abi.Error](cause); ok && known.Kind == abi.KindDenied {
		return known
	}
	if ctx.Err() != nil {
		how = "did not respond in time"
	}
	e := &abi.Error{Kind: abi.KindNetwork, Field: "proxy", Message: "the proxy " + p.at.String() + " " + how, Hint: "check proxy.url and that the proxy is running, then try again", Retryable: true}
	return e.WithCause(cause)
}
