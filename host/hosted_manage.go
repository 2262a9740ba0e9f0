package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/agenthost/agenthost/host/airbyte"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/pdk/abi"
)

// HostedAt says where in the Airbyte API a connector is, or is to be: at a connection of
// mode hosted, or else of which kind and in which workspace.
type HostedAt struct {
	// Connection is the name of a configured connection.
	Connection string
	// Connector is the name of a connector, where there is no connection. Empty means
	// all kinds, where that makes sense.
	Connector string
	// Account is the name of a configured connection of mode hosted whose account is meant,
	// where there is no connection: its base URL, client, organization and whom it
	// trusts. Airbyte then is the workspace, and may have another organization.
	Account string
	// Airbyte is the workspace and the account, where there is no connection; with one,
	// its settings count where these are empty.
	Airbyte config.Airbyte
}

// hostedPlace is a HostedAt whose names are found.
type hostedPlace struct {
	client    *airbyte.Client
	workspace airbyte.WorkspaceName
	id        airbyte.ID // of the configuration; mostly empty
	connector *connector.Connector
	settings  Connection // of the connection, if there is one
	name      string     // for errors
}

// place finds what at names, without sending anything.
func (h *Host) place(ctx context.Context, at HostedAt) (*hostedPlace, error) {
	p := &hostedPlace{name: at.Connector}
	as := account{airbyte: at.Airbyte}
	var err error
	if at.Account != "" {
		if as, err = h.accountAt(at); err != nil {
			return nil, err
		}
	}
	if at.Connection != "" {
		c, err := h.connection(ctx, at.Connection)
		if err != nil {
			return nil, err
		}
		if !c.isHosted() {
			return nil, invalid("connection", "connection "+c.name+" is direct, and has nothing in the Airbyte API", "name a connection with mode: hosted, or a connector and a workspace")
		}
		p.name, p.connector, p.settings = c.name, c.connector, c.config
		as = accountOf(c.name, &c.config)
		as.airbyte = merge(at.Airbyte, as.airbyte)
	} else if at.Connector != "" {
		file, err := h.registry.find(ctx, at.Connector)
		if err != nil {
			return nil, err
		}
		if p.connector, err = file.declared(ctx); err != nil {
			return nil, err
		}
		if a := p.connector.Manifest.Airbyte; a == nil || a.DefinitionID == "" {
			return nil, invalid("connector", at.Connector+" does not say what it is in the Airbyte API", "only connectors that Airbyte has as well can be hosted")
		}
	}
	if p.workspace, err = workspaceOf(&as.airbyte); err != nil {
		return nil, under(as.at(), err)
	}
	if id := as.airbyte.ConnectorID; id != "" {
		if p.id, err = airbyte.ParseID(id); err != nil {
			return nil, under(as.at(), err)
		}
	}
	p.client, err = h.airbyteClient(ctx, as)
	return p, err
}

// merge takes the settings of a where it has any, and else those of b. The names of a
// workspace are one setting.
func merge(a, b config.Airbyte) config.Airbyte {
	if a.WorkspaceName+a.CustomerName+a.ExternalUserID == "" {
		a.WorkspaceName, a.CustomerName, a.ExternalUserID = b.WorkspaceName, b.CustomerName, b.ExternalUserID
	}
	a.BaseURL = cmp.Or(a.BaseURL, b.BaseURL)
	a.ClientID, a.ClientSecret = cmp.Or(a.ClientID, b.ClientID), cmp.Or(a.ClientSecret, b.ClientSecret)
	a.OrganizationID, a.ConnectorID = cmp.Or(a.OrganizationID, b.OrganizationID), cmp.Or(a.ConnectorID, b.ConnectorID)
	return a
}

// needWorkspace refuses a place without one.
func (p *hostedPlace) needWorkspace() error {
	switch {
	case !p.workspace.IsZero():
		return nil
	case p.settings.Connector != "":
		return invalid("workspace_name", "connection "+p.name+" says which connector it is, and not in which workspace", "add workspace_name under connections."+p.name+".airbyte, or say which workspace it is")
	}
	return invalid("workspace_name", "no workspace is named", "name a hosted connection, or say which workspace it is")
}

