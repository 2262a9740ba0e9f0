package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/conformance"
	"github.com/agenthost/agenthost/internal/abischema"
	"github.com/agenthost/agenthost/internal/catalog"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/table"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

func (a *app) pluginTestCommand() *cobra.Command {
	var recordings string
	cmd := &cobra.Command{
		Use:   "test FILE",
		Short: "Run the conformance tests on a connector",
		Long: `Run the conformance tests on a connector. They check its declarations, and each operation
with valid and invalid parameters and with a vendor that fails, lies or stays silent. You
need no account and no network: the tests simulate a vendor from the fields that the
connector reads. docs/conformance.md explains each check.

With --recordings, the recorded calls of a folder run too, whatever the digest of the
connector: see agenthost plugin record.

The exit code is 0 if all checks pass and 9 if one fails.`,
		Example: `  agenthost plugin test hello.wasm
  agenthost plugin test hello.wasm -o json > report.json`,
		Args: args(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			module, o, remove, err := a.openModule(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer remove()
			o.Progress = a.showCheck
			report, err := conformance.Run(cmd.Context(), module, o)
			a.clearLine()
			if err == nil && recordings != "" {
				err = a.testRecordings(cmd.Context(), args[0], recordings, o, report)
			}
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
	cmd.Flags().StringVar(&recordings, "recordings", "", "`folder` of recorded calls that must go as they did")
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

// openModule reads a connector's file, and returns options for it with the cache of the other
// commands. The caller must call remove, which deletes a cache of only this process.
func (a *app) openModule(ctx context.Context, file string) (module []byte, o conformance.Options, remove func() error, err error) {
	if module, err = readModule(ctx, file); err != nil {
		return nil, o, nil, err
	}
	c, _, err := a.loadConfig()
	if err != nil {
		return nil, o, nil, err
	}
	if o.Logger, err = a.logger(); err != nil {
		return nil, o, nil, err
	}
	o.CompileWorker = compileWorker()
	o.Cache, remove, err = catalog.CacheFolder(a.cacheFolder(c), o.Logger)
	return module, o, remove, err
}

// verdict returns an error if a check failed.
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
		Hint:    "docs/conformance.md explains each check",
	}
}

// showCheck shows the running check if standard error is a terminal.
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
		requirement := c.Title
		if c.Reason != "" {
			requirement += "; not checked because " + c.Reason
		}
		rows[i] = []string{string(c.Status), c.ID, strconv.Itoa(c.Cases), requirement}
	}
	if err := render.Rows(a.stdout, a.style(render.Table), []string{"RESULT", "CHECK", "CASES", "REQUIREMENT"}, rows); err != nil {
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
	if r.Operations == 0 {
		return nil
	}
	return a.print("\n%d of %d operations pass\n", r.Operations-len(r.Failing), r.Operations)
}

func (a *app) pluginSchemaCommand() *cobra.Command {
	schemas := map[string]func() string{"manifest": abischema.Manifest, "auth": abischema.Auth, "table": table.Schema}
	names := []string{"manifest", "auth", "table"}
	return &cobra.Command{
		Use:   "schema [manifest|auth|table]",
		Short: "Print the JSON Schema of a manifest, of an auth schema or of a table",
		Long: `Print the JSON Schema (2020-12) of a manifest, which a connector's describe returns, of an
auth schema, which auth_schema returns, or of a connector that is written as a table.`,
		Args:      args(0, "manifest|auth|table"),
		ValidArgs: names,
		RunE: func(_ *cobra.Command, args []string) error {
			name := names[0]
			if len(args) > 0 {
				name = args[0]
			}
			if schemas[name] == nil {
				return &usageError{message: fmt.Sprintf("unknown schema %q", name), hint: fault.Hint(name, names)}
			}
			return a.print("%s\n", strings.TrimSpace(schemas[name]()))
		},
	}
}

// profileFlags holds the flags of plugin profile.
type profileFlags struct {
	execFlags // only the parameters are in use

	top int
}

func (a *app) profileCommand() *cobra.Command {
	var f profileFlags
	cmd := &cobra.Command{
		Use:   "profile FILE|CONNECTION ENTITY ACTION",
		Short: "Show how much fuel each function of an operation uses",
		Long: `Run an operation once and show how much fuel each function of the connector uses. SELF is
the cost of the function itself, TOTAL includes the functions that it calls. This fuel
counts against limits.fuel, and is the same on every machine. The cost of a host function
is the host's work for the connector.

With a connection, the command calls the vendor as agenthost exec does. With a file (a
path, or a name that ends in .wasm), you need no account and no network: the command uses
the simulated vendor of agenthost plugin test, and parameters that fit, unless you set some.

Functions have names only if the module has a name section. Go omits it with -ldflags=-s
and keeps it with -ldflags=-w; Rust keeps it unless strip is set.`,
		Example: `  agenthost plugin profile hello.wasm greetings get
  agenthost plugin profile support issues get -p id=iss_1 --top 10
  agenthost plugin profile hello.wasm greetings get -o json > before.json`,
		Args:              args(3, "FILE|CONNECTION", "ENTITY", "ACTION"),
		ValidArgsFunction: a.completeOperation,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.top < 1 {
				return &usageError{message: fmt.Sprintf("--top is %d, but must be at least 1", f.top)}
			}
			return a.profile(cmd.Context(), args, f)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.param, "param", "p", nil, "a parameter, `key=value` or key:=JSON (repeatable)")
	flags.StringVar(&f.params, "params", "", "all parameters as a `JSON` object; - reads standard input, @file reads a file")
	flags.IntVar(&f.top, "top", 25, "number of `functions` in the table")
	_ = cmd.RegisterFlagCompletionFunc("param", a.completeParam)
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

// profile prints the profile even if the operation failed, because the fuel may be why.
func (a *app) profile(ctx context.Context, args []string, f profileFlags) error {
	run := a.profileConnection
	if isFile(args[0]) {
		run = a.profileFile
	}
	p, err := run(ctx, args, f)
	if p == nil {
		return err
	}
	return errors.Join(a.showProfile(args, p, f.top), err)
}

// isFile reports whether an argument is a file and not the name of a connection.
func isFile(name string) bool {
	return strings.HasSuffix(name, ".wasm") || strings.ContainsAny(name, `/\`)
}

func (a *app) profileConnection(ctx context.Context, args []string, f profileFlags) (p *sandbox.Profile, err error) {
	err = a.open(ctx, func(h *host.Host) error {
		call := host.Call{Entity: args[1], Action: args[2], Timeout: a.timeout}
		operation, err := find(ctx, h, args[0], call.Entity, call.Action)
		if err != nil {
			return err
		}
		if operation != nil { // otherwise Profile returns the error
			if call.Params, err = a.readParams(operation, f.execFlags); err != nil {
				return err
			}
		}
		_, p, err = h.Profile(ctx, args[0], call)
		return err
	})
	return p, err
}

func (a *app) profileFile(ctx context.Context, args []string, f profileFlags) (*sandbox.Profile, error) {
	module, o, remove, err := a.openModule(ctx, args[0])
	if err != nil {
		return nil, err
	}
	defer remove()
	given, err := a.givenParams(ctx, args, f)
	if err != nil {
		return nil, err
	}
	return conformance.Profile(ctx, module, o, args[1], args[2], given)
}

// givenParams reads parameters for an operation of a file, which defines their types. It
// returns nil if the flags have none.
func (a *app) givenParams(ctx context.Context, args []string, f profileFlags) (json.RawMessage, error) {
	if len(f.param) == 0 && f.params == "" {
		return nil, nil
	}
	info, err := a.inspected(ctx, args[0])
	if err != nil {
		return nil, err
	}
	for i := range info.Manifest.Operations {
		if op := &info.Manifest.Operations[i]; op.Entity == args[1] && op.Action == args[2] {
			return a.readParams(&host.Operation{Operation: *op}, f.execFlags)
		}
	}
	return nil, nil // conformance.Profile returns the error
}

func (a *app) showProfile(args []string, p *sandbox.Profile, top int) error {
	if !p.Named() {
		a.say("note", "the module has no function names; agenthost plugin profile --help explains how to keep them")
	}
	if done, err := a.json(p); done || err != nil {
		return err
	}
	if err := a.print("%s: %d units of fuel in %d functions\n\n", render.Visible(strings.Join(args, " ")), p.Fuel, len(p.Functions)); err != nil {
		return err
	}
	shown := p.Functions[:min(top, len(p.Functions))]
	rows := make([][]string, len(shown))
	for i, c := range shown {
		rows[i] = []string{
			strconv.FormatInt(c.Self, 10), share(c.Self, p.Fuel),
			strconv.FormatInt(c.Total, 10), share(c.Total, p.Fuel),
			strconv.FormatInt(c.Calls, 10), render.Visible(c.Name),
		}
	}
	return render.Rows(a.stdout, a.style(render.Table), []string{"SELF", "", "TOTAL", "", "CALLS", "FUNCTION"}, rows)
}

func share(part, whole int64) string {
	return fmt.Sprintf("%.1f%%", 100*float64(part)/float64(max(1, whole)))
}
