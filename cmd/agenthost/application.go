package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/adminclient"
	"github.com/spf13/cobra"
)

func (a *app) applicationCommand() *cobra.Command {
	return a.operatorGroup("app", "Manage the applications of a server",
		`Manage the applications of agenthost serve: programs that may use an organization, with a client id
and a secret.`,
		`  agenthost app create backend --out backend.secret
  agenthost app create web --return-url https://app.example.com/connected
  agenthost app list
  agenthost app revoke 01a22e89-6907-726a-a3fe-dd1233525e2e`,
		func(f *operatorFlags) []*cobra.Command {
			commands := []*cobra.Command{a.applicationListCommand(f), a.applicationCreateCommand(f), a.applicationURLsCommand(f), a.applicationRevokeCommand(f)}
			for _, c := range commands {
				f.organizationFlag(c)
			}
			return commands
		})
}

// inOrganization calls use with the path of the organization that --org names.
func (a *app) inOrganization(ctx context.Context, f *operatorFlags, use func(ctx context.Context, c *adminclient.Client, path map[string]string) error) error {
	return a.operate(ctx, f, func(ctx context.Context, c *adminclient.Client) error {
		id, err := organizationOf(ctx, c, f)
		if err != nil {
			return err
		}
		return use(ctx, c, map[string]string{"organization_id": id})
	})
}

func (a *app) applicationListCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "list",
		Short: "List the applications of an organization",
		Args:  args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inOrganization(cmd.Context(), f, func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				found, err := adminclient.All[adminapi.Application](ctx, c, adminapi.ApplicationsPath, path)
				if err != nil {
					return err
				}
				return showList(a, found, []string{"CLIENT ID", "NAME", "CREATED", "REVOKED", "RETURN URLS"}, func(o *adminapi.Application) []string {
					return []string{o.ID, o.Name, o.CreatedAt, o.RevokedAt, strings.Join(o.ReturnURLs, " ")}
				}, "there are no applications; make one with agenthost app create")
			})
		},
	})
}

func (a *app) applicationCreateCommand(f *operatorFlags) *cobra.Command {
	var urls []string
	var out string
	cmd := a.tableOrJSON(&cobra.Command{
		Use:   "create NAME",
		Short: "Create an application, and show its secret once",
		Args:  args(1, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inOrganization(cmd.Context(), f, func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				made, err := askOnce(ctx, c, adminapi.ApplicationsPath, path, adminapi.NewApplication{Name: args[0], ReturnURLs: urls}, out, func(m *adminapi.MadeApplication) *adminapi.Shown { return &m.ClientSecret })
				if err != nil {
					return err
				}
				return a.showOnce(made, out, [][2]string{{"name", render.Visible(made.Name)}, {"organization", made.Organization}, {"client id", made.ID}}, "client secret", made.ClientSecret)
			})
		},
	})
	cmd.Flags().StringArrayVar(&urls, "return-url", nil, "a `URL` that it may have a browser sent to after a person connected an account (repeatable)")
	outFlag(cmd, &out)
	return cmd
}

func (a *app) applicationURLsCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "return-urls CLIENT_ID [URL...]",
		Short: "Replace the return URLs of an application",
		Args: func(cmd *cobra.Command, given []string) error {
			return args(1, "CLIENT_ID")(cmd, given[:min(1, len(given))])
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inOrganization(cmd.Context(), f, func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				path["application_id"] = args[0]
				changed, err := ask[adminapi.Application](ctx, c, http.MethodPatch, adminapi.ApplicationPath, path, adminapi.ApplicationChange{ReturnURLs: append([]string{}, args[1:]...)})
				if err != nil {
					return err
				}
				return a.did(changed, "changed: the application %s has %d return URLs\n", render.Visible(changed.Name), len(changed.ReturnURLs))
			})
		},
	})
}

func (a *app) applicationRevokeCommand(f *operatorFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke CLIENT_ID",
		Short: "Take the access from an application",
		Long: `Take the access from an application. It gets no token any more; one that it has is good for at most
20 minutes.`,
		Args: args(1, "CLIENT_ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inOrganization(cmd.Context(), f, func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				path["application_id"] = args[0]
				if err := c.Do(ctx, http.MethodDelete, adminapi.ApplicationPath, path, nil, nil, nil); err != nil {
					return err
				}
				return a.print("revoked: the application %s\n", render.Visible(args[0]))
			})
		},
	}
}
