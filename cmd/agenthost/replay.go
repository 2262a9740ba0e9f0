package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/recording"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// executeOnce runs a call and, where a file is named, records it there: also a call that
// fails at the vendor, which is often the one worth keeping.
func (a *app) executeOnce(ctx context.Context, h *host.Host, connection string, call host.Call, file string) (*host.Result, error) {
	if file == "" {
		return h.Execute(ctx, connection, call)
	}
	result, tape, err := h.Record(ctx, connection, call)
	if tape == nil {
		return result, err
	}
	if writeErr := writeRecording(file, tape); writeErr != nil {
		return nil, errors.Join(err, &usageError{message: fmt.Sprintf("the recording cannot be written: %v", writeErr), hint: "name a file that can be written with --record; the call was made"})
	}
	return result, err
}

// writeRecording keeps others out: a recording holds the vendor's data.
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
		Short: "Run a recorded call again, without network and credentials",
		Long: `Run a recorded call again on the same connector, and report every difference in its
requests or its result. Requests are answered from the recording: nothing is sent, and
no connection is needed. The exit code is 0 where nothing differs, and 1 otherwise.`,
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
		return &usageError{message: fmt.Sprintf("the recording cannot be read: %v", err), hint: "agenthost exec --record FILE makes one"}
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
	done, err := a.json(struct {
		Same        bool                   `json:"same"`
		Differences []recording.Difference `json:"differences"`
	}{len(differences) == 0, append([]recording.Difference{}, differences...)})
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%s %s %s", tape.Connector, tape.Call.Entity, tape.Call.Action)
	if len(differences) == 0 {
		if done {
			return nil
		}
		return a.print("same: %s sends the %d recorded requests and answers what was recorded\n", render.Visible(what), len(tape.Exchanges))
	}
	if !done {
		for _, d := range differences {
			if err := a.print("%s\n", render.Visible(d.String())); err != nil {
				return err
			}
		}
	}
	return &host.Error{Kind: abi.KindInternal, Message: fmt.Sprintf("%s does something else than was recorded, in %d places", what, len(differences)), Hint: "record it anew if the change is meant"}
}
