package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// connectorLine is a connector as connectors -o json prints it.
type connectorLine struct {
	Name       string `json:"name"`
	Title      string `json:"title,omitempty"`
	Version    string `json:"version,omitempty"`
	Operations int    `json:"operations"`
	File       string `json:"file"`
	Digest     string `json:"digest,omitempty"`
	// Approval says whether a person let it be used; see plugin inspect.
	Approval grant.Standing `json:"approval,omitempty"`
	// Problem says why the file cannot be used.
	Problem *abi.Error `json:"problem,omitempty"`
}

func (a *app) connectorsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "connectors",
		Short: "List the connectors in the folder",
		Long: `List every connector in the folder, and why a file there cannot be used.

A .wasm file that is put into the folder is a connector; nothing is rebuilt.`,
		Args: args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.open(cmd.Context(), func(h *host.Host) error {
				list, err := h.Connectors(cmd.Context())
				if err != nil {
					return err
				}
				return a.listConnectors(cmd.Context(), h, list)
			})
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

func (a *app) listConnectors(ctx context.Context, h *host.Host, list []host.ConnectorInfo) error {
	lines := make([]connectorLine, len(list))
	for i := range list {
		lines[i] = lineOf(&list[i])
		if lines[i].Problem != nil {
			continue
		}
		r, err := h.Review(ctx, list[i].File)
		if err != nil {
			return err
		}
		lines[i].Approval = r.Standing
	}
	if done, err := a.json(lines); done {
		return err
	}
	if len(lines) == 0 {
		a.say("note", "the folder holds no connector")
		return nil
	}
	rows := make([][]string, len(lines))
	for i, l := range lines {
		operations, state := fmt.Sprint(l.Operations), "ok"
		switch l.Approval {
		case grant.StandingNew:
			state = "not approved"
		case grant.StandingWider:
			state = "reaches further than was approved"
		}
		if l.Problem != nil {
			operations, state = "", l.Problem.Message
		}
		rows[i] = []string{render.Visible(l.Name), render.Visible(l.Version), operations, l.File, shortDigest(l.Digest), render.Visible(state)}
	}
	return render.Rows(a.stdout, a.style(render.Table), []string{"NAME", "VERSION", "OPERATIONS", "FILE", "DIGEST", "STATE"}, rows)
}

func lineOf(info *host.ConnectorInfo) connectorLine {
	l := connectorLine{Name: info.Name, File: info.File, Digest: info.Digest}
	if info.Err != nil {
		if !errors.As(info.Err, &l.Problem) {
			l.Problem = &abi.Error{Kind: abi.KindInternal, Message: info.Err.Error()}
		}
		return l
	}
	l.Title, l.Version, l.Operations = info.Manifest.Title, info.Manifest.Version, len(info.Manifest.Operations)
	return l
}

// shortDigest is enough of a digest to tell files apart by eye.
func shortDigest(digest string) string { return digest[:min(len(digest), 12)] }
