package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// app is what all commands share.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	out, err       screen
	lookupEnv      func(string) (string, bool)
	now            func() time.Time

	// The flags of every command.
	config, plugins, logLevel string
	timeout                   time.Duration
	// format is -o of the command that runs, empty where it was not given.
	format string
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "agenthost",
		Short: "Run sandboxed connectors with credentials that they never see",
		Long: `agenthost runs connectors: WebAssembly modules that know a vendor's API and hold no
credential. The host adds the credential, performs every request, and lets a
connector send only what it declared.

Data goes to standard output and everything else to standard error.

` + exitCodesHelp(),
		Example: `  agenthost demo
  agenthost connectors --plugins ./plugins
  agenthost describe pylon issues list
  agenthost exec support issues get -p id=iss_1`,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
		DisableSuggestions: true,
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetIn(a.stdin)
	flags := root.PersistentFlags()
	flags.StringVar(&a.config, "config", "", "configuration `file` (default $AGENTHOST_CONFIG, or agenthost.yaml if there is one)")
	flags.StringVar(&a.plugins, "plugins", "", "`folder` of connectors (default $AGENTHOST_PLUGINS, or what the configuration says)")
	flags.StringVar(&a.logLevel, "log-level", "warn", "what to log: trace, debug, info, warn, error or off")
	flags.DurationVar(&a.timeout, "timeout", 0, "how long a call may take, such as 30s (with --all: each page)")
	root.SetFlagErrorFunc(flagError)
	_ = root.RegisterFlagCompletionFunc("log-level", cobra.FixedCompletions([]string{"trace", "debug", "info", "warn", "error", "off"}, cobra.ShellCompDirectiveNoFileComp))
	root.AddCommand(
		a.demoCommand(), a.connectorsCommand(), a.describeCommand(), a.explainCommand(), a.authCommand(),
		a.execCommand(), a.checkCommand(), a.replayCommand(), a.pluginCommand(), a.versionCommand(), a.compileWorkerCommand(),
		a.auditCommand(),
		a.hostedCommand(),
		a.secretCommand(),
		a.mcpCommand(),
		a.loginCommand(), a.logoutCommand(),
	)
	return root
}

// flagError says what is wrong with a flag in words that do not speak of Go.
func flagError(cmd *cobra.Command, err error) error {
	usage := &usageError{message: err.Error(), hint: "see " + cmd.CommandPath() + " --help"}
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := nearest.Of(unknown.GetSpecifiedName(), names); near != "" {
			usage.hint = "did you mean --" + near + "?"
		}
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		usage.message = fmt.Sprintf("--%s is %q, and needs a value of type %s", f.Name, invalid.GetValue(), f.Value.Type())
	}
	return usage
}

func unknownCommand(parent *cobra.Command, name string) error {
	var names []string
	for _, c := range parent.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return &usageError{message: fmt.Sprintf("there is no command %q in %s", name, parent.CommandPath()), hint: nearest.Hint(name, names)}
}

// args checks the number of arguments and names those that are missing.
func args(least int, names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		hint := "usage: " + cmd.UseLine()
		if len(args) < least {
			return &usageError{message: "missing " + strings.Join(names[len(args):least], " and "), hint: hint}
		}
		if len(args) > len(names) {
			return &usageError{message: fmt.Sprintf("too many arguments: %q", args[len(names)]), hint: hint}
		}
		return nil
	}
}

// formatFlag adds -o with the formats that a command has.
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
		return &usageError{message: fmt.Sprintf("there is no output format %q here", wrong), hint: nearest.Hint(wrong, formats)}
	}
}

// style is how to write to standard output.
func (a *app) style(format render.Format) render.Options {
	return render.Options{Format: format, Terminal: a.out.terminal, Width: a.out.width, Color: a.out.color}
}

// errorStyle is how to write to standard error.
func (a *app) errorStyle() render.Options {
	return render.Options{Format: render.Table, Terminal: a.err.terminal, Width: a.err.width, Color: a.err.color}
}

// json says that the caller asked for JSON, and writes v if so.
func (a *app) json(v any) (bool, error) {
	if a.format != string(render.JSON) {
		return false, nil
	}
	return true, render.Value(a.stdout, a.style(render.JSON), v)
}

// print writes lines of the program's own text to standard output.
func (a *app) print(format string, values ...any) error {
	_, err := fmt.Fprintf(a.stdout, format, values...)
	return err
}

// heading is a line above a part of the output.
func (a *app) heading(text string) string {
	if a.out.color {
		return render.Bold(text)
	}
	return text
}
