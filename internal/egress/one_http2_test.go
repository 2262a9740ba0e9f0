package egress

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/agenthost/agenthost/internal/wiresim"
)

// ending is what ends a stream, a connection or nothing. It reports whether the vendor
// answers the request all the same.
type ending struct {
	name string
	do   func(c *wiresim.Conn, stream uint32) (answers bool)
	// harmless says that the request must be served, unless it comes before the head.
	harmless bool
}

// endings are all frames that can end a stream or a connection, and some that must not.
func endings() []ending {
	var all []ending
	add := func(answers bool, name string, do func(c *wiresim.Conn, stream uint32)) *ending {
		all = append(all, ending{name: name, do: func(c *wiresim.Conn, stream uint32) bool { do(c, stream); return answers }})
		return &all[len(all)-1]
	}
	for code := range uint32(15) {
		add(false, fmt.Sprintf("RST_STREAM %d", code), func(c *wiresim.Conn, stream uint32) { _ = c.Reset(stream, code) })
	}
	for _, code := range []uint32{0, 1, 11} { // NO_ERROR, PROTOCOL_ERROR, ENHANCE_YOUR_CALM
		for last, of := range map[string]func(stream uint32) uint32{
			"none":        func(uint32) uint32 { return 0 },
			"the earlier": func(stream uint32) uint32 { return stream - min(stream, 2) },
			"this":        func(stream uint32) uint32 { return stream },
			"all":         func(uint32) uint32 { return 1<<31 - 1 },
		} {
			name := fmt.Sprintf("GOAWAY %d after %s", code, last)
			served := last == "this" || last == "all"
			add(served, name, func(c *wiresim.Conn, stream uint32) { _ = c.GoAway(of(stream), code) }).harmless = served
			add(false, name+", and the end", func(c *wiresim.Conn, stream uint32) { _ = c.GoAway(of(stream), code); c.Close() })
		}
	}
	add(false, "two GOAWAY", func(c *wiresim.Conn, stream uint32) { _ = c.GoAway(1<<31-1, 0); _ = c.GoAway(0, 0) })
	add(false, "the end", func(c *wiresim.Conn, _ uint32) { c.Close() })
	add(false, "the end without a word", func(c *wiresim.Conn, _ uint32) { c.Cut() })
	add(false, "a reset of the connection", func(c *wiresim.Conn, _ uint32) { c.Abort() })
	// Net/http waits for itself for ever where it reads this.
	add(false, "a window of the stream past its size", func(c *wiresim.Conn, stream uint32) {
		_, _ = c.Write(wiresim.Bytes(wiresim.WindowUpdate, 0, stream, []byte{0x7f, 0xff, 0xff, 0xff}))
	})
	add(false, "half a head and the end", func(c *wiresim.Conn, stream uint32) {
		_, _ = c.Write(wiresim.Bytes(wiresim.Reset, 0, stream, make([]byte, 4))[:5])
		c.Close()
	})
	add(false, "half a frame and the end", func(c *wiresim.Conn, stream uint32) {
		_, _ = c.Write(wiresim.Bytes(wiresim.GoAway, 0, 0, make([]byte, 8))[:12])
		c.Cut()
	})
	for name, b := range map[string][]byte{
		"text":                   []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
		"a frame of 16 MB":       wiresim.Bytes(wiresim.Data, 0, 1, nil)[3:],
		"data of no stream":      wiresim.Bytes(wiresim.Data, 0, 0, []byte("x")),
		"a head of no stream":    wiresim.Bytes(wiresim.Headers, wiresim.EndHeaders, 0, wiresim.Block(":status", "200")),
		"a broken head":          wiresim.Bytes(wiresim.Headers, wiresim.EndHeaders, 1, []byte{0xff, 0xff, 0xff, 0xff, 0xff}),
		"a promise":              wiresim.Bytes(wiresim.PushPromise, wiresim.EndHeaders, 1, append([]byte{0, 0, 0, 2}, wiresim.Block(":status", "200")...)),
		"a continuation":         wiresim.Bytes(wiresim.Continuation, wiresim.EndHeaders, 1, nil),
		"a window of nothing":    wiresim.Bytes(wiresim.WindowUpdate, 0, 0, make([]byte, 4)),
		"a window past its size": wiresim.Bytes(wiresim.WindowUpdate, 0, 0, []byte{0x7f, 0xff, 0xff, 0xff}),
		"settings of one byte":   wiresim.Bytes(wiresim.Settings, 0, 0, []byte{0}),
		"settings of a stream":   wiresim.Bytes(wiresim.Settings, 0, 1, nil),
		"settings out of range":  wiresim.Bytes(wiresim.Settings, 0, 0, []byte{0, 5, 0, 0, 0, 1}),
		"an unasked ack":         wiresim.Bytes(wiresim.Settings, wiresim.Ack, 0, nil),
		"a ping of one byte":     wiresim.Bytes(wiresim.Ping, 0, 0, []byte{0}),
		"a reset of no stream":   wiresim.Bytes(wiresim.Reset, 0, 0, make([]byte, 4)),
	} {
		add(true, name, func(c *wiresim.Conn, _ uint32) { _, _ = c.Write(b) })
	}
	for name, pair := range map[string][]uint32{
		"no streams": {3, 0}, "one stream": {3, 1}, "no window": {4, 0}, "heads of a byte": {6, 1}, "the least frames": {5, 16384}, "no table": {1, 0},
	} {
		add(true, "settings: "+name, func(c *wiresim.Conn, _ uint32) { _ = c.Settings(pair...) }).harmless = name != "no window"
	}
	return all
}

