package host

import (
	"context"
	"maps"
	"slices"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/backend/hosted"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// HostedAt says which place in the Airbyte API somebody means: that of a connection of mode
// hosted, or a workspace and an account. Without Connection and Account, and without a base
// URL or client in Airbyte, the account is the one that all hosted connections of the host have
// in common. Where they have several, the error asks for one; where there are no such
// connections, the account is that of AIRBYTE_CLIENT_ID and the other variables.
type HostedAt struct {
	// Connection is the name of a configured connection.
	Connection string
	// Connector is the name of a connector, where there is no connection. Empty means
	// all kinds.
	Connector string
	// Account is the name of a configured connection of mode hosted whose account is meant,
	// where there is no connection: its base URL, client, organization and certificate
	// authorities.
	Account string
	// Airbyte is the workspace, and may have another organization than the account. With
	// neither Connection nor Account it may be an account of its own.
	Airbyte config.Airbyte
}

// HostedConnector is a connector of the Airbyte API: a vendor's account whose credential it
// keeps.
type HostedConnector struct {
	ID   string `json:"id"` // a UUID
	Name string `json:"name"`
	// Type is the display name of its kind, such as "Pylon", and DefinitionID the
	// kind's UUID; either may be empty.
	Type         string `json:"connector_type,omitempty"`
	DefinitionID string `json:"definition_id,omitempty"`
	// CreatedAt and UpdatedAt are times as the Airbyte API writes them.
	CreatedAt string `json:"created_at,omitempty"`
	UpdatedAt string `json:"updated_at,omitempty"`
}

func hostedConnector(c hosted.Connector) HostedConnector {
	return HostedConnector{string(c.ID), c.Name, c.Type, c.DefinitionID, c.CreatedAt, c.UpdatedAt}
}

// HostedConnection is a configured connection of mode hosted, and where it is in the
// Airbyte API.
type HostedConnection struct {
	Name      string
	Connector string
	// Workspace is the name of its workspace; empty where only the id of its connector is
	// configured.
	Workspace string
	// Organization is the id of its organization; empty where the client has only one.
	Organization string
	// At is its workspace and its account, for all kinds of connectors. At.Account is the
	// same in all connections that have the same account: the name of the first of them.
	At HostedAt
}

// HostedConnections returns the configured connections of mode hosted, by name. It reads no
// secret and sends nothing. It is safe for concurrent use.
func (h *Host) HostedConnections(ctx context.Context) ([]HostedConnection, error) {
	configured, err := h.allConfigured(ctx)
	if err != nil {
		return nil, err
	}
	var list []HostedConnection
	for _, l := range h.accounts.List(configured) {
		a := configured[l.Name].Airbyte
		list = append(list, HostedConnection{
			Name: l.Name, Connector: l.Connector, Workspace: l.Workspace, Organization: l.Organization,
			At: HostedAt{Account: l.Account, Airbyte: config.Airbyte{WorkspaceName: a.WorkspaceName, CustomerName: a.CustomerName, ExternalUserID: a.ExternalUserID}},
		})
	}
	return list, nil
}

// HostedPlaces lists hosted connections, and what tells them apart, for a hint to a person.
func HostedPlaces(connections []HostedConnection) string {
	list := make([]hosted.Listed, len(connections))
	for i, c := range connections {
		list[i] = hosted.Listed{Name: c.Name, Connector: c.Connector, Workspace: c.Workspace, Organization: c.Organization, Account: c.At.Account}
	}
	return hosted.Places(list)
}

// NewHosted is a connector to be created in the Airbyte API.
type NewHosted struct {
	At HostedAt
	// Name is what people know it by.
	Name string
	// Credentials are references to secrets by the names of the auth schema's fields, and
	// Secrets are values that a program already holds. Where both are empty, those of
	// At.Connection count.
	Credentials map[string]string
	Secrets     map[string]secret.Value
	// Replication are the settings of what Airbyte copies, by the names of the auth
	// schema's replication fields.
	Replication map[string]string
}

// CreateHosted creates a connector in the Airbyte API, which from then on keeps the vendor's
// credential. Everything is checked before anything is sent, and the workspace and the name
// before the connector is created.
//
// # Errors
//
//   - invalid_params: a field does not exist, or a setting is missing or malformed; Field
//     names it
//   - auth_failed: a credential is missing, or Airbyte does not know the client
//   - permission_denied: the client may not use the organization
//   - not_found: there is no such workspace
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
	if n.At.Connection == "" && n.At.Connector == "" {
		return nil, fault.Invalid("connector", "neither a connection nor a connector is named", "name a connection or a connector")
	}
	if err := hosted.CheckName(n.Name); err != nil {
		return nil, err
	}
	c, err := h.kind(ctx, n.At)
	if err != nil {
		return nil, err
	}
	e.changes(c, abi.EffectWrite)
	e.settings(&n)
	configured, err := h.allConfigured(ctx)
	if err != nil {
		return nil, err
	}
	place, err := h.accounts.Resolve(hosted.Asked(n.At), configured, hosted.NeedNamed)
	if err != nil {
		return nil, err
	}
	created := hosted.New{Name: n.Name, Credentials: n.Credentials, Secrets: n.Secrets, Replication: n.Replication}
	if len(n.Credentials)+len(n.Secrets) == 0 {
		settings := configured[n.At.Connection]
		created.Credentials, created.Secrets = settings.Credentials, settings.Secrets
	}
	made, err := h.accounts.Create(ctx, place, c, &created, func(credentials []string) error {
		e.credentials(credentials)
		return e.start(ctx)
	})
	if err != nil {
		return nil, err
	}
	one := hostedConnector(*made)
	return &one, nil
}

