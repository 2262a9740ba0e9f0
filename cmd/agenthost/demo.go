package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/demo"
	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/spf13/cobra"
)

// demoPlugins returns the folder of the demo's connectors: plugins next to this program, where
// "make build" writes them, or else build/plugins.
func demoPlugins() string {
	if self, err := os.Executable(); err == nil {
		if self, err = filepath.EvalSymlinks(self); err == nil {
			if beside := filepath.Join(filepath.Dir(self), "plugins"); hasPylon(beside) {
				return beside
			}
		}
	}
	return filepath.Join("build", "plugins")
}

func hasPylon(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "pylon.wasm"))
	return err == nil
}

func (a *app) demoCommand() *cobra.Command {
	var serve bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Try agenthost with simulated vendors, without an account",
		Long: `Start a simulated Pylon, Ashby, incident.io and Airbyte API on this machine, and call them
through sandboxed connectors. The demo lists, reads, creates and changes records in both
modes, shows what agenthost refuses, and checks every step.

With --serve, the simulations keep running until Ctrl-C, so that you can try them, together
with an agenthost serve that has a connector for each vendor.`,
		Args: args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			logger, err := a.logger()
			if err != nil {
				return err
			}
			o := demo.Options{Plugins: a.plugins, Out: a.stdout, Style: a.style(render.Table), Logger: logger, Now: a.now, OnCompile: a.compiling}
			if o.Plugins == "" {
				o.Plugins = demoPlugins()
			}
			if !hasPylon(o.Plugins) {
				return &usageError{message: fmt.Sprintf("%s has no pylon.wasm", o.Plugins), hint: "build it with make connectors, or name another folder with --plugins"}
			}
			if serve {
				return demo.Serve(cmd.Context(), o)
			}
			return demo.Run(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&serve, "serve", false, "keep the simulations running, with a server for agents")
	return cmd
}
