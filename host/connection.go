package host

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/catalog"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// connection is a Connection whose connector is found and whose server is chosen. A host may
// have thousands of unused ones: the first call makes what calls need.
type connection struct {
	backend.Connection
	connectionVersion
	file    *catalog.File
	backend backend.Backend
	slots   backend.Lazy[slots]
	calls   counter // that hold the connection
}

// connectionVersion tells versions of a connection apart.
type connectionVersion struct {
	as         Principal // who called it first, and sees its changes
	configured bool      // and not made by the environment
	revision   string
}

// connectionKey is what a host knows a connection by.
type connectionKey struct{ workspace, name string }

// slots has room for one value for each call that may run at once.
type slots chan struct{}

// connection looks up a connection that a principal may see: one that is configured or, for the
// operator, one that the environment makes for the connector of that name.
func (h *Host) connection(ctx context.Context, p Principal, name string) (*connection, error) {
	c, err := h.hold(ctx, p, name)
	if err != nil {
		return nil, err
	}
	c.release()
	return c, nil
}

// hold is connection for a call, which releases the connection when it has ended. Until then
// the connection stays as it is, even if its configuration changes.
func (h *Host) hold(ctx context.Context, p Principal, name string) (*connection, error) {
	for {
		cfg, version, err := h.configuration(ctx, p, name)
		if err != nil {
			return nil, err
		}
		key := connectionKey{p.Workspace, name}
		c := h.connected(key)
		if c == nil || !c.is(version) {
			return h.renew(ctx, key, c, cfg, version)
		}
		if c.calls.enter() {
			return c, nil
		}
		if ctx.Err() != nil { // the connection changed at this moment: look again
			return nil, fault.Ended(ctx)
		}
	}
}

// release ends what hold began.
func (c *connection) release() { c.calls.leave() }

func (c *connection) is(v connectionVersion) bool {
	return c.configured == v.configured && c.revision == v.revision
}

// configuration asks for the configuration of a connection. That of one which the environment
// makes is empty.
func (h *Host) configuration(ctx context.Context, p Principal, name string) (cfg Connection, v connectionVersion, err error) {
	v.as = p
	if h.source != nil {
		cfg, v.revision, err = h.source.Get(ctx, p, name)
		v.configured = err == nil
		if !errors.Is(err, ErrNoConnection) {
			return cfg, v, err
		}
	}
	if !p.IsOperator() || !h.usesEnvironment() {
		return cfg, v, h.unknownConnection(ctx, p, name)
	}
	return cfg, v, nil
}

// renew makes a connection on its first call or after a change, and holds it. Calls that
// run on the old one end on it.
func (h *Host) renew(ctx context.Context, key connectionKey, old *connection, cfg Connection, v connectionVersion) (*connection, error) {
	c, err := h.connect(ctx, key.name, cfg, v, h.catalog.Find)
	if err != nil {
		h.drop(ctx, key, old)
		return nil, err
	}
	c.calls.enter()
	h.mu.Lock()
	known := h.connections[key]
	if known != nil && known.is(v) && known.calls.enter() { // another call was faster
		h.mu.Unlock()
		return known, nil
	}
	gone := c // its file was just replaced: this call ends on the old one
	if h.catalog.Current(c.file) {
		h.connections[key] = c
		gone = known
	}
	h.mu.Unlock()
	gone.retire(ctx)
	return c, nil
}

// drop lets the next call of a connection look it up again.
func (h *Host) drop(ctx context.Context, key connectionKey, c *connection) {
	if c == nil {
		return
	}
	h.mu.Lock()
	held := h.connections[key] == c
	if held {
		delete(h.connections, key)
	}
	h.mu.Unlock()
	if held {
		c.retire(ctx)
	}
}

// retire closes a connection that is not in the table any more when its last call has ended,
// which may be after the end of ctx.
func (c *connection) retire(ctx context.Context) {
	if c != nil {
		c.calls.close(func() { _ = c.backend.Close(context.WithoutCancel(ctx)) }) // closing a client does not fail
	}
}

