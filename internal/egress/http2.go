package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// http2Conn is a connection that speaks HTTP/2, with net/http. Its client is bound to this one
// connection: unlike an [http.Transport], it never sends a request again on another one.
type http2Conn struct {
	pool   *pool
	client *http.ClientConn
	idle   idleEntry
	// Guarded by the pool's mutex: how many requests are running, and whether it takes
	// no more.
	streams int
	retired bool
}

// http2Transport returns the transport that makes HTTP/2 connections, and writes the
// protocols into the pool's TLS configuration.
func (p *pool) http2Transport() *http.Transport {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.transport != nil {
		return p.transport
	}
	p.transport = &http.Transport{
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: p.roots, ServerName: p.dialer.origin.Host},
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // decoded in body.go, with caps
		MaxResponseHeaderBytes: p.limits.ResponseHeaders,
		HTTP2:                  &http.HTTP2Config{WriteByteTimeout: p.limits.Idle},
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, _ := ctx.Value(dialed{}).(net.Conn) // always set, by newHTTP2
			return conn, nil
		},
	}
	p.transport.Clone() // writes the protocols into TLSClientConfig
	p.transport.Protocols = new(http.Protocols)
	p.transport.Protocols.SetUnencryptedHTTP2(true) // its connections have TLS already
	return p.transport
}

// dialed is the key of the connection that a context hands to the transport.
type dialed struct{}

func newHTTP2(ctx context.Context, p *pool, secure *tls.Conn) (*http2Conn, error) {
	client, err := p.http2Transport().NewClientConn(context.WithValue(ctx, dialed{}, net.Conn(newWindowGuard(secure))), "https", p.dialer.origin.Address())
	if err != nil {
		_ = secure.Close()
		return nil, err
	}
	c := &http2Conn{pool: p, client: client}
	c.idle.evict = func() { p.evictHTTP2(c) }
	return c, nil
}

// hasRoom reports whether the connection takes one more request. It does not use net/http's
// reservations, which wait for each other if there are more than the server's settings allow.
func (c *http2Conn) hasRoom() bool {
	free := c.client.Available()
	return !c.retired && free > 0 && c.streams < free+c.client.InFlight()
}

func (c *http2Conn) roundTrip(ctx context.Context, req *http.Request) (resp *http.Response, sent bool, err error) {
	stream, cancel := context.WithCancelCause(ctx)
	b := &http2Body{c: c, request: req.Body, ctx: stream, cancel: cancel}
	var wrote atomic.Bool
	traced := httptrace.WithClientTrace(stream, &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	resp, err = c.client.RoundTrip(req.WithContext(traced))
	if err != nil {
		// If ctx has ended, a goroutine of net/http may be about to write.
		sent = wrote.Load() || ctx.Err() != nil
		b.end()
		return nil, sent, err
	}
	b.from, resp.Body = resp.Body, b
	return resp, true, nil
}

// http2Body is the body of an answer. It ends the stream if the vendor falls silent.
type http2Body struct {
	c       *http2Conn // nil once the stream has ended
	from    io.ReadCloser
	request io.Closer // the body of the request, or nil
	ctx     context.Context
	cancel  context.CancelCauseFunc
	timer   *time.Timer // nil before the first read
}

func (b *http2Body) Read(p []byte) (int, error) {
	if b.c == nil {
		return 0, io.EOF
	}
	if idle := b.c.pool.limits.Idle; b.timer == nil {
		b.timer = time.AfterFunc(idle, func() { b.cancel(errIdle) })
	} else {
		b.timer.Reset(idle)
	}
	n, err := b.from.Read(p)
	if err != nil {
		if !errors.Is(err, io.EOF) && errors.Is(context.Cause(b.ctx), errIdle) {
			err = errIdle
		}
		b.end()
	}
	return n, err
}

// Close ends the stream, unless the whole answer was read.
func (b *http2Body) Close() error {
	b.end()
	return nil
}

// end gives the stream back. A connection whose answer did not come in time may be dead, and
// gets no more requests.
func (b *http2Body) end() {
	if b.c == nil {
		return
	}
	c := b.c
	b.c = nil
	if b.timer != nil {
		b.timer.Stop()
	}
	late := b.ctx.Err() != nil
	if b.from != nil && !late {
		_ = b.from.Close()
	}
	b.cancel(nil)
	if b.request != nil {
		_ = b.request.Close()
	}
	c.pool.endStream(c, late)
}
