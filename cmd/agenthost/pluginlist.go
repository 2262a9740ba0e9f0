package main

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/adminclient"
	database "github.com/agenthost/agenthost/internal/store"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (a *app) pluginListCommand() *cobra.Command {
	var f operatorFlags
	cmd := a.tableOrJSON(&cobra.Command{
		Use:     "list",
		Aliases: []string{"served"},
		Short:   "List connectors, where they came from, and whether they may be used",
		Long: `List the connectors of the plugins folder: where each came from, who signed it, and whether a person approved
it.

With --data or --server, list those of agenthost serve: what operators added, and what is in the plugins folder of
the node that answers; whether a person approved them, and where they may send requests to. To approve
one of the folder, run agenthost plugin approve on the server's machine with the server's configuration:
the server takes it up at the next call. agenthost plugin served, or a folder agenthost-data with a server's
database here, means the same.`,
		Example: `  agenthost plugin list
  agenthost plugin list --data /var/lib/agenthost/data
  agenthost plugin list --server https://agents.example.com -o json`,
		Args: args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.CalledAs() != "served" && !a.hasServer(&f, cmd.Flags()) {
				return a.listInstalled(cmd.Context())
			}
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

// hasServer reports whether flags or the environment name a server, or its folder is here.
func (a *app) hasServer(f *operatorFlags, flags *pflag.FlagSet) bool {
	named, _ := a.lookupEnv(serverVariable)
	if named != "" || flags.Changed("server") || flags.Changed("data") || flags.Changed("db") {
		return true
	}
	_, err := os.Stat(filepath.Join(f.data, database.FileName))
	return err == nil
}

// installedLine is a connector of the plugins folder in the output of plugin list -o json.
type installedLine struct {
	Name     string `json:"name"`
	Version  string `json:"version,omitempty"`
	File     string `json:"file"`
	Digest   string `json:"digest,omitempty"`
	From     string `json:"from,omitempty"`   // the reference in a registry
	Signer   string `json:"signer,omitempty"` // as agenthost.lock has it
	Standing string `json:"standing,omitempty"`
	Usable   bool   `json:"usable"`
	Why      string `json:"why,omitempty"`
}

// listInstalled lists the connectors of the plugins folder.
func (a *app) listInstalled(ctx context.Context) error {
	return a.open(ctx, func(h *host.Host) error {
		all, err := h.Connectors(ctx)
		if err != nil {
			return err
		}
		lines := make([]installedLine, len(all))
		for i := range all {
			c := &all[i]
			l := installedLine{Name: c.Name, File: c.File, Digest: c.Digest}
			if c.Err != nil {
				l.Why = c.Err.Error()
			} else if r, err := h.Review(ctx, c.File); err != nil {
				l.Why = err.Error()
			} else {
				l.Version, l.Standing, l.Usable, l.Why = r.Module.Version, standings[r.Standing], r.Decision.Allowed, r.Decision.Why
				if s := sourceOf(r.Approval); s != nil {
					l.From, l.Signer = s.Reference.String(), s.Signer.String()
				}
			}
			lines[i] = l
		}
		err = showList(a, lines, []string{"NAME", "VERSION", "FROM", "SIGNED BY", "USABLE", "STANDING"}, func(l *installedLine) []string {
			from, _, _ := strings.Cut(l.From, "@")
			return []string{l.Name, l.Version, cmp.Or(from, "a file"), cmp.Or(l.Signer, "nobody"), yes(l.Usable), cmp.Or(l.Standing, "cannot be read")}
		}, "the plugins folder has no connectors; install one with agenthost plugin install REFERENCE")
		for _, l := range lines {
			if err == nil && !l.Usable && a.format == "" {
				a.say("note", l.Name+": "+l.Why)
			}
		}
		return err
	})
}

func hintOf(permit string) string {
	if permit == "" {
		return ""
	}
	return ". To permit it: " + permit
}
