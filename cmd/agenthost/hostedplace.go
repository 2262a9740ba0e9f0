package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/params"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// hostedFlags say where in the Airbyte API something is.
type hostedFlags struct{ workspace, customer, external, organization, account string }

func (f *hostedFlags) define(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&f.workspace, "workspace", "", "the `name` of the workspace")
	flags.StringVar(&f.customer, "customer-name", "", "the workspace by the `name` that older clients have for it")
	flags.StringVar(&f.external, "external-user-id", "", "the workspace by the `id` that the oldest clients have for it")
	flags.StringVar(&f.organization, "organization", "", "the `id` of the organization, for clients of several")
	flags.StringVar(&f.account, "account", "", "the account of this hosted `connection`, where they have several")
}

// names says that a flag names the workspace.
func (f *hostedFlags) names() bool { return f.workspace+f.customer+f.external != "" }

// need is what a command must know of a workspace.
type need int

const (
	needNone  need = iota // an id is enough
	needNamed             // somebody must have named it: something is changed or tried there
	needAny               // it may be the only one that there is to look at
)

// at is the place that an argument and the flags name: a connection of mode hosted, or a
// connector, or with an empty argument all kinds.
func (f *hostedFlags) at(ctx context.Context, h *host.Host, name string, n need) (host.HostedAt, error) {
	at := host.HostedAt{Account: f.account, Airbyte: config.Airbyte{
		WorkspaceName: f.workspace, CustomerName: f.customer, ExternalUserID: f.external, OrganizationID: f.organization,
	}}
	hosted := h.HostedConnections()
	if named(hosted, name) {
		at.Connection = name
		return at, nil
	}
	if name != "" {
		var err error
		if at.Connection, at.Connector, err = unhosted(ctx, h, name); err != nil || at.Connection != "" {
			return at, err
		}
	}
	if f.account != "" && !named(hosted, f.account) {
		return at, nil // the host refuses it
	}
	return at, f.fill(&at, hosted, n)
}

// unhosted tells a connector from a direct connection, which the host will refuse.
func unhosted(ctx context.Context, h *host.Host, name string) (connection, connector string, err error) {
	_, err = h.Connector(ctx, name)
	var e *abi.Error
	if !errors.As(err, &e) || e.Kind != abi.KindUnknownOperation {
		return "", name, err
	}
	connections, listErr := h.Connections(ctx)
	if listErr != nil {
		return "", "", listErr
	}
	if slices.ContainsFunc(connections, func(c host.ConnectionInfo) bool { return c.Name == name }) {
		return name, "", nil
	}
	names, listErr := hostable(ctx, h)
	if listErr != nil || len(names) == 0 {
		return "", "", err
	}
	for i := range names {
		names[i], _, _ = strings.Cut(names[i], "\t")
	}
	return "", "", &abi.Error{
		Kind: abi.KindUnknownOperation, Field: "connection",
		Message: fmt.Sprintf("there is no hosted connection or connector %.60q", name), Hint: nearest.Hint(name, names),
	}
}

// fill takes from the hosted connections what the flags leave open, where those
// connections agree: the account, and the workspace of a list. Nothing is changed in a
// workspace by a guess.
func (f *hostedFlags) fill(at *host.HostedAt, hosted []host.HostedConnection, n need) error {
	meant := f.narrow(hosted)
	one := same(meant, accountOf)
	if n != needNone && !f.names() {
		sure := slices.DeleteFunc(slices.Clone(meant), func(c host.HostedConnection) bool { return c.Workspace == "" })
		if n != needAny || !one || !same(sure, func(c host.HostedConnection) string { return c.Workspace }) {
			return noWorkspace(at.Connector, hosted, one)
		}
		at.Account, at.Airbyte = sure[0].At.Account, sure[0].At.Airbyte
		at.Airbyte.OrganizationID = f.organization
		return nil
	}
	switch {
	case one:
		at.Account = meant[0].At.Account
	case len(hosted) > 0:
		return &abi.Error{
			Kind: abi.KindInvalidParams, Field: "account", Message: "the hosted connections have several accounts in the Airbyte API, and none is named",
			Hint: "add --account and the name of a connection whose account it is: " + places(hosted),
		}
	}
	return nil
}

