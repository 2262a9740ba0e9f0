package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// app holds what all commands share.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	out, err       screen
	lookupEnv      func(string) (string, bool)
	now            func() time.Time

	// Flags of every command.
	config, plugins, cache, logLevel string
	environment                      bool
	timeout                          time.Duration
	// format is the value of -o. It is empty if the flag is missing.
	format string
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "agenthost",
		Short: "Run sandboxed connectors that never see your credentials",
		Long: `agenthost runs connectors: WebAssembly modules that know a vendor's API. The host keeps
every credential, sends every request, and lets a connector send only what it declared.

Data goes to standard output. Everything else goes to standard error.

` + exitCodesHelp(),
		Example: `  agenthost demo
  agenthost connectors --plugins ./plugins
  agenthost describe pylon issues list
  agenthost exec support issues get -p id=iss_1`,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       host.Version(),
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if a.timeout < 0 {
				return &usageError{message: fmt.Sprintf("--timeout is %s, but must be positive", a.timeout), hint: "leave it out to use the connection's limit"}
			}
			return nil
		},
		RunE:               showHelp,
		DisableSuggestions: true,
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetIn(a.stdin)
	flags := root.PersistentFlags()
	flags.StringVar(&a.config, "config", "", "configuration `file` (default $AGENTHOST_CONFIG, then agenthost.yaml if it exists)")
	flags.StringVar(&a.plugins, "plugins", "", "`folder` of connectors (default $AGENTHOST_PLUGINS, then plugins: in the configuration)")
	flags.StringVar(&a.cache, "cache", "", "private `folder` for compiled connectors (default $AGENTHOST_CACHE, then cache: in the configuration, then agenthost in your cache folder)")
	flags.BoolVar(&a.environment, "environment", false, "also make connections from environment variables; they may run every operation of their connectors")
	flags.StringVar(&a.logLevel, "log-level", "warn", "lowest `level` to log: trace, debug, info, warn, error or off")
	flags.DurationVar(&a.timeout, "timeout", 0, "longest time for a call, such as 30s (with --all, for each page)")
	root.SetFlagErrorFunc(flagError)
	_ = root.RegisterFlagCompletionFunc("log-level", cobra.FixedCompletions([]string{"trace", "debug", "info", "warn", "error", "off"}, cobra.ShellCompDirectiveNoFileComp))
	root.AddCommand(
		a.demoCommand(), a.connectorsCommand(), a.describeCommand(), a.explainCommand(), a.askCommand(), a.authCommand(),
		a.execCommand(), a.syncCommand(), a.checkCommand(), a.replayCommand(), a.pluginCommand(), a.versionCommand(), a.compileWorkerCommand(),
		a.auditCommand(),
		a.hostedCommand(),
		a.secretCommand(),
		a.mcpCommand(), a.serveCommand(),
		a.organizationCommand(), a.applicationCommand(), a.workspaceCommand(), a.connectionCommand(), a.jobsCommand(), a.tokenCommand(),
		a.loginCommand(), a.logoutCommand(),
	)
	return root
}

// flagError rewords the errors of the flag package, which name Go types.
func flagError(cmd *cobra.Command, err error) error {
	usage := &usageError{message: err.Error(), hint: "see " + cmd.CommandPath() + " --help"}
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := fault.Nearest(unknown.GetSpecifiedName(), names); near != "" {
			usage.hint = "did you mean --" + near + "?"
		}
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		usage.message = fmt.Sprintf("--%s is %q, but needs a value of type %s", f.Name, invalid.GetValue(), f.Value.Type())
	}
	return usage
}

// showHelp runs a command that only has others: it shows which. An argument names none of them.
func showHelp(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	return unknownCommand(cmd, args[0])
}

func unknownCommand(parent *cobra.Command, name string) error {
	var names []string
	for _, c := range parent.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return &usageError{message: fmt.Sprintf("there is no command %q in %s", name, parent.CommandPath()), hint: fault.Hint(name, names)}
}

// args checks the number of arguments. Its error names the missing ones.
func args(least int, names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		hint := "usage: " + cmd.UseLine()
		if len(args) < least {
			return &usageError{message: "missing " + strings.Join(names[len(args):least], ", "), hint: hint}
		}
		if len(args) > len(names) {
			return &usageError{message: fmt.Sprintf("too many arguments: %q", args[len(names)]), hint: hint}
		}
		return nil
	}
}

// formatFlag adds the flag -o, with the formats of the command.
func (a *app) formatFlag(cmd *cobra.Command, usage string, formats ...string) {
	cmd.Flags().StringVarP(&a.format, "output", "o", "", usage)
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	before := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, format := range formats {
			if a.format == format || a.format == "" {
				return before(cmd, args)
			}
		}
		wrong := a.format
		a.format = ""
		return &usageError{message: fmt.Sprintf("unknown output format %q", wrong), hint: fault.Hint(wrong, formats)}
	}
}

// withTimeout ends ctx after --timeout, if it is set.
func (a *app) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if a.timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, a.timeout)
}

// style returns the options for writing to standard output.
func (a *app) style(format render.Format) render.Options {
	return render.Options{Format: format, Terminal: a.out.terminal, Width: a.out.width, Color: a.out.color}
}

// errorStyle returns the options for writing to standard error.
func (a *app) errorStyle() render.Options {
	return render.Options{Format: render.Table, Terminal: a.err.terminal, Width: a.err.width, Color: a.err.color}
}

// json writes v if the user asked for JSON, and reports whether it did.
func (a *app) json(v any) (bool, error) {
	if a.format != string(render.JSON) {
		return false, nil
	}
	return true, render.Value(a.stdout, a.style(render.JSON), v)
}

// print writes text of the program itself to standard output. It escapes nothing.
func (a *app) print(format string, values ...any) error {
	_, err := fmt.Fprintf(a.stdout, format, values...)
	return err
}

// heading returns text in bold if standard output has colours.
func (a *app) heading(text string) string {
	if a.out.color {
		return render.Bold(text)
	}
	return text
}

// screen describes standard output or standard error.
type screen struct {
	terminal bool
	color    bool
	width    int // in characters; 0 if unknown
}

// screenOf examines a file. NO_COLOR (no-color.org) and TERM=dumb turn colours off.
func screenOf(f *os.File, lookupEnv func(string) (string, bool)) screen {
	s := screen{terminal: term.IsTerminal(int(f.Fd()))}
	if s.terminal {
		s.width, _, _ = term.GetSize(int(f.Fd()))
		noColor, _ := lookupEnv("NO_COLOR")
		kind, _ := lookupEnv("TERM")
		s.color = noColor == "" && kind != "dumb"
	}
	if columns, ok := lookupEnv("COLUMNS"); ok {
		if width, err := strconv.Atoi(columns); err == nil && width > 0 {
			s.width = width
		}
	}
	return s
}
