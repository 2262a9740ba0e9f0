package egress

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agenthost/agenthost/internal/wiresim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// together makes calls at the same time.
func together(t *testing.T, n int, c *Client) {
	t.Helper()
	var calls sync.WaitGroup
	for range n {
		calls.Go(func() { call(t.Context(), t, c) })
	}
	calls.Wait()
}

// Requests beyond the bound of connections wait for one.
func TestConnectionsAreBounded(t *testing.T) {
	each(t, func(t *testing.T, protocol wiresim.Protocol) {
		v := newPolite(t, protocol)
		v.hold.Store(int64(time.Second))
		v.settings = []uint32{3, 2} // two streams at a time
		c := v.client(t, func(c *Config) { c.Limits.Connections = 3 })
		began := time.Now()
		together(t, 18, c)
		if v.most.Load() > 3 {
			t.Errorf("%d connections at a time", v.most.Load())
		}
		// Three, or six where each connection has two streams.
		if took := time.Since(began); protocol != wiresim.HTTP2 && took != 6*time.Second {
			t.Errorf("18 requests of a second took %v over three connections", took)
		}
		c.Close()
	})
}

// A vendor that speaks HTTP/2 gets one connection, however many requests come at once.
func TestStreamsShareAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newPolite(t, wiresim.HTTP2)
		v.hold.Store(int64(time.Second))
		c := v.client(t)
		began := time.Now()
		together(t, 50, c)
		if synctest.Wait(); v.open.Load() != 1 || time.Since(began) != time.Second {
			t.Errorf("%d connections are open after 50 requests in %v", v.open.Load(), time.Since(began))
		}
		time.Sleep(2 * idleLife)
		made := v.made.Load()
		together(t, 50, c)
		if got := v.made.Load() - made; got != 1 {
			t.Errorf("%d connections were made to a vendor that is known to speak HTTP/2", got)
		}
		c.Close()
	})
}

// Requests go where there is room: they do not queue on a connection whose streams are taken.
func TestStreamsAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newPolite(t, wiresim.HTTP2)
		v.settings = []uint32{3, 2} // two streams at a time
		c := v.client(t, func(c *Config) { c.Limits.Connections = 3 })
		call(t.Context(), t, c)
		p := c.pools.to(c.chosen)
		one, _, _ := p.take()
		two, _, _ := p.take()
		if three, dial, _ := p.take(); one == nil || one != two || three != nil || !dial {
			t.Errorf("three requests at the same moment get %v, %v and %v", one, two, three)
		}
		p.endStream(one.(*http2Conn), false)
		p.endStream(one.(*http2Conn), false)
		p.open, p.dialing = p.open-1, p.dialing-1
		v.hold.Store(int64(time.Second))
		began := time.Now()
		// The next connections begin before their settings have come, so not all at once.
		for _, n := range []int{2, 1, 1, 1, 1} {
			for range n {
				go call(t.Context(), t, c)
			}
			synctest.Wait()
		}
		time.Sleep(time.Second)
		if synctest.Wait(); v.requests.Load() != 7 || v.made.Load() != 3 || time.Since(began) != time.Second {
			t.Errorf("%d requests on %d connections", v.requests.Load(), v.made.Load())
		}
		c.Close()
	})
}

// faulty is a connection whose writes fail while it says so.
type faulty struct {
	net.Conn
	fails *atomic.Bool
}

func (c faulty) Write(p []byte) (int, error) {
	if c.fails.Load() {
		return 0, syscall.EPIPE
	}
	return c.Conn.Write(p)
}

// Where no byte of a request could be written to an idle connection, another one gets it
// within the same attempt. On a new one the attempt has failed, and even a write is sent
// again, because it never left.
func TestNothingWasWritten(t *testing.T) {
	for _, protocol := range []wiresim.Protocol{wiresim.HTTP1, wiresim.TLS} {
		t.Run(string(protocol), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newPolite(t, protocol)
				var fails atomic.Bool
				c := v.client(t, func(c *Config) {
					c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
						conn, err := v.Dial(ctx, network, address)
						return faulty{conn, &fails}, err
					}
				})
				post := &abi.Request{Method: "POST", Path: "/issues"}
				call(t.Context(), t, c)
				fails.Store(true)
				v.hold.Store(0)
				var attempts []Attempt
				s := scope()
				s.Attempt = func(a Attempt) { attempts = append(attempts, a); fails.Store(len(attempts) < 2) }
				resp, err := c.Send(t.Context(), s, post, nil)
				if err != nil || resp.Attempts != 3 || attempts[0].Err == nil || attempts[0].Err.RequestSent || v.requests.Load() != 2 {
					t.Errorf("%+v, %v after %d requests in %d attempts", resp, err, v.requests.Load(), len(attempts))
				}
				fails.Store(true) // until the next connection is made
				c.pools.to(c.chosen).dialer.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					fails.Store(false)
					return v.Dial(ctx, network, address)
				}
				call(t.Context(), t, c)
				c.Close()
			})
		})
	}
}

