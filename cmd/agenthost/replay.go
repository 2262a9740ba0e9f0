package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/recording"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// executeOnce runs a call. If a flag asks for a recording, it keeps one, even if the call fails at the
// vendor: such a recording is often the useful one.
func (a *app) executeOnce(ctx context.Context, h *host.Host, connection string, call host.Call, f *execFlags) (*host.Result, error) {
	if f.record == "" && f.taped == nil {
		return h.Execute(ctx, connection, call)
	}
	result, tape, err := h.Record(ctx, connection, call)
	if tape == nil {
		return result, err
	}
	if f.taped != nil {
		return result, errors.Join(err, f.taped(tape))
	}
	if writeErr := writeRecording(f.record, tape); writeErr != nil {
		return nil, errors.Join(err, &usageError{message: fmt.Sprintf("cannot write the recording: %v", writeErr), hint: "the call ran; choose a writable file for --record"})
	}
	return result, err
}

// writeRecording writes a file that only its owner can read, because it has the vendor's
// data.
func writeRecording(file string, tape *recording.Recording) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(tape.Write(f), f.Close())
}

func (a *app) replayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "Run a recorded call again, without network or credentials",
		Long: `Run a recorded call again on the same connector, and report every difference in its
requests or its result. The recording answers the requests; agenthost sends nothing and
needs no connection. If the connector was built anew since the recording, a warning says so.

The exit code is 0 if nothing differs, and 1 if something does.`,
		Example: `  agenthost exec support issues get -p id=iss_1 --record get.json
  agenthost replay get.json`,
		Args: args(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.open(cmd.Context(), func(h *host.Host) error { return a.replay(cmd.Context(), h, args[0]) })
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

func (a *app) replay(ctx context.Context, h *host.Host, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return &usageError{message: fmt.Sprintf("cannot read the recording: %v", err), hint: "make a recording with agenthost exec --record FILE"}
	}
	defer f.Close()
	tape, err := recording.Read(f)
	if err != nil {
		return err
	}
	differences, err := h.Replay(ctx, tape)
	if err != nil {
		return err
	}
	is, err := h.Connector(ctx, tape.Connector)
	if err != nil {
		return err
	}
	if tape.Digest != "" && is.Digest != tape.Digest {
		a.say("warning", fmt.Sprintf("the recording is of another build of %s: %.12s, now %.12s", tape.Connector, tape.Digest, is.Digest))
	}
	done, err := a.json(struct {
		Same        bool                   `json:"same"`
		SameModule  bool                   `json:"same_module"`
		Differences []recording.Difference `json:"differences"`
	}{len(differences) == 0, is.Digest == tape.Digest, append([]recording.Difference{}, differences...)})
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%s %s %s", tape.Connector, tape.Call.Entity, tape.Call.Action)
	if len(differences) == 0 {
		if done {
			return nil
		}
		return a.print("same: %s sent the %d recorded requests and returned the recorded result\n", render.Visible(what), len(tape.Exchanges))
	}
	if !done {
		for _, d := range differences {
			if err := a.print("%s\n", render.Visible(d.String())); err != nil {
				return err
			}
		}
	}
	return &host.Error{Kind: abi.KindInternal, Message: fmt.Sprintf("%s differs from the recording in %d places", what, len(differences)), Hint: "record the call again if you expected the change"}
}
