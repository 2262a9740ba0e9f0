package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host/conformance"
	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

func (a *app) pluginTestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test FILE",
		Short: "Say whether a connector file is a good one",
		Long: `Say whether a connector file is a good one: what it declares, and how each operation
behaves with valid and invalid parameters and with a vendor that fails, lies or is
silent. No account and no network are needed, because the vendor is made up from what
the connector looks for in its answers. docs/conformance.md explains each check.

The exit code is 0 if all checks pass and 9 if one fails.`,
		Example: `  agenthost plugin test hello.wasm
  agenthost plugin test hello.wasm -o json > report.json`,
		Args: args(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			module, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			logger, err := a.logger()
			if err != nil {
				return err
			}
			o := conformance.Options{Logger: logger, Progress: a.showCheck}
			if dir, err := os.UserCacheDir(); err == nil {
				o.Cache = filepath.Join(dir, "agenthost")
			}
			report, err := conformance.Run(cmd.Context(), module, o)
			a.clearLine()
			if err != nil {
				return err
			}
			if done, err := a.json(report); err != nil {
				return err
			} else if !done {
				if err := a.showReport(args[0], report); err != nil {
					return err
				}
			}
			return verdict(report)
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

// verdict is the error of a report in which a check failed.
func verdict(r *conformance.Report) error {
	if r.Passed {
		return nil
	}
	var failed []string
	for _, c := range r.Checks {
		if c.Status == conformance.Fail {
			failed = append(failed, c.ID)
		}
	}
	return &abi.Error{
		Kind:    abi.KindConnectorFault,
		Message: fmt.Sprintf("%d of %d checks failed: %s", len(failed), len(r.Checks), strings.Join(failed, ", ")),
		Hint:    "docs/conformance.md says what each check wants",
	}
}

// showCheck draws the check that runs, if standard error is a terminal.
func (a *app) showCheck(done, total int, title string) {
	if a.err.terminal {
		_, _ = fmt.Fprintf(a.stderr, "\r\x1b[K%d/%d %s", done+1, total, title)
	}
}

func (a *app) clearLine() {
	if a.err.terminal {
		_, _ = fmt.Fprint(a.stderr, "\r\x1b[K")
	}
}

func (a *app) showReport(file string, r *conformance.Report) error {
	name := "no manifest"
	if r.Connector != "" {
		name = fmt.Sprintf("%s %s, %d operations", r.Connector, r.Version, r.Operations)
	}
	if err := a.print("%s: %s\n\n", file, render.Visible(name)); err != nil {
		return err
	}
	rows := make([][]string, len(r.Checks))
	for i, c := range r.Checks {
		rows[i] = []string{string(c.Status), c.ID, strconv.Itoa(c.Cases), c.Title}
	}
	if err := render.Rows(a.stdout, a.style(render.Table), []string{"RESULT", "CHECK", "CASES", "WHAT IT WANTS"}, rows); err != nil {
		return err
	}
	for _, c := range r.Checks {
		if c.Status != conformance.Fail {
			continue
		}
		if err := a.print("\n%s\n", a.heading(c.ID+" failed")); err != nil {
			return err
		}
		for _, problem := range c.Problems {
			if err := a.print("  %s\n", render.Visible(problem)); err != nil {
				return err
			}
		}
		if c.More > 0 {
			if err := a.print("  and %d more\n", c.More); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *app) pluginSchemaCommand() *cobra.Command {
	schemas := map[string]func() string{"manifest": abi.ManifestSchema, "auth": abi.AuthSchemaSchema}
	names := []string{"manifest", "auth"}
	return &cobra.Command{
		Use:   "schema [manifest|auth]",
		Short: "Print the JSON Schema of a manifest or of an auth schema",
		Long: `Print the JSON Schema (2020-12) of what a connector's describe answers, or with auth of
what auth_schema answers, for authors of connectors in any language.`,
		Args:      args(0, "manifest|auth"),
		ValidArgs: names,
		RunE: func(_ *cobra.Command, args []string) error {
			name := names[0]
			if len(args) > 0 {
				name = args[0]
			}
			if schemas[name] == nil {
				return &usageError{message: fmt.Sprintf("there is no schema %q", name), hint: nearest.Hint(name, names)}
			}
			return a.print("%s\n", strings.TrimSpace(schemas[name]()))
		},
	}
}
