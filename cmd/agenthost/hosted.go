package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/airbyte"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

func (a *app) hostedCommand() *cobra.Command {
	var at hostedFlags
	cmd := &cobra.Command{
		Use:   "hosted",
		Short: "Manage the connectors of hosted connections in the Airbyte API",
		Long: `Create, list, check and delete the connectors that hosted connections run on. The Airbyte
API keeps their credentials.

A connection with mode: hosted says which account and workspace is meant. Without one,
--workspace names the workspace. The account is then the one that all hosted connections of
the configuration have, or that of --account; where there are none, it is that of
AIRBYTE_CLIENT_ID, AIRBYTE_CLIENT_SECRET and AIRBYTE_ORGANIZATION_ID.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
	}
	at.define(cmd)
	a.completePlaces(cmd)
	cmd.AddCommand(a.hostedCreateCommand(&at), a.hostedListCommand(&at), a.hostedDeleteCommand(&at), a.hostedCheckCommand(&at))
	return cmd
}

// hurried bounds a command by --timeout.
func (a *app) hurried(ctx context.Context, do func(ctx context.Context) error) error {
	if a.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.timeout)
		defer cancel()
	}
	return do(ctx)
}

func (a *app) hostedCreateCommand(where *hostedFlags) *cobra.Command {
	var name string
	var credentials, replication []string
	cmd := &cobra.Command{
		Use:   "create CONNECTION|CONNECTOR --name NAME",
		Short: "Hand a vendor's credential to the Airbyte API",
		Long: `Create a connector in the Airbyte API, which keeps the vendor's credential from then on.
Everything is checked before anything is sent. A credential is named by a reference, as in
the configuration, and never shown. Without --credential, those of the connection count.

agenthost auth CONNECTOR lists the credentials and the replication settings.`,
		Example: `  agenthost hosted create support --name support --credential api_token=env:PYLON_API_TOKEN --replication start_date=2026-01-01T00:00:00Z
  agenthost hosted create incident-io --workspace acme --name oncall --credential api_key=file:/run/secrets/incident`,
		Args:              args(1, "CONNECTION|CONNECTOR"),
		ValidArgsFunction: a.completeHosted,
		RunE: func(cmd *cobra.Command, args []string) error {
			if name == "" {
				return &usageError{message: "missing --name", hint: "say what people will know the connector by"}
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
				return a.hurried(cmd.Context(), func(ctx context.Context) error {
					if n.At, err = where.at(ctx, h, args[0], needNamed); err != nil {
						return err
					}
					made, err := h.CreateHosted(ctx, n)
					if err != nil {
						return err
					}
					if done, err := a.json(made); done {
						return err
					}
					return a.print("created: %s is the connector %s; agenthost hosted check %[2]s%[3]s tries its credential\n", render.Visible(made.Name), made.ID, where.again(h, n.At))
				})
			})
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "what people will know it by")
	cmd.Flags().StringArrayVar(&credentials, "credential", nil, "a credential, `field=reference`; may be repeated")
	cmd.Flags().StringArrayVar(&replication, "replication", nil, "a setting of what Airbyte copies, `field=value`; may be repeated")
	_ = cmd.RegisterFlagCompletionFunc("name", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("credential", a.completeFields(handedFields, references...))
	_ = cmd.RegisterFlagCompletionFunc("replication", a.completeFields(replicationFields))
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

// assignments reads field=value flags. It never shows a value: it may be a secret.
func assignments(flag, example string, given []string) (map[string]string, error) {
	values := make(map[string]string, len(given))
	for _, text := range given {
		field, value, ok := strings.Cut(text, "=")
		if !ok || field == "" {
			return nil, &usageError{message: "a " + flag + " is not field=value", hint: "write it as in " + flag + " " + example}
		}
		if _, twice := values[field]; twice {
			return nil, &usageError{message: fmt.Sprintf("%s %.60s is given twice", flag, field), hint: "give it once"}
		}
		values[field] = value
	}
	return values, nil
}

func (a *app) hostedListCommand(where *hostedFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list [CONNECTION|CONNECTOR]",
		Short: "List the connectors of a workspace",
		Long: `List the connectors of a workspace in the Airbyte API: all of them, or those of a kind. Where
neither a connection nor a flag names the workspace, it is the one that all hosted
connections of the configuration are at.`,
		Args:              args(0, "CONNECTION|CONNECTOR"),
		ValidArgsFunction: a.completeHosted,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.open(cmd.Context(), func(h *host.Host) error {
				return a.hurried(cmd.Context(), func(ctx context.Context) error {
					at, err := where.at(ctx, h, strings.Join(args, ""), needAny)
					if err != nil {
						return err
					}
					list, err := h.ListHosted(ctx, at)
					if err != nil {
						return err
					}
					return a.showHosted(list)
				})
			})
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

func (a *app) showHosted(list []airbyte.Connector) error {
	if done, err := a.json(list); done {
		return err
	}
	rows := make([][]string, len(list))
	for i, c := range list {
		rows[i] = []string{string(c.ID), render.Visible(c.Name), render.Visible(c.Type), render.Visible(c.CreatedAt)}
	}
	if err := render.Rows(a.stdout, a.style(render.Table), []string{"ID", "NAME", "CONNECTOR", "CREATED"}, rows); err != nil {
		return err
	}
	if len(list) == 0 {
		a.say("note", "there are no connectors; agenthost hosted create makes one")
	}
	return nil
}

// idOrPlace reads the argument of a command about one connector: its id, or a place that
// has only one.
func idOrPlace(argument string) (id, name string) {
	if _, err := airbyte.ParseID(argument); err == nil {
		return argument, ""
	}
	return "", argument
}

// withOne opens the host and finds the place of the one connector that an argument means.
func (a *app) withOne(ctx context.Context, where *hostedFlags, argument string, use func(ctx context.Context, h *host.Host, at host.HostedAt, id string) error) error {
	return a.open(ctx, func(h *host.Host) error {
		return a.hurried(ctx, func(ctx context.Context) error {
			n := needNamed
			id, name := idOrPlace(argument)
			if id != "" {
				n = needNone
			}
			at, err := where.at(ctx, h, name, n)
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
	})
}

func (a *app) hostedDeleteCommand(where *hostedFlags) *cobra.Command {
	return &cobra.Command{
		Use:               "delete CONNECTION|CONNECTOR|ID",
		Short:             "Delete a connector, and the credential that the Airbyte API keeps",
		Long:              "Delete a connector in the Airbyte API, and with it the vendor's credential that is kept there:\nthe one of an id, or the only one of a connection.",
		Args:              args(1, "CONNECTION|CONNECTOR|ID"),
		ValidArgsFunction: a.completeHosted,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withOne(cmd.Context(), where, args[0], func(ctx context.Context, h *host.Host, at host.HostedAt, id string) error {
				deleted, err := h.DeleteHosted(ctx, at, id)
				if err != nil {
					return err
				}
				return a.print("deleted: the connector %s\n", deleted)
			})
		},
	}
}

// hostedChecked is what hosted check prints.
type hostedChecked struct {
	ID      airbyte.ID          `json:"id"`
	Status  airbyte.CheckStatus `json:"status"`
	Message string              `json:"message,omitempty"`
}

func (a *app) hostedCheckCommand(where *hostedFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check CONNECTION|CONNECTOR|ID",
		Short: "Let the Airbyte API try the credential that it keeps",
		Long: `Let the Airbyte API try the credential that it keeps for a connector: the one of an id, or the
only one of a connection. agenthost check CONNECTION runs an operation instead.`,
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
	if status == airbyte.CheckFailed {
		said := "Airbyte found that the credential of the connector " + string(found) + " does not work"
		if message != "" {
			said += ": " + message
		}
		return &abi.Error{Kind: abi.KindAuthFailed, Message: said, Hint: "replace it with agenthost hosted delete and hosted create", RequestSent: true}
	}
	if status != airbyte.CheckSucceeded {
		said := fmt.Sprintf("Airbyte has not found out whether the credential of the connector %s works: the check is %s", found, render.Visible(string(status)))
		if message != "" {
			said += ": " + message
		}
		return &abi.Error{Kind: abi.KindVendorError, Message: said, Hint: "check again later; agenthost check of a hosted connection runs an operation instead", Retryable: true, RequestSent: true}
	}
	if done, err := a.json(hostedChecked{found, status, message}); done {
		return err
	}
	return a.print("ok: the vendor knows the credential of the connector %s\n", found)
}
