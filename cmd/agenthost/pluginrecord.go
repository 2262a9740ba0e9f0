package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/conformance"
	"github.com/agenthost/agenthost/internal/fixture"
	"github.com/agenthost/agenthost/internal/modulefile"
	"github.com/agenthost/agenthost/internal/recording"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/wholefile"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// pluginRecordFlags holds the flags of plugin record.
type pluginRecordFlags struct {
	execFlags // only the parameters and yes are in use

	from string
	out  string
	keep []string
}

func (a *app) pluginRecordCommand() *cobra.Command {
	var f pluginRecordFlags
	cmd := &cobra.Command{
		Use:   "record CONNECTION ENTITY ACTION",
		Short: "Record a call as a test, without persons and credentials",
		Long: `Run an operation of a connection, as agenthost exec does, and write its requests and answers
to a file that is a test of the connector: agenthost plugin test FILE --recordings DIR runs
it on every later build. The vendor may be the real one, or a simulated one that server: of
the connection names. --from makes a test of a file of agenthost exec --record.

Values that look like credentials or persons are replaced: by the names of their fields, by
their form, and wherever else they stand, also encoded. A value has one replacement, so ids
in requests still fit the answers. The requests and the result are those that the connector
makes of the replaced values. Files become other bytes.

Names in prose that stand nowhere else are not found. Read the file before you publish it.`,
		Example: `  agenthost plugin record support issues get -p id=iss_1
  agenthost plugin record support issues list -p limit=2 --keep name --output-file recordings/open.json
  agenthost plugin record --from call.json --output-file recordings/call.json
  agenthost plugin test support.wasm --recordings recordings`,
		Args: func(cmd *cobra.Command, given []string) error {
			if f.from != "" {
				return args(0)(cmd, given)
			}
			return args(3, "CONNECTION", "ENTITY", "ACTION")(cmd, given)
		},
		ValidArgsFunction: a.completeOperation,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.open(cmd.Context(), func(h *host.Host) error { return a.pluginRecord(cmd.Context(), h, args, &f) })
		},
	}
	f.paramFlags(a, cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", "a recording of agenthost exec --record, instead of a new call")
	flags.StringVar(&f.out, "output-file", "", "`file` to write (default recordings/ENTITY.ACTION.json)")
	flags.StringArrayVar(&f.keep, "keep", nil, "`field` whose values stay as they are, such as name (repeatable)")
	flags.BoolVar(&f.yes, "yes", false, "run an operation that deletes without asking")
	return cmd
}

func (a *app) pluginRecord(ctx context.Context, h *host.Host, args []string, f *pluginRecordFlags) error {
	tape, err := a.tape(ctx, h, args, f)
	if tape == nil {
		return err
	}
	if err != nil {
		a.say("note", "the call failed, and the recording has that: "+err.Error())
	}
	info, err := h.Connector(ctx, tape.Connector)
	if err != nil {
		return err
	}
	made, err := a.fixture(ctx, info.File, tape, f.keep)
	if err != nil {
		return err
	}
	out := f.out
	if out == "" {
		out = filepath.Join("recordings", tape.Call.Entity+"."+tape.Call.Action+".json")
		if err := os.MkdirAll("recordings", 0o755); err != nil { //nolint:gosec // beside sources, for everybody who builds them
			return err
		}
	}
	if err := writeFixture(ctx, out, made.Recording); err != nil {
		return err
	}
	var counts []string
	for _, kind := range slices.Sorted(maps.Keys(made.Replaced)) {
		counts = append(counts, fmt.Sprintf("%s: %d", kind, made.Replaced[kind]))
	}
	if len(counts) == 0 {
		counts = []string{"nothing"}
	}
	return a.print("%s: %s %s with %d requests; replaced %s\n", out, tape.Call.Entity, tape.Call.Action, len(made.Exchanges), strings.Join(counts, ", "))
}

