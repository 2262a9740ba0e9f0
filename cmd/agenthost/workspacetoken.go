package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/adminclient"
	"github.com/spf13/cobra"
)

func (a *app) workspaceTokenCommand(f *operatorFlags) *cobra.Command {
	in := adminapi.WorkspaceTokenRequest{}
	var expires string
	cmd := a.tableOrJSON(&cobra.Command{
		Use:   "token WORKSPACE",
		Short: "Make a token with which an MCP client acts for a workspace",
		Long: `Make a token with which an MCP client acts for a workspace, at /mcp of the server. It is shown once:
the server keeps only its SHA-256. It sees the workspace's connections and nothing else.`,
		Args: args(1, "WORKSPACE"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if in.ExpiresIn, err = life("--expires", expires); err != nil {
				return err
			}
			return a.inWorkspace(cmd.Context(), f, args[0], func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				made, err := ask[adminapi.WorkspaceTokenMade](ctx, c, http.MethodPost, adminapi.WorkspaceTokensPath, path, in)
				if err != nil {
					return err
				}
				if done, err := a.json(made); done {
					return err
				}
				text, err := made.Token.MarshalText()
				if err != nil {
					return err
				}
				a.say("note", fmt.Sprintf("this is shown once; the token %s is good until %s", made.ID, made.ExpiresAt))
				return a.print("%s\n", text)
			})
		},
	})
	flags := cmd.Flags()
	flags.StringVar(&in.Name, "name", "mcp", "what the token is for, such as the `name` of a machine")
	flags.StringArrayVar(&in.Scopes, "scope", nil, "`scope` of the token: read, write, delete or connect (repeatable; default: all of them)")
	flags.StringVar(&expires, "expires", "90d", "`time` that it is good, such as 30d or 12h; at most 366d")
	return cmd
}

func (a *app) workspaceTokensCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "tokens WORKSPACE",
		Short: "List the tokens of a workspace",
		Args:  args(1, "WORKSPACE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inWorkspace(cmd.Context(), f, args[0], func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				found, err := adminclient.All[adminapi.WorkspaceToken](ctx, c, adminapi.WorkspaceTokensPath, path)
				if err != nil {
					return err
				}
				return showList(a, found, []string{"ID", "NAME", "SCOPES", "EXPIRES", "REVOKED", "LAST USED"}, func(t *adminapi.WorkspaceToken) []string {
					return []string{t.ID, t.Name, strings.Join(t.Scopes, " "), t.ExpiresAt, t.RevokedAt, t.LastUsedAt}
				}, "there are no tokens; make one with agenthost workspace token")
			})
		},
	})
}

func (a *app) workspaceRevokeCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "revoke WORKSPACE TOKEN",
		Short: "Take the access from a token of a workspace, which its id names",
		Args:  args(2, "WORKSPACE", "TOKEN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inWorkspace(cmd.Context(), f, args[0], func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				path["token_id"] = args[1]
				ended, err := ask[adminapi.WorkspaceToken](ctx, c, http.MethodDelete, adminapi.WorkspaceTokenPath, path, nil)
				if err != nil {
					return err
				}
				return a.did(ended, "revoked: the token %s (%s)\n", ended.ID, render.Visible(ended.Name))
			})
		},
	})
}
