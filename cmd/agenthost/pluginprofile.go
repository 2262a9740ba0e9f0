package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/conformance"
	"github.com/agenthost/agenthost/host/sandbox"
	"github.com/spf13/cobra"
)

// profileFlags are the flags of plugin profile.
type profileFlags struct {
	execFlags // of which it has the parameters

	top int
}

func (a *app) profileCommand() *cobra.Command {
	var f profileFlags
	cmd := &cobra.Command{
		Use:   "profile FILE|CONNECTION ENTITY ACTION",
		Short: "Say where an operation spends its fuel, by function",
		Long: `Run an operation once and say where the connector spends its fuel, function by
function: SELF is what a function costs by itself, TOTAL with what it calls. The figures
are those that count against limits.fuel, and the same on every machine. What functions
of the host cost is the host's work for the guest.

With a connection the vendor is called as agenthost exec does. With a file (a path, or a
name that ends in .wasm) no account and no network is needed: the vendor is the one that
agenthost plugin test makes up, and so are the parameters unless some are given.

Functions have names where the module has a name section. Go leaves it out with
-ldflags=-s and keeps it with -ldflags=-w; Rust keeps it unless strip is set.`,
		Example: `  agenthost plugin profile hello.wasm greetings get
  agenthost plugin profile support issues get -p id=iss_1 --top 10
  agenthost plugin profile hello.wasm greetings get -o json > before.json`,
		Args:              args(3, "FILE|CONNECTION", "ENTITY", "ACTION"),
		ValidArgsFunction: a.completeOperation,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.top < 1 {
				return &usageError{message: fmt.Sprintf("--top is %d, and must be at least 1", f.top)}
			}
			return a.profile(cmd.Context(), args, f)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.param, "param", "p", nil, "a parameter, `key=value` or key:=JSON; may be repeated")
	flags.StringVar(&f.params, "params", "", "all parameters as a `JSON` object; - reads standard input, @file a file")
	flags.IntVar(&f.top, "top", 25, "how many `functions` the table has")
	_ = cmd.RegisterFlagCompletionFunc("param", a.completeParam)
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

// profile prints a profile also where the operation failed: what used up the fuel is
// worth knowing.
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

// isFile tells a file from a connection, whose name is no path.
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
		if operation != nil { // else the host words the refusal
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
	module, err := os.ReadFile(args[0])
	if err != nil {
		return nil, err
	}
	given, err := a.givenParams(ctx, args, f)
	if err != nil {
		return nil, err
	}
	logger, err := a.logger()
	if err != nil {
		return nil, err
	}
	o := conformance.Options{Logger: logger}
	if dir, err := os.UserCacheDir(); err == nil {
		o.Cache = filepath.Join(dir, "agenthost")
	}
	return conformance.Profile(ctx, module, o, args[1], args[2], given)
}

// givenParams reads the parameters for an operation of a file, nil where none are given.
// The file says what type they have.
func (a *app) givenParams(ctx context.Context, args []string, f profileFlags) (json.RawMessage, error) {
	if len(f.param) == 0 && f.params == "" {
		return nil, nil
	}
	o, err := a.options()
	if err != nil {
		return nil, err
	}
	h, err := host.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer h.Close(context.WithoutCancel(ctx))
	info, err := h.Inspect(ctx, args[0])
	if err != nil {
		return nil, err
	}
	if info.Err != nil {
		return nil, info.Err
	}
	for i := range info.Manifest.Operations {
		if op := &info.Manifest.Operations[i]; op.Entity == args[1] && op.Action == args[2] {
			return a.readParams(&host.Operation{Operation: *op}, f.execFlags)
		}
	}
	return nil, nil // the profile words the refusal
}

func (a *app) showProfile(args []string, p *sandbox.Profile, top int) error {
	if !p.Named() {
		a.say("note", "the module has no names of functions; agenthost plugin profile --help says how to keep them")
	}
	if done, err := a.json(p); done || err != nil {
		return err
	}
	if err := a.print("%s: %d counts of fuel in %d functions\n\n", render.Visible(strings.Join(args, " ")), p.Fuel, len(p.Functions)); err != nil {
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
