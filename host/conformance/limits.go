package conformance

import (
	"context"

	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// starved is how many operations run out of CPU. A few are enough, and each costs an instance.
const starved = 3

// limitsKept runs operations with far too low limits, and stops them while they wait for the
// vendor. The caller must get the reason, not a failure of the connector.
func limitsKept(ctx context.Context, s *subject, c *Check) {
	body := s.body()
	for _, small := range []struct {
		what   string
		limits sandbox.Limits
	}{
		{"little CPU", sandbox.Limits{Fuel: 1000}},
		{"little output", sandbox.Limits{OutputBytes: 8}},
		{"room for two values", sandbox.Limits{Values: 2}},
	} {
		if small.limits.Fuel > 0 && s.number >= starved {
			continue
		}
		c.Cases++
		failed := s.call(ctx, sandbox.Call{Input: s.input(s.sending), Limits: small.limits}, s.good(body)).failed()
		if failed != nil && failed.Kind != abi.KindLimitExceeded {
			c.problem("%s, with %s: %s (%s)", s.Name(), small.what, failed.Kind, failed.Message)
		}
	}
	c.Cases++
	if failed := s.cancelled(ctx); failed == nil || failed.Kind != abi.KindCancelled {
		c.problem("%s, cancelled while it waits for the vendor: %s", s.Name(), told(failed))
	}
}

// cancelled ends the call during its first request.
func (s *subject) cancelled(ctx context.Context) *abi.Error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return s.run(ctx, s.sending, func(ctx context.Context, _ *abi.Request, _ []byte) (*sandbox.Response, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}).failed()
}

func told(failed *abi.Error) string {
	if failed == nil {
		return "it succeeds"
	}
	return string(failed.Kind) + " (" + failed.Message + ")"
}
