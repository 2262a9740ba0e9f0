package main

import (
	"github.com/agenthost/agenthost/internal/fault"
	database "github.com/agenthost/agenthost/internal/store"
	"github.com/spf13/cobra"
)

func serveBackupCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write the server's database to a file, also while the server runs",
		Long: `Write the database of agenthost serve to a new file, also while the server runs.

The file does not have the master key, and opens no credential without it: keep master.key of the
folder in another place. The file has names, the audit trail and connections' config, so keep it
from others too.`,
		Example: "  agenthost serve backup --data /var/lib/agenthost/data /backup/agenthost-monday.db",
		Args:    args(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return fault.Configuration(database.BackupFolder(cmd.Context(), data, args[0]))
		},
	}
	cmd.Flags().StringVar(&data, "data", defaultData, "`folder` of the database")
	return cmd
}

func serveRestoreCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make the server's database from a backup",
		Long: `Make the database of agenthost serve from a backup, in a folder that has none. Put the master
key that belongs to it into the folder too, as master.key, before you start the server.`,
		Example: "  agenthost serve restore --data /var/lib/agenthost/data /backup/agenthost-monday.db",
		Args:    args(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return fault.Configuration(database.Restore(cmd.Context(), args[0], data))
		},
	}
	cmd.Flags().StringVar(&data, "data", defaultData, "`folder` of the database, which is made if it does not exist")
	return cmd
}