// A request that waits for a connection ends with its context, and the next one gets its
// turn.
func TestWaitingEnds(t *testing.T) {
	each(t, func(t *testing.T, protocol wiresim.Protocol) {
		v := newPolite(t, protocol)
		v.hold.Store(int64(time.Minute))
		v.settings = []uint32{3, 1} // one stream at a time
		c := v.client(t, func(c *Config) { c.Limits.Connections = 1; c.Limits.Timeout = time.Hour })
		var calls sync.WaitGroup
		call(t.Context(), t, c) // settings have come
		calls.Go(func() { call(t.Context(), t, c) })
		synctest.Wait()
		for _, after := range []time.Duration{10 * time.Second, 20 * time.Second} {
			calls.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), after)
				defer cancel()
				began := time.Now()
				_, err := c.Send(ctx, scope(), get("/issues"), nil)
				if e, ok := errors.AsType[*abi.Error](err); !ok || e.Kind != abi.KindTimeout || e.RequestSent || time.Since(began) != after {
					t.Errorf("%v after %v", err, time.Since(began))
				}
			})
		}
		synctest.Wait()
		calls.Go(func() { call(t.Context(), t, c) })
		calls.Wait()
		if v.requests.Load() != 3 {
			t.Errorf("%d requests", v.requests.Load())
		}
		c.Close()
	})
}

// Who gives up waiting at the moment of being woken hands the turn on.
func TestTurnIsHandedOn(t *testing.T) {
	c := newClient(t, baseConfig())
	p := c.pools.to(c.chosen)
	p.open = p.limits.Connections // all of them in use
	_, _, first := p.take()
	_, _, second := p.take()
	p.wake(1)
	p.giveUp(first)
	for _, turn := range []chan struct{}{first, second} {
		select {
		case <-turn:
		default:
			t.Error("a turn was lost")
		}
	}
	_, _, third := p.take()
	if p.giveUp(third); len(p.waiting) != 0 {
		t.Errorf("%d requests wait", len(p.waiting))
	}
}

// A connection that cannot be made leaves room for another one.
func TestFailedDialsLeaveRoom(t *testing.T) {
	each(t, func(t *testing.T, protocol wiresim.Protocol) {
		v := newPolite(t, protocol)
		var works atomic.Bool
		c := v.client(t, func(c *Config) {
			c.Limits.Connections, c.Retry.Attempts = 2, 1
			c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				if time.Sleep(time.Second); !works.Load() {
					return nil, errors.New("no route today")
				}
				return v.Dial(ctx, network, address)
			}
		})
		for range 2 { // the second time after a vendor that is known to speak HTTP/2
			var calls sync.WaitGroup
			for range 10 {
				calls.Go(func() {
					_, err := c.Send(t.Context(), scope(), get("/issues"), nil)
					if e, ok := errors.AsType[*abi.Error](err); !ok || e.Kind != abi.KindNetwork || e.RequestSent {
						t.Errorf("%v", err)
					}
				})
			}
			calls.Wait()
			works.Store(true)
			together(t, 10, c)
			works.Store(false)
			time.Sleep(2 * idleLife)
		}
	})
}

// A vendor that does not shake hands is given up after Limits.Dial.
func TestHandshakeIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newPolite(t, wiresim.TLS)
		c := v.client(t, func(c *Config) {
			c.Retry.Attempts = 1
			c.Dial = func(context.Context, string, string) (net.Conn, error) {
				client, server := net.Pipe()
				go func() {
					_, _ = server.Read(make([]byte, 1<<16))
					_, _ = server.Read(make([]byte, 1<<16)) // until the client closes it
				}()
				return client, nil
			}
		})
		began := time.Now()
		_, err := c.Send(t.Context(), scope(), get("/issues"), nil)
		if e := want(t, err, abi.KindNetwork, "took too long"); e.RequestSent || !e.Retryable || time.Since(began) != 10*time.Second {
			t.Errorf("%#v after %v", e, time.Since(began))
		}
	})
}

// A connection on which an answer did not come in time may be dead: the next request gets
// another one.
func TestSilentConnectionIsLeft(t *testing.T) {
	each(t, func(t *testing.T, protocol wiresim.Protocol) {
		v := newPolite(t, protocol)
		c := v.client(t)
		call(t.Context(), t, c)
		v.hold.Store(int64(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := c.Send(ctx, scope(), get("/issues"), nil)
		if e := want(t, err, abi.KindTimeout, "did not respond in time"); !e.RequestSent {
			t.Errorf("%#v", e)
		}
		v.hold.Store(0)
		call(t.Context(), t, c)
		if v.made.Load() != 2 {
			t.Errorf("%d connections were made", v.made.Load())
		}
		c.Close()
		if synctest.Wait(); v.open.Load() > 0 && protocol == wiresim.HTTP2 {
			t.Errorf("%d connections are open", v.open.Load())
		}
		time.Sleep(2 * time.Hour) // the vendor wakes up
	})
}
