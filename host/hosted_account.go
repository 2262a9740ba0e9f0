package host

import (
	"fmt"
	"maps"
	"slices"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/nearest"
)

// HostedConnection is a configured connection of mode hosted, and where it is in the
// Airbyte API.
type HostedConnection struct {
	Name      string
	Connector string
	// Workspace is the name of its workspace; empty where it has its connector's id alone.
	Workspace string
	// Organization is the id of its organization; empty where the client has only one.
	Organization string
	// At is its workspace and its account, for all kinds of connectors. At.Account is the
	// same in all connections that are the same client at the same base URL, in the same
	// organization: the name of the first of them.
	At HostedAt
}

// HostedConnections returns the configured connections of mode hosted, by name. It reads no
// secret and sends nothing. It is safe for concurrent use.
func (h *Host) HostedConnections() []HostedConnection {
	var list []HostedConnection
	first := make(map[service]string)
	for _, name := range slices.Sorted(maps.Keys(h.options.Connections)) {
		c := h.options.Connections[name]
		if c.Mode != config.Hosted {
			continue
		}
		s, a := h.serviceOf(c.Airbyte), c.Airbyte
		if first[s] == "" {
			first[s] = name
		}
		w, _ := workspaceOf(a) // Open has checked it
		list = append(list, HostedConnection{
			Name: name, Connector: c.Connector, Workspace: w.String(), Organization: s.organization,
			At: HostedAt{Account: first[s], Airbyte: config.Airbyte{WorkspaceName: a.WorkspaceName, CustomerName: a.CustomerName, ExternalUserID: a.ExternalUserID}},
		})
	}
	return list
}

// account returns the settings of the connection whose account a place has, without what
// is the connection's alone. The client goes with its base URL: no other may be asked
// with it.
func (h *Host) account(at HostedAt) (config.Airbyte, error) {
	const field = "account"
	own := at.Airbyte
	c, known := h.options.Connections[at.Account]
	switch {
	case at.Connection != "":
		return config.Airbyte{}, invalid(field, "connection "+at.Connection+" has an account of its own, and that of "+at.Account+" is named too", "name an account only where there is no connection")
	case own.BaseURL+own.ClientID+own.ClientSecret != "":
		return config.Airbyte{}, invalid(field, "the account of connection "+at.Account+" is named, and a base URL or client of another", "name one of them")
	case !known:
		var names []string
		for _, hosted := range h.HostedConnections() {
			names = append(names, hosted.Name)
		}
		return config.Airbyte{}, invalid(field, fmt.Sprintf("there is no hosted connection %.60q", at.Account), nearest.Hint(at.Account, names))
	case c.Mode != config.Hosted:
		return config.Airbyte{}, invalid(field, "connection "+at.Account+" is direct, and has no account in the Airbyte API", "name a connection with mode: hosted")
	}
	a := *c.Airbyte
	return merge(own, config.Airbyte{BaseURL: a.BaseURL, ClientID: a.ClientID, ClientSecret: a.ClientSecret, OrganizationID: a.OrganizationID}), nil
}
