package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/params"
	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

func (a *app) hostedCommand() *cobra.Command {
	var at hostedFlags
	cmd := &cobra.Command{
		Use:   "hosted",
		Short: "Manage connectors in the Airbyte API for hosted connections",
		Long: `Create, list, check and delete the connectors that hosted connections use. The Airbyte
API keeps their credentials.

A connection with mode: hosted determines the account and the workspace. Without one, name
the workspace with --workspace. The account is then that of --account, or the only one of the
configuration's hosted connections. If it has no hosted connection, set AIRBYTE_CLIENT_ID,
AIRBYTE_CLIENT_SECRET and AIRBYTE_ORGANIZATION_ID.`,
		Args: cobra.ArbitraryArgs,
		RunE: showHelp,
	}
	at.define(cmd)
	a.completePlaces(cmd)
	cmd.AddCommand(a.hostedCreateCommand(&at), a.hostedListCommand(&at), a.hostedDeleteCommand(&at), a.hostedCheckCommand(&at))
	return cmd
}

func (a *app) hostedCreateCommand(where *hostedFlags) *cobra.Command {
	var name string
	var credentials, replication []string
	cmd := &cobra.Command{
		Use:   "create CONNECTION|CONNECTOR --name NAME",
		Short: "Create a connector in the Airbyte API",
		Long: `Create a connector in the Airbyte API, which then keeps the vendor's credential. agenthost
checks everything before it sends anything. Write a credential as a reference, as in the
configuration; agenthost never shows it. The default is the credentials of the connection.

agenthost auth CONNECTOR lists the credentials and the replication settings.`,
		Example: `  agenthost hosted create support --name support --credential api_token=env:PYLON_API_TOKEN --replication start_date=2026-01-01T00:00:00Z
  agenthost hosted create incident-io --workspace acme --name oncall --credential api_key=file:/run/secrets/incident`,
		Args:              args(1, "CONNECTION|CONNECTOR"),
		ValidArgsFunction: a.completeHosted,
		RunE: func(cmd *cobra.Command, args []string) error {
			if name == "" {
				return &usageError{message: "missing --name", hint: "add a name for the connector"}
			}
			n := host.NewHosted{Name: name}
			var err error
			if n.Credentials, err = assignments("--credential", "api_token=env:NAME", credentials); err != nil {
				return err
			}
			if n.Replication, err = assignments("--replication", "start_date=2026-01-01T00:00:00Z", replication); err != nil {
				return err
			}
			return a.open(cmd.Context(), func(h *host.Host) error {
				ctx, cancel := a.withTimeout(cmd.Context())
				defer cancel()
				if n.At, err = where.at(ctx, h, args[0]); err != nil {
					return err
				}
				made, err := h.CreateHosted(ctx, n)
				if err != nil {
					return err
				}
				if done, err := a.json(made); done {
					return err
				}
				return a.print("created: %s is the connector %s; test it with agenthost hosted check %[2]s%[3]s\n", render.Visible(made.Name), made.ID, where.again(ctx, h, n.At))
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name of the connector")
	cmd.Flags().StringArrayVar(&credentials, "credential", nil, "a credential, `field=reference` (repeatable)")
	cmd.Flags().StringArrayVar(&replication, "replication", nil, "a replication setting, `field=value` (repeatable)")
	_ = cmd.RegisterFlagCompletionFunc("name", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("credential", a.completeFields(handedFields, references...))
	_ = cmd.RegisterFlagCompletionFunc("replication", a.completeFields(replicationFields))
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

// assignments reads field=value flags. Its errors never quote a value, which may be a secret.
func assignments(flag, example string, given []string) (map[string]string, error) {
	values := make(map[string]string, len(given))
	for _, text := range given {
		field, value, ok := strings.Cut(text, "=")
		if !ok || field == "" {
			return nil, &usageError{message: "a " + flag + " is not field=value", hint: "write it as in " + flag + " " + example}
		}
		if _, twice := values[field]; twice {
			return nil, &usageError{message: fmt.Sprintf("%s %.60s occurs twice", flag, field), hint: "remove one of them"}
		}
		values[field] = value
	}
	return values, nil
}

func (a *app) hostedListCommand(where *hostedFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list [CONNECTION|CONNECTOR]",
		Short: "List the connectors of a workspace",
		Long: `List the connectors of a workspace in the Airbyte API: all of them, or those of a type. The
default workspace is the only one of the configuration's hosted connections.`,
		Args:              args(0, "CONNECTION|CONNECTOR"),
		ValidArgsFunction: a.completeHosted,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.open(cmd.Context(), func(h *host.Host) error {
				ctx, cancel := a.withTimeout(cmd.Context())
				defer cancel()
				at, err := where.at(ctx, h, strings.Join(args, ""))
				if err != nil {
					return err
				}
				list, err := h.ListHosted(ctx, at)
				if err != nil {
					return err
				}
				return a.showHosted(list)
			})
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

func (a *app) showHosted(list []host.HostedConnector) error {
	if done, err := a.json(list); done {
		return err
	}
	rows := make([][]string, len(list))
	for i, c := range list {
		rows[i] = []string{c.ID, render.Visible(c.Name), render.Visible(c.Type), render.Visible(c.CreatedAt)}
	}
	if err := render.Rows(a.stdout, a.style(render.Table), []string{"ID", "NAME", "CONNECTOR", "CREATED"}, rows); err != nil {
		return err
	}
	if len(list) == 0 {
		a.say("note", "there are no connectors; create one with agenthost hosted create")
	}
	return nil
}

// idOrPlace reads the argument of a command about one connector: its id, or the name of a
// connection or connector with only one.
func idOrPlace(argument string) (id, name string) {
	if _, err := airbyteapi.ParseID(argument); err == nil {
		return argument, ""
	}
	return "", argument
}

// withOne opens the host and finds the connector for an argument.
func (a *app) withOne(ctx context.Context, where *hostedFlags, argument string, use func(ctx context.Context, h *host.Host, at host.HostedAt, id string) error) error {
	return a.open(ctx, func(h *host.Host) error {
		ctx, cancel := a.withTimeout(ctx)
		defer cancel()
		id, name := idOrPlace(argument)
		at, err := where.at(ctx, h, name)
		var e *abi.Error
		if errors.As(err, &e) && e.Kind == abi.KindUnknownOperation {
			e = e.WithCause(e.Unwrap())
			e.Hint += "; agenthost hosted list shows the ids of connectors"
			return e
		}
		if err != nil {
			return err
		}
		return use(ctx, h, at, id)
	})
}

func (a *app) hostedDeleteCommand(where *hostedFlags) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete CONNECTION|CONNECTOR|ID",
		Short: "Delete a connector in the Airbyte API, with its credential",
		Long: `Delete a connector in the Airbyte API, with the vendor's credential that it keeps. Name its id,
or a connection or connector with only one. On a terminal, agenthost asks first.`,
		Args:              args(1, "CONNECTION|CONNECTOR|ID"),
		ValidArgsFunction: a.completeHosted,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withOne(cmd.Context(), where, args[0], func(ctx context.Context, h *host.Host, at host.HostedAt, id string) error {
				if !yes {
					if err := a.confirm("Delete the connector " + args[0] + " in the Airbyte API, with its credential?"); err != nil {
						return err
					}
				}
				deleted, err := h.DeleteHosted(ctx, at, id)
				if err != nil {
					return err
				}
				return a.print("deleted: the connector %s\n", deleted)
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "delete without asking")
	return cmd
}

// hostedChecked is the output of hosted check -o json.
type hostedChecked struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
}

func (a *app) hostedCheckCommand(where *hostedFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check CONNECTION|CONNECTOR|ID",
		Short: "Test a credential that the Airbyte API keeps",
		Long: `Let the Airbyte API test the credential that it keeps for a connector. Name its id, or a
connection or connector with only one. agenthost check CONNECTION runs an operation instead.`,
		Args:              args(1, "CONNECTION|CONNECTOR|ID"),
		ValidArgsFunction: a.completeHosted,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withOne(cmd.Context(), where, args[0], a.hostedCheck)
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

func (a *app) hostedCheck(ctx context.Context, h *host.Host, at host.HostedAt, id string) error {
	found, status, message, err := h.CheckHosted(ctx, at, id)
	if err != nil {
		return err
	}
	if status == string(airbyteapi.CheckFailed) {
		said := "Airbyte found that the credential of the connector " + found + " does not work"
		if message != "" {
			said += ": " + message
		}
		return &abi.Error{Kind: abi.KindAuthFailed, Message: said, Hint: "replace it: run agenthost hosted delete, then hosted create", RequestSent: true}
	}
	if status != string(airbyteapi.CheckSucceeded) {
		said := fmt.Sprintf("Airbyte could not test the credential of the connector %s: the check is %s", found, render.Visible(status))
		if message != "" {
			said += ": " + message
		}
		return &abi.Error{Kind: abi.KindVendorError, Message: said, Hint: "check again later; agenthost check of a hosted connection runs an operation instead", Retryable: true, RequestSent: true}
	}
	if done, err := a.json(hostedChecked{found, status, message}); done {
		return err
	}
	return a.print("ok: the vendor accepted the credential of the connector %s\n", found)
}

// hostedFlags locate a workspace in the Airbyte API.
type hostedFlags struct{ workspace, customer, external, organization, account string }

func (f *hostedFlags) define(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&f.workspace, "workspace", "", "the `name` of the workspace")
	flags.StringVar(&f.customer, "customer-name", "", "the workspace by the `name` that older clients use")
	flags.StringVar(&f.external, "external-user-id", "", "the workspace by the `id` that the oldest clients use")
	flags.StringVar(&f.organization, "organization", "", "the `id` of the organization, if the client has several")
	flags.StringVar(&f.account, "account", "", "use the account of this hosted `connection`, if there are several accounts")
}

// at returns the place for an argument and the flags. The argument is a hosted connection or a
// connector; empty means connectors of all types. The host finds the account.
func (f *hostedFlags) at(ctx context.Context, h *host.Host, name string) (host.HostedAt, error) {
	at := host.HostedAt{Account: f.account, Airbyte: config.Airbyte{
		WorkspaceName: f.workspace, CustomerName: f.customer, ExternalUserID: f.external, OrganizationID: f.organization,
	}}
	hosted, err := h.HostedConnections(ctx)
	if err != nil {
		return at, err
	}
	if named(hosted, name) {
		at.Connection = name
		return at, nil
	}
	if name != "" {
		at.Connection, at.Connector, err = unhosted(ctx, h, name)
	}
	return at, err
}

// unhosted distinguishes a connector from a direct connection, which the host will refuse.
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
		Message: fmt.Sprintf("there is no hosted connection or connector %.60q", name), Hint: fault.Hint(name, names),
	}
}

// again returns the flags that another command needs for the same account, each after a
// space.
func (f *hostedFlags) again(ctx context.Context, h *host.Host, at host.HostedAt) string {
	words := ""
	connections, _ := h.HostedConnections(ctx) // without them the flag is not needed
	several := slices.ContainsFunc(connections, func(c host.HostedConnection) bool { return c.At.Account != connections[0].At.Account })
	if account := cmp.Or(at.Connection, at.Account); account != "" && several {
		words = " --account " + account
	}
	if f.organization != "" {
		words += " --organization " + params.Shell(f.organization)
	}
	return words
}

func named(hosted []host.HostedConnection, name string) bool {
	return slices.ContainsFunc(hosted, func(c host.HostedConnection) bool { return c.Name == name })
}
