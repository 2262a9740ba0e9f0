package host

import (
	"context"
	"errors"
	"net/http"

	"github.com/agenthost/agenthost/host/airbyte"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/host/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// readHosted lets the connector read what the vendor sent and the Airbyte API handed on
// without looking: with status 200 and no record, it may be a failure or all that there is
// to say, and only the connector knows its vendor's words. The result or the error is then
// that of a direct connection. Nothing is sent: the connector's request gets the answer
// that there already is.
func (h *Host) readHosted(ctx context.Context, c *connection, op *connector.Operation, params, answer []byte, e *entry) (*Result, error) {
	release := c.file.hold(ctx)
	defer release()
	module, err := c.file.load(ctx)
	if err != nil {
		return nil, sent(err, true)
	}
	asked := false
	outcome, err := module.Run(ctx, sandbox.Call{
		Export: abi.ExportExecute,
		Input:  guestInput(abi.Call{Entity: op.Entity, Action: op.Action, Params: params, Server: c.server.ID}, c.connector.Digest),
		Send: func(context.Context, *abi.Request, []byte) (*sandbox.Response, error) {
			if asked {
				return nil, hostedNonsense("the vendor's answer is in it, and the connector wants another one")
			}
			asked = true
			return &sandbox.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: answer}, nil
		},
		Limits: sandboxLimits(c.limits),
		Logger: h.log.Named("connector").With("connection", c.name, "operation", op.Name()),
	})
	e.outcome(outcome)
	if err != nil {
		return nil, sent(err, true)
	}
	if outcome.Err != nil {
		return nil, ofVendor(outcome.Err)
	}
	result, err := assemble(op, outcome)
	if err != nil {
		return nil, sent(err, true)
	}
	result.Mode = config.Hosted
	result.Stats.Fuel, result.Stats.GuestMemory = outcome.Fuel, outcome.Memory
	return result, nil
}

// ofVendor is a connector's error about an answer that came through the Airbyte API, which
// is who has the credential.
func ofVendor(said *abi.Error) error {
	err := sent(public(said), true)
	var e *Error
	if errors.As(err, &e) && e.Kind == abi.KindAuthFailed {
		e.Hint = airbyte.HintVendorAuth
	}
	return err
}
