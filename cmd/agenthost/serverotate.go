package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/agenthost/agenthost/internal/fault"
	database "github.com/agenthost/agenthost/internal/store"
	"github.com/spf13/cobra"
)

func (a *app) serveRotateCommand() *cobra.Command {
	var f databaseFlags
	var dataKeys bool
	cmd := &cobra.Command{
		Use:   "rotate-key",
		Short: "Give the server's database a new master key or new data keys, also while the server runs",
		Long: `Give the database of agenthost serve a new master key, also while the server runs: the keys in the
database are sealed anew, and the credentials stay as they are. With --data-keys, make a new data
key for each workspace instead, and seal all credentials anew.

The new master key takes the place of master.key in the folder. With --master-key, first put the
new key where the reference leads, in a line before the old one: the server reads it there too.

If it is interrupted, the next run goes on. Backups from before need the old master key.`,
		Example: `  agenthost serve rotate-key --data /var/lib/agenthost/data
  agenthost serve rotate-key --data /var/lib/agenthost/data --data-keys
  agenthost serve rotate-key --db env:DATABASE_URL --master-key vault:secret/agenthost#key`,
		Args: args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := a.withTimeout(cmd.Context())
			defer cancel()
			return a.rotate(ctx, &f, dataKeys)
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().BoolVar(&dataKeys, "data-keys", false, "make new data keys, and seal all credentials with them")
	return cmd
}

func (a *app) rotate(ctx context.Context, f *databaseFlags, dataKeys bool) (err error) {
	o, err := a.options()
	if err != nil {
		return err
	}
	address, keys, err := f.secrets(ctx, o)
	if err != nil {
		return fault.Configuration(err)
	}
	var s *database.Store
	so := database.Options{Masters: database.ReadMasters(f.data, keys)}
	if address.IsZero() {
		s, err = database.JoinSQLite(ctx, f.data, so)
	} else {
		s, err = database.JoinPostgres(ctx, address, so)
	}
	if err != nil {
		return fault.Configuration(err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	ctx = database.WithActor(ctx, database.Actor{Via: "command", Caller: osUser()})
	if dataKeys {
		return a.rotateData(ctx, s)
	}
	var done database.Rotated
	rotate := func() (err error) {
		done, err = s.RotateMaster(ctx)
		return err
	}
	if keys == nil {
		err = database.RenewMasterFile(ctx, f.data, rotate)
	} else {
		err = rotate()
	}
	switch {
	case err != nil:
		return fault.Configuration(err)
	case done.Keys == 0:
		return a.print("All keys are sealed with the first master key already.\n")
	default:
		return a.print("%d keys are sealed with the new master key.\n", done.Keys)
	}
}

func (a *app) rotateData(ctx context.Context, s *database.Store) error {
	done, err := s.RotateData(ctx)
	if err != nil {
		return err
	}
	if done.Unopened > 0 {
		a.say("note", fmt.Sprintf("%d credentials do not open, and stay as they are: somebody changed or moved them", done.Unopened))
	}
	return a.print("%d data keys are new, and %d credentials are sealed with them.\n", done.Keys, done.Values)
}
