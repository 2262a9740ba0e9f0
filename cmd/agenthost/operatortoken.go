package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/adminclient"
	"github.com/spf13/cobra"
)

func (a *app) tokenCommand() *cobra.Command {
	return a.operatorGroup("token", "Manage the tokens of a server's operators",
		`Manage the tokens with which operators reach agenthost serve from elsewhere. They begin with aho_ and
are good for the operators' commands only; a viewer's changes nothing.`,
		`  agenthost token create ada --expires 30d
  agenthost token create dashboard --role viewer --out dashboard.token
  agenthost token list
  agenthost token revoke 01a22e89-6907-726a-a3fe-dd1233525e2e
  agenthost token redeem ada --server https://agents.example.com --token file:bootstrap.token`,
		func(f *operatorFlags) []*cobra.Command {
			return []*cobra.Command{a.tokenListCommand(f), a.tokenCreateCommand(f), a.tokenRedeemCommand(f), a.tokenRevokeCommand(f)}
		})
}

// life reads a time such as 90d or 12h, in seconds.
func life(flag, text string) (int64, error) {
	wrong := &usageError{message: fmt.Sprintf("%s %.40q is no time", flag, text), hint: "write it like 90d or 12h"}
	d, err := time.ParseDuration(text)
	if days, is := strings.CutSuffix(text, "d"); is {
		n, numberErr := strconv.Atoi(days)
		d, err = time.Duration(n)*24*time.Hour, numberErr
		if n > mostDays {
			return 0, wrong
		}
	}
	if err != nil || d < time.Second {
		return 0, wrong
	}
	return int64(d / time.Second), nil
}

func (a *app) tokenListCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "list",
		Short: "List the tokens of operators",
		Args:  args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.operate(cmd.Context(), f, func(ctx context.Context, c *adminclient.Client) error {
				found, err := adminclient.All[adminapi.Token](ctx, c, adminapi.TokensPath, nil)
				if err != nil {
					return err
				}
				return showList(a, found, []string{"ID", "NAME", "ROLE", "EXPIRES", "LAST USED", "REVOKED"}, func(o *adminapi.Token) []string {
					return []string{o.ID, o.Name, o.Role, o.ExpiresAt, cmp.Or(o.UsedAt, "never"), o.RevokedAt}
				}, "there are no tokens; make one with agenthost token create")
			})
		},
	})
}

func (a *app) tokenCreateCommand(f *operatorFlags) *cobra.Command {
	in := adminapi.NewToken{}
	return a.makeToken(f, &in, adminapi.TokensPath, &cobra.Command{
		Use:   "create NAME",
		Short: "Make a token of an operator, and show it once",
	}, func(cmd *cobra.Command) {
		cmd.Flags().StringVar(&in.Role, "role", "operator", "`role`: operator or viewer")
		_ = cmd.RegisterFlagCompletionFunc("role", cobra.FixedCompletions([]string{"operator", "viewer"}, cobra.ShellCompDirectiveNoFileComp))
	})
}

func (a *app) tokenRedeemCommand(f *operatorFlags) *cobra.Command {
	return a.makeToken(f, &adminapi.NewToken{}, adminapi.RedeemBootstrapPath, &cobra.Command{
		Use:   "redeem NAME",
		Short: "Make an operator's token of the bootstrap token, which is good once",
		Long: `Make an operator's token of the bootstrap token of a server's first start, which is good once and for
seven days. On the server's own machine, agenthost token create needs no token.`,
	}, func(*cobra.Command) {})
}

// makeToken completes a command that makes a token.
func (a *app) makeToken(f *operatorFlags, in *adminapi.NewToken, path string, cmd *cobra.Command, flags func(*cobra.Command)) *cobra.Command {
	var expires, out string
	cmd.Args = args(1, "NAME")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		in.Name = args[0]
		if in.ExpiresIn, err = life("--expires", expires); err != nil {
			return err
		}
		return a.operate(cmd.Context(), f, func(ctx context.Context, c *adminclient.Client) error {
			made, err := askOnce(ctx, c, path, nil, in, out, func(m *adminapi.MadeToken) *adminapi.Shown { return &m.Token })
			if err != nil {
				return err
			}
			return a.showOnce(made, out, [][2]string{{"name", render.Visible(made.Name)}, {"role", made.Role}, {"id", made.ID}, {"expires", made.ExpiresAt}}, "token", made.Token)
		})
	}
	cmd = a.tableOrJSON(cmd)
	cmd.Flags().StringVar(&expires, "expires", "90d", "`time` that it is good, such as 90d or 12h")
	outFlag(cmd, &out)
	flags(cmd)
	return cmd
}

func (a *app) tokenRevokeCommand(f *operatorFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "Take the access from a token, at once",
		Args:  args(1, "ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.operate(cmd.Context(), f, func(ctx context.Context, c *adminclient.Client) error {
				if err := c.Do(ctx, http.MethodDelete, adminapi.TokenPath, map[string]string{"token_id": args[0]}, nil, nil, nil); err != nil {
					return err
				}
				return a.print("revoked: the token %s\n", render.Visible(args[0]))
			})
		},
	}
}
