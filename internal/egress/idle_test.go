package egress

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agenthost/agenthost/internal/wiresim"
)

// each runs a test over every protocol, in a time of its own.
func each(t *testing.T, test func(t *testing.T, protocol wiresim.Protocol)) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, protocol) })
		})
	}
}

// Nobody closes anything here, and no goroutine may be left at the end of the bubble.
func TestIdleConnectionsEnd(t *testing.T) {
	each(t, func(t *testing.T, protocol wiresim.Protocol) {
		v := newPolite(t, protocol)
		c := v.client(t)
		for range 3 {
			call(t.Context(), t, c)
			time.Sleep(idleLife - time.Second)
		}
		synctest.Wait()
		if v.open.Load() != 1 || v.made.Load() != 1 {
			t.Errorf("%d connections are open, %d were made; want one that is used again", v.open.Load(), v.made.Load())
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if v.open.Load() != 0 {
			t.Error("the connection is open after a minute of idleness")
		}
		call(t.Context(), t, c)
		time.Sleep(2 * idleLife)
	})
}

// The time of the sweep is the injected one.
func TestIdleConnectionsGoByTheClock(t *testing.T) {
	each(t, func(t *testing.T, protocol wiresim.Protocol) {
		var clock atomic.Int64
		v := newPolite(t, protocol)
		c := v.client(t, func(c *Config) { c.Now = func() time.Time { return time.Unix(clock.Load(), 0) } })
		call(t.Context(), t, c)
		time.Sleep(time.Hour)
		if synctest.Wait(); v.open.Load() != 1 {
			t.Error("the connection was closed although the clock stands still")
		}
		clock.Add(60)
		time.Sleep(idleLife)
		if synctest.Wait(); v.open.Load() != 0 {
			t.Error("the connection is open after a minute of idleness")
		}
	})
}

// The connections of several clients have one bound, and the one that has been idle longest
// goes first.
func TestIdleConnectionsAreBounded(t *testing.T) {
	each(t, func(t *testing.T, protocol wiresim.Protocol) {
		keep := NewIdleConnections(3, nil)
		var vendors []*polite
		var clients []*Client
		for range 5 {
			v := newPolite(t, protocol)
			vendors, clients = append(vendors, v), append(clients, v.client(t, func(c *Config) { c.Idle = keep }))
		}
		check := func(want ...int32) {
			t.Helper()
			synctest.Wait()
			for i, v := range vendors {
				if v.open.Load() != want[i] {
					t.Errorf("client %d has %d connections, want %d", i, v.open.Load(), want[i])
				}
			}
		}
		for _, c := range clients[:4] {
			call(t.Context(), t, c)
		}
		check(0, 1, 1, 1, 0)
		call(t.Context(), t, clients[1]) // is the youngest now
		call(t.Context(), t, clients[4])
		check(0, 1, 0, 1, 1)
		call(t.Context(), t, clients[0])
		check(1, 1, 0, 0, 1)
		if vendors[1].made.Load() != 1 {
			t.Error("an idle connection was not used again")
		}
		for _, c := range clients {
			c.Close()
		}
		check(0, 0, 0, 0, 0)
		if keep.count != 0 || keep.first != nil || keep.last != nil {
			t.Errorf("%d connections are listed", keep.count)
		}
	})
}

// A connection with a request on it is not idle.
func TestBusyConnectionsAreKept(t *testing.T) {
	each(t, func(t *testing.T, protocol wiresim.Protocol) {
		v := newPolite(t, protocol)
		v.hold.Store(int64(5 * idleLife))
		c := v.client(t, func(c *Config) { c.Limits.Timeout = time.Hour })
		go call(t.Context(), t, c)
		time.Sleep(idleLife)
		c.Close() // does not end what is under way
		time.Sleep(4*idleLife + time.Second)
		if synctest.Wait(); v.requests.Load() != 1 || v.open.Load() != 0 {
			t.Errorf("%d requests, %d connections are open; want them closed at the end of the request", v.requests.Load(), v.open.Load())
		}
	})
}

// A client that nobody has used is its configuration, and one that was used is little more
// once its connections have gone.
func TestUnusedClient(t *testing.T) {
	v := newVendor(t, reply(200, "{}"))
	c := lab(t, v)
	if c.pools.of != nil {
		t.Error("an unused client has connections")
	}
	before := runtime.NumGoroutine()
	if _, err := c.Send(context.Background(), scope(), get("/issues"), nil); err != nil {
		t.Fatal(err)
	}
	v.CloseClientConnections()
	v.Close()        // ends the goroutines of the vendor
	for range 1000 { // both ends of a connection notice in their own time
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines before a call, %d after it", before, runtime.NumGoroutine())
}