// tape makes or reads the recording that becomes a test. An error beside it is that of the call.
func (a *app) tape(ctx context.Context, h *host.Host, args []string, f *pluginRecordFlags) (tape *recording.Recording, err error) {
	if f.from != "" {
		data, err := readAtMost(ctx, f.from, recording.MaxSize)
		if err != nil {
			return nil, &usageError{message: fmt.Sprintf("cannot read the recording: %v", err), hint: "make a recording with agenthost exec --record FILE"}
		}
		return recording.Read(bytes.NewReader(data))
	}
	f.taped = func(r *recording.Recording) error {
		tape = r
		return nil
	}
	out := a.stdout
	a.stdout = io.Discard // the result may have persons, and is not what was asked for
	err = a.exec(ctx, h, args, f.execFlags)
	a.stdout = out
	return tape, err
}

// fixture makes a test of a recording on the connector of a file.
func (a *app) fixture(ctx context.Context, file string, tape *recording.Recording, keep []string) (*fixture.Fixture, error) {
	_, o, remove, err := a.openModule(ctx, file)
	if err != nil {
		return nil, err
	}
	defer remove()
	b, err := fixture.Open(ctx, file, modulesOf(o))
	if err != nil {
		return nil, err
	}
	defer b.Close(context.WithoutCancel(ctx))
	return b.Make(ctx, tape, keep)
}

func modulesOf(o conformance.Options) sandbox.Config {
	return sandbox.Config{Cache: o.Cache, CompileWorker: o.CompileWorker, Logger: o.Logger}
}

// writeFixture writes a file that everybody may read, and writes over nothing but another recording.
func writeFixture(ctx context.Context, file string, r *recording.Recording) error {
	if before, err := modulefile.Read(ctx, file); err == nil {
		if _, err := recording.Read(bytes.NewReader(before)); err != nil {
			return &usageError{message: file + " exists, and is not a recording", hint: "choose another name, or remove the file first"}
		}
	} else if _, err := os.Lstat(file); err == nil {
		return &usageError{message: file + " exists, and is not a recording", hint: "choose another name, or remove the file first"}
	}
	var text bytes.Buffer
	if err := r.Write(&text); err != nil {
		return err
	}
	return wholefile.Replace(file, 0o644, text.Bytes())
}

// testRecordings adds the check of a folder of recorded calls to a report.
func (a *app) testRecordings(ctx context.Context, file, folder string, o conformance.Options, r *conformance.Report) error {
	b, err := fixture.Open(ctx, file, modulesOf(o))
	if err != nil {
		return nil // the report says already what is wrong with the module
	}
	defer b.Close(context.WithoutCancel(ctx))
	outcomes, err := b.Test(ctx, folder)
	if err != nil {
		return err
	}
	check := conformance.Check{ID: "recordings.same", Title: "recorded calls send the recorded requests and give the recorded results", Status: conformance.Pass, Cases: len(outcomes)}
	for _, outcome := range outcomes {
		problems := make([]string, len(outcome.Differences))
		for i, d := range outcome.Differences {
			problems[i] = d.String()
		}
		if outcome.Err != nil {
			problems = []string{recordingProblem(outcome.Err)}
		}
		if len(problems) == 0 {
			continue
		}
		check.Status, r.Passed = conformance.Fail, false
		if outcome.Err == nil && !slices.Contains(r.Failing, outcome.Call) {
			r.Failing = append(r.Failing, outcome.Call)
		}
		for _, problem := range problems {
			if len(check.Problems) == mostProblems {
				check.More++
				continue
			}
			check.Problems = append(check.Problems, strings.TrimSpace(outcome.Call+" ("+outcome.File+"): "+problem))
		}
	}
	r.Checks = append(r.Checks, check)
	return nil
}

// mostProblems is how many differences of recorded calls are listed.
const mostProblems = 10

func recordingProblem(err error) string {
	if e, ok := errors.AsType[*abi.Error](err); ok {
		return render.Visible(e.Message)
	}
	return render.Visible(err.Error())
}
