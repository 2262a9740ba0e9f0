package httpserve

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// DefaultConnections is the default limit of open connections in [Serve]. The
// process's file limit may reduce it.
const DefaultConnections = 1024

// entrance is a listener with a limit of connections in total and per peer. At a limit, it
// closes connections that keep the server waiting, so clients that send no request or no valid
// token cannot keep others out. It never closes a connection while its request is served.
type entrance struct {
	net.Listener
	most, perPeer int
	patience      *Patience

	mu    sync.Mutex
	conns map[*visitor]struct{}
	peers map[string]*peer
	// changed has a value after a connection ended or became idle.
	changed chan struct{}
	closing sync.Once
	closed  chan struct{}
}

// peer is the origin of connections: an IP address or network.
type peer struct {
	count int
	stuck bool // a new connection waited in vain, and no other has ended since
}

func newEntrance(l net.Listener, most int, p *Patience) *entrance {
	return &entrance{
		Listener: l, most: most, perPeer: max(1, most-most/4), patience: p,
		conns: make(map[*visitor]struct{}), peers: make(map[string]*peer),
		changed: make(chan struct{}, 1), closed: make(chan struct{}),
	}
}

// Accept returns the next connection when there is room for it. Others wait in the kernel's
// queue.
func (e *entrance) Accept() (net.Conn, error) {
	for {
		conn, err := e.Listener.Accept()
		switch {
		case err == nil:
			if v := e.admit(conn); v != nil {
				return v, nil
			}
		case outOfFiles(err):
			// Other parts of the process hold the files. Close a waiting connection.
			e.dismissLongest()
			e.pause(e.patience.Retry)
		default:
			return nil, err
		}
	}
}

// outOfFiles reports whether accept failed for lack of a resource that will become free.
func outOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// admit counts a connection, or rejects it if its peer uses all of its share.
func (e *entrance) admit(conn net.Conn) *visitor {
	v := &visitor{Conn: conn, at: e, from: peerOf(conn.RemoteAddr())}
	v.stay, v.leave = context.WithCancel(context.Background())
	if e.enter(v) {
		return v
	}
	if !e.isClosed() {
		_ = conn.SetDeadline(time.Now().Add(e.patience.Retry))
		_, _ = io.WriteString(conn, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 47\r\n\r\nyour address has too many requests running here")
	}
	_ = v.Close()
	return nil
}

// peerOf returns the address or network that has a share. A host with one IPv6 address usually
// has its whole /64 network.
func peerOf(a net.Addr) string {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return a.String()
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.Is6() {
		network, _ := ip.Prefix(64) // a length that every such address has
		return network.String()
	}
	return ip.String()
}

// enter waits for room for one more connection. It closes the connection that has kept the
// server waiting longest, if that exceeds the limit for new connections. If the peer's share
// is the limit, it waits only briefly, because others wait behind this connection.
func (e *entrance) enter(v *visitor) bool {
	until := time.Now().Add(e.patience.Turn)
	for {
		e.mu.Lock()
		p := e.peers[v.from]
		if p == nil {
			p = &peer{}
		}
		var victim *visitor
		var wait time.Duration
		switch now := time.Now(); {
		case len(e.conns) >= e.most:
			victim, wait = e.longest("", now)
		case p.count >= e.perPeer:
			victim, wait = e.longest(v.from, now)
			if left := until.Sub(now); victim == nil && (left <= 0 || wait == 0 && p.stuck) {
				p.stuck = true
				e.mu.Unlock()
				return false
			} else if wait == 0 || wait > left {
				wait = left
			}
		default:
			v.since = now
			e.conns[v] = struct{}{}
			e.peers[v.from] = p
			p.count++
			e.mu.Unlock()
			return true
		}
		e.mu.Unlock()
		if victim != nil {
			_ = victim.Close()
		} else if !e.pause(wait) {
			return false
		}
	}
}

// longest returns the connection to close first. The order is: clients without a valid token,
// then peers with more connections, then the longest wait. If none has waited long enough, it
// returns the time until one will have; 0 means that all are being served.
func (e *entrance) longest(from string, now time.Time) (victim *visitor, wait time.Duration) {
	for v := range e.conns {
		if v.busy || from != "" && v.from != from {
			continue
		}
		left := e.patience.Newcomer - now.Sub(v.since)
		if v.known {
			left = e.patience.Known - now.Sub(v.since)
		}
		// A client is not silent if this process has not yet read its request.
		if v.blocked.Load() == 0 {
			left = max(left, e.patience.Retry)
		}
		if left > 0 {
			if wait == 0 || left < wait {
				wait = left
			}
			continue
		}
		if victim == nil || e.before(v, victim) {
			victim = v
		}
	}
	return victim, wait
}

func (e *entrance) before(a, b *visitor) bool {
	if a.known != b.known {
		return !a.known
	}
	if m, n := e.peers[a.from].count, e.peers[b.from].count; m != n {
		return m > n
	}
	return a.since.Before(b.since)
}

func (e *entrance) dismissLongest() {
	e.mu.Lock()
	victim, _ := e.longest("", time.Now())
	e.mu.Unlock()
	if victim != nil {
		_ = victim.Close()
	}
}

// dismissStrangers closes connections without a known client when the server ends.
func (e *entrance) dismissStrangers() {
	e.mu.Lock()
	var strangers []*visitor
	for v := range e.conns {
		if !v.busy && !v.known {
			strangers = append(strangers, v)
		}
	}
	e.mu.Unlock()
	for _, v := range strangers {
		_ = v.Close()
	}
}

// crowded reports whether half of the connections are in use. Then each connection should
// serve only one request: if the server closes an idle connection while the client sends the
// next request, the client cannot know whether the server read it.
func (e *entrance) crowded() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.conns) > e.most/2
}

