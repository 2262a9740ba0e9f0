package egress

import (
	"bufio"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/agenthost/agenthost/internal/wiresim"
)

// After which answers the connection is used again, where the vendor leaves it open.
func TestConnectionsThatAreUsedAgain(t *testing.T) {
	for name, test := range map[string]struct {
		answer string
		again  bool
	}{
		"a length":            {plainAnswer, true},
		"chunks":              {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", true},
		"trailers":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nA: b\r\n\r\n", true},
		"an interim answer":   {"HTTP/1.1 103 Early Hints\r\n\r\n" + plainAnswer, true},
		"no body":             {"HTTP/1.1 204 No Content\r\n\r\n", true},
		"HTTP/1.0, kept":      {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}", true},
		"HTTP/1.0":            {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", false},
		"a close":             {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", false},
		"two answers":         {plainAnswer + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", false},
		"a byte more":         {plainAnswer + "x", false},
		"a line more":         {plainAnswer + "\r\n", false},
		"a body after a 204":  {"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil", false},
		"another protocol":    {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", false},
		"an unknown encoding": {"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}", false},
	} {
		for _, protocol := range []wiresim.Protocol{wiresim.HTTP1, wiresim.TLS} {
			t.Run(name+", "+string(protocol), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var made atomic.Int32
					c, end := simulated(t, protocol, func(c *wiresim.Conn) {
						made.Add(1)
						for r := bufio.NewReader(c); ; {
							if _, err := http.ReadRequest(r); err != nil {
								return
							}
							_, _ = io.WriteString(c, test.answer)
						}
					})
					defer end()
					for range 3 {
						resp, err := c.Send(t.Context(), scope(), get("/issues"), nil)
						if err == nil && string(resp.Body) != "{}" && resp.Status == 200 {
							t.Errorf("%+v", resp)
						}
					}
					if want := map[bool]int32{true: 1, false: 3}[test.again]; made.Load() != want {
						t.Errorf("%d connections for three requests, want %d", made.Load(), want)
					}
				})
			})
		}
	}
}
