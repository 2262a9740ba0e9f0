package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/adminclient"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

func (a *app) connectionCommand() *cobra.Command {
	return a.operatorGroup("connection", "Manage the connections of a server's workspaces",
		`Manage the connections of the workspaces of agenthost serve. WORKSPACE and CONNECTION are names or
ids. The connections of agenthost.yaml, which commands such as agenthost exec use, are others: import
copies them into a workspace.`,
		`  agenthost connection list acme
  agenthost connection create acme support --connector pylon --credential api_token=file:pylon.token
  agenthost connection check acme support
  agenthost connection allow acme support --set '{"effects": ["read", "write"], "ask": ["write"]}'
  agenthost connection link acme support
  agenthost connection import acme --config agenthost.yaml --dry-run
  agenthost connection disconnect acme support --yes`,
		func(f *operatorFlags) []*cobra.Command {
			commands := []*cobra.Command{
				a.connectionListCommand(f), a.connectionShowCommand(f), a.connectionCreateCommand(f), a.connectionCheckCommand(f),
				a.connectionAllowCommand(f), a.connectionLinkCommand(f), a.connectionImportCommand(f), a.connectionDisconnectCommand(f),
			}
			for _, c := range commands {
				f.organizationFlag(c)
			}
			return commands
		})
}

// onConnection calls use with the path of the connection that two arguments name.
func (a *app) onConnection(ctx context.Context, f *operatorFlags, args []string, use func(ctx context.Context, c *adminclient.Client, path map[string]string) error) error {
	return a.inWorkspace(ctx, f, args[0], func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
		if _, err := airbyteapi.ParseID(args[1]); err == nil {
			path["connection_id"] = strings.ToLower(args[1])
			return use(ctx, c, path)
		}
		found, err := adminclient.All[adminapi.Connection](ctx, c, adminapi.ConnectionsPath, path, [2]string{"name", args[1]})
		if err != nil {
			return err
		}
		if len(found) != 1 {
			return &abi.Error{Kind: abi.KindNotFound, Field: "connection", Message: fmt.Sprintf("the workspace has no connection %.60q", args[1]), Hint: "agenthost connection list shows them"}
		}
		path["connection_id"] = found[0].ID
		return use(ctx, c, path)
	})
}

func (a *app) connectionListCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "list WORKSPACE",
		Short: "List the connections of a workspace",
		Args:  args(1, "WORKSPACE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inWorkspace(cmd.Context(), f, args[0], func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				found, err := adminclient.All[adminapi.Connection](ctx, c, adminapi.ConnectionsPath, path)
				if err != nil {
					return err
				}
				return a.showConnections(found)
			})
		},
	})
}

func (a *app) showConnections(found []adminapi.Connection) error {
	return showList(a, found, []string{"ID", "NAME", "CONNECTOR", "STATE"}, func(o *adminapi.Connection) []string {
		return []string{o.ID, o.Name, o.Connector, o.State}
	}, "there are no connections; make one with agenthost connection create")
}

func (a *app) connectionShowCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "show WORKSPACE CONNECTION",
		Short: "Show a connection, without its credentials",
		Args:  args(2, "WORKSPACE", "CONNECTION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onConnection(cmd.Context(), f, args, func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				one, err := ask[adminapi.Connection](ctx, c, http.MethodGet, adminapi.ConnectionPath, path, nil)
				if err != nil {
					return err
				}
				return a.showConnection(one)
			})
		},
	})
}

func (a *app) showConnection(one *adminapi.Connection) error {
	if done, err := a.json(one); done {
		return err
	}
	pairs := [][2]string{
		{"name", render.Visible(one.Name)}, {"id", one.ID}, {"connector", render.Visible(one.Connector)}, {"state", one.State}, {"scheme", render.Visible(one.Scheme)},
		{"created", one.CreatedAt}, {"changed", one.UpdatedAt},
	}
	for _, name := range slices.Sorted(maps.Keys(one.Config)) {
		pairs = append(pairs, [2]string{"config." + render.Visible(name), render.Visible(one.Config[name])})
	}
	allow := string(one.Allow)
	if allow == "null" {
		allow = "what the configuration of the server allows the connector"
	}
	return render.Pairs(a.stdout, a.style(render.Table), append(pairs, [2]string{"allow", render.Visible(allow)}))
}

