package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// http1Conn is a connection that speaks HTTP/1.1. The goroutine of the caller writes the
// request and reads its answer, with net/http's writer and parser. While it is idle it has
// no goroutine, no timer and no buffer of ours.
type http1Conn struct {
	pool *pool
	wire *wireConn
	conn net.Conn // wire, or TLS on it
	// interrupt ends reads and writes that wait, from any goroutine.
	interrupt func()
	idle      idleEntry
	buf       *buffers // nil while it is idle
	// head is how many more bytes the heads of an answer, with interim ones, may have;
	// -1 outside of heads.
	head int64
	// watched gets the end of a watch; nil if there is none.
	watched chan error
	one     [1]byte
}

// smallBody is the size of a request's body that the buffers of a socket surely take: it is
// written before the answer is read. A larger one is written while the answer is read,
// because a server may answer without reading the rest.
const smallBody = 16 << 10

// writeGrace is how long a request may still be written after the whole answer was read: its
// goroutine may not have run since.
const writeGrace = 50 * time.Millisecond

type buffers struct {
	r *bufio.Reader
	w *bufio.Writer
}

var bufferPool = sync.Pool{New: func() any {
	return &buffers{bufio.NewReaderSize(nil, 16<<10), bufio.NewWriterSize(nil, 4<<10)}
}}

func newHTTP1(p *pool, wire *wireConn, secure *tls.Conn) *http1Conn {
	c := &http1Conn{pool: p, wire: wire, conn: wire, head: -1}
	if secure != nil {
		c.conn = secure
	}
	c.interrupt = func() { _ = wire.Conn.Close() }
	c.idle.evict = func() { p.evictHTTP1(c) }
	return c
}

// Read counts the bytes of heads.
func (c *http1Conn) Read(p []byte) (int, error) {
	if c.head < 0 {
		return c.conn.Read(p)
	}
	if c.head == 0 {
		return 0, errHeaders
	}
	n, err := c.conn.Read(p[:min(int64(len(p)), c.head)])
	c.head -= int64(n)
	return n, err
}

// quiet reports whether an idle connection is still open and has received no bytes, which the
// next request would take for its answer. It accepts what TLS sends after a handshake, such
// as tickets.
func (c *http1Conn) quiet() bool {
	if c.watched != nil {
		return c.endWatch()
	}
	c.wire.atOnce = true
	n, err := c.conn.Read(c.one[:])
	c.wire.atOnce = false
	return n == 0 && errors.Is(err, errWouldWait)
}

// watch reads in a goroutine on behalf of quiet, on systems that cannot read without waiting.
func (c *http1Conn) watch() {
	if c.wire.now != nil {
		return
	}
	c.watched = make(chan error, 1)
	go func() {
		n, err := c.conn.Read(c.one[:])
		if n > 0 {
			err = errors.New("unasked bytes")
		}
		c.watched <- err
	}()
}

// endWatch is quiet for a connection that a goroutine watches.
func (c *http1Conn) endWatch() bool {
	if c.wire.SetReadDeadline(time.Unix(1, 0)) != nil {
		return false
	}
	err := <-c.watched
	c.watched = nil
	return errors.Is(err, os.ErrDeadlineExceeded) && c.wire.SetReadDeadline(time.Time{}) == nil
}

// close closes an idle connection, if possible without waiting for the network.
func (c *http1Conn) close() {
	if c.wire.now != nil {
		c.wire.atOnce = true
	}
	_ = c.conn.Close()
}

func (c *http1Conn) roundTrip(ctx context.Context, req *http.Request) (resp *http.Response, sent bool, err error) {
	before := c.wire.written
	c.buf, _ = bufferPool.Get().(*buffers) // makes no others
	c.buf.r.Reset(c)
	c.buf.w.Reset(c.conn)
	b := &http1Body{ctx: ctx, c: c}
	b.stop = context.AfterFunc(ctx, c.interrupt)
	if req.ContentLength > smallBody {
		b.writing = make(chan bool, 1)
		go func() { b.writing <- c.write(req) == nil }()
	} else {
		err = c.write(req)
	}
	if err == nil {
		resp, err = c.answer(req)
	}
	if err != nil {
		b.end(false)
		return nil, c.wire.written > before, b.cause(err)
	}
	c.wire.idle = c.pool.limits.Idle
	b.from, b.keep = resp.Body, !resp.Close && resp.StatusCode != http.StatusSwitchingProtocols
	if resp.Body == http.NoBody {
		b.end(true)
	}
	resp.Body = b
	return resp, true, nil
}

func (c *http1Conn) write(req *http.Request) error {
	if err := req.Write(c.buf.w); err != nil {
		return err
	}
	return c.buf.w.Flush()
}

// answer reads the head of the answer, and the interim ones before it.
func (c *http1Conn) answer(req *http.Request) (*http.Response, error) {
	c.head = c.pool.limits.ResponseHeaders
	defer func() { c.head = -1 }()
	for {
		resp, err := http.ReadResponse(c.buf.r, req)
		if err != nil && c.head == 0 {
			return nil, errHeaders // which net/http may have replaced
		}
		if err != nil || resp.StatusCode/100 != 1 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, err
		}
	}
}

// http1Body is the body of an answer. At its end the connection is kept, or closed.
type http1Body struct {
	ctx     context.Context
	c       *http1Conn // nil once the connection is no longer ours
	from    io.ReadCloser
	stop    func() bool // stops closing the connection when ctx ends
	writing chan bool   // tells whether a large request was written; nil for a small one
	keep    bool        // the connection can serve another request
}

func (b *http1Body) Read(p []byte) (int, error) {
	if b.c == nil {
		return 0, io.EOF
	}
	n, err := b.from.Read(p)
	if err != nil {
		b.end(errors.Is(err, io.EOF))
		err = b.cause(err)
	}
	return n, err
}

// Close closes the connection unless the body was read to its end.
func (b *http1Body) Close() error {
	b.end(false)
	return nil
}

// end gives the connection back. complete says that the whole answer was read.
func (b *http1Body) end(complete bool) {
	c := b.c
	if c == nil {
		return
	}
	b.c = nil
	keep := b.stop() && complete && b.keep && c.buf.r.Buffered() == 0 && b.written()
	if !keep {
		c.interrupt() // ends the writing too
	}
	if b.writing != nil {
		<-b.writing
	}
	c.buf.r.Reset(nil)
	c.buf.w.Reset(nil)
	bufferPool.Put(c.buf)
	c.buf = nil
	if keep && c.wire.endGuard() == nil {
		c.watch()
		c.pool.keepIdle(c)
	} else {
		c.pool.discard(c)
	}
}

// written reports whether the whole request was written.
func (b *http1Body) written() bool {
	if b.writing == nil {
		return true
	}
	select {
	case written := <-b.writing:
		close(b.writing)
		return written
	case <-time.After(writeGrace):
		return false
	}
}

// cause returns the reason for an error of a connection that ctx may have closed.
func (b *http1Body) cause(err error) error {
	if !errors.Is(err, io.EOF) && b.ctx.Err() != nil {
		return b.ctx.Err()
	}
	return err
}