// framed is a vendor that does an ending at a point of each request, and counts requests.
type framed struct {
	ending
	point string
	// warm is how many requests of a first connection are served.
	warm     int32
	conns    atomic.Int32
	requests atomic.Int32
}

func (v *framed) serve(c *wiresim.Conn) {
	first := v.conns.Add(1) == 1 && v.warm > 0
	if v.requests.Load() > 20 || c.Greet() != nil {
		return // a client that repeats for ever has shown enough
	}
	if v.point == beforeHead && !first {
		v.do(c, 1)
	}
	for done := false; ; {
		f, err := c.ReadFrame()
		if err != nil {
			return
		}
		if first && f.Kind == wiresim.Headers && f.Stream == 1 {
			_ = c.Answer(1, 200, "{}")
			if v.point == beforeHead {
				v.do(c, 3)
			}
			continue
		}
		at := ""
		switch {
		case f.Kind == wiresim.Headers:
			v.requests.Add(1)
			done, at = false, afterHead
		case f.Kind == wiresim.Data && !f.Ends():
			at = midBody
		}
		if !done && at == v.point {
			done = !v.do(c, f.Stream)
		}
		if f.Ends() && !done {
			done = true
			v.answer(c, f.Stream)
		}
	}
}

// answer answers a request that was read.
func (v *framed) answer(c *wiresim.Conn, stream uint32) {
	if v.point == afterRequest && !v.do(c, stream) {
		return
	}
	_ = c.Head(stream, 0, 200)
	if v.point == afterAnswer && !v.do(c, stream) {
		return
	}
	_ = c.WriteFrame(wiresim.Data, 0, stream, []byte("{"))
	if v.point == midAnswerBody && !v.do(c, stream) {
		return
	}
	_ = c.WriteFrame(wiresim.Data, wiresim.EndStream, stream, []byte("}"))
}

// TestOneRequestHTTP2 ends streams and connections in every way at every point. Each request
// that the vendor sees is an attempt that was counted, a write is seen once, and a read as
// often as the rules of repetition allow.
//
// threat: N20
func TestOneRequestHTTP2(t *testing.T) {
	for _, write := range []bool{false, true} {
		for _, warm := range []int32{0, 1} {
			for _, point := range []string{beforeHead, afterHead, midBody, afterRequest, afterAnswer, midAnswerBody} {
				if !write && (point == midBody || warm > 0) {
					continue
				}
				name := map[bool]string{false: "read", true: "write"}[write]
				if warm > 0 {
					name += " on a used connection"
				}
				t.Run(name+", "+point, func(t *testing.T) {
					t.Parallel()
					for i, e := range endings() {
						if underRace && i%3 != 0 {
							continue // a handshake each, and the same goroutines
						}
						problem := ""
						synctest.Test(t, func(t *testing.T) { // so that no deadline takes time
							problem = (&framed{ending: e, point: point, warm: warm}).trial(t, write)
						})
						if problem != "" {
							t.Errorf("%s: %s", e.name, problem)
						}
					}
				})
			}
		}
	}
}

// trial sends one request, and compares what the vendor saw with what was told.
func (v *framed) trial(t *testing.T, write bool) (problem string) {
	c, end := simulated(t, wiresim.HTTP2, v.serve)
	defer end()
	if v.warm > 0 {
		if _, err := c.Send(t.Context(), scope(), get("/issues"), nil); err != nil {
			return "the first request failed: " + err.Error()
		}
	}
	problem, resp, err := oneRequest(t, c, write, v.requests.Load)
	if problem == "" && v.harmless && v.point != beforeHead && (err != nil || string(resp.Body) != "{}") {
		problem = fmt.Sprintf("it was not served: %v, %v", resp, err)
	}
	return problem
}