func (a *app) connectionCreateCommand(f *operatorFlags) *cobra.Command {
	var in adminapi.NewConnection
	var references, values map[string]string
	var stdin string
	cmd := a.tableOrJSON(&cobra.Command{
		Use:   "create WORKSPACE NAME",
		Short: "Create a connection",
		Long: `Create a connection. Secrets are read on this machine, once, and the server seals them. Without
credentials, the connection waits for a person: agenthost connection link makes a link.`,
		Args: args(2, "WORKSPACE", "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if in.Connector == "" {
				return &usageError{message: "the connector is missing", hint: "add --connector NAME; agenthost plugin list shows them"}
			}
			in.Name, in.Config = args[1], values
			var err error
			if in.Credentials, err = a.credentialsOf(cmd.Context(), "--credential", references); err != nil {
				return err
			}
			if stdin != "" {
				if _, twice := in.Credentials[stdin]; twice {
					return &usageError{message: "the field " + stdin + " has two values", hint: "give it with --credential or with --credential-stdin"}
				}
				value, err := a.readSecret(cmd.Context(), stdin)
				if err != nil {
					return err
				}
				in.Credentials[stdin] = adminapi.Show(value)
			}
			return a.inWorkspace(cmd.Context(), f, args[0], func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				made, err := ask[adminapi.ConnectionsMade](ctx, c, http.MethodPost, adminapi.ConnectionsPath, path, adminapi.NewConnections{Connections: []adminapi.NewConnection{in}})
				if err != nil {
					return err
				}
				if len(made.Data) != 1 {
					return errors.New("the server made another number of connections than 1")
				}
				return a.showConnection(&made.Data[0])
			})
		},
	})
	flags := cmd.Flags()
	flags.StringVar(&in.Connector, "connector", "", "`name` of the connector")
	flags.StringVar(&in.Scheme, "scheme", "", "`id` of the way to authenticate that the credentials must be for")
	flags.StringToStringVar(&values, "value", nil, "`name=value` of a setting that is not secret (repeatable)")
	flags.StringToStringVar(&references, "credential", nil, "`field=reference` of a secret, such as api_token=file:pylon.token (repeatable)")
	flags.StringVar(&stdin, "credential-stdin", "", "`field` whose secret is read from standard input")
	return cmd
}

// credentialsOf reads the secrets that references name.
func (a *app) credentialsOf(ctx context.Context, at string, references map[string]string) (map[string]adminapi.Shown, error) {
	c, path, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	o, err := a.optionsOf(c, path)
	if err != nil {
		return nil, err
	}
	secrets, err := openSecrets(o)
	if err != nil {
		return nil, err
	}
	read := make(map[string]adminapi.Shown)
	for _, field := range slices.Sorted(maps.Keys(references)) {
		value, err := secrets.Read(ctx, at+"."+field, references[field])
		if err != nil {
			return nil, err
		}
		read[field] = adminapi.Show(value)
	}
	return read, nil
}

func (a *app) connectionCheckCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "check WORKSPACE CONNECTION",
		Short: "Try the credential of a connection",
		Args:  args(2, "WORKSPACE", "CONNECTION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onConnection(cmd.Context(), f, args, func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				check, err := ask[adminapi.ConnectionCheck](ctx, c, http.MethodPost, adminapi.ConnectionCheckPath, path, nil)
				if err != nil {
					return err
				}
				if check.Status == string(airbyteapi.CheckFailed) {
					return &abi.Error{Kind: abi.KindAuthFailed, Field: "connection", Message: "the vendor refuses the credential: " + check.Reason, Hint: "have a person connect the account: agenthost connection link " + args[0] + " " + args[1]}
				}
				return a.did(check, "%s\n", strings.TrimSuffix(check.Status+": "+render.Visible(check.Reason), ": "))
			})
		},
	})
}

