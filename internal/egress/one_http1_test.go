package egress

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/agenthost/agenthost/internal/wiresim"
)

// cutting is a vendor that ends each connection at a point, and counts the requests of which
// it saw a byte.
type cutting struct {
	point string
	end   func(*wiresim.Conn)
	// warm says that the first connection serves one request first.
	warm bool
	// served says that a request must be served: what comes after an answer and on an idle
	// connection does no harm.
	served   bool
	conns    atomic.Int32
	requests atomic.Int32
}

func (v *cutting) serve(c *wiresim.Conn) {
	if v.requests.Load() > 20 {
		return // a client that repeats for ever has shown enough
	}
	r := bufio.NewReader(c)
	if v.conns.Add(1) == 1 && v.warm {
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		if v.point == whileIdle {
			v.end(c)
			return
		}
	}
	if v.point == beforeHead {
		v.end(c)
		return
	}
	if _, err := r.Peek(1); err != nil {
		return
	}
	v.requests.Add(1)
	if v.point == midHead {
		v.end(c)
		return
	}
	req, err := http.ReadRequest(r)
	if err != nil {
		return
	}
	for _, step := range []struct {
		point string
		do    func() error
	}{
		{afterHead, func() error { return nil }},
		{midBody, func() error { _, err := io.CopyN(io.Discard, req.Body, min(1000, req.ContentLength)); return err }},
		{afterRequest, func() error { _, err := io.Copy(io.Discard, req.Body); return err }},
		{midAnswer, func() error { _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Len"); return err }},
		{afterAnswer, func() error { _, err := io.WriteString(c, "gth: 2\r\n\r\n"); return err }},
		{midAnswerBody, func() error { _, err := io.WriteString(c, "{"); return err }},
		{whileIdle, func() error { _, err := io.WriteString(c, "}"); return err }},
	} {
		if step.do() != nil {
			return
		}
		if step.point == v.point {
			v.end(c)
			return
		}
	}
}

// TestOneRequestHTTP1 ends connections in every way at every point. See TestOneRequestHTTP2.
//
// threat: N20
func TestOneRequestHTTP1(t *testing.T) {
	ends := map[string]func(*wiresim.Conn){
		"the end":                   func(c *wiresim.Conn) { c.Close() },
		"the end without a word":    func(c *wiresim.Conn) { c.Cut() },
		"a reset of the connection": func(c *wiresim.Conn) { c.Abort() },
		"silence":                   func(c *wiresim.Conn) { _, _ = io.Copy(io.Discard, c) },
		"garbage":                   func(c *wiresim.Conn) { _, _ = io.WriteString(c, strings.Repeat("\x00garbage\r\n\r\n", 10)) },
		"an answer": func(c *wiresim.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		},
		"an interim answer":          func(c *wiresim.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\n\r\n") },
		"a half answer":              func(c *wiresim.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{") },
		"an empty line":              func(c *wiresim.Conn) { _, _ = io.WriteString(c, "\r\n") },
		"the end of what we may say": func(c *wiresim.Conn) { _, _ = c.Write([]byte{21, 3, 3, 0, 2, 1, 0}) }, // an alert in the clear
	}
	for _, protocol := range []wiresim.Protocol{wiresim.HTTP1, wiresim.TLS} {
		for _, point := range []string{beforeHead, midHead, afterHead, midBody, afterRequest, midAnswer, afterAnswer, midAnswerBody, whileIdle} {
			t.Run(string(protocol)+", "+point, func(t *testing.T) {
				t.Parallel()
				for name, end := range ends {
					for i := range 4 {
						write, warm := i&1 != 0, i&2 != 0
						var problem string
						v := &cutting{point: point, end: end, warm: warm}
						v.served = point == whileIdle && (!warm || name != "silence")
						synctest.Test(t, func(t *testing.T) { problem = v.trial(t, protocol, write) })
						if problem != "" {
							t.Errorf("%s, write %v, used before %v: %s", name, write, warm, problem)
						}
					}
				}
			})
		}
	}
}

func (v *cutting) trial(t *testing.T, protocol wiresim.Protocol, write bool) (problem string) {
	c, end := simulated(t, protocol, v.serve)
	defer end()
	if v.warm {
		if _, err := c.Send(t.Context(), scope(), get("/issues"), nil); err != nil {
			return "the first request failed: " + err.Error()
		}
		synctest.Wait() // the end has come
	}
	problem, resp, err := oneRequest(t, c, write, v.requests.Load)
	if problem == "" && v.served && (err != nil || string(resp.Body) != "{}") {
		problem = fmt.Sprintf("it was not served: %v, %v", resp, err)
	}
	return problem
}
