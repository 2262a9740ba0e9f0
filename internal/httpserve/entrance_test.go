package httpserve

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// fakeListener hands out connections that come from addresses of the test's choice, or errors.
type fakeListener struct {
	next    chan any // a net.Conn or an error
	closed  chan struct{}
	accepts atomic.Int32
}

func (l *fakeListener) Accept() (net.Conn, error) {
	l.accepts.Add(1)
	select {
	case one := <-l.next:
		if err, failed := one.(error); failed {
			return nil, err
		}
		return one.(net.Conn), nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *fakeListener) Close() error   { close(l.closed); return nil }
func (l *fakeListener) Addr() net.Addr { return &net.TCPAddr{} }

// client is the far end of a connection from an address.
type client struct {
	net.Conn
	from string
}

// fromConn is the near end.
type fromConn struct {
	net.Conn
	from string
}

func (c *fromConn) RemoteAddr() net.Addr { return fakeAddr(c.from) }

type fakeAddr string

func (a fakeAddr) Network() string { return "tcp" }
func (a fakeAddr) String() string  { return string(a) }

// gone says whether the server has closed the connection.
func (c *client) gone(t *testing.T) bool {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := c.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// crowd is an entrance with clients before it.
type crowd struct {
	t *testing.T
	*entrance
	listener *fakeListener
	in       chan *visitor
	ended    chan error
}

func newCrowd(t *testing.T, most int) *crowd {
	l := &fakeListener{next: make(chan any, 100), closed: make(chan struct{})}
	c := &crowd{t, newEntrance(l, most, DefaultPatience()), l, make(chan *visitor, 100), make(chan error, 1)}
	go func() {
		for {
			conn, err := c.Accept()
			if err != nil {
				c.ended <- err
				return
			}
			c.in <- conn.(*visitor)
			go func() { _, _ = io.Copy(io.Discard, conn) }()
		}
	}()
	return c
}

func (c *crowd) leave() {
	_ = c.Close()
	if err := <-c.ended; !errors.Is(err, net.ErrClosed) {
		c.t.Errorf("ended with %v", err)
	}
	for v := range c.conns {
		_ = v.Conn.Close()
	}
}

// knock comes to the door, and says who was let in by then.
func (c *crowd) knock(from string) (*client, *visitor) {
	c.t.Helper()
	near, far := net.Pipe()
	c.listener.next <- &fromConn{near, from}
	synctest.Wait()
	select {
	case v := <-c.in:
		return &client{far, from}, v
	default:
		return &client{far, from}, nil
	}
}

// TestEntrance: where there is no room, those go who keep the server waiting.
//
// threat: R9
func TestEntrance(t *testing.T) {
	t.Parallel()
	in := func(name string, most int, test func(t *testing.T, c *crowd)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCrowd(t, most)
				defer c.leave()
				test(t, c)
			})
		})
	}
	const a, b = "192.0.2.1:1", "192.0.2.2:1"
	many := func(c *crowd, from string, n int) (all []*client, visitors []*visitor) {
		for i := range n {
			one, v := c.knock(from)
			if v == nil {
				c.t.Fatalf("client %d stays outside", i)
			}
			all, visitors = append(all, one), append(visitors, v)
			time.Sleep(time.Millisecond) // so that one is older than the other
		}
		return all, visitors
	}

	in("the one that waited longest goes", 8, func(t *testing.T, c *crowd) {
		first, _ := many(c, a, 3)
		rest, _ := many(c, b, 5)
		newcomer, v := c.knock("192.0.2.3:1")
		if v != nil || first[0].gone(t) {
			t.Fatal("one was closed that had just come")
		}
		time.Sleep(c.patience.Newcomer)
		if synctest.Wait(); len(c.in) != 1 || newcomer.gone(t) || !first[0].gone(t) || first[1].gone(t) || rest[0].gone(t) {
			t.Error("another one was closed, or nobody")
		}
		// Where several have waited too long, the peer that has more of them loses one.
		time.Sleep(c.patience.Newcomer)
		if _, v := c.knock("192.0.2.4:1"); v == nil || !rest[0].gone(t) || first[1].gone(t) {
			t.Error("another one was closed, or nobody")
		}
	})
	in("who is served is never closed", 4, func(t *testing.T, c *crowd) {
		var done []func()
		clients, visitors := many(c, a, 2)
		more, others := many(c, b, 2)
		for _, v := range append(visitors, others...) {
			done = append(done, v.serve())
		}
		_, v := c.knock(b)
		time.Sleep(10 * time.Minute)
		if synctest.Wait(); v != nil || len(c.in) > 0 {
			t.Error("there is room for one more")
		}
		for _, one := range append(clients, more...) {
			if one.gone(t) {
				t.Error("one that is served was closed")
			}
		}
		done[2]()
		time.Sleep(c.patience.Known)
		if synctest.Wait(); len(c.in) != 1 || !more[0].gone(t) {
			t.Error("the idle one does not make room")
		}
	})
	in("strangers go before clients that are known", 4, func(t *testing.T, c *crowd) {
		known, visitors := many(c, a, 3)
		for _, v := range visitors {
			v.serve()()
		}
		time.Sleep(time.Minute)
		strangers, _ := many(c, b, 1)
		time.Sleep(c.patience.Newcomer)
		if _, v := c.knock("192.0.2.3:1"); v == nil || known[0].gone(t) || !strangers[0].gone(t) {
			t.Error("the known one was closed, or nobody")
		}
	})
	in("a client that comes back has the time of a new one", 1, func(t *testing.T, c *crowd) {
		known, visitors := many(c, a, 1)
		visitors[0].serve()()
		time.Sleep(time.Minute)
		_, _ = io.WriteString(known[0], "POST")
		if _, v := c.knock(b); v != nil || known[0].gone(t) {
			t.Error("it was closed while it asked")
		}
	})
	in("one whose request is not read yet is not silent", 2, func(t *testing.T, c *crowd) {
		_, visitors := many(c, a, 1)
		visitors[0].blocked.Add(-1) // the process is not waiting for it
		silent, _ := many(c, b, 1)
		time.Sleep(time.Minute)
		if _, v := c.knock(a); v == nil || !silent[0].gone(t) {
			t.Error("the silent one does not make room")
		}
		if c.knock(b); len(c.conns) != 2 {
			t.Error("there is room for one more")
		}
		visitors[0].blocked.Add(1)
	})
	in("a peer has its share", 4, func(t *testing.T, c *crowd) {
		_, visitors := many(c, a, 3)
		var done []func()
		for _, v := range visitors {
			done = append(done, v.serve())
		}
		turnedAway := func(wait time.Duration) {
			t.Helper()
			start := time.Now()
			one, _ := c.knock(a)
			text, err := io.ReadAll(one)
			if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 503 ") || !strings.Contains(string(text), "Connection: close") || time.Since(start) != wait {
				t.Errorf("%v after %v: %s", err, time.Since(start), text)
			}
		}
		turnedAway(c.patience.Turn)
		turnedAway(0) // none of the others has ended since
		if _, v := c.knock(b); v == nil {
			t.Error("another peer stays outside")
		}
		done[0]()
		time.Sleep(c.patience.Known)
		// The idle one makes room, but for the place of b there would be a second one.
		if _, v := c.knock(a); v == nil {
			t.Error("the peer's idle connection does not make room")
		}
		for _, d := range done[1:] {
			d()
		}
	})
	in("a network of version 6 is one peer", 8, func(t *testing.T, c *crowd) {
		_, visitors := many(c, "[2001:db8::1]:1", 3)
		_, more := many(c, "[2001:db8::ffff:2]:2", 3)
		for _, v := range append(visitors, more...) {
			v.serve()
		}
		if one, v := c.knock("[2001:db8:0:0:9::]:3"); v != nil {
			t.Error("it has more than its share")
		} else if _, err := io.ReadAll(one); err != nil {
			t.Error(err)
		}
		if _, v := c.knock("[2001:db8:0:1::]:4"); v == nil {
			t.Error("another network stays outside")
		}
	})
	in("no files", 8, func(t *testing.T, c *crowd) {
		silent, _ := many(c, a, 2)
		time.Sleep(c.patience.Newcomer)
		for _, err := range []error{syscall.EMFILE, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.ENFILE)}} {
			c.listener.next <- err
		}
		time.Sleep(time.Second)
		before := c.listener.accepts.Load()
		if _, v := c.knock(b); v == nil || !silent[0].gone(t) || !silent[1].gone(t) {
			t.Error("the silent ones do not make room")
		}
		if tries := before - 2; tries > 3 {
			t.Errorf("%d tries", tries)
		}
		for range 50 { // nobody is there to make room
			c.listener.next <- syscall.EMFILE
		}
		start := time.Now()
		if synctest.Wait(); len(c.listener.next) < 45 {
			t.Error("it tries again without a pause")
		}
		for len(c.listener.next) > 0 {
			time.Sleep(time.Millisecond)
		}
		if _, v := c.knock(b); v == nil && time.Since(start) < time.Second {
			time.Sleep(time.Second)
			if synctest.Wait(); len(c.in) != 1 {
				t.Error("it has given up")
			}
		}
	})
	in("another error ends it", 8, func(t *testing.T, c *crowd) {
		c.listener.next <- fmt.Errorf("broken: %w", net.ErrClosed)
		synctest.Wait()
		if err := <-c.ended; !strings.Contains(err.Error(), "broken") {
			t.Error(err)
		}
		c.ended <- net.ErrClosed
	})
	in("a full one can be closed", 2, func(t *testing.T, c *crowd) {
		_, visitors := many(c, a, 1)
		_, more := many(c, b, 1)
		visitors[0].serve()
		more[0].serve()
		c.knock(a)
	})
	in("strangers do not delay the end", 8, func(t *testing.T, c *crowd) {
		known, visitors := many(c, a, 2)
		visitors[0].serve()()
		visitors[1].serve()
		strangers, _ := many(c, b, 2)
		c.dismissStrangers()
		if known[0].gone(t) || known[1].gone(t) || !strangers[0].gone(t) || !strangers[1].gone(t) {
			t.Error("the wrong ones are gone")
		}
	})
}