func (a *app) connectionAllowCommand(f *operatorFlags) *cobra.Command {
	var text, file string
	var all bool
	cmd := a.tableOrJSON(&cobra.Command{
		Use:   "allow WORKSPACE CONNECTION",
		Short: "Show or change what a connection may do",
		Long: `Show or change what a connection may do. It is JSON with the keys of allow in agenthost.yaml: effects,
operations, ask, params, requests and downloads. It narrows what the configuration of the server allows
the connector.`,
		Args: args(2, "WORKSPACE", "CONNECTION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			change := adminapi.ConnectionChange{}
			switch {
			case all:
				change.Allow = json.RawMessage("null")
			case file != "":
				read, err := os.ReadFile(file)
				if err != nil {
					return &usageError{message: "the file of --file cannot be read: " + err.Error(), hint: "name a file with JSON"}
				}
				change.Allow = read
			case text != "":
				change.Allow = json.RawMessage(text)
			}
			if change.Allow != nil && !json.Valid(change.Allow) {
				return &usageError{message: "what the connection may do is not JSON", hint: `write it like '{"effects": ["read", "write"], "ask": ["write"]}'`}
			}
			return a.onConnection(cmd.Context(), f, args, func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				method, in := http.MethodGet, any(nil)
				if change.Allow != nil {
					method, in = http.MethodPatch, change
				}
				one, err := ask[adminapi.Connection](ctx, c, method, adminapi.ConnectionPath, path, in)
				if err != nil {
					return err
				}
				return a.showConnection(one)
			})
		},
	})
	cmd.Flags().StringVar(&text, "set", "", "the new allow as `JSON`")
	cmd.Flags().StringVar(&file, "file", "", "`file` with the new allow as JSON")
	cmd.Flags().BoolVar(&all, "clear", false, "take away what operators said: the configuration of the server decides")
	cmd.MarkFlagsMutuallyExclusive("set", "file", "clear")
	return cmd
}

func (a *app) connectionLinkCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "link WORKSPACE CONNECTION",
		Short: "Make a link with which a person connects an account",
		Args:  args(2, "WORKSPACE", "CONNECTION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onConnection(cmd.Context(), f, args, func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				link, err := ask[adminapi.ConnectionLink](ctx, c, http.MethodPost, adminapi.ConnectionLinkPath, path, nil)
				if err != nil {
					return err
				}
				if done, err := a.json(link); done {
					return err
				}
				text, err := link.URL.MarshalText()
				if err != nil {
					return err
				}
				a.say("note", "the link is shown once, and is good until "+link.ExpiresAt+", for one browser")
				a.say("note", "give it to the user of the workspace, who connects an account there and types the code that the page shows into the application; an application of the workspace confirms it for link "+link.ID)
				return a.print("%s\n", text)
			})
		},
	})
}

func (a *app) connectionDisconnectCommand(f *operatorFlags) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "disconnect WORKSPACE CONNECTION",
		Short: "Delete a connection with its credentials, and end its login at the vendor",
		Long: `Delete a connection with its credentials. The server ends its login at the vendor where that is declared.
On a terminal, agenthost asks first.`,
		Args: args(2, "WORKSPACE", "CONNECTION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onConnection(cmd.Context(), f, args, func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				if !yes {
					if err := a.confirm("Delete the connection " + args[1] + " with its credentials?"); err != nil {
						return err
					}
				}
				if err := c.Do(ctx, http.MethodDelete, adminapi.ConnectionPath, path, nil, nil, nil); err != nil {
					return err
				}
				return a.print("disconnected: the connection %s\n", render.Visible(args[1]))
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "delete without asking")
	return cmd
}
