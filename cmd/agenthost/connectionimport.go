package main

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/adminclient"
	"github.com/agenthost/agenthost/internal/authfield"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/spf13/cobra"
)

func (a *app) connectionImportCommand(f *operatorFlags) *cobra.Command {
	var dry bool
	cmd := a.tableOrJSON(&cobra.Command{
		Use:   "import WORKSPACE",
		Short: "Copy the connections of an agenthost.yaml into a workspace",
		Long: `Copy the connections of an agenthost.yaml, which --config names, into a workspace: all of them, or none
after an error. Secrets are read on this machine, once, and the server seals them. What the server
cannot express is refused. A login with OAuth 2.0 is not copied, because two places that refresh it
end it for each other.`,
		Args: args(1, "WORKSPACE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, _, err := a.loadConfig()
			if err != nil {
				return err
			}
			in := adminapi.NewConnections{DryRun: dry}
			for _, name := range slices.Sorted(maps.Keys(c.Connections)) {
				one, err := a.imported(cmd.Context(), name, c.Connections[name])
				if err != nil {
					return err
				}
				in.Connections = append(in.Connections, *one)
			}
			if in.Connections == nil {
				return &usageError{message: "the configuration has no connections", hint: "name a file that has some with --config"}
			}
			return a.inWorkspace(cmd.Context(), f, args[0], func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				made, err := ask[adminapi.ConnectionsMade](ctx, c, http.MethodPost, adminapi.ConnectionsPath, path, in)
				if err != nil {
					return err
				}
				if dry {
					a.say("note", "nothing was made: these would be")
				}
				return a.showConnections(made.Data)
			})
		},
	})
	cmd.Flags().BoolVar(&dry, "dry-run", false, "check everything, and make nothing")
	return cmd
}

// imported is a connection of a configuration as a server gets it.
func (a *app) imported(ctx context.Context, name string, c config.Connection) (*adminapi.NewConnection, error) {
	at := "connections." + name
	refused := func(key, why, hint string) error {
		return fault.Invalid(at+"."+key, "connection "+name+" cannot be imported: "+why, hint)
	}
	operators := "set it under serve.connectors." + c.Connector + " in the configuration of the server, and leave it out here"
	_, refresh := c.Credentials[authfield.RefreshToken]
	_, access := c.Credentials[authfield.AccessToken]
	switch {
	case c.Mode == config.Hosted:
		return nil, refused("mode", "a server runs no connections of mode hosted", "leave it out of the file")
	case c.TLS != nil:
		return nil, refused("tls", "tls is the operator's, for all connections of a connector", operators)
	case c.OAuth != nil:
		return nil, refused("oauth", "oauth is the operator's, for all connections of a connector", operators)
	case c.Limits != config.Limits{}:
		return nil, refused("limits", "limits are the operator's, for all connections of a connector", operators)
	case c.RateLimit != "":
		return nil, refused("rate_limit", "rate_limit is the operator's, for all connections of a connector", operators)
	case refresh || access:
		return nil, refused("credentials", "a login with OAuth 2.0 belongs to one place", "leave it out of the file, and use agenthost connection create without credentials and agenthost connection link")
	}
	one := &adminapi.NewConnection{Name: name, Connector: c.Connector, Server: c.Server, Config: c.Config}
	var err error
	if c.Allow != nil {
		if one.Allow, err = json.Marshal(c.Allow); err != nil {
			return nil, err
		}
	}
	one.Credentials, err = a.credentialsOf(ctx, at+".credentials", c.Credentials)
	return one, err
}
