package egress

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/wiresim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// points of a request at which something ends it.
const (
	beforeHead    = "before the head"
	midHead       = "in the head"
	afterHead     = "after the head"
	midBody       = "in the body"
	afterRequest  = "after the request"
	midAnswer     = "in the head of the answer"
	afterAnswer   = "after the head of the answer"
	midAnswerBody = "in the body of the answer"
	whileIdle     = "after the answer"
)

// simulated returns a client of a vendor without a network, and what ends both.
func simulated(t *testing.T, protocol wiresim.Protocol, serve func(*wiresim.Conn)) (c *Client, end func()) {
	t.Helper()
	vendor, err := wiresim.New(protocol, serve)
	if err != nil {
		t.Fatal(err)
	}
	config := baseConfig()
	config.Override, config.RootCAs, config.Dial = vendor.URL, vendor.Roots, vendor.Dial
	if c, err = New(config); err != nil {
		t.Fatal(err)
	}
	return c, func() { c.Close(); vendor.Close() }
}

// oneRequest sends a request, and compares what the vendor saw with what was told: each
// request is an attempt that was counted, a write is seen once, and a read as often as the
// rules of repetition allow.
func oneRequest(t *testing.T, c *Client, write bool, seen func() int32) (problem string, resp *Response, err error) {
	t.Helper()
	var attempts []Attempt
	budget := NewBudget(10, 1<<20, 1<<20)
	s := Scope{Requests: requests, Budget: budget, Attempt: func(a Attempt) { attempts = append(attempts, a) }}
	req, body := get("/issues"), ""
	if write {
		// More than the window of a stream, so that the vendor has some of it first.
		req, body = &abi.Request{Method: "POST", Path: "/issues"}, strings.Repeat("x", 100_000)
	} else {
		s.Retry, s.Reads = true, true
	}
	resp, err = c.Send(t.Context(), s, req, []byte(body))
	got := int(seen())
	used, _, _ := budget.Used()
	most := c.retry.Attempts
	if write {
		most = 1
	}
	sent := 0
	for _, a := range attempts {
		if a.Err == nil || a.Err.RequestSent {
			sent++
		}
	}
	e, _ := errors.AsType[*abi.Error](err)
	switch {
	case used != len(attempts):
		problem = fmt.Sprintf("%d attempts were told, the budget counts %d", len(attempts), used)
	case got > sent:
		problem = fmt.Sprintf("the vendor saw %d requests, and %d of %d attempts say that they sent one", got, sent, len(attempts))
	case got > most:
		problem = fmt.Sprintf("the vendor saw %d requests", got)
	case err != nil && got > 0 && !e.RequestSent:
		problem = fmt.Sprintf("the vendor saw the request, and the error says that it was not sent: %v", err)
	case err != nil && e.Kind != abi.KindNetwork && e.Kind != abi.KindTimeout:
		problem = fmt.Sprintf("%s: %v", e.Kind, err)
	}
	return problem, resp, err
}
