package audit

import (
	"context"

	"github.com/hashicorp/go-hclog"
)

// Log returns a sink that writes every record as one line to a logger, at level info. A line
// has the number and size of parameters and requests, but does not list them.
func Log(logger hclog.Logger) Sink { return logSink{logger} }

type logSink struct{ logger hclog.Logger }

// Write implements [Sink].
func (s logSink) Write(_ context.Context, r *Record) error {
	if !s.logger.IsInfo() {
		return nil
	}
	args := []any{"id", r.ID, "via", string(r.Via), "caller", r.Caller, "connection", r.Connection, "operation", r.Operation(),
		"connector", r.Connector, "digest", r.Digest, "effect", string(r.Effect), "params_bytes", r.ParamsBytes}
	if r.Decision != nil {
		args = append(args, "allowed", r.Decision.Allowed, "rule", r.Decision.Rule)
	}
	if r.Event == EventStart {
		s.logger.Info("call starts", args...)
		return nil
	}
	sent, received, refused := r.traffic()
	s.logger.Info("call", append(args, "outcome", r.Outcome, "request_sent", r.RequestSent, "requests", len(r.Requests)+r.MoreRequests,
		"refused_requests", refused, "sent_bytes", sent, "received_bytes", received, "result_bytes", r.ResultBytes, "fuel", r.Fuel, "duration", r.Duration)...)
	return nil
}

// traffic returns totals of the listed requests.
func (r *Record) traffic() (sent, received int64, refused int) {
	for i := range r.Requests {
		sent += r.Requests[i].Sent
		received += r.Requests[i].Received
		if r.Requests[i].Attempt == 0 {
			refused++
		}
	}
	return sent, received, refused
}
