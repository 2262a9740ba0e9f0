package main

import (
	"context"
	_ "embed" // the interpreter is a file that make build replaces
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/agenthost/agenthost/internal/modulefile"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/agenthost/agenthost/internal/table"
	"github.com/agenthost/agenthost/internal/wholefile"
	"github.com/spf13/cobra"
)

// interpreter is the connector that runs tables. The file is empty in the repository; "make
// build" replaces it as it does firstparty.txt.
//
//go:embed interpreter.module
var interpreter []byte

func (a *app) pluginBuildCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "build FILE",
		Short: "Make a connector file of a table in YAML or JSON",
		Long: `Make a connector file of a table in YAML or JSON. It needs no other program. The connector
is one as any other: inspect, approve and test it before you use it. docs/tables.md has the
format, and agenthost plugin schema table its JSON Schema.`,
		Example: `  agenthost plugin build birchdesk.yaml
  agenthost plugin test birchdesk.wasm`,
		Args: args(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(interpreter) == 0 {
				return &usageError{message: "this agenthost was built without the interpreter of tables", hint: "use a released agenthost, or build one with make build"}
			}
			data, err := readAtMost(cmd.Context(), args[0], table.MaxFile+1)
			if err != nil {
				return err
			}
			t, err := table.Read(cmd.Context(), args[0], data)
			if err != nil {
				return err
			}
			module := t.Module(interpreter)
			if err := sandbox.Vet(module); err != nil {
				return fmt.Errorf("the table makes no connector: %w", err)
			}
			if out == "" {
				out = strings.TrimSuffix(args[0], filepath.Ext(args[0])) + ".wasm"
			}
			if err := replaceable(cmd.Context(), out, isOfTable, "a connector that was built of a table"); err != nil {
				return err
			}
			if err := wholefile.Replace(out, 0o644, module); err != nil {
				return err
			}
			return a.print("%s: %s with %d operations, sha256:%s\n", out, t.Name, t.Operations, sandbox.Digest(module))
		},
	}
	cmd.Flags().StringVarP(&out, "output-file", "o", "", "`file` to write; that of the table with the ending .wasm without it")
	return cmd
}

// isOfTable reports whether a file is a connector that was built of a table, which is written over when it is built again.
func isOfTable(data []byte) bool {
	m, err := wasm.Parse(data)
	return err == nil && m.Sections()["rows"] != nil
}

// replaceable refuses to write over a file that is not of a kind: what a command was told to read may be a stranger's, and
// so may be the line that a person copied.
func replaceable(ctx context.Context, file string, ours func(data []byte) bool, kind string) error {
	data, err := readRegular(ctx, file, modulefile.Max+1)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case ours(data):
		return nil
	}
	return &usageError{message: file + " exists, and is not " + kind, hint: "choose another name, or remove the file first"}
}
