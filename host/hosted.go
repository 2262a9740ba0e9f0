package host

import (
	"context"

	"github.com/agenthost/agenthost/host/airbyte"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/host/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

// isHosted reports whether the Airbyte API calls the vendor.
func (c *connection) isHosted() bool { return c.config.Mode == config.Hosted }

// runHosted runs an operation through the Airbyte API: all that comes before and after is
// the same as in runDirect's place.
func (h *Host) runHosted(ctx context.Context, c *connection, op *connector.Operation, call Call, params []byte, on stage, e *entry) (*Result, error) {
	if _, plain := on.(live); !plain {
		return nil, invalid("connection", "connection "+c.name+" is hosted, so that no sandbox runs here that could be recorded or profiled", "use a connection with mode: direct")
	}
	given := params
	part, params, err := partOf(op, params)
	if err != nil {
		return nil, err
	}
	if params, err = hostedParams(op, params); err != nil {
		return nil, err
	}
	if params, err = withoutLimit(c.connector.Manifest, op, params); err != nil {
		return nil, err
	}
	client, target, err := h.hostedTarget(ctx, c)
	if err != nil {
		return nil, err
	}
	m := c.connector.Manifest.Airbyte
	selected, excluded := hostedFields(op, m.Envelope, call)
	budget := egress.NewBudget(c.limits.Requests, c.limits.RequestBytes, c.limits.ResponseBytes)
	began := h.options.Now()
	answer, err := client.Run(ctx, target, airbyte.Execution{
		Entity: op.Entity, Action: op.Action, Params: params,
		SelectFields: selected, ExcludeFields: excluded, Intent: call.Intent,
		Scope: egress.Scope{
			Retry:   op.Safe(),
			Reads:   op.Effect == abi.EffectRead,
			Rate:    c.rate(op),
			Budget:  budget,
			Attempt: e.attempts(call),
		},
	})
	waited := h.options.Now().Sub(began)
	if err != nil {
		return nil, publicHosted(err)
	}
	if answer.Warning != "" {
		h.log.Warn("the Airbyte API warns", "connection", c.name, "operation", op.Name(), "warning", visible(answer.Warning, maxMessage))
	}
	var result *Result
	if unread(answer.Result, m.Envelope) {
		result, err = h.readHosted(ctx, c, op, given, answer.Result, e)
	} else {
		result, err = assembleHosted(op, m, answer)
	}
	if err != nil {
		return nil, err
	}
	part.of(result)
	requests, out, in := budget.Used()
	result.Stats.Vendor, result.Stats.Requests, result.Stats.BytesSent, result.Stats.BytesReceived = waited, requests, out, in
	return result, nil
}

// hostedTarget returns the client of a hosted connection, made on first use, and which
// connector it asks for.
func (h *Host) hostedTarget(ctx context.Context, c *connection) (*airbyte.Client, airbyte.Target, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.service == nil {
		client, err := h.airbyteClient(ctx, accountOf(c.name, &c.config))
		if err != nil {
			return nil, airbyte.Target{}, err
		}
		if c.target, err = targetOf(c); err != nil {
			return nil, airbyte.Target{}, err
		}
		c.service = client
	}
	return c.service, c.target, nil
}

func targetOf(c *connection) (airbyte.Target, error) {
	m, a := c.connector.Manifest, c.config.Airbyte
	t := airbyte.Target{DefinitionID: m.Airbyte.DefinitionID, Title: m.Title}
	var err error
	if a.ConnectorID != "" {
		t.ID, err = airbyte.ParseID(a.ConnectorID)
		return t, err
	}
	t.Workspace, err = workspaceOf(a)
	return t, err
}

func workspaceOf(a *config.Airbyte) (airbyte.WorkspaceName, error) {
	return airbyte.NewWorkspaceName(a.WorkspaceName, a.CustomerName, a.ExternalUserID)
}

// publicHosted makes an error of the service fit to be shown, as those of guests are. Only
// the service's own errors say whether a request was sent: this host knows.
func publicHosted(err error) error {
	e := asError(err)
	clean := public(e)
	clean.RequestSent = e.RequestSent
	return clean.WithCause(e.Unwrap())
}
