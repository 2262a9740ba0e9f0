package egress

import (
	"time"

	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Attempt describes one request that was sent or tried, for logs and traces. It holds no
// query, header or body, and of the path only the declared template.
type Attempt struct {
	Method   string
	Origin   origin.Origin
	Template string
	// ID is the X-Request-Id that was sent.
	ID string
	// Number counts the attempts of one [Client.Send] from 1, redirects included.
	Number   int
	Start    time.Time
	Duration time.Duration
	Sent     int64 // bytes of the request, with its head and without the credential
	Received int64 // bytes of the decoded body
	// BodySent and BodyReceived are the sizes on the network, before decompression.
	BodySent, BodyReceived int64
	Status                 int // 0 if there was no answer
	// Err is why there was no answer.
	Err *abi.Error
}

// report logs an attempt and hands it to the scope.
func (c *Client) report(s Scope, w *wireRequest, id string, number int, start time.Time, resp *Response, err *abi.Error) {
	a := Attempt{
		Method: w.Method, Origin: w.Origin, Template: w.Template, ID: id, Number: number,
		Start: start, Duration: time.Since(start), Sent: w.size(), BodySent: int64(len(w.Body)), Err: err,
	}
	if resp != nil {
		a.Status, a.Received, a.BodyReceived = resp.Status, int64(len(resp.Body))+resp.saved, resp.wireBytes
	}
	if s.Attempt != nil {
		s.Attempt(a)
	}
	if c.log.IsDebug() {
		c.logAttempt(a)
	}
}

func (c *Client) logAttempt(a Attempt) {
	args := []any{"method", a.Method, "origin", a.Origin.String(), "template", a.Template, "request_id", a.ID, "attempt", a.Number,
		"sent_bytes", a.Sent, "duration", a.Duration}
	if err := a.Err; err != nil {
		c.log.Debug("request failed", append(args, "kind", string(err.Kind), "rule", err.Rule, "error", err.Message, "request_sent", err.RequestSent)...)
		return
	}
	c.log.Debug("request answered", append(args, "status", a.Status, "received_bytes", a.Received)...)
}
