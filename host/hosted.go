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
	part, asked, err := hostedParams(c.connector.Manifest, op, params)
	if err != nil {
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
		Entity: op.Entity, Action: op.Action, Params: asked,
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
		result, err = h.readHosted(ctx, c, op, params, answer.Result, e)
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
// connector it asks for. Reading the client's secret may take a while: who comes meanwhile
// waits no longer than its call lasts.
func (h *Host) hostedTarget(ctx context.Context, c *connection) (*airbyte.Client, airbyte.Target, error) {
	if client, target := c.hosted(); client != nil {
		return client, target, nil
	}
	select {
	case c.opening <- struct{}{}:
		defer func() { <-c.opening }()
	case <-ctx.Done():
		return nil, airbyte.Target{}, (&Error{Kind: abi.KindTimeout, Retryable: true, Message: "the call ended while the Airbyte client of connection " + c.name + " was read"}).WithCause(context.Cause(ctx))
	}
	if client, target := c.hosted(); client != nil {
		return client, target, nil // somebody else has made it meanwhile
	}
	client, err := h.airbyteClient(ctx, accountOf(c.name, &c.config))
	if err != nil {
		return nil, airbyte.Target{}, err
	}
	target, err := targetOf(c)
	if err != nil {
		return nil, airbyte.Target{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.service, c.target = client, target
	return client, target, nil
}

// hosted returns what hostedTarget made; the client is nil before.
func (c *connection) hosted() (*airbyte.Client, airbyte.Target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.service, c.target
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
