package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/adminclient"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/spf13/cobra"
)

func (a *app) workspaceCommand() *cobra.Command {
	return a.operatorGroup("workspace", "Manage the workspaces of a server",
		`Manage the workspaces of agenthost serve. Each is one customer or end user of an organization, with
connections of its own. WORKSPACE is a name or an id.`,
		`  agenthost workspace list
  agenthost workspace create acme
  agenthost workspace status acme
  agenthost workspace suspend acme
  agenthost workspace token acme --name laptop --scope read
  agenthost workspace delete acme --yes`,
		func(f *operatorFlags) []*cobra.Command {
			commands := []*cobra.Command{
				a.workspaceListCommand(f), a.workspaceCreateCommand(f), a.workspaceStatusCommand(f), a.workspaceRenameCommand(f),
				a.workspaceStateCommand(f, "suspend", "Stop a workspace: nobody can use its connections", airbyteapi.StatusInactive),
				a.workspaceStateCommand(f, "resume", "Start a workspace that was stopped", airbyteapi.StatusActive),
				a.workspaceDeleteCommand(f),
				a.workspaceTokenCommand(f), a.workspaceTokensCommand(f), a.workspaceRevokeCommand(f),
				a.workspacePlansCommand(f), a.workspacePlanCommand(f),
				a.workspaceAnswerCommand(f, "approve", "Approve a call of a workspace, once"), a.workspaceAnswerCommand(f, "refuse", "Refuse a call of a workspace"),
			}
			for _, c := range commands {
				f.organizationFlag(c)
			}
			return commands
		})
}

func (a *app) workspaceListCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "list",
		Short: "List the workspaces of an organization",
		Args:  args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.operate(cmd.Context(), f, func(ctx context.Context, c *adminclient.Client) error {
				organization, err := organizationOf(ctx, c, f)
				if err != nil {
					return err
				}
				found, err := adminclient.All[adminapi.Workspace](ctx, c, adminapi.WorkspacesPath, map[string]string{"organization_id": organization})
				if err != nil {
					return err
				}
				return showList(a, found, []string{"ID", "NAME", "STATUS", "CREATED"}, func(w *adminapi.Workspace) []string {
					return []string{w.ID, w.Name, w.Status, w.CreatedAt}
				}, "there are no workspaces; make one with agenthost workspace create")
			})
		},
	})
}

func (a *app) workspaceCreateCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "create NAME",
		Short: "Create a workspace",
		Args:  args(1, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.operate(cmd.Context(), f, func(ctx context.Context, c *adminclient.Client) error {
				organization, err := organizationOf(ctx, c, f)
				if err != nil {
					return err
				}
				made, err := ask[adminapi.Workspace](ctx, c, http.MethodPost, adminapi.WorkspacesPath, map[string]string{"organization_id": organization}, adminapi.Named{Name: args[0]})
				if err != nil {
					return err
				}
				return a.did(made, "created: the workspace %s is %s\n", render.Visible(made.Name), made.ID)
			})
		},
	})
}

// inWorkspace calls use with the path of the workspace that an argument names.
func (a *app) inWorkspace(ctx context.Context, f *operatorFlags, argument string, use func(ctx context.Context, c *adminclient.Client, path map[string]string) error) error {
	return a.operate(ctx, f, func(ctx context.Context, c *adminclient.Client) error {
		path, err := workspaceOf(ctx, c, f, argument)
		if err != nil {
			return err
		}
		return use(ctx, c, path)
	})
}

func (a *app) workspaceStatusCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "status WORKSPACE",
		Short: "Show how a workspace is",
		Args:  args(1, "WORKSPACE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inWorkspace(cmd.Context(), f, args[0], func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				status, err := ask[adminapi.WorkspaceStatus](ctx, c, http.MethodGet, adminapi.WorkspaceStatusPath, path, nil)
				if err != nil {
					return err
				}
				if done, err := a.json(status); done {
					return err
				}
				var states []string
				for _, state := range slices.Sorted(maps.Keys(status.States)) {
					states = append(states, fmt.Sprintf("%d %s", status.States[state], state))
				}
				count := fmt.Sprint(status.Connections)
				if states != nil {
					count += " (" + strings.Join(states, ", ") + ")"
				}
				return render.Pairs(a.stdout, a.style(render.Table), [][2]string{
					{"name", render.Visible(status.Name)}, {"id", status.ID}, {"status", status.Status}, {"created", status.CreatedAt}, {"changed", status.UpdatedAt}, {"connections", count},
				})
			})
		},
	})
}

func (a *app) workspaceRenameCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "rename WORKSPACE NAME",
		Short: "Rename a workspace",
		Args:  args(2, "WORKSPACE", "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeWorkspace(cmd.Context(), f, args[0], adminapi.WorkspaceChange{Name: args[1]})
		},
	})
}

func (a *app) workspaceStateCommand(f *operatorFlags, use, short, status string) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   use + " WORKSPACE",
		Short: short,
		Args:  args(1, "WORKSPACE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeWorkspace(cmd.Context(), f, args[0], adminapi.WorkspaceChange{Status: status})
		},
	})
}

func (a *app) changeWorkspace(ctx context.Context, f *operatorFlags, argument string, change adminapi.WorkspaceChange) error {
	return a.inWorkspace(ctx, f, argument, func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
		changed, err := ask[adminapi.Workspace](ctx, c, http.MethodPatch, adminapi.WorkspacePath, path, change)
		if err != nil {
			return err
		}
		return a.did(changed, "changed: the workspace %s is %s\n", render.Visible(changed.Name), changed.Status)
	})
}

func (a *app) workspaceDeleteCommand(f *operatorFlags) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete WORKSPACE",
		Short: "Delete a workspace with its connections and their credentials",
		Long: `Delete a workspace with its connections and their credentials. What was done in it stays in the audit
trail. On a terminal, agenthost asks first.`,
		Args: args(1, "WORKSPACE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inWorkspace(cmd.Context(), f, args[0], func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				if !yes {
					if err := a.confirm("Delete the workspace " + args[0] + " with all of its connections?"); err != nil {
						return err
					}
				}
				if err := c.Do(ctx, http.MethodDelete, adminapi.WorkspacePath, path, nil, nil, nil); err != nil {
					return err
				}
				return a.print("deleted: the workspace %s\n", render.Visible(args[0]))
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "delete without asking")
	return cmd
}
