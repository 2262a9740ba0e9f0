package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/demo"
	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/spf13/cobra"
)

// demoPlugins is where make puts the connectors.
const demoPlugins = "build/plugins"

func (a *app) demoCommand() *cobra.Command {
	var serve bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show everything against simulated vendors, no account needed",
		Long: `Start a simulated Pylon, Ashby, incident.io and Airbyte API on this machine, and use them
through sandboxed connectors: list, read, create and change records, in both modes, and see
what is refused. Every step is checked.

With --serve they keep running until Ctrl-C, for you to try things.`,
		Args: args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			logger, err := a.logger()
			if err != nil {
				return err
			}
			o := demo.Options{Plugins: a.plugins, Out: a.stdout, Style: a.style(render.Table), Logger: logger, Now: a.now}
			if o.Plugins == "" {
				o.Plugins = demoPlugins
			}
			if _, err := os.Stat(filepath.Join(o.Plugins, "pylon.wasm")); err != nil {
				return &usageError{message: fmt.Sprintf("%s holds no pylon.wasm", o.Plugins), hint: "make connectors builds it; --plugins names another folder"}
			}
			if serve {
				return demo.Serve(cmd.Context(), o)
			}
			return demo.Run(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&serve, "serve", false, "keep the simulated vendors and Airbyte API running")
	return cmd
}
