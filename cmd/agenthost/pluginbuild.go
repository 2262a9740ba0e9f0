package main

import (
	"context"
	_ "embed" // the interpreter is a file that make build replaces
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/internal/catalog"
	"github.com/agenthost/agenthost/internal/modulebuild"
	"github.com/agenthost/agenthost/internal/modulefile"
	"github.com/agenthost/agenthost/internal/sandbox"
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
		Use:   "build [FOLDER|FILE]",
		Short: "Make a connector file of the sources in a folder, or of a table",
		Long: `Make a connector file of the sources in a folder (this one if none is named), or of a table in
YAML or JSON. The folder's own files say in which language they are: a go.mod, a Cargo.toml, a
package.json for AssemblyScript, files that end in .zig or .c, or a table in YAML.

A table needs no other program. For the rest, the command runs the compiler of the language with the
flags that a connector needs, in that folder. The same sources make the same bytes in every folder.
The command checks what comes out as a host would, and names the file after the connector.

Building runs what the sources tell the compiler to run. Build only what you would run yourself.`,
		Example: `  agenthost plugin build
  agenthost plugin build notes -o plugins/notes.wasm
  agenthost plugin build birchdesk.yaml`,
		Args: args(0, "FOLDER|FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			place := "."
			if len(args) > 0 {
				place = args[0]
			}
			builder, remove, err := a.moduleBuilder()
			if err != nil {
				return err
			}
			r, err := builder.Build(cmd.Context(), place, out)
			if err := errors.Join(err, remove()); err != nil {
				return err
			}
			if err := a.print("%s: %s with %d operations, sha256:%s\n", render.Visible(r.File), render.Visible(r.Manifest.Name), len(r.Manifest.Operations), r.Digest); err != nil {
				return err
			}
			a.say("next", "agenthost plugin test "+r.File)
			return nil
		},
	}
	cmd.Flags().StringVarP(&out, "output-file", "o", "", "`file` to write; without it, one beside the sources with the connector's name, or with the name of the table")
	return cmd
}

// moduleBuilder returns what makes connectors, with the cache of the other commands. The caller must call
// remove, which deletes a cache of only this process.
func (a *app) moduleBuilder() (b *modulebuild.Builder, remove func() error, err error) {
	c, _, err := a.loadConfig()
	if err != nil {
		return nil, nil, err
	}
	logger, err := a.logger()
	if err != nil {
		return nil, nil, err
	}
	cache, remove, err := catalog.CacheFolder(a.cacheFolder(c), logger)
	return &modulebuild.Builder{
		Interpreter: interpreter,
		Sandbox:     sandbox.Config{Cache: cache, CompileWorker: compileWorker(), Logger: logger},
		Environment: os.Environ(),
		Output:      &visible{a.stderr},
	}, remove, err
}

// visible writes what another program says, without what a terminal would obey.
type visible struct{ to io.Writer }

// Write implements io.Writer.
func (v *visible) Write(p []byte) (int, error) {
	_, err := io.WriteString(v.to, render.VisibleLines(string(p)))
	return len(p), err
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
