package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/agenthost/agenthost/internal/tableimport/openapi"
	"github.com/spf13/cobra"
)

func (a *app) importOpenAPICommand() *cobra.Command {
	var o openapi.Options
	var to, report string
	cmd := &cobra.Command{
		Use:   "openapi FILE",
		Short: "Make a table of an OpenAPI document",
		Long: `Make a table of a document in OpenAPI 3.0, OpenAPI 3.1 or Swagger 2.0, in YAML or JSON. It
reads no other file and needs no network.

The table is written as NAME.yaml, with a report of what was taken, what was left out and
why, and what was guessed, with the line to look at. Operations that the table had before
keep their names. docs/import.md explains it.`,
		Example: `  agenthost plugin import openapi birchdesk.json
  agenthost plugin import openapi github.json --name github --include issues --include /user --auth bearer`,
		Args: args(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := readAtMost(cmd.Context(), args[0], openapi.MaxFile+1)
			if err != nil {
				return err
			}
			o.Source = args[0]
			place := func(connector string) string { return filepath.Join(to, connector+".yaml") }
			o.Before = func(connector string) (tableimport.Map, error) { return tableBefore(cmd.Context(), place(connector)) }
			t, err := openapi.Import(cmd.Context(), data, o)
			if err != nil {
				return err
			}
			table, err := finish(cmd.Context(), t, place(t.Report.Connector))
			if err != nil {
				return err
			}
			return a.writeTables(cmd.Context(), []imported{table}, report)
		},
	}
	importFlags(cmd, &to, &report)
	cmd.Flags().StringArrayVar(&o.Include, "include", nil, "take only the operations with this `tag`, path or id; may be repeated")
	cmd.Flags().StringVar(&o.Name, "name", "", "`name` of the connector; one from the document's title without it")
	cmd.Flags().StringVar(&o.Server, "server", "", "`url` of the API, instead of the document's servers")
	cmd.Flags().StringVar(&o.Auth, "auth", "", "the `credential` of operations for which the document says none: bearer, basic, header:NAME or query:NAME; none if the API wants none")
	return cmd
}

// tableBefore returns the table that an earlier import wrote into a file, or nil.
func tableBefore(ctx context.Context, file string) (tableimport.Map, error) {
	data, err := readRegular(ctx, file, 2*tableimport.MaxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil //nolint:nilnil // no table is an answer
	case err != nil:
		return nil, err
	}
	m, err := tableimport.Read(data)
	if err != nil {
		return nil, &usageError{message: fmt.Sprintf("%s is no table: it %v", file, err), hint: "write to another folder with -o, or remove the file"}
	}
	return m, nil
}
