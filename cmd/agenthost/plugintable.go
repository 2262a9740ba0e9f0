package main

import (
	"fmt"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/table"
	"github.com/spf13/cobra"
)

func (a *app) pluginTableCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "table FILE",
		Short: "Print the operations of a connector in Go as a table",
		Long: `Print the operations of a connector in Go as a table, as docs/tables.md describes it. An
operation that is code has handled: true. Functions that read the vendor's errors are not in
the table.`,
		Args: args(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			module, o, remove, err := a.openModule(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer remove()
			written, err := table.Of(cmd.Context(), module, sandbox.Config{Cache: o.Cache, CompileWorker: o.CompileWorker, Logger: o.Logger})
			if err != nil {
				return err
			}
			if a.format == string(render.JSON) {
				return a.print("%s\n", written)
			}
			text, err := table.YAML(written)
			if err != nil {
				return fmt.Errorf("write the table: %w", err)
			}
			return a.print("%s", text)
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}