// again is the flags that another command needs to be at the same account, each after a
// space.
func (f *hostedFlags) again(h *host.Host, at host.HostedAt) string {
	words := ""
	if account := cmp.Or(at.Connection, at.Account); account != "" && !same(h.HostedConnections(), accountOf) {
		words = " --account " + account
	}
	if f.organization != "" {
		words += " --organization " + params.Shell(f.organization)
	}
	return words
}

func accountOf(c host.HostedConnection) string { return c.At.Account }

func named(hosted []host.HostedConnection, name string) bool {
	return slices.ContainsFunc(hosted, func(c host.HostedConnection) bool { return c.Name == name })
}

// narrow is the connections that the flags can mean: those of an account or, where any
// have it, of an organization.
func (f *hostedFlags) narrow(hosted []host.HostedConnection) []host.HostedConnection {
	keep := func(keep func(host.HostedConnection) bool) []host.HostedConnection {
		return slices.DeleteFunc(slices.Clone(hosted), func(c host.HostedConnection) bool { return !keep(c) })
	}
	if f.account != "" {
		i := slices.IndexFunc(hosted, func(c host.HostedConnection) bool { return c.Name == f.account })
		account := hosted[i].At.Account
		return keep(func(c host.HostedConnection) bool { return c.At.Account == account })
	}
	if there := keep(func(c host.HostedConnection) bool { return c.Organization == f.organization }); f.organization != "" && len(there) > 0 {
		return there
	}
	return hosted
}

// same says that there are connections, and that all have the same of something.
func same(list []host.HostedConnection, of func(host.HostedConnection) string) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(c host.HostedConnection) bool { return of(c) != of(list[0]) })
}

// noWorkspace says what would name a workspace. A connector leaves the connections of its
// kind to choose from.
func noWorkspace(connector string, hosted []host.HostedConnection, oneAccount bool) error {
	kind, of := hosted, ""
	if connector != "" {
		of = " of " + connector
		kind = ofConnector(hosted, connector)
	}
	hint := "add --workspace NAME"
	if len(hosted) > 0 && !oneAccount {
		hint += " and --account CONNECTION"
	}
	if len(kind) > 0 {
		hint += ", or name a hosted connection" + of + ": " + places(kind)
	} else {
		hint += "; the configuration has no hosted connection" + of
	}
	return &abi.Error{Kind: abi.KindInvalidParams, Field: "workspace_name", Message: "no workspace is named", Hint: hint}
}

func ofConnector(hosted []host.HostedConnection, connector string) []host.HostedConnection {
	return slices.DeleteFunc(slices.Clone(hosted), func(c host.HostedConnection) bool { return c.Connector != connector })
}

// maxPlaces is how many connections a hint lists before it only counts the rest.
const maxPlaces = 8

// places lists hosted connections, and what tells them apart.
func places(hosted []host.HostedConnection) string {
	oneOrganization := same(hosted, func(c host.HostedConnection) string { return c.Organization })
	var words []string
	for i, c := range hosted {
		if i == maxPlaces {
			return strings.Join(words, ", ") + fmt.Sprintf(" and %d more", len(hosted)-i)
		}
		var where []string
		if c.Workspace != "" {
			where = append(where, "workspace "+c.Workspace)
		}
		if c.Organization != "" && !oneOrganization {
			where = append(where, "organization "+c.Organization)
		}
		if len(where) > 0 {
			words = append(words, c.Name+" ("+strings.Join(where, ", ")+")")
		} else {
			words = append(words, c.Name)
		}
	}
	return strings.Join(words, ", ")
}