// ListHosted returns the connectors of a workspace: those of one kind where at names one,
// and else all.
//
// # Errors
//
//   - auth_failed: Airbyte does not know the client
//   - permission_denied: the client may not use the organization
//   - not_found: there is no such workspace
func (h *Host) ListHosted(ctx context.Context, at HostedAt) ([]airbyte.Connector, error) {
	p, err := h.place(ctx, at)
	if err != nil {
		return nil, err
	}
	if err := p.needWorkspace(); err != nil {
		return nil, err
	}
	definition := ""
	if p.connector != nil {
		definition = p.connector.Manifest.Airbyte.DefinitionID
	}
	list, err := p.client.Connectors(ctx, p.workspace, definition)
	if err == nil && len(list) == 0 {
		// The service lists nothing where there is no such workspace, too.
		var e *Error
		if missing := p.client.RequireWorkspace(ctx, p.workspace); errors.As(missing, &e) && e.Kind == abi.KindNotFound {
			err = missing
		}
	}
	if err != nil {
		return nil, publicHosted(err)
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
func (h *Host) DeleteHosted(ctx context.Context, at HostedAt, id string) (deleted airbyte.ID, err error) {
	e := h.trail.beginHosted("delete", at)
	defer func() {
		if err = e.endHosted(ctx, err); err != nil {
			deleted = ""
		}
	}()
	return h.deleteHosted(ctx, at, id, e)
}

func (h *Host) deleteHosted(ctx context.Context, at HostedAt, id string, e *entry) (airbyte.ID, error) {
	p, found, err := h.one(ctx, at, id)
	if err != nil {
		return "", err
	}
	e.hosted(p, abi.EffectDelete)
	if err := e.start(ctx); err != nil {
		return "", err
	}
	if _, err := p.client.Delete(ctx, found); err != nil {
		return "", publicHosted(err)
	}
	return found, nil
}

// CheckHosted lets the Airbyte API check the credential that it keeps, of the connector
// that an id or a connection names, as in [Host.DeleteHosted]. Message is Airbyte's own,
// mostly empty. A credential that was found wrong is no error.
func (h *Host) CheckHosted(ctx context.Context, at HostedAt, id string) (found airbyte.ID, status airbyte.CheckStatus, message string, err error) {
	p, found, err := h.one(ctx, at, id)
	if err != nil {
		return "", "", "", err
	}
	status, message, err = p.client.Check(ctx, found)
	if err != nil {
		return "", "", "", publicHosted(err)
	}
	return found, status, visible(message, maxMessage), nil
}

// one finds the connector that an id or a place names.
func (h *Host) one(ctx context.Context, at HostedAt, id string) (*hostedPlace, airbyte.ID, error) {
	var found airbyte.ID
	var err error
	if id != "" {
		if found, err = airbyte.ParseID(id); err != nil {
			return nil, "", err
		}
	}
	p, err := h.place(ctx, at)
	switch {
	case err != nil:
		return nil, "", err
	case found == "":
		found = p.id
	}
	if found != "" {
		return p, found, nil
	}
	if p.connector == nil {
		return nil, "", invalid("connector_id", "neither a connector's id nor a connection is named", "agenthost hosted list shows the ids")
	}
	if err := p.needWorkspace(); err != nil {
		return nil, "", err
	}
	found, err = p.only(ctx)
	return p, found, err
}

// only finds the only connector of a kind. It asks anew: the one that calls remember may
// have got company since.
func (p *hostedPlace) only(ctx context.Context) (airbyte.ID, error) {
	m := p.connector.Manifest
	id, err := p.client.Only(ctx, p.workspace, m.Airbyte.DefinitionID, m.Title)
	if err == nil {
		return id, nil
	}
	e := asError(publicHosted(err))
	if e.Kind == abi.KindConflict && e.Field == "connector_id" {
		e.Hint = "give the id of the one that is meant"
	}
	return "", e
}

// unknownField is the error of a field that there is not.
func unknownField(at, name, what, hint string) error {
	return &Error{Kind: abi.KindInvalidParams, Field: at + "." + name, Message: fmt.Sprintf("there is no %s %q", what, name), Hint: hint}
}
