// Package hosted runs operations through the Airbyte API, which keeps the vendors' credentials
// and calls the vendors.
package hosted

import (
	"context"
	"net/http"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/backend/hosted/client"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Backend is a [backend.Backend]. Get one from [Accounts.Backend].
type Backend struct {
	accounts *Accounts
	c        *backend.Connection
	inUse    backend.Lazy[inUse]
}

// inUse is what a connection has from its first call on.
type inUse struct {
	backend.Shared
	place backend.Lazy[opened]
}

// opened is a client of the connection's account, and where it finds the connector.
type opened struct {
	client *client.Client
	target client.Target
}

var _ backend.Backend = (*Backend)(nil)

// Backend returns the backend of a connection.
//
// # Errors
//
// An *[abi.Error] of kind invalid_params where the connector does not say what it is in the
// Airbyte API.
func (a *Accounts) Backend(c *backend.Connection) (*Backend, error) {
	if !IsKnown(c.Connector.Manifest) {
		return nil, fault.Invalid("connections."+c.Name+".mode",
			"connection "+c.Name+" has mode hosted, and "+c.Connector.Manifest.Name+" declares no connector of the Airbyte API", "use mode: direct with your own credentials")
	}
	return &Backend{accounts: a, c: c}, nil
}

// IsKnown reports whether a connector says what it is in the Airbyte API.
func IsKnown(m *abi.Manifest) bool { return m.Airbyte != nil && m.Airbyte.DefinitionID != "" }

// Mode is hosted.
func (b *Backend) Mode() config.Mode { return config.Hosted }

// Operation finds an operation of the connector, or one on the context store.
func (b *Backend) Operation(entity, action string) (*connector.Operation, error) {
	if connector.IsContextStore(action) {
		return b.c.Connector.ContextStoreOperation(entity, action)
	}
	return b.c.Connector.Operation(entity, action)
}

// Operations returns the operations of the connector, and those on the context store.
func (b *Backend) Operations() []*abi.Operation {
	m := b.c.Connector.Manifest
	all := make([]*abi.Operation, 0, len(m.Operations))
	for i := range m.Operations {
		all = append(all, &m.Operations[i])
	}
	for _, op := range b.c.Connector.ContextStoreOperations() {
		all = append(all, op.Operation)
	}
	return all
}

// View returns an operation without the parameters that Airbyte's connector lacks.
func (b *Backend) View(op *abi.Operation) *abi.Operation { return narrow(b.c.Connector.Manifest, op) }

// Accept refuses parameters that Airbyte's connector lacks, and a search that has not one aim.
func (b *Backend) Accept(op *connector.Operation, params []byte) error {
	if op.Action == airbyteapi.ActionSearch {
		return checkSearch(params)
	}
	return refuseIgnored(b.c.Connector.Manifest, op, params)
}

// Requests returns none: this host sends no request to the vendor.
func (b *Backend) Requests(*abi.Operation) []backend.Request { return nil }

// Check returns the operation for hosted connections where the connector has one: Airbyte's
// connector does not have all operations of ours.
func (b *Backend) Check() *abi.OperationRef { return CheckOf(b.c.Connector.Manifest) }

// CheckOf is [Backend.Check] of a connector.
func CheckOf(m *abi.Manifest) *abi.OperationRef {
	if m.Airbyte != nil && m.Airbyte.Check != nil {
		return m.Airbyte.Check
	}
	return m.Check
}

// Ready is true: most calls need no module.
func (b *Backend) Ready() bool { return true }

// Prepare does nothing.
func (b *Backend) Prepare(context.Context) error { return nil }

// Close does nothing: the clients belong to the [Accounts].
func (b *Backend) Close(context.Context) error { return nil }

// Run asks the Airbyte API to run an operation.
func (b *Backend) Run(ctx context.Context, call *backend.Call) (backend.Result, error) {
	c, op := b.c, call.Operation
	if call.Tape != nil || call.Profile != nil {
		return backend.Result{}, fault.Invalid("connection", "connection "+c.Name+" is hosted, so agenthost cannot record or profile its calls", "use a connection with mode: direct")
	}
	if call.Output != nil {
		return backend.Result{}, fault.Invalid("output", "connection "+c.Name+" is hosted, and agenthost cannot write the files of the Airbyte API's answers", "call it without an output, or use a connection with mode: direct")
	}
	if len(call.Credentials) > 0 {
		return backend.Result{}, fault.Invalid("credentials", "connection "+c.Name+" is hosted: the Airbyte API keeps the vendor's credential, so a call cannot have its own", "call without credentials, or use a connection with mode: direct")
	}
	page, params, err := serviceParams(c.Connector.Manifest, op, call.Params)
	if err != nil {
		return backend.Result{}, err
	}
	use := b.use()
	at, err := b.open(ctx, use, call.Planning)
	if err != nil {
		return backend.Result{}, err
	}
	if call.Planning {
		defer at.client.Close()
	} else if connector.IsContextStore(op.Action) {
		if err := at.client.Searchable(ctx, at.target, op.Entity, semanticField(params)); err != nil {
			return backend.Result{}, public(err)
		}
	}
	m := c.Connector.Manifest.Airbyte
	selected, excluded := serviceFields(op, m.Envelope, call)
	now := b.accounts.options.HTTP.Now
	began := now()
	answer, err := at.client.Run(ctx, at.target, client.Execution{
		ExecuteRequest: airbyteapi.ExecuteRequest{
			Entity: op.Entity, Action: op.Action, Params: params,
			SelectFields: selected, ExcludeFields: excluded, Intent: call.Intent,
		},
		Scope: egress.Scope{
			Retry:   op.Safe(),
			Reads:   op.Effect == abi.EffectRead,
			Rate:    use.Rate(op),
			Budget:  call.Budget,
			Attempt: call.Attempt,
			Show:    call.Show,
		},
	})
	waited := now().Sub(began)
	if err != nil {
		return backend.Result{}, public(err)
	}
	if answer.Warning != "" {
		b.accounts.options.Logger.Named("airbyte").Warn("the Airbyte API warns", "connection", c.Name, "operation", op.Name(), "warning", backend.Visible(answer.Warning, backend.MaxMessage))
	}
	var result backend.Result
	if unread(answer.Result, m.Envelope) {
		result, err = b.read(ctx, use, call, answer.Result)
	} else {
		result, err = assemble(op, m, answer)
	}
	if err != nil {
		return backend.Result{}, err
	}
	page.Cut(&result)
	requests, out, in := call.Budget.Used()
	result.Stats.Vendor, result.Stats.Requests, result.Stats.BytesSent, result.Stats.BytesReceived = waited, requests, out, in
	return result, nil
}

func (b *Backend) use() *inUse {
	return b.inUse.Get(func() *inUse {
		o := &b.accounts.options
		rate := b.c.Config.RateLimit
		if rate == "" {
			rate = config.RateLearned // the manifest documents the vendor's limits, and not the Airbyte API's
		}
		return &inUse{Shared: backend.NewShared(o.Engine, b.c.Of, o.HTTP.Seams, rate, nil, nil)}
	})
}

// open returns the client of the connection's account, and which connector to ask for. Reading
// the client's secret may take a while; a call waits for it until ctx ends. A client that plans is
// the caller's, and reads nothing.
func (b *Backend) open(ctx context.Context, use *inUse, planning bool) (*opened, error) {
	if at := use.place.Known(); at != nil && !planning {
		return at, nil
	}
	place, err := b.accounts.placeOf(b.c.Name, &b.c.Config)
	if err != nil {
		return nil, err
	}
	m := b.c.Connector.Manifest
	target := client.Target{ID: place.ID, Workspace: place.Workspace, DefinitionID: m.Airbyte.DefinitionID, Title: m.Title}
	if planning {
		one, err := b.accounts.planner(place)
		return &opened{one, target}, err
	}
	one, err := b.accounts.client(ctx, place)
	if err != nil {
		return nil, err
	}
	return use.place.Get(func() *opened { return &opened{one, target} }), nil
}

// read lets the connector read what the vendor sent and the Airbyte API passed on unread. With
// status 200 and no record, it may be a failure or all that there is to say, and only the
// connector knows its vendor's words. The result or the error is then that of a direct
// connection. Nothing is sent: the connector's request gets the answer that there already is.
func (b *Backend) read(ctx context.Context, use *inUse, call *backend.Call, answer []byte) (backend.Result, error) {
	c, op := b.c, call.Operation
	module, release, err := c.File.Acquire(ctx)
	if err != nil {
		return backend.Result{}, fault.Sent(err, true)
	}
	defer release()
	asked := false
	outcome, err := module.Run(ctx, sandbox.Call{
		Export: hostfunc.ExportExecute,
		Input:  c.Input(op, call.Params),
		Send: func(context.Context, *abi.Request, []byte) (*sandbox.Response, error) {
			if asked {
				return nil, unexpected("it keeps the vendor's answer, but the connector needs another one")
			}
			asked = true
			return &sandbox.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: answer}, nil
		},
		Limits: backend.SandboxLimits(c.Limits),
		Share:  use.Turns,
		Room:   call.Room,
		Logger: func() hclog.Logger {
			return b.accounts.options.Logger.Named("connector").With("connection", c.Name, "operation", op.Name())
		},
	})
	backend.Report(call.Observer, outcome)
	if err != nil {
		return backend.Result{}, fault.Sent(err, true)
	}
	if outcome.Err != nil {
		e := backend.Public(outcome.Err)
		e.RequestSent = true
		if e.Kind == abi.KindAuthFailed {
			e.Hint = client.HintVendorAuth // the Airbyte API has the credential
		}
		return backend.Result{}, e
	}
	result, err := backend.Assemble(op, outcome.Data, outcome.Meta)
	if err != nil {
		return backend.Result{}, fault.Sent(err, true)
	}
	result.Stats.Fuel, result.Stats.GuestMemory = outcome.Fuel, outcome.Memory
	return result, nil
}

// public makes an error of the service fit to be shown, as those of modules are. Only the
// service's own errors say whether a request was sent: this host knows.
func public(err error) *abi.Error {
	e := fault.Of(err)
	clean := backend.Public(e)
	clean.RequestSent = e.RequestSent
	return clean.WithCause(e.Unwrap())
}