// pause waits for a change, or for some time unless that is 0. It returns false if the
// listener is closed.
func (e *entrance) pause(most time.Duration) bool {
	var over <-chan time.Time
	if most > 0 {
		timer := time.NewTimer(most)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-e.changed:
	case <-over:
	case <-e.closed:
		return false
	}
	return true
}

func (e *entrance) note() {
	select {
	case e.changed <- struct{}{}:
	default:
	}
}

func (e *entrance) isClosed() bool {
	select {
	case <-e.closed:
		return true
	default:
		return false
	}
}

// Close ends Accept. Connections stay open.
func (e *entrance) Close() error {
	e.closing.Do(func() { close(e.closed) })
	return e.Listener.Close()
}

// visitor is a connection that an entrance counts.
type visitor struct {
	net.Conn
	at      *entrance
	from    string
	stay    context.Context // ends with the connection
	leave   func()          // ends it
	blocked atomic.Int32    // operations that wait for the client, or for others on behalf of a stranger
	idle    atomic.Bool     // nothing arrived since the last served request
	since   time.Time       // when it connected, or when the last such request ended; under at.mu, like the fields below
	busy    bool            // serving a request of a client with a valid token
	known   bool            // it has had such a request
}

// visitorKey is the key of a request's connection.
type visitorKey struct{}

// visitorContext is the context of a connection's requests. It ends with the connection, even
// while net/http does not read from it.
func visitorContext(ctx context.Context, c net.Conn) context.Context {
	if over, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
		c = over.NetConn()
	}
	v, ok := c.(*visitor)
	if !ok {
		return ctx
	}
	ctx, cancel := context.WithCancel(context.WithValue(ctx, visitorKey{}, v))
	context.AfterFunc(v.stay, cancel)
	return ctx
}

func visitorOf(ctx context.Context) *visitor {
	v, _ := ctx.Value(visitorKey{}).(*visitor)
	return v
}

// serve marks the connection as serving a client with a valid token until done is called.
func (v *visitor) serve() (done func()) {
	v.at.mu.Lock()
	defer v.at.mu.Unlock()
	v.busy, v.known = true, true
	return func() {
		v.at.mu.Lock()
		v.busy, v.since = false, time.Now()
		v.at.mu.Unlock()
		v.idle.Store(true)
		v.at.note()
	}
}

// know marks the connection as that of a client with a valid token.
func (v *visitor) know() {
	v.at.mu.Lock()
	defer v.at.mu.Unlock()
	v.known = true
}

// Read gives a returning client as much time as a new one.
func (v *visitor) Read(p []byte) (int, error) {
	v.blocked.Add(1)
	n, err := v.Conn.Read(p)
	v.blocked.Add(-1)
	if n > 0 && v.idle.CompareAndSwap(true, false) {
		v.at.mu.Lock()
		v.since = time.Now()
		v.at.mu.Unlock()
	}
	return n, err
}

// Write implements net.Conn.
func (v *visitor) Write(p []byte) (int, error) {
	v.blocked.Add(1)
	defer v.blocked.Add(-1)
	return v.Conn.Write(p)
}

// CloseWrite lets net/http end a response while the request still arrives.
func (v *visitor) CloseWrite() error {
	if c, ok := v.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

// Close implements net.Conn.
func (v *visitor) Close() error {
	e := v.at
	e.mu.Lock()
	if _, held := e.conns[v]; held {
		delete(e.conns, v)
		p := e.peers[v.from]
		p.stuck = false
		if p.count--; p.count == 0 {
			delete(e.peers, v.from)
		}
	}
	e.mu.Unlock()
	v.leave()
	err := v.Conn.Close()
	e.note()
	return err
}
