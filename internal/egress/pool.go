package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"slices"
	"sync"

	"github.com/agenthost/agenthost/internal/egress/origin"
)

// pools holds the connections of a Client, by origin. A network connection stands for an
// identity: the Clients of two connections never share one.
type pools struct {
	dial   func(*server) *dialer
	roots  *x509.CertPool
	limits Limits
	idle   *IdleConnections

	mu sync.Mutex
	of map[origin.Origin]*pool
}

func newPools(config Config, limits Limits) *pools {
	p := &pools{roots: config.RootCAs, limits: limits, idle: config.Idle}
	if p.idle == nil {
		p.idle = NewIdleConnections(0, config.Now)
	}
	network, proxy := config.Seams, config.Proxy
	p.dial = func(s *server) *dialer { return newDialer(network, s, limits).through(proxy) }
	return p
}

// to returns the pool of a server's origin.
func (p *pools) to(s *server) *pool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = make(map[origin.Origin]*pool, 1)
	}
	if p.of[s.origin] == nil {
		p.of[s.origin] = p.once(s)
	}
	return p.of[s.origin]
}

// once returns a pool that nobody else uses.
func (p *pools) once(s *server) *pool {
	return &pool{dialer: p.dial(s), roots: p.roots, limits: p.limits, keep: p.idle}
}

// closeIdle closes the idle connections, and those in use once their requests end.
func (p *pools) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pool := range p.of {
		pool.closeIdle()
	}
}

// pool holds the connections to one origin: those that speak HTTP/1.1, for one request at a
// time, and those that speak HTTP/2, for many. A request is sent on one connection only:
// persist decides whether to send it again.
type pool struct {
	dialer *dialer
	roots  *x509.CertPool
	limits Limits
	keep   *IdleConnections

	mu     sync.Mutex
	idle   []*http1Conn // the last used one is at the end
	shared []*http2Conn
	// open counts the connections, dialled ones included, at most Limits.Connections.
	open int
	// dialing counts those that are not connected yet.
	dialing int
	// http2 says that the last new connection speaks HTTP/2: one more is enough for all
	// requests that wait.
	http2   bool
	waiting []chan struct{} // of requests without a connection, in their order
	// closing says that no connection is kept, until the next request.
	closing bool
	// transport makes HTTP/2 connections only; nil before the first TLS connection.
	transport *http.Transport
}

// connection sends one request. If that fails, sent says whether the vendor may have seen
// any of it. The caller closes the answer's body.
type connection interface {
	roundTrip(ctx context.Context, req *http.Request) (resp *http.Response, sent bool, err error)
}

// roundTrip sends a request once. If an idle connection turns out to be closed before it took
// a byte of the request, another connection gets it.
func (p *pool) roundTrip(ctx context.Context, req *http.Request, body []byte) (resp *http.Response, sent bool, err error) {
	for again := false; ; again = true {
		c, reused, err := p.get(ctx)
		if err != nil {
			return nil, false, err
		}
		if len(body) > 0 {
			req.Body = &requestBody{rest: body}
		}
		resp, sent, err := c.roundTrip(ctx, req)
		if err == nil {
			return resp, true, nil
		}
		if sent || !reused || again || ctx.Err() != nil {
			return nil, sent, err
		}
	}
}

func (p *pool) get(ctx context.Context) (c connection, reused bool, err error) {
	for ctx.Err() == nil {
		found, dial, turn := p.take()
		switch c := found.(type) {
		case *http2Conn:
			return c, true, nil
		case *http1Conn:
			if c.quiet() {
				return c, true, nil
			}
			p.discard(c)
			continue
		}
		if dial {
			c, err := p.connect(ctx)
			return c, false, err
		}
		select {
		case <-turn:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			p.giveUp(turn)
		}
	}
	return nil, false, ctx.Err()
}

// take finds a connection, or permits a new one, or returns a channel to wait on for one.
func (p *pool) take() (c connection, dial bool, turn chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closing = false
	if h2 := p.takeStream(); h2 != nil {
		return h2, false, nil
	}
	for n := len(p.idle) - 1; n >= 0; n-- {
		h1 := p.idle[n]
		p.idle[n] = nil
		p.idle = p.idle[:n]
		if p.keep.remove(&h1.idle) {
			return h1, false, nil
		}
	}
	if p.open < p.limits.Connections && !(p.http2 && p.dialing > 0) {
		p.open++
		p.dialing++
		return nil, true, nil
	}
	turn = make(chan struct{})
	p.waiting = append(p.waiting, turn)
	return nil, false, turn
}

// takeStream finds an HTTP/2 connection with room for one more request.
func (p *pool) takeStream() *http2Conn {
	for i := 0; i < len(p.shared); i++ {
		c := p.shared[i]
		if c.streams == 0 && !p.keep.remove(&c.idle) {
			continue // it is being closed
		}
		if c.hasRoom() {
			c.streams++
			return c
		}
		if c.streams == 0 { // its server closed it
			p.dropShared(c)
			i--
		}
	}
	return nil
}

