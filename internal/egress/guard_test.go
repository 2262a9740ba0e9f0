package egress

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/wiresim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// dripping answers each request with "{}" in pieces, with a wait before each of them.
func dripping(protocol wiresim.Protocol, wait, made *atomic.Int64) func(*wiresim.Conn) {
	pause := func() { time.Sleep(time.Duration(wait.Load())) }
	return func(c *wiresim.Conn) {
		made.Add(1)
		if protocol == wiresim.HTTP2 {
			_ = c.Greet()
			for {
				f, err := c.ReadFrame()
				if err != nil {
					return
				}
				if f.Kind != wiresim.Headers {
					continue
				}
				go func() {
					_ = c.Head(f.Stream, 0, 200)
					pause()
					_ = c.WriteFrame(wiresim.Data, 0, f.Stream, []byte("{"))
					pause()
					_ = c.WriteFrame(wiresim.Data, wiresim.EndStream, f.Stream, []byte("}"))
				}()
			}
		}
		for r := bufio.NewReader(c); ; {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			for _, piece := range []string{"1\r\n{\r\n", "1\r\n}\r\n0\r\n\r\n"} {
				if err == nil {
					pause()
					_, err = io.WriteString(c, piece)
				}
			}
		}
	}
}

// A vendor may take its time, and may not fall silent in the middle of an answer. The guard
// of one answer does not reach into the next one on the connection.
//
// threat: N13
func TestSilenceInAnswers(t *testing.T) {
	each(t, func(t *testing.T, protocol wiresim.Protocol) {
		var wait, made atomic.Int64
		c, end := simulated(t, protocol, dripping(protocol, &wait, &made))
		defer end()
		for range 3 {
			wait.Store(int64(c.limits.Idle - time.Second))
			call(t.Context(), t, c)
			wait.Store(0)
			time.Sleep(c.limits.Idle + time.Second)
			call(t.Context(), t, c)
		}
		if made.Load() != 1 {
			t.Errorf("%d connections were made", made.Load())
		}
		wait.Store(int64(c.limits.Idle + time.Second))
		began := time.Now()
		_, err := c.Send(t.Context(), scope(), get("/issues"), nil)
		want(t, err, abi.KindTimeout, "stopped in the middle of its response")
		if took := time.Since(began); took != c.limits.Idle {
			t.Errorf("it took %v", took)
		}
		time.Sleep(time.Minute) // for the vendor
	})
}

// A call ends with its deadline or its cancellation, before the answer and in it.
//
// threat: N13
func TestCallsEnd(t *testing.T) {
	each(t, func(t *testing.T, protocol wiresim.Protocol) {
		var wait, made atomic.Int64
		c, end := simulated(t, protocol, dripping(protocol, &wait, &made))
		defer end()
		for _, after := range []time.Duration{0, 5 * time.Second, 15 * time.Second} { // before the head, and in the body
			wait.Store(int64(10 * time.Second))
			for _, cancels := range []bool{false, true} {
				ctx, cancel := context.WithTimeout(t.Context(), after)
				kind, says := abi.KindTimeout, "did not respond in time"
				if cancels {
					cancel()
					ctx, cancel = context.WithCancel(t.Context())
					time.AfterFunc(after, cancel)
					kind, says = abi.KindCancelled, "cancelled"
				}
				began := time.Now()
				_, err := c.Send(ctx, retrying(), get("/issues"), nil)
				if e := want(t, err, kind, says); e.RequestSent && after == 0 && !cancels || time.Since(began) != after {
					t.Errorf("%+v after %v, want %v", e, time.Since(began), after)
				}
				cancel()
			}
		}
		wait.Store(0)
		call(t.Context(), t, c)
		time.Sleep(time.Minute) // for the vendor
	})
}

// Answers that come just before the guard, just after it and at once, from many at a time:
// each is whole, or the error says that the vendor fell silent. It is for the race detector,
// and over sockets, whose deadlines end reads on another goroutine than the caller's.
func TestSilenceRaces(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			t.Parallel()
			c := loopback(t, protocol, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, "{")
				_ = http.NewResponseController(w).Flush()
				if !strings.HasSuffix(r.URL.Path, "0") {
					time.Sleep(4*time.Millisecond + time.Duration(r.URL.Path[len(r.URL.Path)-1]-'0')*200*time.Microsecond)
				}
				_, _ = io.WriteString(w, "}")
			}, func(c *Config) { c.Limits.Idle, c.Retry.Attempts = 5*time.Millisecond, 1 })
			var calls sync.WaitGroup
			for i := range 8 {
				calls.Go(func() {
					for j := range 20 {
						req := &abi.Request{Method: "GET", Path: "/issues/{id}", PathParams: map[string]string{"id": string(rune('0' + (i+j)%10))}}
						resp, err := c.Send(t.Context(), scope(), req, nil)
						e, ok := errors.AsType[*abi.Error](err)
						// A write of HTTP/2 has the same guard.
						fell := ok && (e.Kind == abi.KindTimeout || e.Kind == abi.KindNetwork && protocol == wiresim.HTTP2)
						if err == nil && string(resp.Body) != "{}" || err != nil && !fell {
							t.Errorf("%+v, %v", resp, err)
						}
					}
				})
			}
			calls.Wait()
		})
	}
}
