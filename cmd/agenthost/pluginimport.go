package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/agenthost/agenthost/internal/tableimport/airbyte"
	"github.com/agenthost/agenthost/internal/tableimport/overlay"
	"github.com/agenthost/agenthost/internal/wholefile"
	"github.com/spf13/cobra"
)

// imported is a table that is not written yet.
type imported struct {
	file   string
	text   []byte
	report *tableimport.Report
}

func (a *app) pluginImportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Make tables of descriptions that others wrote",
		Args:  cobra.ArbitraryArgs,
		RunE:  showHelp,
	}
	cmd.AddCommand(a.importAirbyteCommand(), a.importOpenAPICommand())
	return cmd
}

func (a *app) importAirbyteCommand() *cobra.Command {
	var to, report string
	cmd := &cobra.Command{
		Use:   "airbyte FILE|FOLDER",
		Short: "Make tables of the connector.yaml of Airbyte's agent connectors",
		Long: `Make tables of the documents in which Airbyte describes its agent connectors: of a
connector.yaml, or of all that are in a folder or one below it. It needs no network.

Each table is written as NAME.yaml, with a report of what was taken, what was left out and
why, and what was guessed, with the line to look at. agenthost plugin build makes a connector
of a table. What you change stands in NAME.overlay.yaml in the folder of the table, and is
applied at every import. docs/import.md explains it.`,
		Example: `  agenthost plugin import airbyte connector.yaml
  agenthost plugin import airbyte site-packages/airbyte_agent_sdk/specs -o tables`,
		Args: args(1, "FILE|FOLDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := airbyteDocuments(args[0])
			if err != nil {
				return err
			}
			var tables []imported
			for _, file := range files {
				t, err := importDocument(cmd.Context(), file, to, airbyte.Import)
				if err != nil {
					return err
				}
				tables = append(tables, t)
			}
			return a.writeTables(cmd.Context(), tables, report)
		},
	}
	importFlags(cmd, &to, &report)
	return cmd
}

// importFlags adds the flags that importers share.
func importFlags(cmd *cobra.Command, to, report *string) {
	cmd.Flags().StringVarP(to, "output-folder", "o", ".", "`folder` to write the tables to")
	cmd.Flags().StringVar(report, "report", "", "`file` to write the reports to, as JSON")
}

// airbyteDocuments are the documents at a place: a file, or those in a folder.
func airbyteDocuments(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	var files []string
	for _, pattern := range []string{"connector.yaml", "*/connector.yaml"} {
		found, err := filepath.Glob(filepath.Join(escapeGlob(name), pattern))
		if err != nil {
			return nil, err
		}
		for _, file := range found {
			if err := regular(file); err != nil {
				return nil, err
			}
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, &usageError{message: "no connector.yaml is in " + name + ", or one folder below it", hint: "name the file, or the folder specs of the Python package airbyte-agent-sdk"}
	}
	return files, nil
}

// escapeGlob makes a pattern that matches a name.
func escapeGlob(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(name)
}

// importDocument makes a table of a document, for a folder, with the edits that stand there.
func importDocument(ctx context.Context, file, to string, made func(context.Context, string, tableimport.Map) (*tableimport.Table, error)) (imported, error) {
	data, err := readAtMost(ctx, file, tableimport.MaxFile+1)
	if err != nil {
		return imported{}, err
	}
	document, err := tableimport.Read(data)
	if err != nil {
		return imported{}, fmt.Errorf("%s %w", file, err)
	}
	t, err := made(ctx, file, document)
	if err != nil {
		return imported{}, fmt.Errorf("%s %w", file, err)
	}
	return finish(ctx, t, filepath.Join(to, t.Report.Connector+".yaml"))
}

// finish makes the text of a table, with the edits of the overlay that is beside it.
func finish(ctx context.Context, t *tableimport.Table, written string) (imported, error) {
	if same(written, t.Report.Source) {
		return imported{}, &usageError{message: "the document and the table would both be " + written, hint: "rename the document, such as to " + strings.TrimSuffix(written, ".yaml") + "-api.yaml, or write the table to another folder with -o"}
	}
	file := overlay.Beside(written)
	edits, err := readRegular(ctx, file, overlay.MaxFile+1)
	switch {
	case err == nil:
		t.Unedited = slices.Clone(t.Document)
		if t.Report.Edits, err = overlay.Apply(&t.Document, file, edits); err != nil {
			return imported{}, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return imported{}, err
	}
	t.Comment = tableComment
	text, err := t.Finish(ctx)
	var wrong *tableimport.EditError
	switch {
	case errors.As(err, &wrong):
		return imported{}, overlay.Blame(t.Unedited, file, edits, wrong)
	case err != nil:
		return imported{}, fmt.Errorf("%s: %w", t.Report.Source, err)
	}
	return imported{file: written, text: text, report: &t.Report}, nil
}

// same reports whether two names lead to one file.
func same(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// tableComment is the first line of a written table, with what the rest must have so that it
// may be written over.
const tableComment = "# agenthost plugin import wrote this table. Lines below, sha256:"

// signed fills in the sum of all lines after the first.
func signed(text []byte) []byte {
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	sum := sha256.Sum256(rest)
	return slices.Concat(first, []byte(hex.EncodeToString(sum[:])+"\n"), rest)
}

// edited reports whether a file that is in the way is no table of an import, or was changed.
func edited(ctx context.Context, file string) (bool, error) {
	text, err := readRegular(ctx, file, 2*tableimport.MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, rest, _ := bytes.Cut(text, []byte("\n"))
	return !bytes.Equal(text, signed(append([]byte(tableComment+"\n"), rest...))), nil
}

// isReport reports whether a file has the reports of an import.
func isReport(data []byte) bool {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var reports []tableimport.Report
	return d.Decode(&reports) == nil && len(reports) > 0 && !d.More()
}

// writeTables writes all tables, or none, and prints their reports.
func (a *app) writeTables(ctx context.Context, tables []imported, report string) error {
	if report != "" {
		if err := replaceable(ctx, report, isReport, "a report of an import"); err != nil {
			return err
		}
	}
	written := make(map[string]bool, len(tables))
	for _, t := range tables {
		changed, err := edited(ctx, t.file)
		switch {
		case err != nil:
			return err
		case changed:
			return &usageError{message: t.file + " was changed by hand, or is no table of an import", hint: "write your changes into " + overlay.Beside(t.file) + " and remove " + t.file + ", or write to another folder with -o and compare"}
		case written[t.file]:
			return fmt.Errorf("two documents make %s: import them into different folders", t.file)
		}
		written[t.file] = true
	}
	for _, t := range tables {
		if err := wholefile.Replace(t.file, 0o644, signed(t.text)); err != nil {
			return err
		}
	}
	reports := make([]*tableimport.Report, 0, len(tables))
	for _, t := range tables {
		reports = append(reports, t.report)
		var b strings.Builder
		if err := t.report.Print(&b, t.file); err != nil {
			return err
		}
		if err := a.print("%s", render.VisibleLines(b.String())); err != nil {
			return err
		}
	}
	if report == "" {
		return nil
	}
	text, err := json.MarshalIndent(reports, "", "  ")
	if err != nil {
		return err
	}
	return wholefile.Replace(report, 0o644, append(text, '\n'))
}