// connected returns a connection that had a call before, or nil.
func (h *Host) connected(key connectionKey) *connection {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.connections[key]
}

// finder finds the file of a connector.
type finder func(ctx context.Context, connector string) (*catalog.File, error)

// connect finds a connection's connector and server, checks its configuration against what
// the connector declares, and makes its backend. Nobody asks for the mode again.
func (h *Host) connect(ctx context.Context, name string, cfg Connection, v connectionVersion, find finder) (*connection, error) {
	var err error
	if !v.configured {
		if cfg, err = h.fromEnvironment(ctx, name); err != nil {
			return nil, err
		}
	} else if !h.checked {
		if err := h.options.checkConnection(name, &cfg); err != nil {
			return nil, fault.Configuration(err)
		}
	}
	file, err := find(ctx, cfg.Connector)
	if err != nil {
		return nil, err
	}
	declared, err := file.Declared(ctx)
	if err != nil {
		return nil, err
	}
	made, err := backend.NewConnection(name, cfg, declared, file)
	if err != nil {
		return nil, fault.Configuration(err)
	}
	made.Workspace, made.Of = v.as.Workspace, h.workspaces.Get(v.as.Workspace)
	c := &connection{connectionVersion: v, file: file, Connection: made}
	if cfg.Mode == config.Hosted {
		if c.backend, err = h.accounts.Backend(&c.Connection); err != nil {
			return nil, fault.Configuration(err)
		}
	} else if c.backend, err = h.runner.Backend(&c.Connection); err != nil {
		return nil, fault.Configuration(err)
	} else if h.options.Copies != nil {
		c.backend = h.options.Copies.Decorate(&c.Connection, c.backend)
	}
	return c, fault.Configuration(c.SetGrant(c.backend))
}

// admit waits until the connection may run one more call, which leave ends.
func (c *connection) admit(ctx context.Context) error {
	s := *c.slots.Get(func() *slots {
		s := make(slots, c.Limits.Concurrency)
		return &s
	})
	select {
	case s <- struct{}{}:
		return nil
	default:
	}
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return errBusy(ctx, c)
	}
}

func (c *connection) leave() { <-*c.slots.Known() }

// copyHost is the host as [Options.Copies] see it.
type copyHost struct{ h *Host }

// copier is who reads the records of a workspace for its copies.
func copier(workspace string) Principal {
	if workspace == "" {
		return Principal{}
	}
	return Principal{Workspace: workspace, Scopes: []Scope{ScopeRead}}
}

// Hold implements [backend.CopyHost].
func (c copyHost) Hold(ctx context.Context, workspace, connection string) (*backend.Connection, func(), error) {
	ctx, leave, err := c.h.gate.pass(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	held, err := c.h.hold(ctx, copier(workspace), connection)
	if err != nil {
		return nil, nil, err
	}
	return &held.Connection, held.release, nil
}

// Run implements [backend.CopyHost].
func (c copyHost) Run(ctx context.Context, workspace, connection string, op abi.OperationRef, params json.RawMessage) (*Result, error) {
	call := Call{Entity: op.Entity, Action: op.Action, Params: params, Principal: copier(workspace)}
	return c.h.execute(ctx, connection, call, runOptions{via: viaSync, copying: true})
}

// copies decides whether a call for copies may run: it reads, and no person needs to be asked.
func (c *connection) copies(op *abi.Operation) error {
	if op.Effect != abi.EffectRead {
		return fault.Denied("copies", "copies are made by operations that read, and "+op.Entity+"."+op.Action+" does not", "call it yourself")
	}
	if rule, asks := c.Grant.Asks(op); asks {
		return fault.Denied(rule, "a person must approve each call of "+op.Entity+"."+op.Action+", so there are no copies of what it reads", "call it yourself")
	}
	return nil
}
