package main

import (
	"context"
	"strings"

	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/adminclient"
	"github.com/spf13/cobra"
)

func (a *app) pluginListCommand() *cobra.Command {
	var f operatorFlags
	cmd := a.tableOrJSON(&cobra.Command{
		Use:     "list",
		Aliases: []string{"served"},
		Short:   "List the connectors of a server, and whether they may be used",
		Long: `List the connectors of agenthost serve: those that operators added, and those in the plugins folder of
the node that answers; whether a person approved them, and where they may send requests to. To approve
one of the folder, run agenthost plugin approve on the server's machine with the server's configuration:
the server takes it up at the next call.`,
		Example: `  agenthost plugin list --data /var/lib/agenthost/data
  agenthost plugin list --server https://agents.example.com -o json`,
		Args: args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.operate(cmd.Context(), &f, func(ctx context.Context, c *adminclient.Client) error {
				found, err := adminclient.All[adminapi.ServedPlugin](ctx, c, adminapi.ServedPluginsPath, nil)
				if err != nil {
					return err
				}
				err = showList(a, found, []string{"NAME", "VERSION", "FROM", "STANDING", "USABLE", "REACH"}, func(p *adminapi.ServedPlugin) []string {
					from := "folder"
					if p.Installed {
						from = "database"
					}
					return []string{p.Name, p.Version, from, p.Standing, yes(p.Usable), strings.Join(p.Reach, " ")}
				}, "there are none; add one with agenthost plugin add FILE")
				for i := range found {
					if p := &found[i]; err == nil && p.Why != "" && a.format == "" {
						a.say("note", p.Name+": "+p.Why+hintOf(p.Permit))
					}
				}
				return err
			})
		},
	})
	f.add(cmd.Flags())
	return cmd
}

func hintOf(permit string) string {
	if permit == "" {
		return ""
	}
	return ". To permit it: " + permit
}
