package main

import (
	"os"

	"github.com/agenthost/agenthost/host/sandbox"
	"github.com/spf13/cobra"
)

const compileWorkerName = "compile-worker"

// compileWorkerCommand is what the command starts itself with, to compile a module in a
// process that may be ended.
func (a *app) compileWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use:                compileWorkerName + " FOLDER BYTES DURATION",
		Short:              "Compile a module for the cache; the host starts this itself",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return sandbox.ServeCompile(cmd.Context(), args, a.stdin, a.stdout, os.Exit)
		},
	}
}
