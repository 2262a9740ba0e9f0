package main

import (
	"context"
	"net/http"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/adminclient"
	"github.com/spf13/cobra"
)

func (a *app) organizationCommand() *cobra.Command {
	return a.operatorGroup("org", "Manage the organizations of a server",
		`Manage the organizations of agenthost serve. Each has applications and workspaces of its own, and
sees nothing of the others.`,
		`  agenthost org list
  agenthost org create acme
  agenthost org rename acme "Acme Ltd"`,
		func(f *operatorFlags) []*cobra.Command {
			return []*cobra.Command{a.organizationListCommand(f), a.organizationCreateCommand(f), a.organizationRenameCommand(f)}
		})
}

// tableOrJSON adds the flag -o.
func (a *app) tableOrJSON(cmd *cobra.Command) *cobra.Command {
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

func (a *app) organizationListCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "list",
		Short: "List the organizations",
		Args:  args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.operate(cmd.Context(), f, func(ctx context.Context, c *adminclient.Client) error {
				found, err := adminclient.All[adminapi.Organization](ctx, c, adminapi.OrganizationsPath, nil)
				if err != nil {
					return err
				}
				return showList(a, found, []string{"ID", "NAME", "CREATED"}, func(o *adminapi.Organization) []string { return []string{o.ID, o.Name, o.CreatedAt} }, "there are none")
			})
		},
	})
}

func (a *app) organizationCreateCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "create NAME",
		Short: "Create an organization",
		Args:  args(1, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.operate(cmd.Context(), f, func(ctx context.Context, c *adminclient.Client) error {
				made, err := ask[adminapi.Organization](ctx, c, http.MethodPost, adminapi.OrganizationsPath, nil, adminapi.Named{Name: args[0]})
				if err != nil {
					return err
				}
				return a.did(made, "created: the organization %s is %s; make an application for it with agenthost app create NAME --org %[2]s\n", render.Visible(made.Name), made.ID)
			})
		},
	})
}

func (a *app) organizationRenameCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "rename ORG NAME",
		Short: "Rename an organization",
		Args:  args(2, "ORG", "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.operate(cmd.Context(), f, func(ctx context.Context, c *adminclient.Client) error {
				f.organization = args[0]
				id, err := organizationOf(ctx, c, f)
				if err != nil {
					return err
				}
				made, err := ask[adminapi.Organization](ctx, c, http.MethodPatch, adminapi.OrganizationPath, map[string]string{"organization_id": id}, adminapi.Named{Name: args[1]})
				if err != nil {
					return err
				}
				return a.did(made, "renamed: the organization %s is %s\n", id, render.Visible(made.Name))
			})
		},
	})
}

// did says what was done: as JSON, or as a sentence.
func (a *app) did(made any, sentence string, values ...any) error {
	if done, err := a.json(made); done {
		return err
	}
	return a.print(sentence, values...)
}
