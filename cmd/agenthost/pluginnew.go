package main

import (
	_ "embed" // the sources are a file that make build replaces
	"path/filepath"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/internal/scaffold"
	"github.com/spf13/cobra"
)

// scaffolds has the sources of new connectors. The file is empty in the repository; "make build" replaces it
// as it does firstparty.txt.
//
//go:embed scaffold.pack
var scaffolds []byte

func (a *app) pluginNewCommand() *cobra.Command {
	var language, parent string
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Make a folder with a new connector that builds at once",
		Long: `Make a folder with a new connector, in the language of your choice. It builds and passes its tests at
once, with the operations of a vendor that does not exist: a list with pages, a get and a create. The folder has
the kit that the language needs, tests, recordings of calls, a workflow for CI, and a README.md with the next
commands. docs/authors.md goes on from there.

The name is that of the connector: letters from a to z, digits and dashes.`,
		Example: `  agenthost plugin new notes
  agenthost plugin new notes --lang rust -o ~/connectors`,
		Args:              args(1, "NAME"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, args []string) error {
			pack, err := scaffold.ReadPack(scaffolds)
			if err != nil {
				return err
			}
			made, err := pack.Make(language, args[0])
			if err != nil {
				return err
			}
			folder := filepath.Join(parent, args[0])
			if err := scaffold.Write(folder, made); err != nil {
				return err
			}
			if err := a.print("%s: a new connector (%s), %d files\n", render.Visible(folder), language, len(made)); err != nil {
				return err
			}
			a.say("next", "cd "+folder+" && agenthost plugin build; README.md says more")
			return nil
		},
	}
	cmd.Flags().StringVar(&language, "lang", scaffold.Languages()[0], "`language`: "+strings.Join(scaffold.Languages(), ", "))
	cmd.Flags().StringVarP(&parent, "output-folder", "o", ".", "`folder` in which the new one is made")
	_ = cmd.RegisterFlagCompletionFunc("lang", cobra.FixedCompletions(scaffold.Languages(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}
