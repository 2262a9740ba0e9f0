package host

import (
	"context"
	"maps"
	"slices"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/backend/hosted"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// HostedAt names a place in the Airbyte API.
type HostedAt = hosted.At

// HostedConnector is a connector of the Airbyte API: a vendor's account whose credential it
// keeps.
type HostedConnector = hosted.Connector

// HostedConnection is a configured connection of mode hosted, and where it is in the
// Airbyte API.
type HostedConnection = hosted.Listed

// NewHosted is a connector to be created in the Airbyte API.
type NewHosted = hosted.New

// HostedConnections returns the configured connections of mode hosted, by name. It reads no
// secret and sends nothing. It is safe for concurrent use.
func (h *Host) HostedConnections(ctx context.Context) ([]HostedConnection, error) {
	configured, err := h.allConfigured(ctx)
	if err != nil {
		return nil, err
	}
	return h.accounts.List(configured), nil
}

// CreateHosted creates a connector in the Airbyte API, which from then on keeps the vendor's
// credential. It checks all fields before it sends anything, and the workspace and the name before
// it creates the connector.
//
// # Errors
//
//   - invalid_params: a field does not exist, or a setting is missing or malformed; Field
//     names it
//   - auth_failed: a credential is missing, or Airbyte does not know the client
//   - permission_denied: the client may not use the organization
//   - not_found: the workspace does not exist
//   - conflict: the workspace has a connector of that name and kind
//
// An error with RequestSent true may have created the connector.
//
// The audit trail has it, with the names of the credentials that were sent.
func (h *Host) CreateHosted(ctx context.Context, n NewHosted) (made *HostedConnector, err error) {
	ctx, leave, err := h.gate.pass(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	e := h.trail.beginHosted("create", n.At)
	defer func() {
		if err = e.endHosted(ctx, err); err != nil {
			made = nil
		}
	}()
	return h.createHosted(ctx, n, e)
}

func (h *Host) createHosted(ctx context.Context, n NewHosted, e *entry) (*HostedConnector, error) {
	if err := n.Check(); err != nil {
		return nil, err
	}
	s, err := h.site(ctx, n.At)
	if err != nil {
		return nil, err
	}
	e.changes(s, abi.EffectWrite)
	e.settings(&n)
	return h.accounts.Create(ctx, s, &n, func(credentials []string) error {
		e.credentials(credentials)
		return e.start(ctx)
	})
}

// ListHosted returns the connectors of a workspace: those of one kind if at names a kind, and else
// all. If at names no workspace, all hosted connections of the account must share one.
//
// # Errors
//
//   - auth_failed: Airbyte does not know the client
//   - permission_denied: the client may not use the organization
//   - not_found: the workspace does not exist
func (h *Host) ListHosted(ctx context.Context, at HostedAt) ([]HostedConnector, error) {
	ctx, leave, err := h.gate.pass(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	s, err := h.site(ctx, at)
	if err != nil {
		return nil, err
	}
	return h.accounts.Connectors(ctx, s)
}

// DeleteHosted deletes a connector, and with it the credential that the Airbyte API keeps: the one
// with an id, or if the id is empty the only one at a connection. It returns the id.
//
// # Errors
//
//   - not_found: the connector does not exist
//   - conflict: there are several; Message lists them
//
// The audit trail has it.
func (h *Host) DeleteHosted(ctx context.Context, at HostedAt, id string) (deleted string, err error) {
	ctx, leave, err := h.gate.pass(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	e := h.trail.beginHosted("delete", at)
	defer func() {
		if err = e.endHosted(ctx, err); err != nil {
			deleted = ""
		}
	}()
	s, err := h.site(ctx, at)
	if err != nil {
		return "", err
	}
	return h.accounts.Delete(ctx, s, id, func() error {
		e.changes(s, abi.EffectDelete)
		return e.start(ctx)
	})
}

// CheckHosted lets the Airbyte API check the credential that it keeps, of the connector that an id
// or a connection names, as in [Host.DeleteHosted]. Status is succeeded, failed, or another word of
// the Airbyte API for an undecided check; message is Airbyte's and mostly empty. A wrong credential
// is not an error.
func (h *Host) CheckHosted(ctx context.Context, at HostedAt, id string) (found, status, message string, err error) {
	ctx, leave, err := h.gate.pass(ctx)
	if err != nil {
		return "", "", "", err
	}
	defer leave()
	s, err := h.site(ctx, at)
	if err != nil {
		return "", "", "", err
	}
	return h.accounts.CheckCredential(ctx, s, id)
}

// site is what the host knows of a place in the Airbyte API.
func (h *Host) site(ctx context.Context, at HostedAt) (*hosted.Site, error) {
	s := &hosted.Site{At: at}
	switch {
	case at.Connection != "":
		c, err := h.connection(ctx, Principal{}, at.Connection)
		if err != nil {
			return nil, err
		}
		s.Connector = c.Connector
	case at.Connector != "":
		file, err := h.catalog.Find(ctx, at.Connector)
		if err != nil {
			return nil, err
		}
		if s.Connector, err = file.Declared(ctx); err != nil {
			return nil, err
		}
	}
	var err error
	s.Configured, err = h.allConfigured(ctx)
	return s, err
}

// hostedEntity is what a record has in place of an entity where the Airbyte API itself is
// changed.
const hostedEntity = "hosted"

// beginHosted starts the record of a change of the Airbyte API.
func (t *trail) beginHosted(action string, at HostedAt) *entry {
	e := t.begin(viaHosted, at.Connection, Call{Entity: hostedEntity, Action: action})
	if e != nil {
		e.record.Mode, e.record.Connector = string(config.Hosted), at.Connector
	}
	return e
}

// changes notes which kind of connector is changed, and how.
func (e *entry) changes(s *hosted.Site, effect abi.Effect) {
	if e == nil {
		return
	}
	e.record.Effect = effect
	if c := s.Connector; c != nil {
		e.of(c.Manifest, c.Digest)
	}
}

// settings notes the settings of a new connector.
func (e *entry) settings(n *NewHosted) {
	e.param("name", len(n.Name))
	for _, name := range slices.Sorted(maps.Keys(n.Replication)) {
		e.param(name, len(n.Replication[name]))
	}
}

// credentials notes which credentials the Airbyte API is sent. Their length is secret.
func (e *entry) credentials(names []string) {
	for _, name := range names {
		e.param(name, 0)
	}
}

func (e *entry) param(name string, bytes int) {
	if e != nil {
		e.record.AddParam(name, bytes)
		e.record.ParamsBytes += bytes
	}
}

// endHosted writes the record of a change of the Airbyte API. Its error is the change's,
// or, where the record must be written and cannot be, that.
func (e *entry) endHosted(ctx context.Context, err error) error {
	err = fault.Cancelled(ctx, err)
	e.ended(&Result{Stats: Stats{Requests: 1}}, err)
	return e.finish(ctx, err)
}
