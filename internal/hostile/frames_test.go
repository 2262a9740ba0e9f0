package hostile_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/internal/wiresim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// frames are what a vendor sends in the place of an answer.
func frames(t *testing.T, _ *lab, s *source) attack {
	if s.IntN(3) == 0 {
		return wire(wiresim.HTTP1, "HTTP/1.1", s.http1())
	}
	var name []string
	var all [][]byte
	for range 1 + s.IntN(12) {
		what, frame := s.frame()
		name, all = append(name, what), append(all, frame)
	}
	return wire(wiresim.HTTP2, "frames: "+strings.Join(name, ", "), all)
}

// frame is a frame, or many of a kind.
func (s *source) frame() (name string, bytes []byte) {
	many := 1 + s.size(20_000)
	payload := []byte(s.value(16_000))
	payload = payload[:min(len(payload), 16_384)]
	flags := byte(s.IntN(256))
	stream := one[uint32](s, 0, 1, 1, 1, 2, 3, 1<<31-1)
	head := func(more ...string) []byte { return wiresim.Block(append([]string{":status", "200"}, more...)...) }
	repeat := func(kind, flags byte, stream uint32, payload []byte) []byte {
		frame := wiresim.Bytes(kind, flags, stream, payload)
		return []byte(strings.Repeat(string(frame), min(many, 1+(1<<20)/len(frame))))
	}
	switch s.IntN(14) {
	case 0, 1:
		return "a head", wiresim.Bytes(wiresim.Headers, wiresim.EndHeaders, 1, head("content-type", "application/json"))
	case 2:
		return "data", wiresim.Bytes(wiresim.Data, flags&wiresim.EndStream, 1, payload)
	case 3:
		return "much data", repeat(wiresim.Data, 0, 1, payload)
	case 4:
		return "empty data", repeat(wiresim.Data, 0, 1, nil)
	case 5:
		return "a long header", wiresim.Bytes(wiresim.Headers, wiresim.EndHeaders, 1, head("x", strings.Repeat("x", s.size(16_000))))
	case 6:
		return "continuations", append(wiresim.Bytes(wiresim.Headers, 0, 1, head()), repeat(wiresim.Continuation, 0, 1, wiresim.Block("x", strings.Repeat("y", 100)))...)
	case 7:
		// One entry of 4 KB in the table, named by a byte each.
		bomb := append(append([]byte{0x40}, wiresim.Block("x", strings.Repeat("y", 4000))[1:]...), []byte(strings.Repeat("\xbe", min(many, 12_000)))...)
		return "a head that unpacks", wiresim.Bytes(wiresim.Headers, wiresim.EndHeaders, 1, append(wiresim.Block(":status", "200"), bomb...))
	case 8:
		return "settings", repeat(wiresim.Settings, 0, 0, []byte{0, byte(s.IntN(8)), byte(s.Uint32()), byte(s.Uint32()), byte(s.Uint32()), byte(s.Uint32())})
	case 9:
		return "pings", repeat(wiresim.Ping, 0, 0, make([]byte, 8))
	case 10:
		return "windows", repeat(wiresim.WindowUpdate, 0, stream, []byte{0x7f, 0xff, 0xff, 0xff})
	case 11:
		return "early heads", repeat(wiresim.Headers, wiresim.EndHeaders, 1, wiresim.Block(":status", one(s, "103", "100", "101", "999", "-1", "")))
	case 12:
		return "a promise", repeat(wiresim.PushPromise, wiresim.EndHeaders, 1, append([]byte{0, 0, 0, 2}, head()...))
	}
	return "anything", wiresim.Bytes(byte(s.IntN(12)), flags, stream, payload)
}

// http1 is an answer, written in a few pieces.
func (s *source) http1() [][]byte {
	long := strings.Repeat("x", s.size(1<<20))
	head := one(s, "HTTP/1.1 200 OK\r\n", "HTTP/1.1 999 \r\n", "HTTP/9.9 200 OK\r\n", "HTTP/1.1 "+s.number(200)+" OK\r\n", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", s.size(5000))+"HTTP/1.1 200 OK\r\n", "garbage "+long, "")
	header := one(s, "Content-Length: 2\r\n", "Content-Length: "+s.number(100)+"\r\n", "Content-Length: 2\r\nContent-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", "Transfer-Encoding: gzip\r\n", "X: "+long+"\r\n", strings.Repeat("X: y\r\n", s.size(100_000)), "Content-Encoding: gzip\r\n", "X:\x00y\r\n", " folded\r\n")
	body := one(s, "{}", "2\r\n{}\r\n0\r\n\r\n", "2;"+long+"\r\n{}\r\n0\r\n\r\n", "ffffffffffffffff\r\n", strings.Repeat("1\r\n1\r\n", s.size(200_000)), "0\r\n"+strings.Repeat("X: y\r\n", s.size(100_000))+"\r\n", s.value(1<<20), "\x1f\x8b\x08\x00")
	return [][]byte{[]byte(head + header), []byte("\r\n"), []byte(body)}
}

// wire sends a request to a vendor that answers with these pieces and closes.
func wire(protocol wiresim.Protocol, name string, pieces [][]byte) attack {
	return attack{name, func(ctx context.Context) error {
		server, err := wiresim.New(protocol, func(c *wiresim.Conn) {
			if protocol == wiresim.HTTP2 {
				if c.Greet() != nil {
					return
				}
				for {
					f, err := c.ReadFrame()
					if err != nil {
						return
					}
					if f.Kind == wiresim.Headers {
						break
					}
				}
			} else if _, err := c.Read(make([]byte, 4096)); err != nil {
				return
			}
			for _, piece := range pieces {
				if _, err := c.Write(piece); err != nil {
					return
				}
			}
		})
		if err != nil {
			return fmt.Errorf("the vendor: %w", err)
		}
		defer server.Close()
		client, err := egress.New(egress.Config{
			Servers:  []abi.Server{{ID: "main", URL: "https://api.evil.example"}},
			Override: server.URL, Seams: seams.Seams{RootCAs: server.Roots, Dial: server.Dial, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }},
		})
		if err != nil {
			return err
		}
		defer client.Close()
		seen := 0
		scope := egress.Scope{
			Requests: []abi.RequestTemplate{{Method: "GET", Path: "/things"}}, Retry: true, Reads: true, Budget: egress.NewBudget(5, 1<<20, 8<<20),
			Attempt: func(egress.Attempt) { seen++ },
		}
		_, err = client.Send(ctx, scope, &abi.Request{Method: "GET", Path: "/things"}, nil)
		if used, _, _ := scope.Budget.Used(); used != seen {
			return fmt.Errorf("INVALID: %d attempts were told, the budget counts %d", seen, used)
		}
		return err
	}, ""}
}
