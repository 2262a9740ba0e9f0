package egress

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/wiresim"
)

var protocols = []wiresim.Protocol{wiresim.HTTP1, wiresim.TLS, wiresim.HTTP2}

// polite is a vendor that answers as it should.
type polite struct {
	*wiresim.Server
	hold     atomic.Int64 // how long it takes to answer
	settings []uint32
	made     atomic.Int32 // connections
	open     atomic.Int32 // those that there are
	most     atomic.Int32 // of them at a time
	requests atomic.Int32
}

func newPolite(t testing.TB, protocol wiresim.Protocol) *polite {
	t.Helper()
	v := &polite{}
	serve := v.http1
	if protocol == wiresim.HTTP2 {
		serve = v.http2
	}
	server, err := wiresim.New(protocol, func(c *wiresim.Conn) {
		v.made.Add(1)
		v.most.Store(max(v.most.Load(), v.open.Add(1)))
		defer v.open.Add(-1)
		serve(c)
	})
	if err != nil {
		t.Fatal(err)
	}
	v.Server = server
	return v
}

func (v *polite) wait() {
	v.requests.Add(1)
	time.Sleep(time.Duration(v.hold.Load()))
}

func (v *polite) http1(c *wiresim.Conn) {
	for r := bufio.NewReader(c); ; {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		v.wait()
		if _, err := io.WriteString(c, plainAnswer); err != nil {
			return
		}
	}
}

func (v *polite) http2(c *wiresim.Conn) {
	if c.Greet(v.settings...) != nil {
		return
	}
	for {
		f, err := c.ReadFrame()
		if err != nil {
			return
		}
		if f.Ends() {
			go func() {
				v.wait()
				_ = c.Answer(f.Stream, 200, "{}")
			}()
		}
	}
}

// client returns a client of the vendor, which the caller closes.
func (v *polite) client(t testing.TB, change ...func(*Config)) *Client {
	t.Helper()
	config := baseConfig()
	config.Override, config.RootCAs, config.Dial = v.URL, v.Roots, v.Dial
	for _, f := range change {
		f(&config)
	}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// call sends a request that must be served at the first attempt.
func call(ctx context.Context, t testing.TB, c *Client) {
	t.Helper()
	s := scope()
	s.Budget = NewBudget(1000, 1<<20, 1<<20)
	if resp, err := c.Send(ctx, s, get("/issues"), nil); err != nil || string(resp.Body) != "{}" || resp.Attempts != 1 {
		t.Errorf("%+v, %v", resp, err)
	}
}
