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
	// organization, and trust the same authorities: the name of the first of them.
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
		s, a := h.serviceOf(accountOf(name, &c)), c.Airbyte
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

// account is how a connection asks the Airbyte API. One without a name is the embedder's,
// and has no file of authorities.
type account struct {
	connection string
	airbyte    config.Airbyte
	caFile     string
}

func accountOf(connection string, c *Connection) account {
	return account{connection: connection, airbyte: *c.Airbyte, caFile: caFile(c.TLS)}
}

// at says where the settings are.
func (a account) at() string {
	if a.connection == "" {
		return "airbyte"
	}
	return "connections." + a.connection + ".airbyte"
}

// accountAt returns the account of a connection that a place names, without what is the
// connection's alone. The client goes with its base URL: no other may be asked with it.
func (h *Host) accountAt(at HostedAt) (account, error) {
	const field = "account"
	own := at.Airbyte
	c, known := h.options.Connections[at.Account]
	switch {
	case at.Connection != "":
		return account{}, invalid(field, "connection "+at.Connection+" has an account of its own, and that of "+at.Account+" is named too", "name an account only where there is no connection")
	case own.BaseURL+own.ClientID+own.ClientSecret != "":
		return account{}, invalid(field, "the account of connection "+at.Account+" is named, and a base URL or client of another", "name one of them")
	case !known:
		var names []string
		for _, hosted := range h.HostedConnections() {
			names = append(names, hosted.Name)
		}
		return account{}, invalid(field, fmt.Sprintf("there is no hosted connection %.60q", at.Account), nearest.Hint(at.Account, names))
	case c.Mode != config.Hosted:
		return account{}, invalid(field, "connection "+at.Account+" is direct, and has no account in the Airbyte API", "name a connection with mode: hosted")
	}
	a := accountOf(at.Account, &c)
	a.airbyte.WorkspaceName, a.airbyte.CustomerName, a.airbyte.ExternalUserID, a.airbyte.ConnectorID = "", "", "", ""
	a.airbyte = merge(own, a.airbyte)
	return a, nil
}