// wake makes the first waiting requests look for a connection again.
func (p *pool) wake(most int) {
	n := min(most, len(p.waiting))
	for _, turn := range p.waiting[:n] {
		close(turn)
	}
	if p.waiting = p.waiting[n:]; len(p.waiting) == 0 {
		p.waiting = nil
	}
}

// giveUp ends the waiting of a request, and hands its turn on if it had come.
func (p *pool) giveUp(turn chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiting, turn); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		return
	}
	p.wake(1)
}

// connect makes the connection that take has permitted.
func (p *pool) connect(ctx context.Context) (connection, error) {
	wire, secure, err := p.handshake(ctx)
	var h2 *http2Conn
	if err == nil && secure != nil && secure.ConnectionState().NegotiatedProtocol == "h2" {
		h2, err = newHTTP2(ctx, p, secure)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialing--
	p.http2 = h2 != nil
	switch {
	case err != nil:
		p.open--
		p.wake(len(p.waiting)) // in case they waited for this one
		return nil, err
	case h2 == nil:
		return newHTTP1(p, wire, secure), nil
	}
	if known := p.takeStream(); known != nil {
		// Several requests dialled before any knew that one connection is enough.
		p.end(h2)
		h2 = known
	} else {
		h2.streams++ // even if it is closed by now: the request finds out
		p.shared = append(p.shared, h2)
	}
	p.wake(len(p.waiting))
	return h2, nil
}

// handshake dials a vetted address and, where the origin's scheme is https, agrees on TLS.
func (p *pool) handshake(ctx context.Context) (*wireConn, *tls.Conn, error) {
	conn, err := p.dialer.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	wire := p.keep.wire(conn)
	if p.dialer.origin.Scheme != "https" {
		return wire, nil, nil
	}
	secure := tls.Client(wire, p.http2Transport().TLSClientConfig)
	limited, cancel := context.WithTimeout(ctx, p.limits.Dial)
	defer cancel()
	if err := secure.HandshakeContext(limited); err != nil {
		_ = wire.Close()
		if ctx.Err() == nil && limited.Err() != nil {
			err = errHandshake
		}
		return nil, nil, err
	}
	return wire, secure, nil
}

// discard closes a connection that was in use.
func (p *pool) discard(c *http1Conn) {
	c.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	p.wake(1)
}

func (p *pool) keepIdle(c *http1Conn) {
	p.mu.Lock()
	if p.closing {
		p.mu.Unlock()
		p.discard(c)
		return
	}
	p.idle = append(p.idle, c)
	tooMany := p.keep.add(&c.idle)
	p.wake(1)
	p.mu.Unlock()
	if tooMany != nil {
		tooMany.evict()
	}
}

// endStream counts the end of a request on an HTTP/2 connection. retire gives the connection
// no more requests.
func (p *pool) endStream(c *http2Conn, retire bool) {
	p.mu.Lock()
	c.retired = c.retired || retire
	c.streams--
	var tooMany *idleEntry
	switch {
	case c.streams > 0:
	case c.retired || p.closing || c.client.Available() == 0:
		p.dropShared(c)
	default:
		tooMany = p.keep.add(&c.idle)
	}
	p.wake(1)
	p.mu.Unlock()
	if tooMany != nil {
		tooMany.evict()
	}
}

// dropShared closes a connection without requests that is not in the list of idle ones.
func (p *pool) dropShared(c *http2Conn) {
	p.shared = slices.DeleteFunc(p.shared, func(other *http2Conn) bool { return other == c })
	p.end(c)
}

// end closes a connection, which may wait for the network, and makes room for another one.
func (p *pool) end(c *http2Conn) {
	go func() {
		_ = c.client.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.open--
		p.wake(1)
	}()
}

// evictHTTP1 closes a connection that IdleConnections took out of its list.
func (p *pool) evictHTTP1(c *http1Conn) {
	p.mu.Lock()
	p.idle = slices.DeleteFunc(p.idle, func(other *http1Conn) bool { return other == c })
	p.mu.Unlock()
	p.discard(c)
}

func (p *pool) evictHTTP2(c *http2Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropShared(c)
}

func (p *pool) closeIdle() {
	var idle []*idleEntry
	p.mu.Lock()
	p.closing = true
	for _, c := range p.idle {
		if p.keep.remove(&c.idle) {
			idle = append(idle, &c.idle)
		}
	}
	for _, c := range p.shared {
		if c.streams == 0 && p.keep.remove(&c.idle) {
			idle = append(idle, &c.idle)
		}
	}
	p.mu.Unlock()
	for _, e := range idle {
		e.evict()
	}
}
