package oauth

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/agenthost/agenthost/internal/wiresim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// A refresh token that was sent may be spent: whatever the server does to the stream, the
// token goes out once.
//
// threat: N20
func TestTokenIsSentOnce(t *testing.T) {
	for name, end := range map[string]func(c *wiresim.Conn, stream uint32){
		"PROTOCOL_ERROR": func(c *wiresim.Conn, stream uint32) { _ = c.Reset(stream, 1) },
		"REFUSED_STREAM": func(c *wiresim.Conn, stream uint32) { _ = c.Reset(stream, 7) },
		"GOAWAY":         func(c *wiresim.Conn, _ uint32) { _ = c.GoAway(0, 0) },
		"the end":        func(c *wiresim.Conn, _ uint32) { c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			requests := 0
			vendor, err := wiresim.New(wiresim.HTTP2, func(c *wiresim.Conn) {
				_ = c.Greet()
				for requests < 20 { // a client that repeats for ever has shown enough
					f, err := c.ReadFrame()
					if err != nil {
						return
					}
					if f.Kind == wiresim.Headers {
						requests++
						end(c, f.Stream)
					}
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			l := newLab(t, "")
			synctest.Test(t, func(t *testing.T) {
				config := l.client.config
				config.Token.URL = vendor.URL + "/token"
				config.HTTP.Dial, config.HTTP.RootCAs = vendor.Dial, vendor.Roots
				want := l.want("the-seed")
				want.Client = NewClient(config)
				_, err = l.start().Token(t.Context(), want)
				vendor.Close()
			})
			e, ok := errors.AsType[*abi.Error](err)
			if !ok || e.Kind != abi.KindNetwork || requests != 1 {
				t.Errorf("%d requests, %v", requests, err)
			}
		})
	}
}