// ListHosted returns the connectors of a workspace: those of one kind where at names one,
// and else all. Where at names no workspace, it is the one that all hosted connections of the
// account have in common.
//
// # Errors
//
//   - auth_failed: Airbyte does not know the client
//   - permission_denied: the client may not use the organization
//   - not_found: there is no such workspace
func (h *Host) ListHosted(ctx context.Context, at HostedAt) ([]HostedConnector, error) {
	ctx, leave, err := h.gate.pass(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	c, err := h.kind(ctx, at)
	if err != nil {
		return nil, err
	}
	configured, err := h.allConfigured(ctx)
	if err != nil {
		return nil, err
	}
	place, err := h.accounts.Resolve(hosted.Asked(at), configured, hosted.NeedAny)
	if err != nil {
		return nil, err
	}
	found, err := h.accounts.Connectors(ctx, place, c)
	if err != nil {
		return nil, err
	}
	list := make([]HostedConnector, len(found))
	for i, one := range found {
		list[i] = hostedConnector(one)
	}
	return list, nil
}

// DeleteHosted deletes a connector, and with it the credential that the Airbyte API keeps:
// the one of an id, or where that is empty the only one at a connection. It returns the id.
//
// # Errors
//
//   - not_found: there is no such connector
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
	place, found, c, err := h.oneHosted(ctx, at, id)
	if err != nil {
		return "", err
	}
	e.changes(c, abi.EffectDelete)
	if err := e.start(ctx); err != nil {
		return "", err
	}
	if err := h.accounts.Delete(ctx, place, found); err != nil {
		return "", err
	}
	return string(found), nil
}

// CheckHosted lets the Airbyte API check the credential that it keeps, of the connector
// that an id or a connection names, as in [Host.DeleteHosted]. Status is succeeded, failed, or
// another word of the Airbyte API for a check that has not decided; message is Airbyte's own,
// mostly empty. A credential that was found wrong is no error.
func (h *Host) CheckHosted(ctx context.Context, at HostedAt, id string) (found, status, message string, err error) {
	ctx, leave, err := h.gate.pass(ctx)
	if err != nil {
		return "", "", "", err
	}
	defer leave()
	place, one, _, err := h.oneHosted(ctx, at, id)
	if err != nil {
		return "", "", "", err
	}
	said, message, err := h.accounts.CheckCredential(ctx, place, one)
	if err != nil {
		return "", "", "", err
	}
	return string(one), string(said), message, nil
}

// oneHosted finds the connector that an id or a place names.
func (h *Host) oneHosted(ctx context.Context, at HostedAt, id string) (hosted.Place, hosted.ID, *connector.Connector, error) {
	var found hosted.ID
	var err error
	need := hosted.NeedConnector
	if id != "" {
		need = hosted.NeedNothing
		if found, err = hosted.ParseID(id); err != nil {
			return hosted.Place{}, "", nil, err
		}
	}
	c, err := h.kind(ctx, at)
	if err != nil {
		return hosted.Place{}, "", nil, err
	}
	if c == nil && id == "" {
		return hosted.Place{}, "", nil, fault.Invalid("connector_id", "neither a connector's id nor a connection is named", "agenthost hosted list shows the ids")
	}
	configured, err := h.allConfigured(ctx)
	if err != nil {
		return hosted.Place{}, "", nil, err
	}
	place, err := h.accounts.Resolve(hosted.Asked(at), configured, need)
	if err != nil {
		return hosted.Place{}, "", nil, err
	}
	if found == "" {
		found = place.ID
	}
	if found == "" {
		found, err = h.accounts.Only(ctx, place, c.Manifest)
	}
	return place, found, c, err
}

// kind is the connector that a place names; nil for all of them.
func (h *Host) kind(ctx context.Context, at HostedAt) (*connector.Connector, error) {
	if at.Connection != "" {
		c, err := h.connection(ctx, Principal{}, at.Connection)
		if err != nil {
			return nil, err
		}
		return c.Connector, nil
	}
	if at.Connector == "" {
		return nil, nil
	}
	file, err := h.catalog.Find(ctx, at.Connector)
	if err != nil {
		return nil, err
	}
	declared, err := file.Declared(ctx)
	if err != nil {
		return nil, err
	}
	if !hosted.IsKnown(declared.Manifest) {
		return nil, fault.Invalid("connector", at.Connector+" declares no connector of the Airbyte API", "choose a connector that Airbyte also has")
	}
	return declared, nil
}

// hostedEntity is what a record has in place of an entity where the Airbyte API itself is
// changed.
const hostedEntity = "hosted"

// beginHosted starts the record of a change of the Airbyte API.
func (t *trail) beginHosted(action string, at HostedAt) *entry {
	e := t.begin(audit.ViaHosted, at.Connection, Call{Entity: hostedEntity, Action: action})
	if e != nil {
		e.record.Mode, e.record.Connector = string(config.Hosted), at.Connector
	}
	return e
}

// changes notes which kind of connector is changed, and how.
func (e *entry) changes(c *connector.Connector, effect abi.Effect) {
	if e == nil {
		return
	}
	e.record.Effect = effect
	if c != nil {
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
