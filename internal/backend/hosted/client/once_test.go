package client_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/backend/hosted/client"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/internal/wiresim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// The service runs an operation as often as it is asked to: whatever a proxy before it does
// to the stream, a write is asked for once, and each request of a read is an attempt that was
// told. A request for a token is repeated by egress's rules.
//
// threat: N20
func TestOperationIsAskedForOnce(t *testing.T) {
	for name, end := range map[string]func(c *wiresim.Conn, stream uint32){
		"PROTOCOL_ERROR": func(c *wiresim.Conn, stream uint32) { _ = c.Reset(stream, 1) },
		"REFUSED_STREAM": func(c *wiresim.Conn, stream uint32) { _ = c.Reset(stream, 7) },
		"GOAWAY":         func(c *wiresim.Conn, _ uint32) { _ = c.GoAway(0, 0) },
		"the end":        func(c *wiresim.Conn, _ uint32) { c.Close() },
	} {
		for _, test := range []struct {
			name    string
			noToken bool // the request for a token is what ends
			read    bool
			seen    int
			told    int
		}{
			{"a write", false, false, 1, 1},
			{"a read", false, true, 4, 4},
			{"a token", true, false, 4, 0},
		} {
			t.Run(name+", "+test.name, func(t *testing.T) {
				told := 0
				var seen atomic.Int32
				var served atomic.Bool
				served.Store(test.noToken)
				vendor, err := wiresim.New(wiresim.HTTP2, func(c *wiresim.Conn) {
					_ = c.Greet()
					for seen.Load() < 20 { // a client that repeats for ever has shown enough
						f, err := c.ReadFrame()
						switch {
						case err != nil:
							return
						case f.Kind == wiresim.Headers && served.Load():
							seen.Add(1)
							end(c, f.Stream)
						case f.Ends() && !served.Load():
							served.Store(true)
							_ = c.Answer(f.Stream, 200, `{"access_token":"a-token-of-the-service","expires_in":900}`)
						}
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				synctest.Test(t, func(t *testing.T) {
					c, newErr := client.New(client.Config{
						BaseURL: vendor.URL, Seams: seams.Seams{RootCAs: vendor.Roots, Dial: vendor.Dial, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}, ClientID: value(clientID), ClientSecret: value(clientSecret),
					})
					if newErr != nil {
						t.Fatal(newErr)
					}
					scope := egress.Scope{Retry: test.read, Reads: test.read, Budget: egress.NewBudget(10, 1<<20, 1<<20), Attempt: func(egress.Attempt) { told++ }}
					_, err = c.Execute(t.Context(), "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", client.Execution{ExecuteRequest: airbyteapi.ExecuteRequest{Entity: "issues", Action: "create"}, Scope: scope})
					c.Close()
					vendor.Close()
				})
				e, ok := errors.AsType[*abi.Error](err)
				if !ok || e.Kind != abi.KindNetwork || e.RequestSent == test.noToken || int(seen.Load()) != test.seen || told != test.told {
					t.Errorf("%d requests, %d attempts told, %+v", seen.Load(), told, err)
				}
			})
		}
	}
}
